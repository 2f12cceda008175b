-- What runs are searched by. text: title, description, labels and name without regard to case; NULL: the name alone.
ALTER TABLE runs ADD COLUMN title TEXT;
ALTER TABLE runs ADD COLUMN labels TEXT;
ALTER TABLE runs ADD COLUMN properties TEXT;
ALTER TABLE runs ADD COLUMN author TEXT;
ALTER TABLE runs ADD COLUMN archived INTEGER NOT NULL DEFAULT 0;
ALTER TABLE runs ADD COLUMN started_at INTEGER;
ALTER TABLE runs ADD COLUMN queue TEXT;
ALTER TABLE runs ADD COLUMN text TEXT;

UPDATE runs SET
    started_at = (
        SELECT at FROM journal
        WHERE run_id = runs.id AND instr(CAST(events AS TEXT), '"type":"run.started"') ORDER BY seq LIMIT 1
    ),
    queue = (
        SELECT CASE WHEN json_valid(CAST(events AS TEXT)) THEN CAST(events AS TEXT) ->> '$[0].queue' END
        FROM journal WHERE run_id = runs.id AND seq = 1
    );

-- kind: label, property, author or archived. Like the tags, found by a table that follows the columns.
CREATE TABLE run_marks (
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    run_id TEXT NOT NULL,
    PRIMARY KEY (kind, name, value, created_at, run_id)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER run_marks_insert AFTER INSERT ON runs
WHEN new.labels IS NOT NULL OR new.properties IS NOT NULL OR new.author IS NOT NULL OR new.archived BEGIN
    INSERT INTO run_marks (kind, name, value, created_at, run_id)
    SELECT 'label', each.value, '', new.created_at, new.id FROM json_each(new.labels) AS each
    UNION ALL SELECT 'property', each.key, each.value, new.created_at, new.id FROM json_each(new.properties) AS each
    UNION ALL SELECT 'author', new.author, '', new.created_at, new.id WHERE new.author IS NOT NULL
    UNION ALL SELECT 'archived', '', '', new.created_at, new.id WHERE new.archived;
END;

CREATE TRIGGER run_marks_update AFTER UPDATE OF labels, properties, author, archived ON runs
WHEN new.labels IS NOT old.labels OR new.properties IS NOT old.properties OR new.author IS NOT old.author
    OR new.archived IS NOT old.archived
BEGIN
    DELETE FROM run_marks WHERE (kind, name, value, created_at, run_id) IN (
        SELECT 'label', each.value, '', old.created_at, old.id FROM json_each(old.labels) AS each
        UNION ALL SELECT 'property', each.key, each.value, old.created_at, old.id FROM json_each(old.properties) AS each
        UNION ALL SELECT 'author', old.author, '', old.created_at, old.id WHERE old.author IS NOT NULL
        UNION ALL SELECT 'archived', '', '', old.created_at, old.id WHERE old.archived
    );
    INSERT INTO run_marks (kind, name, value, created_at, run_id)
    SELECT 'label', each.value, '', new.created_at, new.id FROM json_each(new.labels) AS each
    UNION ALL SELECT 'property', each.key, each.value, new.created_at, new.id FROM json_each(new.properties) AS each
    UNION ALL SELECT 'author', new.author, '', new.created_at, new.id WHERE new.author IS NOT NULL
    UNION ALL SELECT 'archived', '', '', new.created_at, new.id WHERE new.archived;
END;

-- Every three characters of a text lead to the runs that have them.
CREATE TABLE run_texts (
    id INTEGER PRIMARY KEY,
    run_id TEXT NOT NULL UNIQUE
) STRICT;

CREATE VIRTUAL TABLE run_grams USING fts5 (text, content = '', contentless_delete = 1, tokenize = 'trigram');

CREATE TRIGGER run_texts_insert AFTER INSERT ON runs WHEN new.text IS NOT NULL BEGIN
    INSERT INTO run_texts (run_id) VALUES (new.id);
    INSERT INTO run_grams (rowid, text) SELECT id, new.text FROM run_texts WHERE run_id = new.id;
END;

CREATE TRIGGER run_texts_update AFTER UPDATE OF text ON runs WHEN new.text IS NOT old.text BEGIN
    DELETE FROM run_grams WHERE rowid = (SELECT id FROM run_texts WHERE run_id = old.id);
    DELETE FROM run_texts WHERE run_id = old.id;
    INSERT INTO run_texts (run_id) SELECT new.id WHERE new.text IS NOT NULL;
    INSERT INTO run_grams (rowid, text) SELECT id, new.text FROM run_texts WHERE run_id = new.id;
END;

CREATE TRIGGER run_marks_delete AFTER DELETE ON runs
WHEN old.labels IS NOT NULL OR old.properties IS NOT NULL OR old.author IS NOT NULL OR old.archived BEGIN
    DELETE FROM run_marks WHERE (kind, name, value, created_at, run_id) IN (
        SELECT 'label', each.value, '', old.created_at, old.id FROM json_each(old.labels) AS each
        UNION ALL SELECT 'property', each.key, each.value, old.created_at, old.id FROM json_each(old.properties) AS each
        UNION ALL SELECT 'author', old.author, '', old.created_at, old.id WHERE old.author IS NOT NULL
        UNION ALL SELECT 'archived', '', '', old.created_at, old.id WHERE old.archived
    );
END;

CREATE TRIGGER run_texts_delete AFTER DELETE ON runs WHEN old.text IS NOT NULL BEGIN
    DELETE FROM run_grams WHERE rowid = (SELECT id FROM run_texts WHERE run_id = old.id);
    DELETE FROM run_texts WHERE run_id = old.id;
END;
