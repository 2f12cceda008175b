"""Searching runs and definitions: by a tree of questions, in an order, page by page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from stepwell.client.search.cursor import read_cursor, write_cursor
from stepwell.client.search.fields import DEFINITION_FIELDS, RUN_FIELDS, Read
from stepwell.client.search.tree import read_tree
from stepwell.client.search.words import read_words
from stepwell.client.verbs.base import Looks
from stepwell.client.views import View, card_view, row_view
from stepwell.model.errors import InvalidInput
from stepwell.model.search import (
    DEFINITION_SORTS,
    RUN_SORTS,
    Ask,
    Every,
    Found,
    Negation,
    Place,
    Query,
    Sort,
    asks,
)

Search = str | Mapping[str, Any] | None
"""As text (`label:engine and not state:failed`), as a tree (`{"label": "engine"}`), or all there are."""

LIMIT: Final = 100
MOST: Final = 1_000


class _Asked(NamedTuple):
    """A search that was read: what the store gets, and how the cursor knows it again."""

    query: Query
    sort: Sort
    place: Place | None
    tree: object


class SearchVerbs(Looks):
    """Search runs, search definitions. See docs/search.md for what can be asked."""

    async def search_runs(
        self,
        query: Search = None,
        *,
        sort: str = "created:desc",
        limit: int = LIMIT,
        cursor: str | None = None,
    ) -> View:
        """`{"runs": […], "next": cursor or None}`. `sort`: created, started, finished, updated or name, with `:asc`
        or `:desc` behind it. Archived runs are left out unless the search says something of `archived`.

        Raises `InvalidQuery` (all that is wrong with the search), `InvalidCursor`, `InvalidInput`.
        """
        asked = self._asked("runs", query, RUN_FIELDS, sort, RUN_SORTS, limit, cursor)
        found = await self.engine.store.search.runs(asked.query, asked.sort, limit, asked.place)
        return {"runs": [row_view(row) for row in found.rows], "next": _next("runs", found, asked)}

    async def search_definitions(
        self, query: Search = None, *, sort: str = "name:asc", limit: int = LIMIT, cursor: str | None = None
    ) -> View:
        """`{"definitions": […], "next": cursor or None}`: stored definitions, every version one. `sort`: name, title
        or created. Otherwise as `search_runs`."""
        asked = self._asked("definitions", query, DEFINITION_FIELDS, sort, DEFINITION_SORTS, limit, cursor)
        found = await self.engine.store.search.definitions(asked.query, asked.sort, limit, asked.place)
        cards = [card_view(card) for card in found.rows]
        return {"definitions": cards, "next": _next("definitions", found, asked)}

    def _asked(
        self,
        what: str,
        given: Search,
        fields: Mapping[str, Read],
        sort: str,
        sorts: Sequence[str],
        limit: int,
        cursor: str | None,
    ) -> _Asked:
        """Raises `InvalidInput`."""
        if isinstance(limit, bool) or not isinstance(limit, int) or not 1 <= limit <= MOST:
            raise InvalidInput(f"a page has 1 to {MOST:,} rows, not {limit!r}")
        order = read_sort(sort, sorts)
        tree = read_words(given) if isinstance(given, str) else given
        query: Query = Negation(Ask("archived", value=True))
        if tree is not None:
            read = read_tree(tree, fields, self.engine.clock.now())
            query = read if asks(read, "archived") else Every((read, query))
        place = read_cursor(cursor, what, tree, order) if cursor is not None else None
        return _Asked(query, order, place, tree)


def read_sort(given: str, keys: Sequence[str]) -> Sort:
    """`created`, `created:asc` or `created:desc`. Raises `InvalidInput`."""
    key, _, direction = given.partition(":")
    if key not in keys or direction not in ("", "asc", "desc"):
        known = ", ".join(keys)
        raise InvalidInput(f"nothing is sorted by {given!r}", hint=f"sort by {known}, with :asc or :desc")
    return Sort(key, direction == "desc")


def _next(what: str, found: Found[Any], asked: _Asked) -> str | None:
    return write_cursor(found.next, what, asked.tree, asked.sort) if found.next is not None else None
