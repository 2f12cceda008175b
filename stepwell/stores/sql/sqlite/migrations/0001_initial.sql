-- The journal: the truth. One row is one turn of one run. The table is in order of commit (rows of many runs that
-- are written together lie together: half the pages of a table in order of run), its key is the lock of the run.
CREATE TABLE journal (
    run_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    at INTEGER NOT NULL,
    events BLOB NOT NULL,
    hash BLOB NOT NULL,
    PRIMARY KEY (run_id, seq)
) STRICT;

-- The newest snapshot of a run, if any: saves reading, says nothing new.
CREATE TABLE snapshots (
    run_id TEXT PRIMARY KEY NOT NULL,
    seq INTEGER NOT NULL,
    tip BLOB NOT NULL,
    body BLOB NOT NULL,
    hash BLOB NOT NULL
) STRICT;

CREATE TABLE definitions (
    hash TEXT PRIMARY KEY NOT NULL,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    document TEXT NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE INDEX definitions_by_name ON definitions (namespace, name, version);

-- The index of the runs, rebuildable from the journal; only owner (a lease) is not. seq: the turn that wrote the row.
CREATE TABLE runs (
    id TEXT PRIMARY KEY NOT NULL,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    definition_hash TEXT NOT NULL,
    status TEXT NOT NULL,
    open INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    ended_at INTEGER,
    priority INTEGER NOT NULL,
    tags TEXT,
    key TEXT,
    parent_id TEXT,
    rerun_of TEXT,
    error TEXT,
    owner TEXT
) STRICT, WITHOUT ROWID;

-- Listings go from the newest to the oldest along one of these, whichever filter is the sharpest.
CREATE INDEX runs_recent ON runs (created_at, id, namespace);
CREATE INDEX runs_by_status ON runs (status, created_at, id);
CREATE INDEX runs_by_name ON runs (name, status, created_at, id);
CREATE INDEX runs_by_parent ON runs (parent_id, created_at, id) WHERE parent_id IS NOT NULL;
-- What an engine carries on, in the order in which it takes it up; as small as the number of open runs.
CREATE INDEX runs_open ON runs (owner, priority DESC, created_at, id) WHERE open = 1;

CREATE TABLE run_tags (
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    run_id TEXT NOT NULL,
    PRIMARY KEY (name, value, created_at, run_id)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER run_tags_insert AFTER INSERT ON runs WHEN new.tags IS NOT NULL BEGIN
    INSERT INTO run_tags (name, value, created_at, run_id)
    SELECT tag.key, tag.value, new.created_at, new.id FROM json_each(new.tags) AS tag;
END;

CREATE TRIGGER run_tags_update AFTER UPDATE OF tags ON runs WHEN new.tags IS NOT old.tags BEGIN
    DELETE FROM run_tags WHERE (name, value, created_at, run_id) IN (
        SELECT tag.key, tag.value, old.created_at, old.id FROM json_each(old.tags) AS tag
    );
    INSERT INTO run_tags (name, value, created_at, run_id)
    SELECT tag.key, tag.value, new.created_at, new.id FROM json_each(new.tags) AS tag;
END;

-- Idempotency keys.
CREATE TABLE keys (
    key TEXT PRIMARY KEY NOT NULL,
    run_id TEXT NOT NULL,
    fingerprint TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Runs that somebody else appended to: their owner has not yet been told.
CREATE TABLE notices (
    run_id TEXT PRIMARY KEY NOT NULL
) STRICT, WITHOUT ROWID;
