-- A run whose workflow is code is taken up only by an engine that has it: :codes are the references that it knows.
-- A run that a program of its own drives (its code is just 'steps') is taken up by nobody.

-- name: owners_of_open_runs
SELECT DISTINCT owner FROM runs
WHERE open = 1 AND owner IS NOT :engine AND (:only IS NULL OR id = :only)

-- name: owner
SELECT owner FROM runs WHERE id = ?

-- name: adopt_from
UPDATE runs SET owner = :engine
WHERE open = 1 AND owner IS :owner AND (:only IS NULL OR id = :only)
    AND (code IS NULL OR code <> 'steps'
        AND namespace || '/' || name || ':' || version IN (SELECT value FROM json_each(:codes)))

-- name: open_runs_of
SELECT id FROM runs
WHERE open = 1 AND owner = :engine AND (:only IS NULL OR id = :only)
ORDER BY priority DESC, created_at, id

-- Notices that this engine has to see: of its own runs, of runs without an owner, of runs that are gone.
-- name: has_notices
SELECT EXISTS (
    SELECT 1 FROM notices LEFT JOIN runs ON runs.id = notices.run_id
    WHERE runs.id IS NULL OR runs.owner = :engine
        OR (runs.owner IS NULL AND (runs.open = 0 OR runs.code IS NULL
            OR runs.code <> 'steps'
            AND runs.namespace || '/' || runs.name || ':' || runs.version IN (SELECT value FROM json_each(:codes))))
)

-- name: adopt_noticed
UPDATE runs SET owner = :engine
WHERE open = 1 AND owner IS NULL AND id IN (SELECT run_id FROM notices)
    AND (code IS NULL OR code <> 'steps'
        AND namespace || '/' || name || ':' || version IN (SELECT value FROM json_each(:codes)))

-- name: take_notices
DELETE FROM notices
WHERE NOT EXISTS (
    SELECT 1 FROM runs WHERE runs.id = notices.run_id AND runs.owner IS NOT :engine
        AND (runs.owner IS NOT NULL OR runs.open = 1)
)
RETURNING run_id, (SELECT owner FROM runs WHERE runs.id = notices.run_id)
