-- name: feed_after
SELECT position, run_id, seq, at, events FROM journal WHERE position > ? ORDER BY position LIMIT ?

-- name: feed_position
SELECT coalesce(max(position), 0) FROM journal

-- name: cursor
SELECT name, position, created_at, updated_at, failures, error FROM subscriptions WHERE name = ?

-- name: cursors
SELECT name, position, created_at, updated_at, failures, error FROM subscriptions ORDER BY name

-- name: create_cursor
INSERT INTO subscriptions (name, position, created_at, updated_at) VALUES (:name, :position, :at, :at)
ON CONFLICT (name) DO NOTHING

-- name: advance_cursor
UPDATE subscriptions SET position = :position, updated_at = :at, failures = 0, error = NULL
WHERE name = :name AND position <= :position

-- name: note_failure
UPDATE subscriptions SET updated_at = :at, failures = :failures, error = :error WHERE name = :name

-- name: delete_cursor
DELETE FROM subscriptions WHERE name = ?
