"""The door to the versions of definitions: `Store.versions`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from stepwell.model.base import Instant, Json
from stepwell.model.journal import DefinitionRow
from stepwell.model.versions import Commit, Link, Moved, Pointer, Procedure, ProcedureKey, Removal


class VersionStore(Protocol):
    """Procedures, their commits, branches and tags. Everything is written only where nobody has written since it was
    read. `definition`, where one is given, is stored in the same commit, so that it can be run by name."""

    async def procedure(self, key: ProcedureKey) -> Procedure | None: ...

    async def procedures(self, namespace: str | None = None) -> Sequence[Procedure]:
        """By namespace and name."""
        ...

    async def create(
        self,
        procedure: Procedure,
        commits: Sequence[Commit],
        pointers: Sequence[Pointer],
        contents: Mapping[str, Json],
        definitions: Sequence[DefinitionRow] = (),
    ) -> bool:
        """All of it (commits in their order, documents by hash), or nothing: False where there is one already."""
        ...

    async def edit(self, procedure: Procedure) -> Procedure | None:
        """Write what is said of it, as its next version. None: somebody has, since this version was read."""
        ...

    async def delete(self, procedure: Procedure) -> Removal:
        """Remove it, with all its versions, unless a run of it is open. Its definitions stay for the runs that
        ended, but are found by name no more."""
        ...

    async def commit(
        self,
        key: ProcedureKey,
        commit: Commit,
        content: Json,
        expected: str,
        definition: DefinitionRow | None = None,
        keep_drafts: int | None = None,
    ) -> Moved:
        """Add the commit and move its branch there, if the branch is at `expected` and the procedure is not archived.
        `keep_drafts`: of the drafts of the branch only so many of the newest stay (and what `compact` leaves)."""
        ...

    async def move(
        self,
        key: ProcedureKey,
        branch: str,
        commit: str,
        expected: str,
        at: Instant,
        by: str,
        definition: DefinitionRow | None = None,
    ) -> Moved:
        """Have the branch point elsewhere, on the same conditions."""
        ...

    async def find(self, key: ProcedureKey, prefix: str) -> Sequence[Commit]:
        """The commits (three at most) whose ids begin so."""
        ...

    async def head(self, key: ProcedureKey, pointer: str) -> Commit | None:
        """The commit that a branch or a tag points to."""
        ...

    async def content(self, hash: str) -> Json:
        """The document with this hash. Raises `NotFound`."""
        ...

    async def history(
        self, key: ProcedureKey, commit: str, limit: int, before: int | None = None, *, drafts: bool = False
    ) -> Sequence[Commit]:
        """The commit and all that it follows from, children before parents; with `drafts` also those that were begun
        from one of these. `before`: only those with a smaller number."""
        ...

    async def graph(self, key: ProcedureKey) -> Sequence[Link]:
        """Every commit that is no draft."""
        ...

    async def pointers(self, key: ProcedureKey) -> Sequence[Pointer]:
        """Branches and tags, by name."""
        ...

    async def point(self, key: ProcedureKey, pointer: Pointer) -> Pointer | None:
        """Create a branch or a tag. The one that has the name already, or None where it was made. Raises `NotFound`
        where there is no such commit."""
        ...

    async def unpoint(self, key: ProcedureKey, pointer: Pointer) -> bool:
        """Remove a branch or a tag, as it was read."""
        ...

    async def keep(self, key: ProcedureKey, commits: Sequence[str]) -> bool:
        """Never compact these, from now on: all of them, or (False, one is not there) none."""
        ...

    async def compact(self, before: Instant, newest: int, key: ProcedureKey | None = None) -> int:
        """Remove drafts that were saved before an instant, but not the `newest` ones of each branch, nor those that are
        kept or pointed to; returns how many."""
        ...

    async def documents(self, mentioning: str) -> Sequence[DefinitionRow]:
        """Every definition that can be run by name, that a branch or a tag holds, or that an open run has, and whose
        text has this in it."""
        ...
