"""Pages of what a search finds: along the index that leads to the fewest runs, or in the order that is wanted."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final, NamedTuple

import apsw

from stepwell.model.journal import RunRow
from stepwell.model.search import DefinitionCard, Found, Place, Query, Sort
from stepwell.stores.sqlite import leads
from stepwell.stores.sqlite.cards import search_definitions
from stepwell.stores.sqlite.connection import SQL, fetch
from stepwell.stores.sqlite.leads import Lead, lead_of
from stepwell.stores.sqlite.listing import COLUMNS, run_from
from stepwell.stores.sqlite.questions import OF_RUNS, condition
from stepwell.stores.sqlite.readers import Readers

_LATEST: Final = 2**63 - 1
_KEYS: Final = {
    "created": "runs.created_at",
    "name": "runs.name",
    "started": "coalesce(runs.started_at, {last})",
    "finished": "coalesce(runs.ended_at, {last})",
    "updated": "runs.updated_at",
}
_FIELDS: Final = {"created": "created_at", "name": "name", "started": "started_at", "finished": "ended_at",
                  "updated": "updated_at"}  # fmt: skip
_WALKS: Final = {"created": "runs INDEXED BY runs_recent", "updated": "runs INDEXED BY runs_by_update"}
"""Orders that an index has; what is sorted otherwise is gone through as it lies."""


class _Way(NamedTuple):
    """How the rows are come by, and what orders them."""

    source: str
    key: str
    conditions: tuple[str, ...] = ()
    id: str = "runs.id"
    values: Mapping[str, Any] = {}


class SqliteSearch:
    """The searches of one file."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    async def runs(self, query: Query | None, sort: Sort, limit: int, after: Place | None) -> Found[RunRow]:
        return await self._readers.long(
            partial(search_runs, query=query, sort=sort, limit=limit, after=after)
        )

    async def definitions(
        self, query: Query | None, sort: Sort, limit: int, after: Place | None
    ) -> Found[DefinitionCard]:
        return await self._readers.long(
            partial(search_definitions, query=query, sort=sort, limit=limit, after=after)
        )


def search_runs(
    db: apsw.Connection, query: Query | None, sort: Sort, limit: int, after: Place | None
) -> Found[RunRow]:
    sql, values = run_query(db, query, sort, after)
    rows = [run_from(row) for row in fetch(db, sql, values | {"limit": limit + 1})]
    more = len(rows) > limit
    return Found(rows[:limit], _place(rows[limit - 1], sort) if more else None)


def run_query(
    db: apsw.Connection, query: Query | None, sort: Sort, after: Place | None
) -> tuple[str, dict[str, Any]]:
    """The statement, and what is bound to it except the limit."""
    way = _way(sort, lead_of(db, query) if query is not None else None)
    conditions, values = list(way.conditions), dict(way.values)
    if query is not None:
        asked = condition(query, OF_RUNS)
        conditions.append(asked.sql)
        values |= asked.values
    if after is not None:
        conditions.append(
            f"({way.key}, {way.id}) {'<' if sort.descending else '>'} (:place_value, :place_id)"
        )
        values |= {"place_value": _value(after.value, sort), "place_id": after.id}
    sql = SQL["search_runs"].format(
        columns=COLUMNS,
        source=way.source,
        conditions=" AND ".join(conditions) or "true",
        key=way.key,
        id=way.id,
        direction=_direction(sort),
    )
    return sql, values


def _way(sort: Sort, lead: Lead | None) -> _Way:
    key = _KEYS[sort.key].format(last=-1 if sort.descending else _LATEST)
    if lead is None:
        return _Way(_WALKS.get(sort.key, "runs NOT INDEXED"), key)
    if lead.source is not None and sort.key == "created" and lead.size > leads.SHARP:
        source = f"{lead.source} CROSS JOIN runs ON runs.id = lead.run_id"
        return _Way(source, "lead.created_at", (lead.where,), "lead.run_id", lead.values)
    if lead.size <= (leads.SHARP if sort.key in _WALKS else leads.MOST):
        source = SQL["search_led"].format(runs=lead.runs)
        return _Way(source, key, values=lead.values)
    return _Way(_WALKS.get(sort.key, "runs NOT INDEXED"), key)


def _direction(sort: Sort) -> str:
    return "DESC" if sort.descending else "ASC"


def _value(value: Any, sort: Sort) -> Any:
    return (-1 if sort.descending else _LATEST) if value is None else value


def _place(row: RunRow, sort: Sort) -> Place:
    return Place(getattr(row, _FIELDS[sort.key]), row.id)
