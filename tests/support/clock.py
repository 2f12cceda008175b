"""A clock that stands still until it is told to go on, and the other doors with nothing left to chance."""

from __future__ import annotations

import asyncio
import heapq


class FakeClock:
    """Implements `ports.Clock`. `advance` moves the time and wakes whoever waits for it."""

    def __init__(self, now: int = 1_700_000_000_000_000) -> None:
        self._now = now
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []
        self._count = 0

    def now(self) -> int:
        return self._now

    async def wait_until(self, instant: int) -> None:
        while self._now < instant:
            future = asyncio.get_running_loop().create_future()
            self._count += 1
            heapq.heappush(self._waiting, (instant, self._count, future))
            await future

    def advance(self, seconds: float) -> None:
        self._now += int(seconds * 1_000_000)
        while self._waiting and self._waiting[0][0] <= self._now:
            future = heapq.heappop(self._waiting)[2]
            if not future.done():
                future.set_result(None)


class CountingIds:
    """Implements `ports.Ids`: run ids in order, the same in every test."""

    def __init__(self) -> None:
        self.count = 0

    def run_id(self) -> str:
        self.count += 1
        return f"00000000-0000-7000-8000-{self.count:012d}"

    def engine_id(self) -> str:
        self.count += 1
        return f"engine{self.count}"


class FixedDice:
    """Implements `ports.Dice`."""

    def __init__(self, value: float = 0.5) -> None:
        self.value = value

    def roll(self) -> float:
        return self.value
