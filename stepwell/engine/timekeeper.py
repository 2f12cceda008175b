"""Ends runs that programs of their own drive once their time is over: it may be that nobody asks for them any more.

One task sleeps until the next of these instants, which stand in the index, and looks again when somebody has written.
Several engines may do this at once: the journal's key decides who ends a run.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Final, Protocol

from stepwell.engine.driven import Driven
from stepwell.engine.followups import FollowUps
from stepwell.engine.rows import ends_at
from stepwell.model.base import SECOND, Duration, Instant
from stepwell.model.errors import StoreUnavailable
from stepwell.model.records import Run
from stepwell.ports import Clock, Store
from stepwell.ports.driven import Ending

log = logging.getLogger("stepwell.engine")

RETRY_AFTER: Final[Duration] = SECOND
"""How long to wait for a store that is sick."""

HOLD: Final[Duration] = 60 * SECOND
"""How long a run rests that could not be ended."""

TOGETHER: Final = 64
"""So many are ended at once."""


class Post(Protocol):
    """What this needs of the engine."""

    store: Store
    clock: Clock
    driven: Driven
    follow_ups: FollowUps


class Timekeeper:
    """Made by the engine; `open` starts it. Costs nothing while no such run is there."""

    def __init__(self, post: Post) -> None:
        self._post = post
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._until: Instant | None = None
        self._held: dict[str, Instant] = {}

    def open(self) -> None:
        """From now on such runs are ended here."""
        self._task = asyncio.create_task(self._run(), name="stepwell-timekeeper")

    def look(self) -> None:
        """Others have written: look again."""
        self._woken.set()

    def about(self, run: Run) -> None:
        """This run was moved here: look again if it ends before what is waited for."""
        if self._task is None:
            return
        end = ends_at(run)
        if end is not None and (self._until is None or end < self._until):
            self._woken.set()

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            self._woken.clear()
            self._until = None  # until it is known anew, every run that is moved is looked at again
            try:
                now = self._post.clock.now()
                await self._end_all(now)
                soonest = await self._post.store.driven.next_end(now)
            except StoreUnavailable as error:
                log.warning("runs that are out of time cannot be looked for now: %s", error)
                soonest = self._post.clock.now() + RETRY_AFTER
            except Exception:  # it must go on, whatever one look met
                log.exception("looking for runs that are out of time failed")
                soonest = self._post.clock.now() + HOLD
            await self._rest(soonest)

    async def _end_all(self, now: Instant) -> None:
        self._held = {run_id: until for run_id, until in self._held.items() if until > now}
        last: Ending | None = None
        while page := await self._post.store.driven.out_of_time(now, TOGETHER, last):
            await asyncio.gather(
                *(self._end(one.run_id, now) for one in page if one.run_id not in self._held)
            )
            last = page[-1]
        if last is not None:  # what their ends are to start
            self._post.follow_ups.look()

    async def _end(self, run_id: str, now: Instant) -> None:
        """One that cannot be ended stops no other."""
        try:
            if await self._post.driven.lapse(run_id):
                return
        except StoreUnavailable:
            raise
        except Exception as error:  # noqa: BLE001 - whatever is wrong with the run
            log.error("run %s is out of time and cannot be ended: %s", run_id, error)
        self._held[run_id] = now + HOLD

    async def _rest(self, soonest: Instant | None) -> None:
        """Sleep until then, or until there may be something else to do."""
        wanted = [*self._held.values(), *([] if soonest is None else [soonest])]
        self._until = min(wanted, default=None)
        if self._until is None:
            await self._woken.wait()
            return
        woken = asyncio.ensure_future(self._woken.wait())
        due = asyncio.ensure_future(self._post.clock.wait_until(self._until))
        try:
            await asyncio.wait({woken, due}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            woken.cancel()
            due.cancel()
            await asyncio.gather(woken, due, return_exceptions=True)
