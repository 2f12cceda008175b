-- A run that continues as another one hands its key on: a slot is over when the last run of that chain is. `run_id` is
-- where the chain stands, also after an earlier run of it came back from an archive. A run that waits in a queue is open.
DROP TRIGGER schedule_firings_insert;

CREATE TRIGGER schedule_firings_insert AFTER INSERT ON runs WHEN new.key GLOB 'schedule:?*:?*' BEGIN
    INSERT INTO schedule_firings (schedule, mark, outcome, reason, at, run_id, open, slots, note)
    VALUES (
        substr(new.key, 10, instr(substr(new.key, 10), ':') - 1),
        substr(new.key, 10 + instr(substr(new.key, 10), ':')),
        'started', coalesce(json_extract(new.tags, '$.fired_by'), 'slot'), new.created_at, new.id, new.open > 0, 1, NULL
    )
    ON CONFLICT (schedule, mark) DO UPDATE SET
        outcome = excluded.outcome, reason = excluded.reason,
        at = CASE WHEN schedule_firings.run_id IS NULL THEN excluded.at ELSE schedule_firings.at END,
        run_id = CASE WHEN schedule_firings.open > excluded.open THEN schedule_firings.run_id ELSE excluded.run_id END,
        open = max(schedule_firings.open, excluded.open), slots = 1, note = NULL;
END;

DROP TRIGGER schedule_firings_update;

CREATE TRIGGER schedule_firings_update AFTER UPDATE OF open ON runs
WHEN new.open IS NOT old.open AND new.key GLOB 'schedule:?*:?*' BEGIN
    UPDATE schedule_firings SET open = new.open > 0
    WHERE schedule = substr(new.key, 10, instr(substr(new.key, 10), ':') - 1)
        AND mark = substr(new.key, 10 + instr(substr(new.key, 10), ':'))
        AND run_id = new.id;
END;

UPDATE schedule_firings SET open = 1 WHERE open > 1;
