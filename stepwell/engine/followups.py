"""Starting the runs that others ordered: once each, whoever does it, and whatever dies in between.

The order is a row that was committed with its cause; it goes when the run is on record. Between the two a crash only
means that somebody looks again.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final, Protocol

from stepwell.definition.building.recourse import split
from stepwell.definition.model import Definition
from stepwell.engine.children import DEEPEST
from stepwell.engine.codebase import Codebase
from stepwell.engine.library import Library
from stepwell.kernel.evolve import blank, replay
from stepwell.model import commands as c
from stepwell.model.base import SECOND, Json, iso
from stepwell.model.errors import NotFound, SeqConflict, StepwellError, StoreUnavailable
from stepwell.model.events import FollowUpOrdered
from stepwell.model.journal import KeyClaim
from stepwell.model.ledger import FollowUp
from stepwell.model.problem import Problem
from stepwell.model.records import State
from stepwell.ports import Clock, Store

log = logging.getLogger("stepwell.engine")

RETRY_AFTER: Final = SECOND
"""How long to wait for a store that is sick."""


class Starter(Protocol):
    """What this needs of the engine."""

    store: Store
    clock: Clock
    library: Library
    codebase: Codebase
    engine_id: str | None
    closing: bool

    async def start(
        self, definition: Definition, command: c.StartRun, claim: KeyClaim | None = None
    ) -> None: ...

    async def reload(self, run_id: str) -> State: ...


class FollowUps:
    def __init__(self, starter: Starter) -> None:
        self._starter = starter
        self._wanted: set[str | None] = set()
        self._task: asyncio.Task[None] | None = None
        self._open = False
        self._put_aside: set[str] = set()

    def open(self) -> None:
        """From now on those that nobody started are started here too."""
        self._open = True
        self.look()

    def look(self) -> None:
        """Start what is to be started, whoever ordered it."""
        if self._open:
            self._want(None)

    def of(self, run_id: str) -> None:
        """Start what this run ordered."""
        self._want(run_id)

    def _want(self, source: str | None) -> None:
        if self._starter.closing or self._starter.engine_id is None:
            return
        self._wanted.add(source)
        if self._task is None:
            self._task = asyncio.create_task(self._work())

    async def _work(self) -> None:
        try:
            while self._wanted:
                source = self._wanted.pop()
                try:
                    for order in await self._starter.store.ledger.follow_ups(source):
                        await self._obey(order)
                except StoreUnavailable as error:
                    log.warning("the runs that are to be started cannot be looked up now: %s", error)
                    self._wanted.add(source)
                    await self._starter.clock.wait_until(self._starter.clock.now() + RETRY_AFTER)
        finally:
            self._task = None

    async def _obey(self, order: FollowUp) -> None:
        store = self._starter.store
        try:
            if await store.row(order.run_id) is None and not await self._start(order):
                return
        except (SeqConflict, StoreUnavailable) as error:
            if isinstance(error, StoreUnavailable):
                raise
        except StepwellError as error:
            self._set_aside(order, str(error))
            return
        await store.ledger.started(order.run_id)

    async def _start(self, order: FollowUp) -> bool:
        """False: somebody else has to."""
        state = await self._at(order)
        event = await self._event(order)
        if state is None or event is None:
            return True  # its cause is gone from the journal: archived, or deleted
        if state.run.depth >= DEEPEST:
            log.error("run %s is not started: %d runs have followed each other", order.run_id, DEEPEST)
            return True
        definition = await self._starter.library.find(*split(event.workflow))
        if definition.code is not None and definition.reference not in self._starter.codebase.known():
            self._set_aside(order, f"the code of {definition.reference} is not here")
            return False
        command = c.StartRun(
            order.run_id,
            {"run": told(state, event)},
            parent_id=order.source,
            parent_step=event.step,
            depth=state.run.depth + 1,
            detached=True,
        )
        await self._starter.start(definition, command)
        return True

    async def _at(self, order: FollowUp) -> State | None:
        """The source as it was in the turn of the order."""
        try:
            state = await self._starter.reload(order.source)
        except NotFound:
            return None
        if state.run.seq == order.seq:
            return state
        return replay(blank(order.source), await self._starter.store.turns(order.source, 0, order.seq))

    async def _event(self, order: FollowUp) -> FollowUpOrdered | None:
        turns = await self._starter.store.turns(order.source, order.seq - 1, 1)
        events = turns[0].events if turns else ()
        found = (e for e in events if isinstance(e, FollowUpOrdered) and e.run_id == order.run_id)
        return next(found, None)

    def _set_aside(self, order: FollowUp, why: str) -> None:
        """It stays to be started: by another engine, or when what it lacks is there. Said once."""
        if order.run_id not in self._put_aside:
            self._put_aside.add(order.run_id)
            log.warning(
                "run %s, ordered by run %s, cannot be started here: %s", order.run_id, order.source, why
            )

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)


def told(state: State, event: FollowUpOrdered) -> dict[str, Json]:
    """What the new run is told of the one that it follows."""
    run, error = state.run, _error(state, event)
    return {
        "run_id": run.id,
        "namespace": run.namespace,
        "name": run.name,
        "version": run.version,
        "status": run.status.value,
        "cause": event.cause,
        "step": event.step,
        "attempt": event.number if event.step is not None else None,
        "input": run.input,
        "output": run.output,
        "error": None if error is None else error.as_json(),
        "error_step": run.error_step,
        "cancel_reason": run.cancel_reason,
        "tags": dict(run.tags),
        "created_at": iso(run.created_at),
        "ended_at": None if run.ended_at is None else iso(run.ended_at),
    }


def _error(state: State, event: FollowUpOrdered) -> Problem | None:
    """Of the step that is the cause, or of the run."""
    if event.step is None:
        return state.run.error
    step = state.steps[event.step]
    return step.error or (step.attempts[-1].error if step.attempts else None)
