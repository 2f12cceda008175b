"""The door to schedules: `Store.schedules`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from stepwell.model.base import Instant
from stepwell.model.schedules import Edit, Firing, Schedule, Standing


class ScheduleStore(Protocol):
    """Schedules, and what became of their slots. A run whose key is `schedule:NAME:MARK` is a firing of it: that is
    written in the commit that creates the run, and rebuilt from it."""

    async def get(self, name: str) -> Schedule | None: ...

    async def all(self) -> Sequence[Schedule]:
        """By name."""
        ...

    async def due(self, now: Instant) -> Sequence[Schedule]:
        """Those whose `next_at` has come, and those that await a run."""
        ...

    async def next_at(self, after: Instant) -> Instant | None:
        """The first `next_at` after an instant."""
        ...

    async def edit(self, schedule: Schedule, change: str) -> Schedule | None:
        """Create it (version 0) or replace it, as its next revision, with a note of the edit. None: somebody has
        written it since this version was read."""
        ...

    async def delete(self, schedule: Schedule, at: Instant) -> bool:
        """Its edits and firings stay. False: somebody has written it since this version was read."""
        ...

    async def settle(self, schedule: Schedule, firings: Sequence[Firing] = ()) -> Schedule | None:
        """Write where it stands, and slots that started no run, in one commit. None: as for `edit`."""
        ...

    async def note(self, firing: Firing) -> None:
        """Write down a slot that started no run; one that started a run stays as it is."""
        ...

    async def standing(self, name: str, mark: str) -> Standing: ...

    async def started_between(self, name: str, after: str, until: str) -> int:
        """How many slots after one mark, up to and with another, have started a run."""
        ...

    async def last_fired(self, name: str) -> str | None:
        """The newest run that it started."""
        ...

    async def firings(
        self, name: str, limit: int, before: tuple[Instant, str] | None = None
    ) -> Sequence[Firing]:
        """Newest first; those before (at, mark) where that is given."""
        ...

    async def edits(self, name: str) -> Sequence[Edit]:
        """Newest first."""
        ...
