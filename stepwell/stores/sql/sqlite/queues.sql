-- name: put_queued
INSERT INTO queued (
    run_id, queue, standing, priority, partition, due, deadline, unique_key, until_begun, round, code
)
SELECT column1, column2, column3, column4, column5, column6, column7, column8, column9, column10, column11
FROM (VALUES {values}) WHERE column1 IS NOT NULL
ON CONFLICT (run_id) DO UPDATE SET
    standing = excluded.standing,
    due = excluded.due,
    deadline = excluded.deadline,
    unique_key = excluded.unique_key,
    round = excluded.round

-- name: hand_key_over
UPDATE queued SET unique_key = NULL WHERE run_id = ?

-- name: unique_owner
SELECT run_id FROM queued WHERE queue = ? AND unique_key = ? AND run_id <> ?

-- name: put_queue
INSERT INTO queues (name, concurrency, worker_concurrency, partition_concurrency, rate_limit, rate_window, paused)
VALUES (:name, :concurrency, :worker_concurrency, :partition_concurrency, :rate_limit, :rate_window, coalesce(:paused, 0))
ON CONFLICT (name) DO UPDATE SET
    concurrency = excluded.concurrency,
    worker_concurrency = excluded.worker_concurrency,
    partition_concurrency = excluded.partition_concurrency,
    rate_limit = excluded.rate_limit,
    rate_window = excluded.rate_window,
    paused = coalesce(:paused, paused)

-- name: queues
SELECT name, concurrency, worker_concurrency, partition_concurrency, rate_limit, rate_window, paused, served
FROM queues ORDER BY name

-- name: queue_names
SELECT name FROM queues ORDER BY name

-- Whether a claim has anything to do: most wake-ups find that out without a lock.
-- name: anything_to_claim
SELECT EXISTS (SELECT 1 FROM queued WHERE standing = 0)
    OR EXISTS (SELECT 1 FROM queued WHERE standing = 3 AND due <= :now)
    OR EXISTS (SELECT 1 FROM queued WHERE deadline IS NOT NULL AND standing <> 1 AND deadline <= :now)

-- name: promote
UPDATE queued SET standing = 0 WHERE standing = 3 AND due <= :now

-- name: expired
SELECT run_id FROM queued WHERE deadline IS NOT NULL AND standing <> 1 AND deadline <= :now ORDER BY deadline LIMIT 256

-- name: next_due
SELECT min(due) FROM queued WHERE standing = 3

-- name: next_deadline
SELECT min(deadline) FROM queued WHERE deadline IS NOT NULL AND standing <> 1

-- name: waiting_queues
SELECT name, concurrency, worker_concurrency, partition_concurrency, rate_limit, rate_window, paused, served
FROM queues
WHERE paused = 0 AND EXISTS (SELECT 1 FROM queued INDEXED BY queued_waiting WHERE queue = queues.name AND standing = 0)
ORDER BY name

-- name: begun_in_queue
SELECT count(*) FROM queued INDEXED BY queued_begun WHERE queue = :queue AND standing = 1

-- name: begun_in_partition
SELECT count(*) FROM queued INDEXED BY queued_begun WHERE queue = :queue AND partition = :partition AND standing = 1

-- name: begun_by_worker
SELECT count(*) FROM queued INDEXED BY queued_begun CROSS JOIN runs ON runs.id = queued.run_id
WHERE queued.queue = :queue AND queued.standing = 1 AND runs.owner = :engine

-- name: begun_recently
SELECT coalesce(sum(count), 0) FROM queue_begun WHERE queue = :queue AND at > :since

-- name: begun_before
SELECT at, count FROM queue_begun WHERE queue = :queue AND at > :since ORDER BY at

-- name: forget_begun
DELETE FROM queue_begun WHERE queue = :queue AND at <= :since

-- name: note_begun
INSERT INTO queue_begun (queue, at, count) VALUES (:queue, :now, :count)

-- Partitions with something waiting, in turn: one jump along the index for each.
-- name: partitions_after
WITH RECURSIVE found (partition) AS (
    SELECT (
        SELECT min(partition) FROM queued INDEXED BY queued_waiting
        WHERE queue = :queue AND standing = 0 AND partition > :after
    )
    UNION ALL
    SELECT (
        SELECT min(partition) FROM queued INDEXED BY queued_waiting
        WHERE queue = :queue AND standing = 0 AND partition > found.partition
    ) FROM found WHERE found.partition IS NOT NULL
)
SELECT partition FROM found WHERE partition IS NOT NULL LIMIT :limit

-- name: waiting_without_partition
SELECT EXISTS (
    SELECT 1 FROM queued INDEXED BY queued_waiting WHERE queue = :queue AND standing = 0 AND partition = ''
)

-- name: first_waiting
SELECT run_id FROM queued INDEXED BY queued_waiting
WHERE queue = :queue AND standing = 0 AND partition = :partition
    AND (:codes IS NULL OR code IS NULL OR code IN (SELECT value FROM json_each(:codes)))
ORDER BY priority DESC, due, run_id LIMIT :limit

-- name: take_queued
UPDATE queued SET standing = 1, unique_key = CASE WHEN until_begun THEN NULL ELSE unique_key END
WHERE run_id IN (SELECT value FROM json_each(:ids))
RETURNING run_id, round

-- name: take_runs
UPDATE runs SET owner = :engine, open = 1
WHERE id IN (SELECT value FROM json_each(:ids))
RETURNING id, definition_hash

-- name: set_served
UPDATE queues SET served = :partition WHERE name = :queue

-- name: depths
SELECT queue, standing, count(*), min(CASE WHEN standing = 0 THEN due END) FROM queued GROUP BY queue, standing

-- name: entry
SELECT run_id, queue, standing, priority, partition, due, deadline, unique_key, until_begun, round, code
FROM queued WHERE run_id = ?

-- name: entries
SELECT run_id, queue, standing, priority, partition, due, deadline, unique_key, until_begun, round, code
FROM queued ORDER BY run_id

-- name: ahead
SELECT count(*) FROM queued INDEXED BY queued_waiting
WHERE queue = :queue AND standing = 0 AND partition = :partition
    AND (-priority, due, run_id) < (-:priority, :due, :run_id)

-- name: clear_queued
DELETE FROM queued
