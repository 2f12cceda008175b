"""Which version of a procedure a run is started with."""

from __future__ import annotations

from stepwell.client.versions.committing import archived, definition_at
from stepwell.client.versions.names import key_of, procedure_of, resolve
from stepwell.definition.model import Definition
from stepwell.engine.engine import Engine
from stepwell.model.errors import InvalidInput, NotFound
from stepwell.model.versions import MAIN


async def picked(
    engine: Engine, procedure: object, commit: str | None, branch: str | None, tag: str | None
) -> tuple[Definition, str]:
    """The definition and its commit. A draft that is picked is kept from then on. Raises `InvalidInput`, `NotFound`,
    `TransitionRefused`, `InvalidDefinition`."""
    given = [each for each in (commit, branch, tag) if each is not None]
    if len(given) > 1:
        raise InvalidInput("name a commit, a branch or a tag: one of them")
    if not isinstance(procedure, str):
        raise InvalidInput(
            "a commit, a branch or a tag is one of a procedure", hint="name it: namespace/name"
        )
    key, store = key_of(procedure), engine.store.versions
    if (await procedure_of(store, key)).archived:
        raise archived(key)
    wanted = await resolve(store, key, given[0] if given else MAIN)
    definition = await definition_at(engine, key, wanted)
    if wanted.working and not await store.keep(key, [wanted.id]):
        raise NotFound(f"{key} has no commit {wanted.id[:12]}: it was removed just now")
    return definition, wanted.id
