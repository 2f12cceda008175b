"""Procedures as a whole: merging, what is said of them, who runs them, their end, files, blueprints, and runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from stepwell.client.actors import Who, known_actor
from stepwell.client.handle import Handle
from stepwell.client.verbs.start import StartVerbs
from stepwell.client.versions import carrying, managing, merging
from stepwell.client.versions.committing import checked, definition_at
from stepwell.client.versions.comparing import verdict_view
from stepwell.client.versions.names import By, author, key_of, resolve
from stepwell.client.versions.views import commit_view, procedure_view
from stepwell.client.views import View, row_view
from stepwell.definition.model import Definition
from stepwell.kernel.migration import judge
from stepwell.model import commands as c
from stepwell.model.base import Json
from stepwell.model.errors import NotFound
from stepwell.model.events import SAME, Same
from stepwell.model.records import Run
from stepwell.model.starting import unknown_option
from stepwell.model.versions import MAIN, ProcedureKey

_FILED: Final = ("title", "description", "labels", "properties", "published", "template")

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
        by: By = "",
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
        by: By = "",
    ) -> View:
        """Change what is said of a procedure, as given; the rest stays. None of this has versions."""
        given = {
            "title": title, "description": description, "labels": labels, "properties": properties,
            "published": published, "template": template,
        }  # fmt: skip
        said = checked({name: value for name, value in given.items() if value is not SAME})
        return procedure_view(await managing.edit(self.engine, key_of(procedure), said, author(by)))

    async def archive_procedure(self, procedure: str, *, by: By = "") -> View:
        """It takes no new versions and starts no runs, until it is brought back. Runs that are open go on."""
        return procedure_view(
            await managing.edit(self.engine, key_of(procedure), {"archived": True}, author(by))
        )

    async def unarchive_procedure(self, procedure: str, *, by: By = "") -> View:
        return procedure_view(
            await managing.edit(self.engine, key_of(procedure), {"archived": False}, author(by))
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
        self, /, template: str, procedure: str, *, at: str = MAIN, by: By = "", **said: Any
    ) -> View:
        """Make a procedure from a template (see `create_procedure`, whose options it takes): its first commit is what
        the template has at a revision."""
        for name in said:
            if name not in _FILED:
                raise unknown_option("create_from", name, _FILED)
        key = key_of(procedure)
        made = await carrying.create_from(self.engine, key_of(template), key, at=at, by=by, said=said)
        return {**commit_view(made.commit), "procedure": str(key), "branch": MAIN, "created": True}

    async def start_procedure(self, procedure: str, *args: Any, **options: Any) -> Handle:
        """Start a run of a version: `commit=`, `branch=` or `tag=` (`main` where none is named; of a branch with a
        draft the commit before it). The same as `start` with one of these, whose other options it takes too. The run
        keeps that version, whatever is committed later. Raises `NotFound`, `TransitionRefused` for an archived
        procedure, `InvalidDefinition` for a draft that is not valid."""
        if not {"commit", "branch", "tag"} & {name for name, value in options.items() if value is not None}:
            options["branch"] = MAIN
        return await self.start(procedure, *args, **options)

    async def plan_migration(self, run_id: str, to: str = MAIN) -> View:
        """Whether a run can go on with another version of its procedure (or of its definition, if that is none:
        `namespace/name:version`): `level`, all `reasons`, and those of them that stand in the way (`blockers`). Changes
        nothing."""
        state = await self.engine.reload(run_id)
        new, commit = await self._version_for(state.run, to)
        old = await self.engine.library.get(state.run.definition_hash)
        found = judge(old, new, state)
        return {
            "run_id": run_id,
            "from": {"version": state.run.version, "commit": state.run.commit, "definition_hash": old.hash},
            "to": {"version": new.version, "commit": commit, "definition_hash": new.hash},
            **verdict_view(found),
            "blockers": list(map(str, found.blockers)),
        }

    async def migrate(self, run_id: str, to: str = MAIN, *, by: Who | None = None) -> View:
        """Let a paused run (or one that has not begun) go on with another version: what has begun stays as it is, what
        has not is taken from there. Raises `MigrationBlocked` with every reason why not."""
        state = await self.engine.reload(run_id)
        new, commit = await self._version_for(state.run, to)
        await self.engine.library.add(new)
        with self.hints():
            command = c.MigrateRun(new, commit)
            await self.engine.command(run_id, command if by is None else c.Signed(known_actor(by), command))
        return row_view(await self.engine.row(run_id))

    async def _version_for(self, run: Run, to: str) -> tuple[Definition, str | None]:
        """A revision of the procedure that the run is one of, or a definition by its reference."""
        if ":" in to:
            return await self.definition(to), None
        key = ProcedureKey(run.namespace, run.name)
        commit = await resolve(self.engine.store.versions, key, to)
        if commit.working and not await self.engine.store.versions.keep(key, [commit.id]):
            raise NotFound(f"{key} has no commit {commit.id[:12]}: it was removed just now")
        return await definition_at(self.engine, key, commit), commit.id
