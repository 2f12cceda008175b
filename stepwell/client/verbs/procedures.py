"""Procedures as a whole: merging, what is said of them, who runs them, their end, files, blueprints, and runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from stepwell.client.handle import Handle
from stepwell.client.verbs.start import StartVerbs
from stepwell.client.versions import carrying, managing, merging
from stepwell.client.versions.committing import archived, checked, definition_at
from stepwell.client.versions.names import key_of, procedure_of, resolve, text
from stepwell.client.versions.views import commit_view, procedure_view
from stepwell.client.views import View
from stepwell.model.base import Json
from stepwell.model.errors import InvalidInput, NotFound
from stepwell.model.events import SAME, Same
from stepwell.model.versions import MAIN

Unchanged = Literal[Same.SAME]


class ProcedureVerbs(StartVerbs):
    """Goes on from `VersionVerbs`."""

    async def merge_branch(
        self,
        procedure: str,
        branch: str,
        *,
        message: str,
        into: str = MAIN,
        expected: str | None = None,
        by: str = "",
    ) -> View:
        """Bring what was changed on a branch into another one (`main`). `merge`: nothing (it was there already),
        forward (nothing else was changed there) or merged (a commit with two parents; by the names of tasks, sections
        and fields). Raises `MergeConflict` with all that both changed differently, `VersionConflict`,
        `InvalidDefinition` where the result is no valid document, `TransitionRefused` where one has a draft."""
        key = key_of(procedure)
        outcome = await merging.merge_branch(
            self.engine, key, branch, into=into, message=message, expected=expected, by=by
        )
        return {
            **commit_view(outcome.commit), "procedure": str(key), "branch": into, "merge": outcome.how,
        }  # fmt: skip

    async def edit_procedure(
        self,
        procedure: str,
        *,
        title: str | Unchanged | None = SAME,
        description: str | Unchanged | None = SAME,
        labels: Sequence[str] | Unchanged = SAME,
        properties: Mapping[str, str] | Unchanged = SAME,
        published: bool | Unchanged = SAME,
        template: bool | Unchanged = SAME,
        by: str = "",
    ) -> View:
        """Change what is said of a procedure, as given; the rest stays. None of this has versions."""
        given = {
            "title": title, "description": description, "labels": labels, "properties": properties,
            "published": published, "template": template,
        }  # fmt: skip
        said = checked({name: value for name, value in given.items() if value is not SAME})
        return procedure_view(await managing.edit(self.engine, key_of(procedure), said, text(by, "by")))

    async def archive_procedure(self, procedure: str, *, by: str = "") -> View:
        """It takes no new versions and starts no runs, until it is brought back. Runs that are open go on."""
        return procedure_view(
            await managing.edit(self.engine, key_of(procedure), {"archived": True}, text(by, "by"))
        )

    async def unarchive_procedure(self, procedure: str, *, by: str = "") -> View:
        return procedure_view(
            await managing.edit(self.engine, key_of(procedure), {"archived": False}, text(by, "by"))
        )

    async def procedure_parents(self, procedure: str) -> list[View]:
        """The definitions that run this one: `{workflow, definition_hash, pointer, wants}`."""
        found = await managing.parents(self.engine, key_of(procedure))
        return [parent.view for parent in found]

    async def delete_procedure(self, procedure: str) -> View:
        """Remove a procedure with all its versions. Runs that ended keep the documents they were started with. Raises
        `InUse` while other definitions run it, or runs of it are open: all of them are named."""
        return await managing.delete(self.engine, key_of(procedure))

    async def export_procedure(self, procedure: str, *, drafts: bool = False) -> View:
        """All there is of it as one JSON object, for `import_procedure`."""
        return await carrying.export(self.engine, key_of(procedure), drafts=drafts)

    async def import_procedure(self, file: Json) -> View:
        """Store what was exported, with its history; every id and hash is checked first. Raises `InvalidInput`,
        `Conflict` where there is another procedure of that name (the same one is left as it is: `created` false)."""
        made = await carrying.load(self.engine, file)
        names = {"procedure": f"{file['namespace']}/{file['name']}", "created": made.created}
        return {**commit_view(made.commit), **names}

    async def create_from(
        self, template: str, procedure: str, *, at: str = MAIN, by: str = "", **said: Any
    ) -> View:
        """Make a procedure from a template (see `create_procedure`, whose options it takes): its first commit is what
        the template has at a revision."""
        unknown = set(said) - {"title", "description", "labels", "properties", "published", "template"}
        if unknown:
            raise TypeError(f"create_from() got an unexpected keyword argument {min(unknown)!r}")
        key = key_of(procedure)
        made = await carrying.create_from(self.engine, key_of(template), key, at=at, by=by, said=said)
        return {**commit_view(made.commit), "procedure": str(key), "branch": MAIN, "created": True}

    async def start_procedure(
        self,
        procedure: str,
        *args: Any,
        commit: str | None = None,
        branch: str | None = None,
        tag: str | None = None,
        **options: Any,
    ) -> Handle:
        """Start a run of a version: a commit, or what a branch or a tag is at (`main` where none is named; of a branch
        with a draft the commit before it). Options as for `start`. The run keeps that version, whatever is committed
        later. Raises `NotFound`, `TransitionRefused` for an archived procedure, `InvalidDefinition` for a draft."""
        given = [each for each in (commit, branch, tag) if each is not None]
        if len(given) > 1:
            raise InvalidInput("name a commit, a branch or a tag: one of them")
        key, store = key_of(procedure), self.engine.store.versions
        found = await procedure_of(store, key)
        if found.archived:
            raise archived(key)
        wanted = await resolve(store, key, given[0] if given else MAIN)
        definition = await definition_at(self.engine, key, wanted)
        if wanted.working and not await store.keep(key, [wanted.id]):
            raise NotFound(f"{key} has no commit {wanted.id[:12]}: it was removed just now")
        return await self.start(definition, *args, **options)
