-- For whom an approval is past (`x:NAME` among its names): those who have decided, have handed it on, or may not decide.
-- Of approvals that were asked for before that was written it is made of the journal: of what came since they were.
CREATE TEMP TABLE approval_events AS
SELECT
    work.run_id AS run_id, work.step AS step, journal.seq AS seq, event.value ->> '$.type' AS happened,
    event.value -> '$.excluded' AS excluded,
    coalesce(
        (SELECT signed.value ->> '$.by' FROM json_each(CAST(journal.events AS TEXT)) AS signed
         WHERE signed.value ->> '$.type' = 'turn.signed' LIMIT 1),
        'somebody'
    ) AS signed_by
FROM work, journal, json_each(
    CASE WHEN json_valid(CAST(journal.events AS TEXT), 2) THEN CAST(journal.events AS TEXT) ELSE '[]' END
) AS event
WHERE work.kind = 'call:approval' AND journal.run_id = work.run_id AND event.value ->> '$.step' = work.step
    AND event.value ->> '$.type' IN ('approval.requested', 'approval.decided', 'approval.delegated');

DELETE FROM temp.approval_events AS old WHERE seq < (
    SELECT max(newest.seq) FROM temp.approval_events AS newest
    WHERE newest.run_id = old.run_id AND newest.step = old.step AND newest.happened = 'approval.requested'
);

CREATE TEMP TABLE approval_names AS
SELECT run_id, step, 'x:' || signed_by AS name FROM temp.approval_events WHERE happened <> 'approval.requested'
UNION
SELECT run_id, step, 'x:' || person.value
FROM temp.approval_events, json_each(coalesce(excluded, '[]')) AS person WHERE happened = 'approval.requested';

UPDATE work SET who = (
    SELECT json_group_array(name) FROM (
        SELECT value AS name FROM json_each(CASE WHEN work.who = '[]' THEN '[""]' ELSE work.who END)
        WHERE value NOT GLOB 'x:*'
        UNION ALL
        SELECT name FROM (
            SELECT name FROM temp.approval_names AS past
            WHERE past.run_id = work.run_id AND past.step = work.step ORDER BY name
        )
    )
)
WHERE (run_id, step) IN (SELECT run_id, step FROM temp.approval_names);

INSERT OR IGNORE INTO work_names
SELECT each.value, work.run_id, work.step FROM work, json_each(work.who) AS each WHERE each.value GLOB 'x:*';

DROP TABLE temp.approval_events;
DROP TABLE temp.approval_names;
