-- name: drop_work
DELETE FROM work WHERE (run_id, step) IN (VALUES {values})

-- name: put_work
INSERT INTO work (run_id, step, task, kind, state, title, workflow, priority, since, due, section, who)
SELECT * FROM (VALUES {values}) WHERE column1 IS NOT NULL

-- name: clear_work
DELETE FROM work

-- name: work
SELECT run_id, step, task, kind, state, title, workflow, priority, since, due, section, who
FROM work
WHERE {conditions}
ORDER BY -priority, coalesce(due, 9223372036854775807), since, run_id, step
LIMIT :limit

-- name: count_work
SELECT count(*) FROM work WHERE {conditions}

-- name: work_of_run
SELECT run_id, step, task, kind, state, title, workflow, priority, since, due, section, who
FROM work
WHERE run_id = ?
ORDER BY step
