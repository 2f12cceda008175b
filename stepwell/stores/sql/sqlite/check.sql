-- The check of a file compares the index of texts with what this connection remembers of it. A query looks again.
-- name: look_at_grams
SELECT 1 FROM run_grams LIMIT 1

-- name: runs_without_journal
SELECT id FROM runs WHERE NOT EXISTS (SELECT 1 FROM journal WHERE run_id = runs.id) ORDER BY id

-- name: keys_without_journal
SELECT key, run_id FROM keys
WHERE NOT EXISTS (SELECT 1 FROM journal WHERE run_id = keys.run_id)
    AND NOT EXISTS (SELECT 1 FROM archived_runs WHERE run_id = keys.run_id)
ORDER BY key

-- name: run_ids_of_index
SELECT id FROM runs WHERE id > ? ORDER BY id LIMIT ?

-- name: last_turn
SELECT max(seq) FROM journal WHERE run_id = ?

-- name: clear_runs
DELETE FROM runs

-- name: clear_run_tags
DELETE FROM run_tags

-- name: clear_run_attributes
DELETE FROM run_attributes

-- name: clear_run_marks
DELETE FROM run_marks

-- name: clear_run_texts
DELETE FROM run_texts

-- Before the runs: what it has still to forget of them would be looked for where nothing is left.
-- name: clear_run_grams
INSERT INTO run_grams (run_grams) VALUES ('delete-all')

-- Keys of runs that were archived stay claimed.
-- name: clear_keys
DELETE FROM keys WHERE run_id NOT IN (SELECT run_id FROM archived_runs)
