-- Runs that are to be started because of what happened in a turn of another one: an index of the journal. A row goes once
-- its run is on record.
CREATE TABLE follow_ups (
    number INTEGER PRIMARY KEY,
    run_id TEXT NOT NULL UNIQUE,
    source TEXT NOT NULL,
    seq INTEGER NOT NULL
) STRICT;

CREATE INDEX follow_ups_by_source ON follow_ups (source);

-- Results of steps that are kept for a while. A lease: nothing is lost where a row is.
CREATE TABLE kept (
    step TEXT NOT NULL,
    key TEXT NOT NULL,
    output TEXT NOT NULL,
    source TEXT NOT NULL,
    expires INTEGER NOT NULL,
    PRIMARY KEY (step, key)
) STRICT, WITHOUT ROWID;

CREATE INDEX kept_by_key ON kept (key);
CREATE INDEX kept_by_end ON kept (expires);

-- When steps with a rate were, or will be, performed: as far back as a window reaches.
CREATE TABLE rate_slots (
    name TEXT NOT NULL,
    at INTEGER NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (name, at, number)
) STRICT, WITHOUT ROWID;
