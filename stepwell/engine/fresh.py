"""What is answered from memory, though others may have written meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from stepwell.engine.actor import Actor
from stepwell.model.commands import Command
from stepwell.model.errors import Conflict, InvalidInput, NotFound
from stepwell.model.records import State
from stepwell.ports import Store


class Owner(Protocol):
    """What this needs of an engine."""

    store: Store

    @property
    def actors(self) -> Mapping[str, Actor]: ...

    async def reload(self, run_id: str) -> State: ...

    async def refresh(self, actor: Actor) -> None: ...


async def ask(owner: Owner, actor: Actor, command: Command) -> None:
    """What is refused by a state that others have moved on meanwhile is asked again of the present one."""
    try:
        await actor.ask(command)
    except (Conflict, NotFound, InvalidInput):
        if actor.foreign or not await _behind(owner, actor):
            raise
        await owner.refresh(actor)
        await actor.ask(command)


async def present(owner: Owner, run_id: str) -> State:
    """The state as it is on record: the one in memory, if the run is carried on here and nobody else has written since.
    To be read at once, and not to be kept."""
    actor = owner.actors.get(run_id)
    if actor is None or not actor.idle or await _behind(owner, actor) or not actor.idle:
        return await owner.reload(run_id)
    return actor.state


async def _behind(owner: Owner, actor: Actor) -> bool:
    return bool(await owner.store.turns(actor.id, after=actor.state.run.seq, limit=1))
