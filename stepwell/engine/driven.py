"""Runs that programs of their own drive: asked here, by any number of callers and processes at once.

Such a run is nobody's. What is kept of it in memory is a cache: before each question it takes in what others appended,
and an answer that nothing was written for is given only once all that it rests on is durable.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any, Final, Protocol

from stepwell.engine.actor import Actor
from stepwell.kernel.ruling import Decision
from stepwell.model.commands import Command, FireTimer
from stepwell.model.driven import ReleaseExpired
from stepwell.model.errors import StepwellError, StoreError
from stepwell.model.records import Run
from stepwell.model.states import RunStatus
from stepwell.ports import Clock, Store

KEPT: Final = 1_000
"""How many runs are kept in memory."""


class Ward(Protocol):
    """What this needs of the engine."""

    store: Store
    clock: Clock

    async def actor(self, run_id: str) -> Actor: ...


class Driven:
    def __init__(self, ward: Ward) -> None:
        self._ward = ward
        self._actors: OrderedDict[str, Actor] = OrderedDict()

    async def ask(self, run_id: str, command: Command) -> Any:
        """The answer, once it is durable. Raises what the rules refuse with, `NotFound`, `StoreError`."""
        while True:
            actor = await self._actor(run_id)
            await self._catch_up(actor)
            if self._out_of_time(actor.state.run):
                await actor.ask(FireTimer(None, "timeout"))
            before = actor.state
            heard: list[Decision] = []
            refused: StepwellError | None = None
            try:
                await actor.ask(command, heard=heard)
            except StoreError:
                raise
            except StepwellError as error:
                refused = error
            if (refused is None and heard[-1].events) or await self._stands(actor, before):
                self._let_go_if_over(actor)
                if refused is not None:
                    raise refused
                return heard[-1].answer

    async def lapse(self, run_id: str) -> bool:
        """What time alone brings: a run whose timeout has passed ends; one that is being cancelled waits no more for
        claims that have expired. False: nothing is to be done. Raises `NotFound`, `StoreError`."""
        actor = await self._actor(run_id)
        await self._catch_up(actor)
        before = actor.state.run.seq
        if self._out_of_time(actor.state.run):
            await actor.ask(FireTimer(None, "timeout"))
        elif actor.state.run.status is RunStatus.CANCELLING:
            await actor.ask(ReleaseExpired())
        self._let_go_if_over(actor)
        return actor.state.run.seq > before

    def _out_of_time(self, run: Run) -> bool:
        """Its timeout has passed: whoever asks first has it ended."""
        late = run.deadline is not None and run.deadline <= self._ward.clock.now()
        return late and run.status in (RunStatus.RUNNING, RunStatus.PAUSING, RunStatus.PAUSED)

    async def _actor(self, run_id: str) -> Actor:
        known = self._actors.get(run_id)
        if known is None or known.failure is not None:
            fresh = await self._ward.actor(run_id)
            known = self._actors.get(run_id)  # somebody else may have read it in meanwhile
            if known is None or known.failure is not None:
                known = self._actors[run_id] = fresh
        self._actors.move_to_end(run_id)
        if len(self._actors) > KEPT:
            self._make_room()
        return known

    def _make_room(self) -> None:
        for run_id, actor in self._actors.items():
            if actor.idle:
                del self._actors[run_id]
                return

    async def _catch_up(self, actor: Actor) -> None:
        """Take in what others have appended."""
        if await self._ward.store.turns(actor.id, actor.state.run.seq, 1):
            await actor.refresh()

    async def _stands(self, actor: Actor, before: object) -> bool:
        """Whether the state that was decided on is durable: what rode ahead of the store has landed, and nothing was
        thrown away."""
        if not actor.idle:
            await self._ward.store.flush()
        failed = actor.failure is not None
        return failed or (actor.state is before and not actor.busy)

    def _let_go_if_over(self, actor: Actor) -> None:
        if actor.state.run.status.terminal and self._actors.get(actor.id) is actor and actor.idle:
            del self._actors[actor.id]
