-- Procedures and their versions: what people wrote, beside the journal. version: counts the changes of the row.
CREATE TABLE procedures (
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    created_by TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    updated_by TEXT NOT NULL,
    title TEXT NOT NULL,
    description TEXT NOT NULL,
    labels TEXT NOT NULL,
    properties TEXT NOT NULL,
    archived INTEGER NOT NULL,
    published INTEGER NOT NULL,
    template INTEGER NOT NULL,
    PRIMARY KEY (namespace, name)
) STRICT, WITHOUT ROWID;

-- Their documents by hash; those of drafts need not be valid.
CREATE TABLE procedure_contents (
    hash TEXT PRIMARY KEY NOT NULL,
    document TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- number: the order in which they came, so parents before children. keep: never compacted.
CREATE TABLE procedure_commits (
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    id TEXT NOT NULL,
    parent TEXT,
    merge_parent TEXT,
    message TEXT NOT NULL,
    author TEXT NOT NULL,
    at INTEGER NOT NULL,
    content TEXT NOT NULL,
    definition_version TEXT,
    working INTEGER NOT NULL,
    branch TEXT NOT NULL,
    problems TEXT,
    number INTEGER NOT NULL,
    keep INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (namespace, name, id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX procedure_commits_in_order ON procedure_commits (namespace, name, number);
CREATE INDEX procedure_drafts ON procedure_commits (namespace, name, branch, number) WHERE working = 1;
CREATE INDEX procedure_commits_by_content ON procedure_commits (content);

-- Branches and tags: one namespace for both.
CREATE TABLE procedure_pointers (
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    pointer TEXT NOT NULL,
    kind TEXT NOT NULL,
    commit_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    by TEXT NOT NULL,
    PRIMARY KEY (namespace, name, pointer)
) STRICT, WITHOUT ROWID;

-- Of a procedure that was deleted: kept for the runs that have it, and found by name no more.
ALTER TABLE definitions ADD COLUMN withdrawn INTEGER NOT NULL DEFAULT 0;
