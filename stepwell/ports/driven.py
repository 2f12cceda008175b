"""The door to the runs that programs of their own drive, by when time alone ends them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from stepwell.model.base import Instant


class Ending(NamedTuple):
    """An open run, and when its time is over (`RunRow.ends_at`)."""

    at: Instant
    run_id: str


class DrivenStore(Protocol):
    """Errors: `StoreUnavailable`."""

    async def out_of_time(self, now: Instant, limit: int, after: Ending | None = None) -> Sequence[Ending]:
        """Those whose time is over, the first first; those behind `after` where that is given."""
        ...

    async def next_end(self, after: Instant) -> Instant | None:
        """When time ends the next one, after an instant."""
        ...
