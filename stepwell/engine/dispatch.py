"""Performing: steps go to the runner in order of priority, no more at once than the engine may."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Coroutine

from stepwell.model.actions import Interrupted, Outcome

Work = Callable[[], Coroutine[None, None, Outcome]]
Report = Callable[[Outcome], None]
Key = tuple[str, str, int]
"""(run id, step id, attempt)"""


class Dispatch:
    """Starts work when there is room. `report` is called once with what came of it, `Interrupted` if it was stopped."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._tasks: dict[Key, asyncio.Task[None]] = {}
        self._waiting: dict[Key, tuple[Work, Report]] = {}
        self._queue: list[tuple[int, int, Key]] = []
        self._count = 0
        self._closed = False
        self._loop = asyncio.get_running_loop()

    def __contains__(self, key: Key) -> bool:
        return key in self._tasks or key in self._waiting

    def of_run(self, run_id: str) -> list[Key]:
        """What is being performed, or waits to be, for this run."""
        return [key for key in (*self._tasks, *self._waiting) if key[0] == run_id]

    def submit(self, key: Key, priority: int, work: Work, report: Report) -> None:
        """Higher priorities first; of equal ones, first come first served."""
        if self._closed or key in self:
            return
        if len(self._tasks) < self._limit:
            self._start(key, work, report)
        else:
            self._count += 1
            self._waiting[key] = (work, report)
            heapq.heappush(self._queue, (-priority, self._count, key))

    def interrupt(self, key: Key) -> bool:
        """Stop this work. False if there is none."""
        if key in self._waiting:
            _, report = self._waiting.pop(key)
            report(Interrupted())
            return True
        task = self._tasks.get(key)
        if task is None:
            return False
        task.cancel()
        return True

    def _start(self, key: Key, work: Work, report: Report) -> None:
        self._tasks[key] = self._loop.create_task(self._run(key, work, report))

    async def _run(self, key: Key, work: Work, report: Report) -> None:
        try:
            outcome = await work()
        except asyncio.CancelledError:
            outcome = Interrupted()
        finally:
            self._tasks.pop(key, None)
            self._start_next()
        if not self._closed:
            report(outcome)

    def _start_next(self) -> None:
        while self._queue and len(self._tasks) < self._limit and not self._closed:
            _, _, key = heapq.heappop(self._queue)
            waiting = self._waiting.pop(key, None)
            if waiting is not None:
                self._start(key, *waiting)

    async def close(self) -> None:
        """Stop everything and report nothing: whoever opens the store next performs it again."""
        self._closed = True
        self._waiting.clear()
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
