"""The door to searches."""

from __future__ import annotations

from typing import Protocol

from stepwell.model.journal import RunRow
from stepwell.model.search import DefinitionCard, Found, Place, Query, Sort


class SearchStore(Protocol):
    """Pages have no gaps and no doubles as long as what is sorted by does not change. `query` None: all.

    Errors: `StoreUnavailable`, `StoreDamaged`.
    """

    async def runs(self, query: Query | None, sort: Sort, limit: int, after: Place | None) -> Found[RunRow]:
        """`sort.key` is one of `RUN_SORTS`."""
        ...

    async def definitions(
        self, query: Query | None, sort: Sort, limit: int, after: Place | None
    ) -> Found[DefinitionCard]:
        """`sort.key` is one of `DEFINITION_SORTS`."""
        ...
