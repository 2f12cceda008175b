-- What is sorted is narrow; the rows are read for the page alone.
-- name: search_runs
SELECT {columns}
FROM (
    SELECT {id} AS id, {key} AS key FROM {source} WHERE {conditions}
    ORDER BY {key} {direction}, {id} {direction} LIMIT :limit
) AS page
CROSS JOIN runs ON runs.id = page.id
ORDER BY page.key {direction}, page.id {direction}

-- How many rows a lead has; no more than :limit are counted.
-- name: search_count
SELECT count(*) FROM (SELECT 1 FROM {source} WHERE {conditions} LIMIT :limit)

-- The distinct names of runs, one jump along the index for each.
-- name: search_names
WITH RECURSIVE names (name) AS (
    SELECT (SELECT min(name) FROM runs)
    UNION ALL
    SELECT (SELECT min(name) FROM runs WHERE name > names.name) FROM names WHERE names.name IS NOT NULL
)
SELECT name FROM names WHERE name IS NOT NULL LIMIT :limit

-- What stored definitions say of themselves, and their procedures of them.
-- name: search_definitions
WITH documents AS (
    SELECT definitions.hash, definitions.namespace, definitions.name, definitions.version, definitions.created_at,
        CASE WHEN json_valid(definitions.document) THEN definitions.document ELSE '{{}}' END AS document,
        '$.document.metadata.procedure.' AS about,
        nullif(procedures.title, '') AS title, nullif(procedures.description, '') AS description,
        procedures.labels AS labels, procedures.properties AS properties, procedures.created_by AS author,
        coalesce(procedures.archived, 0) AS archived
    FROM definitions LEFT JOIN procedures USING (namespace, name)
    WHERE definitions.withdrawn = 0
),
cards AS (
    SELECT hash, namespace, name, version, created_at,
        coalesce(title, document ->> '$.document.title') AS title,
        coalesce(document ->> '$.document.summary', description) AS summary,
        CASE json_type(document, '$.document.tags') WHEN 'object' THEN document -> '$.document.tags' END AS tags,
        (
            SELECT json_group_array(value) FROM (
                SELECT value FROM json_each(document, about || 'labels') WHERE type = 'text'
                UNION SELECT value FROM json_each(labels)
            )
        ) AS labels,
        json_patch(
            coalesce(
                CASE json_type(document, about || 'properties') WHEN 'object' THEN document -> (about || 'properties') END,
                '{{}}'
            ),
            coalesce(properties, '{{}}')
        ) AS properties,
        coalesce(
            author, CASE json_type(document, about || 'author') WHEN 'text' THEN document ->> (about || 'author') END
        ) AS author,
        archived OR coalesce(json_type(document, about || 'archived') = 'true', 0) AS archived,
        concat_ws(
            char(31), document ->> '$.document.title', title, document ->> '$.document.summary', description, name
        ) AS said
    FROM documents
)
SELECT {columns}, {key} FROM cards WHERE {conditions} ORDER BY {key} {direction}, hash {direction} LIMIT :limit

-- Parts of such statements. No comment may stand among them: it would be part of one.
-- name: search_lead
SELECT lead.{id} AS run_id FROM {source} WHERE {conditions}

-- name: search_led
({runs}) AS lead CROSS JOIN runs ON runs.id = lead.run_id

-- name: search_by_status
(SELECT id AS run_id, created_at, status FROM runs INDEXED BY runs_by_status) AS lead

-- name: search_marked
EXISTS (
    SELECT 1 FROM run_marks AS mark
    WHERE mark.kind = :{at}_kind AND mark.name = :{at} AND mark.value = ''
        AND mark.created_at = runs.created_at AND mark.run_id = runs.id
)

-- name: search_key
EXISTS (SELECT 1 FROM json_each({column}) AS member WHERE member.key = :{at}_key)

-- name: search_pair
EXISTS (SELECT 1 FROM json_each({column}) AS member WHERE member.key = :{at}_key AND member.value = :{at}_value)

-- name: search_element
EXISTS (SELECT 1 FROM json_each({column}) AS each WHERE each.value = :{at})

-- name: search_one_of
({column} IN (SELECT value FROM json_each(:{at})))
