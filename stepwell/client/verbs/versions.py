"""Procedures and their versions: commits, drafts, branches, tags, differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stepwell.client.verbs.base import Source, Verbs
from stepwell.client.versions import committing, comparing
from stepwell.client.versions.committing import Made
from stepwell.client.versions.drafts import Given
from stepwell.client.versions.names import (
    By,
    author,
    head_of,
    key_of,
    pointer_name,
    pointer_of,
    procedure_of,
    resolve,
)
from stepwell.client.versions.views import commit_view, pointer_view, procedure_view, whole_view
from stepwell.client.views import View
from stepwell.model.base import DAY, Json
from stepwell.model.errors import Conflict, InvalidInput, TransitionRefused
from stepwell.model.versions import BRANCH, MAIN, TAG, Pointer, ProcedureKey


class VersionVerbs(Verbs):
    """A procedure is named `namespace/name`; a revision of it by a branch, a tag, or the id of a commit (or how that
    begins). Whoever says which commit he expects (`expected`) writes nothing if somebody was faster, and gets a
    `VersionConflict` that says who."""

    async def create_procedure(
        self,
        source: Source,
        *,
        message: str = "First version",
        by: By = "",
        title: str | None = None,
        description: str = "",
        labels: Sequence[str] = (),
        properties: Mapping[str, str] | None = None,
        published: bool = False,
        template: bool = False,
    ) -> View:
        """Put a definition under version control: its first commit, on the branch `main`. `template`: others can be
        made from it. Raises `InvalidDefinition`, `InvalidInput`, `Conflict` where the procedure is there."""
        definition = await self.definition(source)
        said: dict[str, Json] = {
            "title": definition.title if title is None else title,
            "description": description,
            "labels": labels,
            "properties": properties or {},
            "published": published,
            "template": template,
        }
        made = await committing.create(self.engine, definition, message=message, by=by, said=said)
        return self._made(committing.key_of_definition(definition), MAIN, made)

    async def commit_procedure(
        self,
        source: Source,
        *,
        message: str,
        branch: str = MAIN,
        expected: str | None = None,
        by: By = "",
        merges: str | None = None,
        create: bool = False,
    ) -> View:
        """Commit a definition to a branch of its procedure. `main` is what others run by name. `merges`: the branch
        whose changes it has (after conflicts were settled by hand). `create`: where there is no such procedure, make
        it. What the branch has already is not committed again (`created` false). Raises `InvalidDefinition`,
        `VersionConflict`, `NotFound`, `TransitionRefused`."""
        definition = await self.definition(source)
        key = committing.key_of_definition(definition)
        if create and await self.engine.store.versions.procedure(key) is None:
            return await self.create_procedure(definition, message=message, by=by)
        made = await committing.commit(
            self.engine, definition, message=message, branch=branch, expected=expected, by=by, merges=merges
        )
        return self._made(key, branch, made)

    async def save_draft(
        self, procedure: str, draft: Given, *, branch: str = MAIN, expected: str | None = None, by: By = ""
    ) -> View:
        """Save a draft, valid or not: what is wrong with it is in the view (`problems`), and kept. It is in no history
        unless that is asked for, and is removed some day. Raises `VersionConflict`, `NotFound`, `TransitionRefused`."""
        key = key_of(procedure)
        made = await committing.save(self.engine, key, draft, branch=branch, expected=expected, by=by)
        return self._made(key, branch, made)

    async def discard_draft(
        self, procedure: str, *, branch: str = MAIN, expected: str | None = None, by: By = ""
    ) -> View:
        """Let a branch go back to its last commit."""
        key = key_of(procedure)
        made = await committing.discard(self.engine, key, branch=branch, expected=expected, by=by)
        return {**self._made(key, branch, made), "discarded": made.created, "created": False}

    async def roll_back_procedure(
        self,
        procedure: str,
        to: str,
        *,
        message: str | None = None,
        branch: str = MAIN,
        expected: str | None = None,
        by: By = "",
    ) -> View:
        """Commit once more what an older commit had. Nothing is taken out of the history."""
        key = key_of(procedure)
        made = await committing.roll_back(
            self.engine, key, to, message=message, branch=branch, expected=expected, by=by
        )
        return self._made(key, branch, made)

    async def compact_drafts(
        self, procedure: str | None = None, *, older_than_days: float = 7, keep: int = 20
    ) -> int:
        """Remove drafts that are older, but for the newest ones of each branch; returns how many. Those that a branch
        or a tag is at, or that a run was started from, stay."""
        if older_than_days < 0 or keep < 0:
            raise InvalidInput("days and drafts to keep are 0 or more")
        before = self.engine.clock.now() - int(older_than_days * DAY)
        key = None if procedure is None else key_of(procedure)
        return await self.engine.store.versions.compact(before, keep, key)

    # --- looking ----------------------------------------------------------------------------------

    async def procedures(self, namespace: str | None = None, *, archived: bool | None = None) -> list[View]:
        """All of them (or of a namespace), by name; archived ones, others, or (None) both."""
        found = await self.engine.store.versions.procedures(namespace)
        return [procedure_view(one) for one in found if archived is None or one.archived == archived]

    async def show_procedure(self, procedure: str) -> View:
        """What is said of a procedure, its branches and tags, and what `main` is at."""
        key, store = key_of(procedure), self.engine.store.versions
        found = await procedure_of(store, key)
        return whole_view(found, await store.pointers(key), await head_of(store, key, MAIN))

    async def procedure_at(self, procedure: str, revision: str = MAIN, *, draft: bool = False) -> View:
        """A version with its `document`. `draft`: of a branch with a draft, that."""
        key, store = key_of(procedure), self.engine.store.versions
        commit = await resolve(store, key, revision, drafts=draft)
        return {**commit_view(commit), "procedure": str(key), "document": await store.content(commit.content)}

    async def procedure_history(
        self,
        procedure: str,
        revision: str = MAIN,
        *,
        drafts: bool = False,
        limit: int = 50,
        cursor: str | None = None,
    ) -> View:
        """A version and all before it, newest first; `next` is the cursor of the next page. `drafts`: those too."""
        return await comparing.history(self.engine, key_of(procedure), revision, limit, cursor, drafts=drafts)

    async def diff_procedure(self, procedure: str, before: str | None = None, after: str = MAIN) -> View:
        """How two versions differ (without `before`: the last one and the one before it): `changes`, the same as
        `lines` for people, and what it means for runs (`level`: compatible, migration or incompatible, with
        `reasons`)."""
        return await comparing.compared(self.engine, key_of(procedure), before, after)

    # --- branches and tags ------------------------------------------------------------------------

    async def create_branch(self, procedure: str, branch: str, *, at: str = MAIN, by: By = "") -> View:
        """A branch that begins at a revision. Raises `Conflict` where a branch or a tag has that name."""
        return await self._point(key_of(procedure), branch, BRANCH, at, by)

    async def create_tag(self, procedure: str, tag: str, *, at: str = MAIN, by: By = "") -> View:
        """A name for a revision, which never moves."""
        return await self._point(key_of(procedure), tag, TAG, at, by)

    async def delete_branch(self, procedure: str, branch: str) -> View:
        """The commits stay; `main` stays too. Raises `TransitionRefused`."""
        if branch == MAIN:
            raise TransitionRefused(f"the branch main of {procedure} cannot be deleted")
        return await self._unpoint(key_of(procedure), branch, BRANCH)

    async def delete_tag(self, procedure: str, tag: str) -> View:
        """The commit stays."""
        return await self._unpoint(key_of(procedure), tag, TAG)

    async def _point(self, key: ProcedureKey, name: str, kind: str, at: str, by: By) -> View:
        store = self.engine.store.versions
        commit = await resolve(store, key, at)
        pointer = Pointer(pointer_name(name), kind, commit.id, self.engine.clock.now(), author(by))
        there = await store.point(key, pointer)
        if there is not None and (there.kind, there.commit) != (kind, commit.id):
            raise Conflict(
                f"{key} has a {there.kind} {name} already, at {there.commit[:12]}",
                hint="branches and tags share their names: choose another one, or delete that one first",
            )
        return {"procedure": str(key), **pointer_view(there or pointer), "created": there is None}

    async def _unpoint(self, key: ProcedureKey, name: str, kind: str) -> View:
        store = self.engine.store.versions
        pointer = await pointer_of(store, key, name, kind)
        if not await store.unpoint(key, pointer):
            refusal = Conflict(
                f"{kind} {name} of {key} was just moved; nothing was changed", hint="try again"
            )
            refusal.retry = True
            raise refusal
        return {"procedure": str(key), **pointer_view(pointer), "deleted": True}

    def _made(self, key: ProcedureKey, branch: str, made: Made) -> View:
        return {**commit_view(made.commit), "procedure": str(key), "branch": branch, "created": made.created}
