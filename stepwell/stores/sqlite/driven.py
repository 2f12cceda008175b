"""Runs that programs of their own drive, by when time ends them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from stepwell.model.base import Instant
from stepwell.ports.driven import Ending
from stepwell.stores.sqlite.connection import SQL, fetch
from stepwell.stores.sqlite.readers import Readers

_FIRST: Final = Ending(-(2**63), "")


class SqliteDriven:
    """See `ports.DrivenStore`."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    async def out_of_time(self, now: Instant, limit: int, after: Ending | None = None) -> Sequence[Ending]:
        values = {"now": now, "limit": limit, **(after or _FIRST)._asdict()}
        rows = await self._readers.point(lambda db: fetch(db, SQL["out_of_time"], values))
        return [Ending(*row) for row in rows]

    async def next_end(self, after: Instant) -> Instant | None:
        rows = await self._readers.point(lambda db: fetch(db, SQL["next_end"], (after,)))
        instant: Instant | None = rows[0][0]
        return instant
