-- Search attributes of a run as JSON; like the tags, they are found by a table that follows the column.
ALTER TABLE runs ADD COLUMN attributes TEXT;

CREATE TABLE run_attributes (
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    value ANY NOT NULL,
    created_at INTEGER NOT NULL,
    run_id TEXT NOT NULL,
    PRIMARY KEY (name, kind, value, created_at, run_id)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER run_attributes_insert AFTER INSERT ON runs WHEN new.attributes IS NOT NULL BEGIN
    INSERT INTO run_attributes (name, kind, value, created_at, run_id)
    SELECT
        each.key,
        CASE each.type
            WHEN 'text' THEN 'text' WHEN 'object' THEN 'datetime'
            WHEN 'true' THEN 'boolean' WHEN 'false' THEN 'boolean' ELSE 'number'
        END,
        CASE each.type WHEN 'object' THEN each.value ->> '$.datetime' ELSE each.value END,
        new.created_at,
        new.id
    FROM json_each(new.attributes) AS each;
END;

CREATE TRIGGER run_attributes_update AFTER UPDATE OF attributes ON runs WHEN new.attributes IS NOT old.attributes BEGIN
    DELETE FROM run_attributes WHERE (name, kind, value, created_at, run_id) IN (
        SELECT
            each.key,
            CASE each.type
                WHEN 'text' THEN 'text' WHEN 'object' THEN 'datetime'
                WHEN 'true' THEN 'boolean' WHEN 'false' THEN 'boolean' ELSE 'number'
            END,
            CASE each.type WHEN 'object' THEN each.value ->> '$.datetime' ELSE each.value END,
            old.created_at,
            old.id
        FROM json_each(old.attributes) AS each
    );
    INSERT INTO run_attributes (name, kind, value, created_at, run_id)
    SELECT
        each.key,
        CASE each.type
            WHEN 'text' THEN 'text' WHEN 'object' THEN 'datetime'
            WHEN 'true' THEN 'boolean' WHEN 'false' THEN 'boolean' ELSE 'number'
        END,
        CASE each.type WHEN 'object' THEN each.value ->> '$.datetime' ELSE each.value END,
        new.created_at,
        new.id
    FROM json_each(new.attributes) AS each;
END;

-- A run that is archived leaves no row behind.
CREATE TRIGGER runs_delete AFTER DELETE ON runs BEGIN
    DELETE FROM run_tags WHERE (name, value, created_at, run_id) IN (
        SELECT tag.key, tag.value, old.created_at, old.id FROM json_each(old.tags) AS tag
    );
    DELETE FROM run_attributes WHERE (name, kind, value, created_at, run_id) IN (
        SELECT
            each.key,
            CASE each.type
                WHEN 'text' THEN 'text' WHEN 'object' THEN 'datetime'
                WHEN 'true' THEN 'boolean' WHEN 'false' THEN 'boolean' ELSE 'number'
            END,
            CASE each.type WHEN 'object' THEN each.value ->> '$.datetime' ELSE each.value END,
            old.created_at,
            old.id
        FROM json_each(old.attributes) AS each
    );
END;
