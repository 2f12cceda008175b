-- What starts runs by time. A schedule is a setting that a user made: the one thing here that no journal holds.
-- revision: counts the user's edits; version: every write. next_at: when to look at it next. awaits: what comes next
-- depends on the end of a run.
CREATE TABLE schedules (
    name TEXT PRIMARY KEY NOT NULL,
    revision INTEGER NOT NULL,
    version INTEGER NOT NULL,
    orders TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    cursor INTEGER NOT NULL,
    paused INTEGER NOT NULL,
    pause_reason TEXT,
    waiting INTEGER,
    next_at INTEGER,
    last_error TEXT,
    awaits INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX schedules_due ON schedules (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX schedules_awaiting ON schedules (name) WHERE awaits = 1;

-- What users changed, the last edits of each schedule.
CREATE TABLE schedule_edits (
    name TEXT NOT NULL,
    revision INTEGER NOT NULL,
    at INTEGER NOT NULL,
    change TEXT NOT NULL,
    orders TEXT NOT NULL,
    PRIMARY KEY (name, revision)
) STRICT, WITHOUT ROWID;

-- What became of slots. Rows of runs are an index over their keys, written with the run's own row by the triggers below;
-- the others (skipped, missed, failed, waiting) say why there is no run.
CREATE TABLE schedule_firings (
    schedule TEXT NOT NULL,
    mark TEXT NOT NULL,
    outcome TEXT NOT NULL,
    reason TEXT NOT NULL,
    at INTEGER NOT NULL,
    run_id TEXT,
    open INTEGER NOT NULL,
    slots INTEGER NOT NULL,
    note TEXT,
    PRIMARY KEY (schedule, mark)
) STRICT, WITHOUT ROWID;

CREATE INDEX schedule_firings_recent ON schedule_firings (schedule, at, mark);
CREATE INDEX schedule_firings_open ON schedule_firings (schedule) WHERE open = 1;

-- A key is schedule:NAME:MARK; a name has no colon.
CREATE TRIGGER schedule_firings_insert AFTER INSERT ON runs WHEN new.key GLOB 'schedule:?*:?*' BEGIN
    INSERT INTO schedule_firings (schedule, mark, outcome, reason, at, run_id, open, slots, note)
    VALUES (
        substr(new.key, 10, instr(substr(new.key, 10), ':') - 1),
        substr(new.key, 10 + instr(substr(new.key, 10), ':')),
        'started', coalesce(json_extract(new.tags, '$.fired_by'), 'slot'), new.created_at, new.id, new.open, 1, NULL
    )
    ON CONFLICT (schedule, mark) DO UPDATE SET
        outcome = excluded.outcome, reason = excluded.reason, at = excluded.at, run_id = excluded.run_id,
        open = excluded.open, slots = 1, note = NULL;
END;

CREATE TRIGGER schedule_firings_update AFTER UPDATE OF open ON runs
WHEN new.open IS NOT old.open AND new.key GLOB 'schedule:?*:?*' BEGIN
    UPDATE schedule_firings SET open = new.open
    WHERE schedule = substr(new.key, 10, instr(substr(new.key, 10), ':') - 1)
        AND mark = substr(new.key, 10 + instr(substr(new.key, 10), ':'))
        AND run_id = new.id;
END;

CREATE TRIGGER schedule_firings_delete AFTER DELETE ON runs WHEN old.key GLOB 'schedule:?*:?*' BEGIN
    DELETE FROM schedule_firings
    WHERE schedule = substr(old.key, 10, instr(substr(old.key, 10), ':') - 1)
        AND mark = substr(old.key, 10 + instr(substr(old.key, 10), ':'))
        AND run_id = old.id;
END;
