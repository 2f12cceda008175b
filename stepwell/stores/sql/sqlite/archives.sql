-- name: list_archivable
SELECT id, namespace, name, parent_id, seq, ended_at FROM (
    SELECT runs.*, {rank} AS rank FROM runs WHERE {conditions}
) AS runs
WHERE ended_at < :before AND rank > :keep_last
ORDER BY ended_at, id

-- name: list_archivable_rank
row_number() OVER (PARTITION BY runs.namespace, runs.name ORDER BY runs.created_at DESC, runs.id DESC)

-- name: family_links
SELECT id, parent_id FROM runs WHERE parent_id IS NOT NULL

-- name: journal_size
SELECT count(*), coalesce(sum(length(events)), 0) FROM journal WHERE run_id = ?

-- name: put_archive
INSERT INTO archives (id, made_at, state, receipt) VALUES (?, ?, ?, ?)
ON CONFLICT (id) DO NOTHING

-- name: set_archive
UPDATE archives SET state = ?, receipt = ? WHERE id = ?

-- name: archive
SELECT state, receipt FROM archives WHERE id = ?

-- name: archives
SELECT receipt FROM archives ORDER BY made_at DESC, id LIMIT ?

-- name: unfinished_archives
SELECT id FROM archives WHERE state = 'removing' ORDER BY made_at, id

-- name: put_archive_items
INSERT INTO archive_items (archive_id, root, run_id, seq)
SELECT * FROM (VALUES {values}) WHERE column1 IS NOT NULL

-- name: archive_items
SELECT root, run_id, seq FROM archive_items WHERE archive_id = ? AND root IN (
    SELECT DISTINCT root FROM archive_items WHERE archive_id = ? ORDER BY root LIMIT ?
) ORDER BY root, run_id

-- name: clear_family
DELETE FROM archive_items WHERE archive_id = ? AND root = ?

-- As it was planned: still ended, and nothing appended since.
-- name: removable
SELECT EXISTS (SELECT 1 FROM runs WHERE id = :id AND open = 0)
    AND (SELECT max(seq) FROM journal WHERE run_id = :id) = :seq

-- name: bury
INSERT INTO archived_runs (run_id, archive_id, namespace, name, version, status, created_at, ended_at)
SELECT id, ?, namespace, name, version, status, created_at, ended_at FROM runs WHERE id = ?

-- name: drop_journal
DELETE FROM journal WHERE run_id = ?

-- name: drop_snapshot
DELETE FROM snapshots WHERE run_id = ?

-- name: drop_run
DELETE FROM runs WHERE id = ?

-- name: archived_run
SELECT archived_runs.run_id, archive_id, namespace, name, version, status, created_at, ended_at, receipt
FROM archived_runs LEFT JOIN archives ON archives.id = archive_id
WHERE archived_runs.run_id = ?

-- name: unbury
DELETE FROM archived_runs WHERE run_id = ?

-- name: last_hash
SELECT hash FROM journal WHERE run_id = ? ORDER BY seq DESC LIMIT 1

-- name: raw_turns
SELECT seq, at, events, hash FROM journal WHERE run_id = ? ORDER BY seq

-- name: claim_of_run
SELECT keys.key, fingerprint FROM keys JOIN runs ON runs.key = keys.key WHERE runs.id = ? AND keys.run_id = runs.id

-- name: put_retention
INSERT INTO retention (namespace, name, keep_for, keep_last, folder, changed_at) VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (namespace, name) DO UPDATE SET
    keep_for = excluded.keep_for,
    keep_last = excluded.keep_last,
    folder = excluded.folder,
    changed_at = excluded.changed_at

-- name: retentions
SELECT namespace, name, keep_for, keep_last, folder, changed_at FROM retention ORDER BY namespace, name

-- name: drop_retention
DELETE FROM retention WHERE namespace = ? AND name = ?

-- name: archive_items_left
SELECT count(*) FROM archive_items WHERE archive_id = ?

-- name: count_runs
SELECT count(*) FROM runs

-- name: has_turns
SELECT EXISTS (SELECT 1 FROM journal)
