"""Going on: with runs whose engine is gone, and with what other processes did to ours. Nobody presses a button."""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol

from stepwell.engine.actor import Actor, Mail
from stepwell.engine.dispatch import Dispatch
from stepwell.kernel.flow import in_flight
from stepwell.model import commands as c
from stepwell.model.base import Duration
from stepwell.model.errors import StepwellError, StoreUnavailable
from stepwell.model.states import RunStatus
from stepwell.ports import Clock, Store

log = logging.getLogger("stepwell.engine")


class Ward(Protocol):
    """What this needs of the engine."""

    store: Store
    clock: Clock
    actors: dict[str, Actor]
    quarantined: dict[str, BaseException]
    dispatch: Dispatch
    engine_id: str | None

    async def actor(self, run_id: str) -> Actor: ...

    def wake(self, run_id: str) -> None: ...

    def waiting_for(self) -> list[str]: ...


class Recovery:
    def __init__(self, ward: Ward) -> None:
        self._ward = ward
        self._watching: asyncio.Task[None] | None = None
        self._taking: set[str] = set()

    async def run(self, only: str | None = None) -> int:
        """Adopt open runs that nobody carries on, and go on with them. One that cannot be read stops no other."""
        ward = self._ward
        if ward.engine_id is None:
            return 0
        owned = await ward.store.adopt(ward.engine_id, only)
        fresh = [run_id for run_id in owned if run_id not in ward.actors and run_id not in self._taking]
        self._taking.update(fresh)
        taken = 0
        for run_id in fresh:
            taken += await self._take_up(run_id)
            self._taking.discard(run_id)
        return taken

    async def _take_up(self, run_id: str) -> bool:
        ward = self._ward
        try:
            actor = await ward.actor(run_id)
        except StepwellError as error:
            ward.quarantined[run_id] = error
            ward.wake(run_id)
            log.error("run %s cannot be taken up, other runs go on: %s", run_id, error)
            return False
        if actor.foreign:
            return False
        lost = tuple(step for step in actor.state.open_steps if in_flight(actor.state.steps[step]))
        if actor.state.run.status is RunStatus.CANCELLING:
            for step in lost:  # nobody performs it any more: it has settled
                actor.tell(Mail(c.SettleStep(step, actor.state.steps[step].attempt)))
            return True
        if lost:
            actor.tell(Mail(c.Recover(lost)))
        actor.tell(Mail(c.Proceed()))
        return True

    def watch(self, every: Duration) -> None:
        self._watching = asyncio.ensure_future(self._watch(every))

    async def _watch(self, every: Duration) -> None:
        ward = self._ward
        while True:
            await ward.clock.wait_until(ward.clock.now() + every)
            try:
                if ward.store.changed():
                    await self._take_in()
            except StoreUnavailable as error:
                log.warning("cannot look at the store: %s", error)

    async def _take_in(self) -> None:
        """Another process has written: take in what concerns our runs, and wake whoever waits for others."""
        ward = self._ward
        if ward.engine_id is not None:
            for run_id in await ward.store.take_foreign(ward.engine_id):
                if run_id in ward.actors:
                    await self._refresh(ward.actors[run_id])
                else:
                    await self.run(only=run_id)
        for run_id in ward.waiting_for():
            ward.wake(run_id)

    async def _refresh(self, actor: Actor) -> None:
        """Others moved our run: stop what is no longer wanted, begin what they left scheduled."""
        await actor.refresh()
        state = actor.state
        for key in self._ward.dispatch.of_run(actor.id):
            step = state.steps.get(key[1])
            stale = step is None or not in_flight(step) or step.attempt != key[2]
            if stale or state.run.status is RunStatus.CANCELLING:
                self._ward.dispatch.interrupt(key)
        if state.run.status.terminal:
            return
        if state.run.status is RunStatus.CANCELLING:
            for step_id in list(state.open_steps):
                step = state.steps[step_id]
                if in_flight(step) and (actor.id, step_id, step.attempt) not in self._ward.dispatch:
                    actor.tell(Mail(c.SettleStep(step_id, step.attempt)))
        actor.tell(Mail(c.Proceed()))

    async def close(self) -> None:
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
