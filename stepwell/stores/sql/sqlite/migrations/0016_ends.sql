-- When time ends a run that a program of its own drives: its timeout, or, while it is being cancelled, the end of the
-- first claim. NULL: time does not. As small as the number of such runs.
ALTER TABLE runs ADD COLUMN ends_at INTEGER;
CREATE INDEX runs_by_end ON runs (ends_at, id) WHERE ends_at IS NOT NULL;

UPDATE runs SET ends_at = CASE WHEN status = 'cancelling' THEN lease_until ELSE (
    SELECT event.value ->> '$.deadline'
    FROM journal, json_each(
        CASE WHEN json_valid(CAST(events AS TEXT), 2) THEN CAST(events AS TEXT) ELSE '[]' END
    ) AS event
    WHERE journal.run_id = runs.id AND event.value ->> '$.type' IN ('run.started', 'run.retried')
    ORDER BY journal.seq DESC, event.key DESC LIMIT 1
) END
WHERE open = 1 AND code = 'steps';
