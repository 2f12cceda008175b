-- name: schedule
SELECT name, revision, version, orders, created_at, updated_at, cursor, paused, pause_reason, waiting, next_at,
    last_error FROM schedules WHERE name = ?

-- name: schedules
SELECT name, revision, version, orders, created_at, updated_at, cursor, paused, pause_reason, waiting, next_at,
    last_error FROM schedules ORDER BY name

-- name: schedules_due
SELECT name, revision, version, orders, created_at, updated_at, cursor, paused, pause_reason, waiting, next_at,
    last_error FROM schedules WHERE next_at <= :now
UNION
SELECT name, revision, version, orders, created_at, updated_at, cursor, paused, pause_reason, waiting, next_at,
    last_error FROM schedules WHERE awaits = 1
ORDER BY 11, 1

-- name: schedules_next
SELECT min(next_at) FROM schedules WHERE next_at > ?

-- name: schedule_version
SELECT revision, version FROM schedules WHERE name = ?

-- name: schedule_last_revision
SELECT coalesce(max(revision), 0) FROM schedule_edits WHERE name = ?

-- name: put_schedule
INSERT INTO schedules (
    name, revision, version, orders, created_at, updated_at, cursor, paused, pause_reason, waiting, next_at,
    last_error, awaits
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (name) DO UPDATE SET
    revision = excluded.revision, version = excluded.version, orders = excluded.orders,
    updated_at = excluded.updated_at, cursor = excluded.cursor, paused = excluded.paused,
    pause_reason = excluded.pause_reason, waiting = excluded.waiting, next_at = excluded.next_at,
    last_error = excluded.last_error, awaits = excluded.awaits

-- name: delete_schedule
DELETE FROM schedules WHERE name = ?

-- name: put_edit
INSERT INTO schedule_edits (name, revision, at, change, orders) VALUES (?, ?, ?, ?, ?)

-- name: prune_edits
DELETE FROM schedule_edits WHERE name = :name AND revision <= :revision - :kept

-- name: edits
SELECT revision, at, change, orders FROM schedule_edits WHERE name = ? ORDER BY revision DESC

-- name: put_firing
INSERT INTO schedule_firings (schedule, mark, outcome, reason, at, run_id, open, slots, note)
VALUES (?, ?, ?, ?, ?, NULL, 0, ?, ?)
ON CONFLICT (schedule, mark) DO UPDATE SET
    outcome = excluded.outcome, reason = excluded.reason, at = excluded.at, slots = excluded.slots,
    note = excluded.note
WHERE run_id IS NULL

-- name: prune_firings
DELETE FROM schedule_firings WHERE schedule = :schedule AND run_id IS NULL AND outcome <> 'waiting' AND at < (
    SELECT at FROM schedule_firings WHERE schedule = :schedule AND run_id IS NULL
    ORDER BY at DESC LIMIT 1 OFFSET :kept
)

-- name: standing
SELECT mark, run_id, open FROM schedule_firings WHERE schedule = :schedule AND open = 1
UNION
SELECT mark, run_id, open FROM schedule_firings WHERE schedule = :schedule AND mark = :mark AND run_id IS NOT NULL

-- name: started_between
SELECT count(*) FROM schedule_firings WHERE schedule = ? AND mark > ? AND mark <= ? AND run_id IS NOT NULL

-- name: last_fired
SELECT run_id FROM schedule_firings WHERE schedule = ? AND run_id IS NOT NULL ORDER BY at DESC, mark DESC LIMIT 1

-- name: firings
SELECT f.schedule, f.mark, f.outcome, f.reason, f.at, f.run_id, f.open, f.slots, f.note, runs.status
FROM schedule_firings AS f LEFT JOIN runs ON runs.id = f.run_id
WHERE f.schedule = :schedule AND (f.at, f.mark) < (:at, :mark) ORDER BY f.at DESC, f.mark DESC LIMIT :limit
