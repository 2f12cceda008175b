"""What an actor needs of the engine around it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol, TypeVar

from stepwell.definition.expression import Deferred
from stepwell.definition.model import Definition
from stepwell.engine.environment import Surroundings
from stepwell.engine.mail import OnItsWay
from stepwell.model.base import Instant, Json
from stepwell.model.calls import Code
from stepwell.model.effects import Effect
from stepwell.model.records import State
from stepwell.ports import Clock, Store

Actor_contra = TypeVar("Actor_contra", contravariant=True)


class Host(Protocol[Actor_contra]):
    """See the module."""

    clock: Clock
    store: Store
    loop: asyncio.AbstractEventLoop
    """the one on which all of it is done (asking asyncio for it is a system call)"""
    closing: bool
    surroundings: Surroundings

    async def compute(self, deferred: Deferred, now: Instant) -> Json: ...

    def committed(self, actor: Actor_contra, pending: OnItsWay) -> None:
        """The turn is durable: carry out its effects, tell whoever listens."""
        ...

    def carry_out(self, actor: Actor_contra, effects: Sequence[Effect]) -> None: ...

    def at_rest(self, actor: Actor_contra) -> None:
        """What was read back is decided; if others ended the run, it need not be kept in memory."""
        ...

    def forget(self, actor: Actor_contra) -> None:
        """The run was never created."""
        ...

    def broken(self, actor: Actor_contra, error: BaseException) -> None:
        """The run cannot be carried on; it is put aside, as it is."""
        ...

    async def reread(self, run_id: str) -> tuple[State, Definition]: ...

    def open_code(self, actor: Actor_contra) -> Code | None:
        """The run's own code, if it has one and this engine can run it. Raises `CodeMismatch`."""
        ...
