"""Wakes what is due. One heap and one waiting task for all runs; nothing here is durable, the state is."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable

from stepwell.model.base import Instant
from stepwell.ports import Clock

Key = tuple[str | None, str]
"""(step id or None for the run itself, purpose)"""


class Timers:
    """Calls `fire(run_id, step_id, purpose)` for each timer once its time has come, never before."""

    def __init__(self, clock: Clock, fire: Callable[[str, str | None, str], None]) -> None:
        self._clock, self._fire = clock, fire
        self._heap: list[tuple[Instant, int, str, Key]] = []
        self._due: dict[str, dict[Key, Instant]] = {}
        self._count = self._wanted = 0
        self._wait: asyncio.Task[None] | None = None
        self._until: Instant | None = None

    def set(self, run_id: str, step_id: str | None, purpose: str, due: Instant) -> None:
        """Set or move a timer."""
        key, wanted = (step_id, purpose), self._due.setdefault(run_id, {})
        if wanted.get(key) == due:
            return
        self._wanted += key not in wanted
        wanted[key] = due
        self._count += 1
        heapq.heappush(self._heap, (due, self._count, run_id, key))
        if self._until is None or due < self._until:
            self._restart()

    def forget(self, run_id: str) -> None:
        """The run has ended or is no longer ours."""
        gone = self._due.pop(run_id, None)
        if gone:
            self._wanted -= len(gone)
            if len(self._heap) > 2 * self._wanted + 1_000:  # mostly timers of runs that have ended
                self._heap = [
                    entry for entry in self._heap if self._due.get(entry[2], {}).get(entry[3]) == entry[0]
                ]
                heapq.heapify(self._heap)

    def _restart(self) -> None:
        if self._wait is not None:
            self._wait.cancel()
        self._wait = asyncio.ensure_future(self._run())

    async def _run(self) -> None:
        while self._heap:
            self._until = self._heap[0][0]
            await self._clock.wait_until(self._until)
            self._fire_due()
        self._until = self._wait = None

    def _fire_due(self) -> None:
        now = self._clock.now()
        while self._heap and self._heap[0][0] <= now:
            due, _, run_id, key = heapq.heappop(self._heap)
            wanted = self._due.get(run_id, {})
            if wanted.get(key) == due:
                del wanted[key]
                self._wanted -= 1
                self._fire(run_id, *key)

    async def close(self) -> None:
        if self._wait is not None:
            self._wait.cancel()
            await asyncio.gather(self._wait, return_exceptions=True)
        self._heap.clear()
        self._due.clear()
