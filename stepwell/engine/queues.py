"""Queued runs: taken when something happened that lets one begin (never by asking in a loop), and begun.

An engine asks the store when a run was put into a queue or left one, when another process calls, and when the time has
come that the store named. What it is given is its own, and begins with a turn like any other.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from typing import Final, Protocol

from stepwell.definition.model import Definition
from stepwell.engine.actor import Actor
from stepwell.engine.codebase import Codebase
from stepwell.engine.dispatch import Dispatch
from stepwell.engine.library import Library
from stepwell.engine.mail import Mail
from stepwell.engine.orphans import ORPHANED, orphaned
from stepwell.model import commands as c
from stepwell.model.base import SECOND, Instant
from stepwell.model.errors import StepwellError, StoreUnavailable
from stepwell.model.queues import Claim, Claimed, Standing
from stepwell.model.records import State
from stepwell.model.states import RunStatus
from stepwell.ports import Clock, Store

log = logging.getLogger("stepwell.engine")

BATCH: Final = 256
"""The most runs that one claim takes: what is left is for other processes too."""


class Yard(Protocol):
    """What this needs of the engine."""

    store: Store
    clock: Clock
    library: Library
    codebase: Codebase
    dispatch: Dispatch
    actors: dict[str, Actor]
    quarantined: dict[str, BaseException]
    engine_id: str | None
    closing: bool

    async def reload(self, run_id: str) -> State: ...

    async def command(self, run_id: str, command: c.Command) -> None: ...

    def carry(self, definition: Definition, state: State) -> Actor: ...

    def forget(self, actor: Actor) -> None: ...

    def wake(self, run_id: str) -> None: ...


class Queueing:
    """`works_on`: the queues whose runs this engine begins; None: all. `beginning`: runs that were taken, and whose
    first step is not on record yet."""

    def __init__(self, yard: Yard, works_on: Collection[str] | None) -> None:
        self._yard, self._works_on = yard, works_on
        self.beginning: set[str] = set()
        self._open = False
        self._again = self._ours = self._short = False
        self._looking: asyncio.Task[None] | None = None
        self._alarm: tuple[Instant, asyncio.Task[None]] | None = None
        self._hopeless: set[str] = set()

    def open(self) -> None:
        """From now on runs are taken."""
        self._open = self._yard.engine_id is not None
        self.look()

    def works_on(self, queue: str) -> bool:
        return self._works_on is None or queue in self._works_on

    def changed(self, queue: str) -> None:
        """A run was put into the queue here, or left it: something may begin, here or elsewhere."""
        if self._open and self.works_on(queue):
            self._ours = True
            self.look()
        else:
            self._yard.store.call_others()

    def look(self) -> None:
        """See what may begin, soon."""
        self._again = True
        if self._open and self._looking is None and not self._yard.closing:
            self._looking = asyncio.create_task(self._look())

    async def _look(self) -> None:
        try:
            while self._again:
                self._again = False
                await self._take()
        except StoreUnavailable as error:
            log.warning("cannot take queued runs now: %s", error)
            self._set_alarm(self._yard.clock.now() + SECOND)
        except Exception:
            log.exception("taking queued runs failed")
            self._set_alarm(self._yard.clock.now() + SECOND)
        finally:
            self._looking = None

    async def _take(self) -> None:
        yard = self._yard
        room = min(BATCH, yard.dispatch.free - len(self.beginning))
        if room <= 0:
            self._short = True
            yard.dispatch.when_free(self._free)
            return
        ours, self._ours = self._ours, False
        assert yard.engine_id is not None
        now = yard.clock.now()
        claim = await yard.store.queues.claim(
            yard.engine_id, now, room, self._works_on, yard.codebase.known()
        )
        self.beginning.update(claimed.run_id for claimed in claim.runs)
        for claimed in claim.runs:
            await self._begin(claimed)
        if claim.left and (claim.runs or ours):
            yard.store.call_others()
        if len(claim.runs) == room:
            self._again = True
        await self._expire(claim)
        self._set_alarm(claim.next if claim.next is None or claim.next > now else now + SECOND)

    def _free(self) -> None:
        """There is room again, if there was none."""
        if self._short:
            self._short = False
            self.look()

    async def _begin(self, claimed: Claimed) -> None:
        yard, run_id = self._yard, claimed.run_id
        try:
            definition = await yard.library.get(claimed.definition_hash)
            state = await yard.reload(run_id)
            alone = await orphaned(yard.reload, state)
        except StoreUnavailable as error:  # the next search for runs that nobody carries on finds it
            log.warning("run %s cannot be begun now: %s", run_id, error)
            self.beginning.discard(run_id)
        except Exception as error:  # noqa: BLE001 - one run that cannot be read must stop no other
            log.error("run %s cannot be begun, other runs go on: %s", run_id, error)
            self.beginning.discard(run_id)
            yard.quarantined[run_id] = error
            yard.wake(run_id)
        else:
            self.begin(definition, state, claimed.round, orphaned=alone)

    def begin(self, definition: Definition, state: State, number: int, *, orphaned: bool = False) -> None:
        """Begin a run that this engine has taken (or end it, if nobody wants it any more); `number` is the round of the
        claim."""
        yard, run_id = self._yard, state.run.id
        if state.run.status is not RunStatus.PENDING or yard.closing:
            self.beginning.discard(run_id)
            return
        actor = yard.actors.get(run_id) or yard.carry(definition, state)

        def begun(error: BaseException | None) -> None:
            self.beginning.discard(run_id)
            self._free()
            if actor.state.run.waits and yard.actors.get(run_id) is actor:  # it went another way meanwhile
                yard.forget(actor)
            if error is not None:
                log.warning("run %s did not begin: %s", run_id, error)

        command: c.Command = c.CancelRun(ORPHANED, abandoned=True) if orphaned else c.BeginRun(number)
        actor.tell(Mail(command, begun, insist=True))

    async def take_up(self, definition: Definition, state: State, *, orphaned: bool = False) -> bool:
        """A run that is ours and has not begun: begin it, if the claim that it was taken with still holds."""
        entry = await self._yard.store.queues.entry(state.run.id)
        if entry is None or entry.standing is not Standing.BEGUN:
            return False
        self.begin(definition, state, entry.round, orphaned=orphaned)
        return True

    async def _expire(self, claim: Claim) -> None:
        """End the runs whose deadline passed before they began."""
        late = [run_id for run_id in claim.expired if run_id not in self._hopeless]
        outcomes = await asyncio.gather(
            *(self._yard.command(run_id, c.FireTimer(None, "timeout")) for run_id in late),
            return_exceptions=True,
        )
        for run_id, outcome in zip(late, outcomes, strict=True):
            if isinstance(outcome, StepwellError) and not outcome.retry:
                log.error("run %s is past its deadline and cannot be ended: %s", run_id, outcome)
                self._hopeless.add(run_id)
        self._again = self._again or bool(late)

    def _set_alarm(self, due: Instant | None) -> None:
        """Look again at this time."""
        if self._alarm is not None:
            if self._alarm[0] == due:
                return
            self._alarm[1].cancel()
            self._alarm = None
        if due is not None and not self._yard.closing:
            self._alarm = (due, asyncio.create_task(self._ring(due)))

    async def _ring(self, due: Instant) -> None:
        await self._yard.clock.wait_until(due)
        self._alarm = None
        self.look()

    async def close(self) -> None:
        self._open = False
        tasks = [
            task for task in (self._looking, self._alarm[1] if self._alarm else None) if task is not None
        ]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
