"""The door to what waits for people: an index of the journal, written in the commit of the turn that changes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

from stepwell.model.people import WorkFilter, WorkItem


class WorkPage(NamedTuple):
    """`cursor` leads to the next page; None: this was the last one."""

    items: Sequence[WorkItem]
    cursor: str | None


class WorkStore(Protocol):
    """Errors: `StoreUnavailable`."""

    async def items(self, where: WorkFilter, limit: int, cursor: str | None = None) -> WorkPage:
        """By priority (highest first), then by when they are due (those without a time last), then oldest first. Raises
        `InvalidInput` for a cursor that is none."""
        ...

    async def count(self, where: WorkFilter) -> int: ...

    async def of_run(self, run_id: str) -> Sequence[WorkItem]:
        """By step."""
        ...
