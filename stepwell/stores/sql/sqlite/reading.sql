-- name: turns_after
SELECT seq, at, events, hash FROM journal WHERE run_id = ? AND seq > ? ORDER BY seq LIMIT ?

-- name: snapshot
SELECT seq, tip, body, hash FROM snapshots WHERE run_id = ?

-- name: snapshot_size
SELECT length(body) FROM snapshots WHERE run_id = ?

-- name: written_at
SELECT seq FROM runs WHERE id = ?

-- name: run
SELECT {columns} FROM runs WHERE id = ?

-- name: key
SELECT run_id, fingerprint FROM keys WHERE key = ?

-- name: definition
SELECT hash, namespace, name, version, document, created_at FROM definitions WHERE hash = ?

-- name: definitions
SELECT hash, namespace, name, version, document, created_at FROM definitions
WHERE {conditions} ORDER BY namespace, name, created_at, hash

-- The distinct ids, one jump along the key for each.
-- name: run_ids_after
WITH RECURSIVE ids (id) AS (
    SELECT (SELECT min(run_id) FROM journal WHERE run_id > :after)
    UNION ALL
    SELECT (SELECT min(run_id) FROM journal WHERE run_id > ids.id) FROM ids WHERE ids.id IS NOT NULL
)
SELECT id FROM ids WHERE id IS NOT NULL LIMIT :limit

-- name: list_arm
SELECT {columns} FROM {source} WHERE {conditions} ORDER BY {at} {direction}, {id} {direction} LIMIT :limit

-- name: list_tagged
EXISTS (
    SELECT 1 FROM run_tags AS other
    WHERE other.name = :tag{number} AND other.value = :value{number}
        AND other.created_at = tag.created_at AND other.run_id = tag.run_id
)

-- name: list_each
SELECT * FROM ({arm})

-- name: list_merge
SELECT * FROM ({arms}) ORDER BY {at} {direction}, id {direction} LIMIT :limit

-- name: list_counts
SELECT runs.status, count(*) FROM {source} WHERE {conditions} GROUP BY runs.status

-- Runs that programs of their own drive (steps) are nobody's, and do not count.
-- name: open_runs_by_owner
SELECT owner, count(*) FROM runs WHERE open = 1 AND code IS NOT 'steps' GROUP BY owner ORDER BY owner

-- How many runs have such an attribute; no more than :limit are counted.
-- name: count_attributes
SELECT count(*) FROM (SELECT 1 FROM run_attributes AS lead WHERE {conditions} LIMIT :limit)

-- name: ended
SELECT asked.value FROM json_each(?) AS asked
WHERE NOT EXISTS (SELECT 1 FROM runs WHERE runs.id = asked.value AND runs.open <> 0)
