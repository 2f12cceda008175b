"""Going on: with runs whose engine is gone, and with what other processes did to ours. Nobody presses a button."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Final, Protocol

from stepwell.engine.actor import Actor
from stepwell.engine.codebase import Codebase
from stepwell.engine.dispatch import Dispatch
from stepwell.engine.feed import Feed
from stepwell.engine.followups import FollowUps
from stepwell.engine.mail import Mail
from stepwell.engine.orphans import ORPHANED, cancel_left_alone, cancel_unwanted, orphaned
from stepwell.engine.probing import PROBE
from stepwell.engine.queues import Queueing
from stepwell.engine.scheduler import Scheduler
from stepwell.engine.signals import hand_over
from stepwell.engine.timekeeper import Timekeeper
from stepwell.kernel.standing import in_flight
from stepwell.kernel.undoing import unwanted
from stepwell.model import commands as c
from stepwell.model.base import Duration
from stepwell.model.errors import StoreUnavailable
from stepwell.model.records import State
from stepwell.model.states import RunStatus
from stepwell.ports import Clock, Store

log = logging.getLogger("stepwell.engine")

QUIET_AFTER: Final = 10
QUIET_PACE: Final = 5
"""After so many looks at a file that nobody else writes to, it is looked at so many times less often. (Processes that
wait for each other call each other; the look is for those that cannot.)"""

LOOKS_PER_TAKE_OVER: Final = 25
"""How many looks at the store go by between two searches for runs whose engine is gone."""

REST: Final = 4
"""After taking in what others did, rest so many times as long as that took, before hearing again."""

WATCH: Final = "stepwell-watch"
"""The name of the task that looks; a clock that skips to what is due need not stop for it."""


class Ward(Protocol):
    """What this needs of the engine."""

    store: Store
    clock: Clock
    actors: dict[str, Actor]
    quarantined: dict[str, BaseException]
    dispatch: Dispatch
    feed: Feed
    schedules: Scheduler
    engine_id: str | None

    codebase: Codebase

    async def adopt(self, only: str | None = None) -> Sequence[str]: ...

    async def actor(self, run_id: str) -> Actor: ...

    async def command(self, run_id: str, command: c.Command) -> None: ...

    async def reload(self, run_id: str) -> State: ...

    queueing: Queueing
    follow_ups: FollowUps
    timekeeper: Timekeeper

    def at_rest(self, actor: Actor) -> None: ...

    def wake(self, run_id: str) -> None: ...

    def waiting_for(self) -> list[str]: ...


class Recovery:
    def __init__(self, ward: Ward) -> None:
        self._ward = ward
        self._watching: asyncio.Task[None] | None = None
        self._taking: set[str] = set()
        self._hearing: asyncio.Task[None] | None = None
        self._called = self._closed = False

    async def run(self, only: str | None = None) -> int:
        """Adopt open runs that nobody carries on, and go on with them. One that cannot be read stops no other."""
        ward = self._ward
        if ward.engine_id is None:
            return 0
        owned = await ward.adopt(only)
        known = {
            *ward.actors,
            *self._taking,
            *ward.queueing.beginning,
            *(ward.quarantined if only is None else ()),
        }
        fresh = [run_id for run_id in owned if run_id not in known]
        self._taking.update(fresh)
        try:
            return sum([await self._take_up(run_id) for run_id in fresh])
        finally:
            self._taking.difference_update(fresh)

    async def _take_up(self, run_id: str) -> bool:
        ward = self._ward
        try:
            actor = await ward.actor(run_id)
            alone = await orphaned(ward.reload, actor.state)
            await self._take_over_signals(actor.state)
            await cancel_unwanted(ward, actor.state)
        except StoreUnavailable as error:  # the next look will find it again
            log.warning("run %s cannot be taken up now: %s", run_id, error)
            return False
        except Exception as error:  # noqa: BLE001 - one run that cannot be read must stop no other
            ward.quarantined[run_id] = error
            ward.wake(run_id)
            log.error("run %s cannot be taken up, other runs go on: %s", run_id, error)
            return False
        ward.quarantined.pop(run_id, None)
        if actor.state.run.status.terminal:  # it ended while it was being read
            ward.at_rest(actor)
            return False
        if actor.state.run.waits:
            return await ward.queueing.take_up(actor.definition, actor.state, orphaned=alone)
        if actor.foreign:
            return False
        self.carry_on(actor, orphaned=alone)
        return True

    def carry_on(self, actor: Actor, *, orphaned: bool = False) -> None:
        """Perform again what nobody performs any more, and begin what is held and due."""
        lost = tuple(step for step in actor.state.open_steps if in_flight(actor.state.steps[step]))
        run, steps = actor.state.run, actor.state.steps
        if orphaned and run.status is not RunStatus.CANCELLING:
            actor.tell(Mail(c.CancelRun(ORPHANED, abandoned=True)))
            return
        for step in lost:
            if unwanted(run, steps[step]):  # nobody performs it any more: it has settled
                actor.tell(Mail(c.SettleStep(step, steps[step].attempt)))
        if again := tuple(step for step in lost if not unwanted(run, steps[step])):
            actor.tell(Mail(c.Recover(again)))
        if run.status is not RunStatus.CANCELLING or run.code is not None:
            actor.tell(Mail(c.Proceed()))

    async def _take_over_signals(self, state: State) -> None:
        """What the run that this one continues had not taken yet: its engine may be gone before it handed that over."""
        if state.run.continued_from is None or state.run.status.terminal:
            return
        before = await self._ward.reload(state.run.continued_from)
        if before.run.continued_to == state.run.id:
            await hand_over(self._ward, before)

    def watch(self, every: Duration, *, take_over: bool) -> None:
        """Look every so often what other processes did; with `take_over` also whether one of them is gone."""
        self._watching = asyncio.create_task(self._watch(every, take_over), name=WATCH)

    async def _watch(self, every: Duration, take_over: bool) -> None:
        ward, looks, quiet = self._ward, 0, 0
        while True:
            pace = 1 if quiet < QUIET_AFTER else QUIET_PACE
            await ward.clock.wait_until(ward.clock.now() + every * pace)
            looks += pace
            try:
                changed = ward.store.changed()
                quiet = 0 if changed else quiet + 1
                ward.feed.look(changed=changed)
                if changed:
                    await self._take_in()
                if take_over and looks >= LOOKS_PER_TAKE_OVER:
                    looks = 0
                    ward.follow_ups.look()
                    await self.run()
                    await cancel_left_alone(ward)
            except StoreUnavailable as error:
                log.warning("cannot look at the store: %s", error)
            except Exception:  # the watch must go on, whatever one look met
                log.exception("looking at the store failed")

    async def _take_in(self) -> None:
        """Another process has written: take in what concerns our runs, and wake whoever waits for others."""
        ward = self._ward
        if ward.engine_id is not None:
            for run_id in await ward.store.take_foreign(ward.engine_id, ward.codebase.known()):
                if run_id in ward.actors:
                    await self.refresh(ward.actors[run_id])
                else:
                    await self.run(only=run_id)
        ward.queueing.look()
        ward.follow_ups.look()
        for run_id in await ward.store.ended(ward.waiting_for()):
            ward.wake(run_id)
        ward.schedules.look()
        ward.timekeeper.look()

    def hear(self) -> None:
        """Another process did something that may concern us."""
        self._called = True
        if self._hearing is None and not self._closed:
            self._hearing = asyncio.create_task(self._listen())

    async def _listen(self) -> None:
        loop = asyncio.get_running_loop()
        began = loop.time()
        self._called = False
        self._ward.feed.look(changed=True)
        try:
            await self._take_in()
        except StoreUnavailable as error:
            log.warning("cannot look at the store: %s", error)
        except Exception:
            log.exception("looking at the store failed")
        if not self._closed:
            loop.call_later(REST * (loop.time() - began), self._heard)

    def _heard(self) -> None:
        self._hearing = None
        if self._called:
            self.hear()

    async def refresh(self, actor: Actor) -> None:
        """Others moved our run: stop what is no longer wanted, begin what they left scheduled."""
        await actor.refresh()
        state = actor.state
        for key in self._ward.dispatch.of_run(actor.id):
            if key[1].startswith(PROBE):  # what it sees is heard only if somebody still wants to know
                continue
            step = state.steps.get(key[1])
            stale = step is None or not in_flight(step) or step.attempt != key[2]
            if step is None or stale or unwanted(state.run, step):
                self._ward.dispatch.interrupt(key)
        if state.run.status.terminal:
            return
        for step_id in list(state.open_steps):
            step = state.steps[step_id]
            here = (actor.id, step_id, step.attempt) in self._ward.dispatch
            if unwanted(state.run, step) and in_flight(step) and not here:
                actor.tell(Mail(c.SettleStep(step_id, step.attempt)))
        actor.tell(Mail(c.Proceed()))

    async def close(self) -> None:
        self._closed = True
        tasks = [task for task in (self._watching, self._hearing) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
