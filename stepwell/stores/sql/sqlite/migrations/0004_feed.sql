-- The order of commits, for whoever reads what all runs did: `position` is the row's number under a name of its own, so
-- that VACUUM keeps it. One connection writes at a time: whoever sees a position has seen all before it.
CREATE TABLE journal_with_position (
    position INTEGER PRIMARY KEY,
    run_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    events BLOB NOT NULL,
    hash BLOB NOT NULL,
    UNIQUE (run_id, seq)
) STRICT;

INSERT INTO journal_with_position (position, run_id, seq, at, events, hash)
SELECT rowid, run_id, seq, at, events, hash FROM journal ORDER BY rowid;

DROP TABLE journal;

ALTER TABLE journal_with_position RENAME TO journal;

-- A position is never given twice: where the newest turn is deleted, a mark (of no run) keeps its place.
CREATE TRIGGER journal_keeps_its_end AFTER DELETE ON journal
WHEN old.run_id <> '' AND old.position > (SELECT coalesce(max(position), 0) FROM journal) BEGIN
    DELETE FROM journal WHERE run_id = '';
    INSERT INTO journal (position, run_id, seq, at, events, hash) VALUES (old.position, '', 0, old.at, x'', x'');
END;

-- How far each subscription has come. Settings of the users, like their names: no journal tells them.
CREATE TABLE subscriptions (
    name TEXT PRIMARY KEY NOT NULL,
    position INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    failures INTEGER NOT NULL DEFAULT 0,
    error TEXT
) STRICT, WITHOUT ROWID;
