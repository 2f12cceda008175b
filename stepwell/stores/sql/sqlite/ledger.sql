-- name: put_follow_ups
INSERT INTO follow_ups (run_id, source, seq)
SELECT * FROM (VALUES {values}) WHERE column1 IS NOT NULL
ON CONFLICT (run_id) DO NOTHING

-- name: follow_ups
SELECT run_id, source, seq FROM follow_ups ORDER BY number

-- name: follow_ups_of
SELECT run_id, source, seq FROM follow_ups WHERE source = ? ORDER BY number

-- name: follow_up_started
DELETE FROM follow_ups WHERE run_id = ?

-- name: kept
SELECT step, key, output, source, expires FROM kept WHERE step = :step AND key = :key AND expires > :now

-- name: keep
INSERT INTO kept (step, key, output, source, expires) VALUES (:step, :key, :output, :source, :expires)
ON CONFLICT (step, key) DO UPDATE SET output = excluded.output, source = excluded.source, expires = excluded.expires

-- name: drop_expired
DELETE FROM kept WHERE (step, key) IN (SELECT step, key FROM kept WHERE expires <= :now ORDER BY expires LIMIT 100)

-- name: forget_kept
DELETE FROM kept WHERE key = :key AND (:step IS NULL OR step = :step)

-- name: drop_slots
DELETE FROM rate_slots WHERE name = :name AND at <= :past

-- name: slot_before
SELECT at FROM rate_slots WHERE name = :name ORDER BY at DESC, number DESC LIMIT 1 OFFSET :skip

-- name: last_slot
SELECT at, number FROM rate_slots WHERE name = :name ORDER BY at DESC, number DESC LIMIT 1

-- name: put_slot
INSERT INTO rate_slots (name, at, number) VALUES (:name, :at, :number)
