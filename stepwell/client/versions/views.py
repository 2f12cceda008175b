"""What procedures and their versions look like from outside, the same for every door."""

from __future__ import annotations

from collections.abc import Sequence

from stepwell.client.views import View, when
from stepwell.model.errors import VersionConflict
from stepwell.model.versions import Commit, Pointer, Procedure, ProcedureKey


def procedure_view(procedure: Procedure) -> View:
    """A line of a list."""
    return {
        "procedure": str(procedure.key),
        "namespace": procedure.key.namespace,
        "name": procedure.key.name,
        "title": procedure.title,
        "description": procedure.description,
        "labels": list(procedure.labels),
        "properties": dict(procedure.properties),
        "archived": procedure.archived,
        "published": procedure.published,
        "template": procedure.template,
        "created_at": when(procedure.created_at),
        "created_by": procedure.created_by,
        "updated_at": when(procedure.updated_at),
        "updated_by": procedure.updated_by,
    }


def commit_view(commit: Commit) -> View:
    return {
        "commit": commit.id,
        "parent": commit.parent,
        "merge_parent": commit.merge_parent,
        "message": commit.message,
        "author": commit.author,
        "at": when(commit.at),
        "draft": commit.working,
        "branch": commit.branch,
        "definition_hash": commit.content,
        "version": commit.definition_version,
        "problems": [dict(problem) for problem in commit.problems],
    }


def pointer_view(pointer: Pointer) -> View:
    return {
        "name": pointer.name,
        "kind": pointer.kind,
        "commit": pointer.commit,
        "at": when(pointer.at),
        "by": pointer.by,
    }


def whole_view(procedure: Procedure, pointers: Sequence[Pointer], head: Commit) -> View:
    """A procedure with its branches and tags, and what `main` is at."""
    return {
        **procedure_view(procedure),
        "head": commit_view(head),
        "branches": [pointer_view(pointer) for pointer in pointers if pointer.kind == "branch"],
        "tags": [pointer_view(pointer) for pointer in pointers if pointer.kind == "tag"],
    }


def overtaken(key: ProcedureKey, branch: str, expected: str, head: Commit) -> VersionConflict:
    """Somebody committed first: who, when, and which commit."""
    what = "draft" if head.working else "commit"
    who = head.author or "somebody"
    return VersionConflict(
        f"branch {branch} of {key} is not at {expected[:12]} any more: {who} made {what} {head.id[:12]} "
        f"({head.message[:80]!r}) at {when(head.at)}; nothing was changed",
        commit_view(head),
        hint=f"see what changed: stepwell procedures diff {key} {expected[:12]} {head.id[:12]}; then do it again "
        f"expecting {head.id[:12]}",
    )
