-- One receipt for each plan that was applied. `state`: removing, until the last of its runs is gone; then done.
CREATE TABLE archives (
    id TEXT PRIMARY KEY NOT NULL,
    made_at INTEGER NOT NULL,
    state TEXT NOT NULL,
    receipt TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Runs that are still to be removed, a family (a run and the runs inside it) at a time; `seq`: as it was planned.
CREATE TABLE archive_items (
    archive_id TEXT NOT NULL,
    root TEXT NOT NULL,
    run_id TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (archive_id, root, run_id)
) STRICT, WITHOUT ROWID;

-- What is left of a run that was removed. Its idempotency key stays claimed.
CREATE TABLE archived_runs (
    run_id TEXT PRIMARY KEY NOT NULL,
    archive_id TEXT NOT NULL,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    status TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    ended_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Whoever read a run before it was removed must not write it on: every turn that reopens a run writes its row.
CREATE TRIGGER runs_archived BEFORE INSERT ON runs WHEN EXISTS (SELECT 1 FROM archived_runs WHERE run_id = new.id) BEGIN
    SELECT RAISE(ABORT, 'run archived');
END;

-- How long runs of a definition are kept: what a person decided, and no fact of the journal.
CREATE TABLE retention (
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    keep_for INTEGER NOT NULL,
    keep_last INTEGER NOT NULL,
    folder TEXT,
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (namespace, name)
) STRICT, WITHOUT ROWID;
