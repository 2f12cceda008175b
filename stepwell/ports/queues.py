"""The door to the queues: their settings, and the runs in them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

from stepwell.model.base import Instant
from stepwell.model.queues import Claim, Queue, QueueDepth, QueueEntry, QueuePlace


class QueueStore(Protocol):
    """The queues: their settings, which are the users' and kept as they are, and an index of the runs in them."""

    async def claim(
        self,
        engine_id: str,
        now: Instant,
        room: int,
        queues: Collection[str] | None = None,
        codes: Collection[str] | None = None,
    ) -> Claim:
        """Take at most `room` runs that may begin now: in one transaction they become this engine's, and count against
        the limits of their queues. No two processes together ever pass a limit.

        `queues`: only these; None: all. `codes`: runs whose workflow is code only if it is one of these
        (`namespace/name:version`); None: all.
        """
        ...

    async def entry(self, run_id: str) -> QueueEntry | None: ...

    async def put(self, queue: Queue) -> None:
        """Make the queue, or change its limits. Runs that have begun go on."""
        ...

    async def list(self, now: Instant) -> Sequence[QueueDepth]:
        """Every queue and what is in it, by name."""
        ...

    async def names(self) -> Sequence[str]: ...

    async def find(self, run_id: str, now: Instant) -> QueuePlace | None:
        """Where a run stands; None: in no queue."""
        ...

    async def entries(self) -> Sequence[QueueEntry]:
        """All runs in queues (for `doctor`)."""
        ...
