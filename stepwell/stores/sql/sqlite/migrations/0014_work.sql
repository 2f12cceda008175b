-- What waits for people: an index of the journal. `who` is a JSON list of `p:NAME` and `g:GROUP`; empty: anybody.
CREATE TABLE work (
    run_id TEXT NOT NULL,
    step TEXT NOT NULL,
    task TEXT NOT NULL,
    kind TEXT NOT NULL,
    state TEXT NOT NULL,
    title TEXT NOT NULL,
    workflow TEXT NOT NULL,
    priority INTEGER NOT NULL,
    since INTEGER NOT NULL,
    due INTEGER,
    section TEXT NOT NULL,
    who TEXT NOT NULL,
    PRIMARY KEY (run_id, step)
) STRICT, WITHOUT ROWID;

CREATE INDEX work_in_order ON work (-priority, coalesce(due, 9223372036854775807), since, run_id, step);

CREATE TABLE work_names (
    who TEXT NOT NULL,
    run_id TEXT NOT NULL,
    step TEXT NOT NULL,
    PRIMARY KEY (who, run_id, step)
) STRICT, WITHOUT ROWID;

CREATE INDEX work_names_by_step ON work_names (run_id, step);

CREATE TRIGGER work_named AFTER INSERT ON work BEGIN
    INSERT INTO work_names SELECT value, NEW.run_id, NEW.step FROM json_each(NEW.who);
    INSERT INTO work_names SELECT '', NEW.run_id, NEW.step WHERE NEW.who = '[]';
END;

CREATE TRIGGER work_done AFTER DELETE ON work BEGIN
    DELETE FROM work_names WHERE run_id = OLD.run_id AND step = OLD.step;
END;
