-- Statements with {values} get as many rows as a commit holds; rows of nothing but NULL fill up the last of them.

-- name: insert_turns
INSERT INTO journal (run_id, seq, at, events, hash)
SELECT * FROM (VALUES {values}) WHERE column1 IS NOT NULL

-- name: insert_turn
INSERT INTO journal (run_id, seq, at, events, hash) VALUES (?, ?, ?, ?, ?)

-- Only what can change is set: an index on columns that stay is not touched. The owner is a lease and stays. An open run
-- is taken from its queue by a claim only, and goes back by its entry (see the triggers).
-- name: put_runs
INSERT INTO runs (
    id, namespace, name, version, definition_hash, status, open, seq, created_at, updated_at, ended_at,
    priority, tags, key, parent_id, rerun_of, error, owner,
    attributes, code,
    due_at, lease_until,
    title, labels, properties, author, archived, started_at, queue, text,
    ends_at
)
SELECT * FROM (VALUES {values}) WHERE column1 IS NOT NULL
ON CONFLICT (id) DO UPDATE SET
    version = excluded.version,
    definition_hash = excluded.definition_hash,
    status = excluded.status,
    open = CASE WHEN excluded.open = 0 OR runs.open = 0 THEN excluded.open ELSE runs.open END,
    seq = excluded.seq,
    updated_at = excluded.updated_at,
    ended_at = excluded.ended_at,
    priority = excluded.priority,
    tags = excluded.tags,
    error = excluded.error,
    attributes = excluded.attributes,
    due_at = excluded.due_at,
    lease_until = excluded.lease_until,
    title = excluded.title,
    labels = excluded.labels,
    properties = excluded.properties,
    archived = excluded.archived,
    started_at = excluded.started_at,
    text = excluded.text,
    ends_at = excluded.ends_at

-- name: put_definitions
INSERT INTO definitions (hash, namespace, name, version, document, created_at)
SELECT * FROM (VALUES {values}) WHERE column1 IS NOT NULL
ON CONFLICT (hash) DO UPDATE SET withdrawn = 0, created_at = excluded.created_at WHERE withdrawn = 1

-- name: restore_definitions
INSERT INTO definitions (hash, namespace, name, version, document, created_at)
SELECT * FROM (VALUES {values}) WHERE column1 IS NOT NULL
ON CONFLICT (hash) DO NOTHING

-- name: claim_keys
INSERT INTO keys (key, run_id, fingerprint)
SELECT * FROM (VALUES {values}) WHERE column1 IS NOT NULL
ON CONFLICT (key) DO NOTHING

-- name: put_notices
INSERT INTO notices (run_id)
SELECT * FROM (VALUES {values}) WHERE column1 IS NOT NULL
ON CONFLICT (run_id) DO NOTHING

-- name: turn_hash
SELECT hash FROM journal WHERE run_id = ? AND seq = ?

-- name: put_snapshot
INSERT INTO snapshots (run_id, seq, tip, body, hash) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (run_id) DO UPDATE SET seq = excluded.seq, tip = excluded.tip, body = excluded.body, hash = excluded.hash
WHERE excluded.seq >= seq
