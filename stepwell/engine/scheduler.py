"""The clock of the schedules: one task that sleeps until the next slot of all of them, and fires what is due.

Several engines on one file may do this at once. A run's idempotency key names schedule and slot, so a slot starts one
run, whoever comes first; and what a schedule has dealt with is written only where nobody has written since. A slot is
marked as dealt with after its run is on record, never before.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from typing import Final, Protocol

from stepwell.engine.firing import Desk, Lost, Starter, serve
from stepwell.model.base import SECOND, Duration, Instant
from stepwell.model.errors import StepwellError, StoreUnavailable
from stepwell.model.schedules import Schedule
from stepwell.ports import Clock

log = logging.getLogger("stepwell.schedules")

RETRY_AFTER: Final[Duration] = SECOND
"""How long to wait for a store that is sick."""

HOLD: Final[Duration] = 60 * SECOND
"""How long a schedule rests that could not be dealt with at all."""

TRIES: Final = 20
"""How often others may be faster."""


class Post(Desk, Protocol):
    """What this needs of the engine."""

    clock: Clock

    async def wait(self, run_id: str) -> object: ...


class Scheduler:
    """Made by the engine; `begin` starts it. Costs nothing while no schedule is there."""

    def __init__(self, post: Post) -> None:
        self._post = post
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._held: dict[str, Instant] = {}
        self._ends: dict[str, asyncio.Task[None]] = {}

    @property
    def running(self) -> bool:
        """Whether this engine fires schedules."""
        return self._task is not None

    def begin(self, start: Starter) -> None:
        """From now on fire what is due, with `start`."""
        self._task = asyncio.ensure_future(self._run(start))

    def look(self) -> None:
        """A schedule may have changed: look again."""
        self._woken.set()

    async def close(self) -> None:
        tasks = [task for task in (self._task, *self._ends.values()) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._ends.clear()

    async def _run(self, start: Starter) -> None:
        seen_all = False
        while True:
            self._woken.clear()
            try:
                now = self._post.clock.now()
                store = self._post.store.schedules
                await self._serve(await (store.due(now) if seen_all else store.all()), now, start)
                seen_all = True
                soonest = await store.next_at(now)
            except StoreUnavailable as error:
                log.warning("schedules cannot be looked at now: %s", error)
                soonest = self._post.clock.now() + RETRY_AFTER
            except Exception:  # the clock of all schedules must go on, whatever one look met
                log.exception("looking at the schedules failed")
                soonest = self._post.clock.now() + HOLD
            await self._rest(soonest)

    async def _serve(self, schedules: Iterable[Schedule], now: Instant, start: Starter) -> None:
        """Deal with each. One that cannot be dealt with stops no other."""
        self._held = {name: until for name, until in self._held.items() if until > now}
        for schedule in schedules:
            if schedule.name in self._held or schedule.paused:
                continue
            try:
                await self._serve_one(schedule, start)
            except StoreUnavailable:
                raise
            except Exception:
                log.exception("schedule %s cannot be dealt with now; others go on", schedule.name)
                self._held[schedule.name] = self._post.clock.now() + HOLD

    async def _serve_one(self, schedule: Schedule, start: Starter) -> None:
        found: Schedule | None = schedule
        for _ in range(TRIES):
            if found is None or found.paused:
                return
            try:
                awaited = await serve(self._post, found, self._post.clock.now(), start)
            except Lost:  # another engine, or a user, has written it meanwhile
                found = await self._post.store.schedules.get(schedule.name)
                continue
            if awaited is not None:
                self._await_end(schedule.name, awaited)
            return
        raise Lost(schedule.name)

    def _await_end(self, name: str, run_id: str) -> None:
        """Look again when this run has ended, whoever carries it on."""
        waiting = self._ends.get(name)
        if waiting is None or waiting.done():
            self._ends[name] = asyncio.ensure_future(self._until_end(name, run_id))

    async def _until_end(self, name: str, run_id: str) -> None:
        try:
            await self._post.wait(run_id)
        except StepwellError as error:
            log.warning("schedule %s waits for run %s: %s", name, run_id, error)
            await self._post.clock.wait_until(self._post.clock.now() + HOLD)
        del self._ends[name]
        self.look()

    async def _rest(self, soonest: Instant | None) -> None:
        """Sleep until then, or until a schedule may have changed."""
        wanted = [*self._held.values(), *([] if soonest is None else [soonest])]
        woken = asyncio.ensure_future(self._woken.wait())
        waits: list[asyncio.Future[object]] = [woken]  # type: ignore[list-item]
        if wanted:
            waits.append(asyncio.ensure_future(self._post.clock.wait_until(min(wanted))))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
            await asyncio.gather(*waits, return_exceptions=True)
