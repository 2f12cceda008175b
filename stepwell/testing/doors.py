"""Time, names and chance in the hands of a test: nothing moves by itself, and every test sees the same."""

from __future__ import annotations

import asyncio
import heapq
from datetime import UTC, datetime, timedelta

from stepwell.engine.recovery import WATCH
from stepwell.model.base import EPOCH, SECOND, Instant

START: Instant = 1_700_000_000 * SECOND
"""2023-11-14T22:13:20Z: where a frozen clock stands unless it is told otherwise."""


class FrozenClock:
    """Implements `ports.Clock`. It stands still; `advance` and `set` move it and wake whoever waits for that time."""

    def __init__(self, start: datetime | Instant = START) -> None:
        self._now = _instant(start)
        self._waiting: list[tuple[Instant, int, asyncio.Future[None], bool]] = []
        self._count = 0

    def now(self) -> Instant:
        return self._now

    @property
    def time(self) -> datetime:
        """The same as a `datetime` in UTC."""
        return EPOCH + timedelta(microseconds=self._now)

    async def wait_until(self, instant: Instant) -> None:
        task = asyncio.current_task()
        looks = task is not None and task.get_name() == WATCH
        while self._now < instant:
            future = asyncio.get_running_loop().create_future()
            self._count += 1
            heapq.heappush(self._waiting, (instant, self._count, future, looks))
            await future

    def advance(self, by: float | timedelta) -> None:
        """Move on by so many seconds, or by a `timedelta`."""
        self.set(self._now + round(_seconds(by) * SECOND))

    def set(self, to: datetime | Instant) -> None:
        """Move to this time. Raises `ValueError` for a time that is over: runs rely on that."""
        instant = _instant(to)
        if instant < self._now:
            raise ValueError(f"the clock stands at {self.time.isoformat()} and cannot go back")
        self._now = instant
        while self._waiting and self._waiting[0][0] <= instant:
            future = heapq.heappop(self._waiting)[2]
            if not future.done():
                future.set_result(None)

    def next_due(self) -> Instant | None:
        """The next time that somebody waits for, other than to look whether another process did something."""
        return min(
            (due for due, _, future, looks in self._waiting if not (looks or future.done())), default=None
        )


class CountingIds:
    """Implements `ports.Ids`: the same in every test, in the order in which they were made."""

    def __init__(self) -> None:
        self.count = 0

    def run_id(self) -> str:
        self.count += 1
        return f"00000000-0000-7000-8000-{self.count:012d}"

    def engine_id(self) -> str:
        self.count += 1
        return f"engine{self.count}"


class FixedDice:
    """Implements `ports.Dice`: every roll gives the same."""

    def __init__(self, value: float = 0.5) -> None:
        self.value = value

    def roll(self) -> float:
        return self.value


def _instant(time: datetime | Instant) -> Instant:
    if not isinstance(time, datetime):
        return time
    if time.tzinfo is None:
        raise ValueError(f"{time.isoformat()} needs a time zone")
    return (time.astimezone(UTC) - EPOCH) // timedelta(microseconds=1)


def _seconds(by: float | timedelta) -> float:
    return by.total_seconds() if isinstance(by, timedelta) else by
