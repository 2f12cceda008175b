-- name: create_migrations
CREATE TABLE IF NOT EXISTS schema_migrations (
    version INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    sha256 TEXT NOT NULL,
    applied_at INTEGER NOT NULL
) STRICT

-- name: applied_migrations
SELECT version, name, sha256 FROM schema_migrations ORDER BY version

-- name: record_migration
INSERT INTO schema_migrations (version, name, sha256, applied_at) VALUES (?, ?, ?, ?)

-- name: tables
SELECT name FROM sqlite_schema WHERE type = 'table'
