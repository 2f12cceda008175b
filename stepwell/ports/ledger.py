"""The door to what is written down beside the journal: runs to be started, kept results, slots of rates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from stepwell.model.base import Instant
from stepwell.model.ledger import FollowUp, Kept, Rate


class Ledger(Protocol):
    """See `model.ledger`. Errors: `StoreUnavailable`."""

    async def follow_ups(self, source: str | None = None) -> Sequence[FollowUp]:
        """Those that are still to be started, oldest first; of this run only, if one is given."""
        ...

    async def put_follow_ups(self, orders: Sequence[FollowUp]) -> None:
        """For `doctor`: what is there already stays."""
        ...

    async def started(self, run_id: str) -> None:
        """It is on record: it need not be started any more."""
        ...

    async def kept(self, step: str, key: str, now: Instant) -> Kept | None:
        """What is kept under the key and still holds."""
        ...

    async def keep(self, kept: Kept, now: Instant) -> None:
        """In place of what was kept under the key. (What no longer holds goes, a little at a time.)"""
        ...

    async def forget(self, key: str, step: str | None = None) -> int:
        """Drop what is kept under the key (of this step only); returns how much that was."""
        ...

    async def take_slot(self, rate: Rate, now: Instant) -> Instant:
        """The next instant, `now` at the earliest, at which the rate allows one more; it is taken."""
        ...
