"""What is said of a procedure, who runs it, and its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from stepwell.client.starting import children
from stepwell.client.versions.names import By, author, head_of, no_procedure, procedure_of
from stepwell.client.views import View
from stepwell.definition.parse import follow_ups, parse_document
from stepwell.definition.semver import matches
from stepwell.engine.engine import Engine
from stepwell.model.base import Json
from stepwell.model.errors import Conflict, InUse, InvalidDefinition
from stepwell.model.journal import DefinitionRow
from stepwell.model.versions import MAIN, Procedure, ProcedureKey

_TRIES = 20


async def edit(engine: Engine, key: ProcedureKey, said: Mapping[str, Json], by: By) -> Procedure:
    """Write what is given, leave the rest. Raises `NotFound`."""
    store = engine.store.versions
    for _ in range(_TRIES):
        found = await procedure_of(store, key)
        changed = found._replace(**said)
        if changed == found:
            return found
        written = await store.edit(changed._replace(updated_at=engine.clock.now(), updated_by=author(by)))
        if written is not None:
            return written
    raise Conflict(f"others change what is said of {key} all the time; nothing was changed", hint="try again")


class Parent(NamedTuple):
    """A definition that runs another one: where, and which versions it wants."""

    row: DefinitionRow
    pointer: str
    wanted: str

    @property
    def view(self) -> View:
        row = self.row
        return {
            "workflow": f"{row.namespace}/{row.name}:{row.version}",
            "definition_hash": row.hash,
            "pointer": self.pointer,
            "wants": self.wanted,
        }


async def parents(engine: Engine, key: ProcedureKey, version: str | None = None) -> list[Parent]:
    """Every definition that can be run, or that a branch or tag holds, and runs this one; itself left out."""
    found = []
    for row in await engine.store.versions.documents(key.name):
        if (row.namespace, row.name) == key:
            continue
        found += [
            Parent(row, pointer, wanted)
            for pointer, namespace, name, wanted in _references(row)
            if (namespace, name) == key and (version is None or matches(version, wanted))
        ]
    return found


def _references(row: DefinitionRow) -> Sequence[tuple[str, str, str, str]]:
    try:
        definition = parse_document(row.document)
    except InvalidDefinition:  # a draft
        return ()
    return [(child.pointer, *child.reference) for child in children(definition)] + list(
        follow_ups(definition)
    )


async def delete(engine: Engine, key: ProcedureKey) -> View:
    """Raises `InUse` while others run it, or runs of it are open."""
    store = engine.store.versions
    procedure = await procedure_of(store, key)
    head = await head_of(store, key, MAIN)
    users = await parents(engine, key)
    if users:
        raise InUse(
            f"{key} cannot be deleted: others run it",
            [f"{user.view['workflow']} at {user.pointer} wants {user.wanted}" for user in users],
            hint=f"change them first (see: stepwell procedures parents {key}), or archive it",
        )
    removal = await store.delete(procedure)
    if removal.open_runs:
        raise InUse(
            f"{key} cannot be deleted: runs of it are open",
            [f"run {run_id}" for run_id in removal.open_runs],
            hint="wait for them or end them, or archive the procedure",
        )
    if not removal.done:
        if await store.procedure(key) is None:
            raise no_procedure(key)
        raise Conflict(f"{key} was just changed; nothing was deleted", hint="look at it, and try again")
    engine.library.forget(*key)
    return {"procedure": str(key), "deleted": True, "head": head.id}
