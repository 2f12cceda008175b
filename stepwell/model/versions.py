"""Versions of a definition: commits, the branches and tags that point to them, the procedure that they belong to.

Drafts (working states) hang beside the line of commits: a draft's `parent` is the commit that it was begun from, and
the parent of a commit is always a commit. Removing drafts therefore never tears the line.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Final, NamedTuple

from stepwell.model.base import Instant, Json

MAIN: Final = "main"
"""The branch that every procedure has."""

AUTO_SAVE: Final = "auto-save"
"""The message of a draft."""

BRANCH: Final = "branch"
TAG: Final = "tag"


class ProcedureKey(NamedTuple):
    """What a procedure is known by: the namespace and the name in its documents."""

    namespace: str
    name: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.name}"


class Procedure(NamedTuple):
    """What is said of a procedure beside its versions; not versioned itself. `version` counts its changes.

    `template`: a blueprint, from which others are made.
    """

    key: ProcedureKey
    version: int
    created_at: Instant
    created_by: str
    updated_at: Instant
    updated_by: str
    title: str = ""
    description: str = ""
    labels: Sequence[str] = ()
    properties: Mapping[str, str] = {}
    archived: bool = False
    published: bool = False
    template: bool = False


class Commit(NamedTuple):
    """One state of a procedure. `content`: the hash of its document, that of the definition where it is a valid one.
    `number`: its place among all commits of the procedure, parents before children; given by the store."""

    id: str
    parent: str | None
    merge_parent: str | None
    message: str
    author: str
    at: Instant
    content: str
    definition_version: str | None = None
    """the semantic version that its document has"""
    working: bool = False
    """a draft: saved by itself, removed some day"""
    branch: str = MAIN
    """where it was made"""
    problems: Sequence[Mapping[str, Json]] = ()
    """what is wrong with the document of a draft"""
    number: int = 0

    @property
    def base(self) -> str | None:
        """The commit in the line: itself, or what the draft was begun from."""
        return self.parent if self.working else self.id


class Pointer(NamedTuple):
    """A branch or a tag. One namespace for both, in each procedure."""

    name: str
    kind: str
    commit: str
    at: Instant
    by: str


class Link(NamedTuple):
    """A commit as a point of the graph."""

    id: str
    parent: str | None
    merge_parent: str | None
    number: int


class Moved(NamedTuple):
    """What became of a commit to a branch: `done`, or the commit that the branch is at (None: there is no such branch),
    or that the procedure is archived or gone."""

    done: bool
    head: Commit | None = None
    archived: bool = False
    gone: bool = False


class Removal(NamedTuple):
    """What became of a deletion: `done`, or the open runs that stand in its way; neither: it was changed meanwhile."""

    done: bool
    open_runs: Sequence[str] = ()


def commit_id(key: ProcedureKey, commit: Commit) -> str:
    """Forty digits: the hash of what the commit says and of what it follows from."""
    said = (
        *key, commit.content, commit.parent or "", commit.merge_parent or "", commit.author, str(commit.at),
        commit.message, "draft" if commit.working else "commit",
    )  # fmt: skip
    return sha256("\0".join(f"{len(part)}:{part}" for part in said).encode()).hexdigest()[:40]
