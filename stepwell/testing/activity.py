"""Whether anything still moves: without asking the time, and without asking again and again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from stepwell.model.actions import Action, Outcome
from stepwell.model.base import Duration, Instant, Json
from stepwell.ports import Guard, Runner, WorkContext

T = TypeVar("T")

TURNS: Final = 50
"""So many turns of the event loop without any news: what only needed the loop has come to rest by then."""


class Activity:
    """Counts what is under way outside the event loop: commits, reads, steps, expressions in child processes."""

    def __init__(self) -> None:
        self._count = self._news = 0
        self._changed = asyncio.Event()

    def begin(self) -> None:
        self._count += 1
        self._news += 1

    def end(self) -> None:
        self._count -= 1
        self._news += 1
        self._changed.set()

    @contextmanager
    def going_on(self) -> Iterator[None]:
        self.begin()
        try:
            yield
        finally:
            self.end()

    async def still(self) -> None:
        """Return when nothing is under way and nothing that the event loop could do is left to do."""
        calm = 0
        while calm < TURNS:
            news = self._news
            await _Turn()
            calm = calm + 1 if self._news == news else 0
            while self._count:
                calm = 0
                self._changed.clear()
                await self._changed.wait()


class _Turn:
    """Lets everything that is ready run once."""

    def __await__(self) -> Generator[None, None, None]:
        yield


Performed = tuple[str, str, int]
"""run id, step id, attempt"""


class CountedRunner:
    """A runner whose steps are counted, and remembered in `performed`."""

    def __init__(self, runner: Runner, activity: Activity, performed: set[Performed]) -> None:
        self._runner, self._activity, self._performed = runner, activity, performed

    async def perform(self, action: Action, context: WorkContext) -> Outcome:
        self._performed.add((context.run_id, context.step_id, context.attempt))
        with self._activity.going_on():
            return await self._runner.perform(action, context)

    async def close(self) -> None:
        await self._runner.close()


class CountedGuard:
    """A guard whose expressions are counted."""

    def __init__(self, guard: Guard, activity: Activity) -> None:
        self._guard, self._activity = guard, activity

    async def evaluate(
        self, source: str, data: Json, variables: Mapping[str, Json], now: Instant, limit: Duration
    ) -> Json:
        with self._activity.going_on():
            return await self._guard.evaluate(source, data, variables, now, limit)

    async def close(self) -> None:
        await self._guard.close()


async def first_of(work: Awaitable[T], end: asyncio.Future[None]) -> T:
    """What the work gives, unless `end` comes first: then the work is cancelled and what `end` raises is raised."""
    task = asyncio.ensure_future(work)
    try:
        futures: list[asyncio.Future[Any]] = [task, end]
        await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)
    finally:
        if not task.done():
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
    if end.done():
        await asyncio.gather(task, return_exceptions=True)
        end.result()
    return await task
