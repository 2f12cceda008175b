-- The queues and their limits: what users set up. NULL: no limit. served: the partition that was served last.
CREATE TABLE queues (
    name TEXT PRIMARY KEY NOT NULL,
    concurrency INTEGER,
    worker_concurrency INTEGER,
    partition_concurrency INTEGER,
    rate_limit INTEGER,
    rate_window INTEGER,
    paused INTEGER NOT NULL DEFAULT 0,
    served TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;

INSERT INTO queues (name) VALUES ('default');

-- The open runs that came through a queue, rebuildable from the journal. standing: 0 waiting, 1 begun (it counts against
-- the limits), 2 held by a pause, 3 delayed. The row goes when the run ends: nothing here grows with history.
-- A run that waits, is held or delayed has open = 2 in `runs`: nobody carries it on.
CREATE TABLE queued (
    run_id TEXT PRIMARY KEY NOT NULL,
    queue TEXT NOT NULL,
    standing INTEGER NOT NULL,
    priority INTEGER NOT NULL,
    partition TEXT NOT NULL,
    due INTEGER NOT NULL,
    deadline INTEGER,
    unique_key TEXT,
    until_begun INTEGER NOT NULL,
    round INTEGER NOT NULL,
    code TEXT
) STRICT, WITHOUT ROWID;

CREATE INDEX queued_waiting ON queued (queue, partition, priority DESC, due, run_id) WHERE standing = 0;
CREATE INDEX queued_begun ON queued (queue, partition) WHERE standing = 1;
CREATE INDEX queued_delayed ON queued (due) WHERE standing = 3;
CREATE INDEX queued_deadlines ON queued (deadline) WHERE deadline IS NOT NULL AND standing <> 1;
CREATE UNIQUE INDEX queued_unique ON queued (queue, unique_key) WHERE unique_key IS NOT NULL;

CREATE TRIGGER queued_ends AFTER UPDATE OF open ON runs WHEN new.open = 0 AND old.open <> 0 BEGIN
    DELETE FROM queued WHERE run_id = new.id;
END;

-- A claim is undone: the run was paused or put off before it began.
CREATE TRIGGER queued_again AFTER UPDATE OF standing ON queued WHEN new.standing <> 1 AND old.standing = 1 BEGIN
    UPDATE runs SET open = 2 WHERE id = new.run_id;
END;

-- When runs of queues with a rate began, as long as it counts.
CREATE TABLE queue_begun (
    queue TEXT NOT NULL,
    at INTEGER NOT NULL,
    count INTEGER NOT NULL
) STRICT;

CREATE INDEX queue_begun_recently ON queue_begun (queue, at);
