-- name: procedure
SELECT namespace, name, version, created_at, created_by, updated_at, updated_by, title, description, labels, properties,
    archived, published, template
FROM procedures WHERE namespace = ? AND name = ?

-- name: procedures
SELECT namespace, name, version, created_at, created_by, updated_at, updated_by, title, description, labels, properties,
    archived, published, template
FROM procedures WHERE :namespace IS NULL OR namespace = :namespace ORDER BY namespace, name

-- name: create_procedure
INSERT INTO procedures (
    namespace, name, version, created_at, created_by, updated_at, updated_by, title, description, labels, properties,
    archived, published, template
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (namespace, name) DO NOTHING

-- name: edit_procedure
UPDATE procedures SET
    version = version + 1, updated_at = :updated_at, updated_by = :updated_by, title = :title,
    description = :description, labels = :labels, properties = :properties, archived = :archived,
    published = :published, template = :template
WHERE namespace = :namespace AND name = :name AND version = :version

-- name: touch_procedure
UPDATE procedures SET updated_at = ?, updated_by = ? WHERE namespace = ? AND name = ?

-- name: delete_procedure
DELETE FROM procedures WHERE namespace = :namespace AND name = :name AND version = :version

-- name: delete_procedure_commits
DELETE FROM procedure_commits WHERE namespace = ? AND name = ?

-- name: delete_procedure_pointers
DELETE FROM procedure_pointers WHERE namespace = ? AND name = ?

-- name: withdraw_definitions
UPDATE definitions SET withdrawn = 1 WHERE namespace = ? AND name = ?

-- name: open_runs_named
SELECT id FROM runs WHERE name = :name AND namespace = :namespace AND open <> 0 ORDER BY created_at, id LIMIT 20

-- name: sweep_contents
DELETE FROM procedure_contents WHERE hash IN (SELECT value FROM json_each(?)) AND NOT EXISTS (
    SELECT 1 FROM procedure_commits WHERE content = hash
)

-- name: contents_of
SELECT DISTINCT content FROM procedure_commits WHERE namespace = ? AND name = ?

-- name: put_content
INSERT INTO procedure_contents (hash, document) VALUES (?, ?) ON CONFLICT (hash) DO NOTHING

-- name: procedure_content
SELECT document FROM procedure_contents WHERE hash = ?

-- name: put_commit
INSERT INTO procedure_commits (
    namespace, name, id, parent, merge_parent, message, author, at, content, definition_version, working, branch,
    problems, number
) VALUES (
    :namespace, :name, :id, :parent, :merge_parent, :message, :author, :at, :content, :definition_version, :working,
    :branch, :problems,
    (SELECT coalesce(max(number), 0) + 1 FROM procedure_commits WHERE namespace = :namespace AND name = :name)
) ON CONFLICT (namespace, name, id) DO NOTHING

-- name: procedure_commits_like
SELECT id, parent, merge_parent, message, author, at, content, definition_version, working, branch, problems, number
FROM procedure_commits
WHERE namespace = :namespace AND name = :name AND id >= :prefix AND id < :prefix || 'g' ORDER BY id LIMIT 3

-- name: procedure_head
SELECT id, parent, merge_parent, message, author, c.at, content, definition_version, working, branch, problems, number
FROM procedure_pointers AS p JOIN procedure_commits AS c
    ON c.namespace = p.namespace AND c.name = p.name AND c.id = p.commit_id
WHERE p.namespace = ? AND p.name = ? AND p.pointer = ?

-- name: procedure_branch_head
SELECT id, parent, merge_parent, message, author, c.at, content, definition_version, working, branch, problems, number
FROM procedure_pointers AS p JOIN procedure_commits AS c
    ON c.namespace = p.namespace AND c.name = p.name AND c.id = p.commit_id
WHERE p.namespace = ? AND p.name = ? AND p.pointer = ? AND p.kind = 'branch'

-- A queue in the order of the numbers, newest first: children are met before their parents.
-- name: procedure_history
WITH RECURSIVE line (id, parent, merge_parent, number) AS (
    SELECT id, parent, merge_parent, number FROM procedure_commits
    WHERE namespace = :namespace AND name = :name AND id = :commit
    UNION
    SELECT c.id, c.parent, c.merge_parent, c.number FROM line CROSS JOIN procedure_commits AS c
    WHERE c.namespace = :namespace AND c.name = :name AND c.id IN (line.parent, line.merge_parent)
    ORDER BY 4 DESC
)
SELECT c.id, c.parent, c.merge_parent, message, author, at, content, definition_version, working, branch, problems,
    c.number
FROM procedure_commits AS c
WHERE c.namespace = :namespace AND c.name = :name AND c.number < :before AND (
    c.id IN (SELECT id FROM line) OR (:drafts AND c.working = 1 AND c.parent IN (SELECT id FROM line))
)
ORDER BY c.number DESC LIMIT :limit

-- name: procedure_graph
SELECT id, parent, merge_parent, number FROM procedure_commits
WHERE namespace = ? AND name = ? AND working = 0 ORDER BY number

-- name: procedure_pointers
SELECT pointer, kind, commit_id, at, by FROM procedure_pointers WHERE namespace = ? AND name = ? ORDER BY pointer

-- name: procedure_pointer
SELECT pointer, kind, commit_id, at, by FROM procedure_pointers WHERE namespace = ? AND name = ? AND pointer = ?

-- name: put_pointer
INSERT INTO procedure_pointers (namespace, name, pointer, kind, commit_id, at, by) VALUES (?, ?, ?, ?, ?, ?, ?)

-- name: move_pointer
UPDATE procedure_pointers SET commit_id = ?, at = ?, by = ? WHERE namespace = ? AND name = ? AND pointer = ?

-- name: drop_pointer
DELETE FROM procedure_pointers WHERE namespace = ? AND name = ? AND pointer = ? AND kind = ? AND commit_id = ?

-- name: keep_commit
UPDATE procedure_commits SET keep = 1 WHERE namespace = ? AND name = ? AND id = ?

-- name: spent_drafts
SELECT namespace, name, id, content FROM (
    SELECT *, row_number() OVER (PARTITION BY namespace, name, branch ORDER BY number DESC) AS rank
    FROM procedure_commits
    WHERE working = 1 AND (:namespace IS NULL OR namespace = :namespace) AND (:name IS NULL OR name = :name)
        AND (:branch IS NULL OR branch = :branch)
) AS c
WHERE rank > :newest AND at < :before AND keep = 0 AND NOT EXISTS (
    SELECT 1 FROM procedure_pointers AS p
    WHERE p.namespace = c.namespace AND p.name = c.name AND p.commit_id = c.id
)

-- name: drop_commit
DELETE FROM procedure_commits WHERE namespace = ? AND name = ? AND id = ?

-- What can be run by name, what a branch or a tag holds, and what an open run has.
-- name: documents_mentioning
SELECT hash, namespace, name, version, document, created_at FROM definitions AS d
WHERE instr(document, :text) AND (
    (withdrawn = 0 AND NOT EXISTS (
        SELECT 1 FROM definitions AS later
        WHERE later.namespace = d.namespace AND later.name = d.name AND later.version = d.version
            AND later.withdrawn = 0 AND (later.created_at, later.hash) > (d.created_at, d.hash)
    ))
    OR hash IN (SELECT definition_hash FROM runs WHERE open <> 0)
)
UNION
SELECT t.hash, c.namespace, c.name, coalesce(c.definition_version, ''), t.document, c.at
FROM procedure_pointers AS p
    JOIN procedure_commits AS c ON c.namespace = p.namespace AND c.name = p.name AND c.id = p.commit_id
    JOIN procedure_contents AS t ON t.hash = c.content
WHERE instr(t.document, :text)
ORDER BY 2, 3, 4, 1, 6
