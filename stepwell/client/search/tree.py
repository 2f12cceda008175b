"""A search as data: an object with one member, or several that all hold.

    {"and": [{"label": "engine"}, {"not": {"state": "failed"}}, {"created": {"after": "7d"}}]}

All that is wrong with it is told at once, each with its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from stepwell.client.search.fields import Read, read_ask
from stepwell.model.base import Instant
from stepwell.model.errors import InvalidInput, InvalidQuery
from stepwell.model.search import DEEPEST, MOST, Every, Negation, Query, Some

_LIST: Final = 'wanted is a list of searches, like [{"label": "engine"}, {"state": "failed"}]'


def read_tree(tree: object, fields: Mapping[str, Read], now: Instant) -> Query:
    """The search that is meant. Raises `InvalidQuery`."""
    reader = _Reader(fields, now)
    query = reader.read(tree, "search", 0)
    if reader.asked > MOST:
        reader.problems.append(f"search: there are at most {MOST} questions in one, not {reader.asked}")
    if reader.problems or query is None:
        raise InvalidQuery(reader.problems)
    return query


class _Reader:
    """Goes through the tree and keeps what it finds wrong; what cannot be read is None."""

    def __init__(self, fields: Mapping[str, Read], now: Instant) -> None:
        self._fields, self._now = fields, now
        self.problems: list[str] = []
        self.asked = 0

    def read(self, tree: object, place: str, depth: int) -> Query | None:
        if depth > DEEPEST:
            return self._wrong(place, f"a search is at most {DEEPEST} levels deep")
        if not isinstance(tree, Mapping) or not tree:
            return self._wrong(place, 'wanted is an object like {"label": "engine"}')
        parts = [self._member(str(name), value, place, depth) for name, value in tree.items()]
        return _joined(Every, parts)

    def _member(self, name: str, value: object, place: str, depth: int) -> Query | None:
        here = f"{place}.{name}"
        if name in ("and", "or"):
            return self._many(name, value, here, depth)
        if name == "not":
            part = self.read(value, here, depth + 1)
            return Negation(part) if part is not None else None
        self.asked += 1
        try:
            return read_ask(self._fields, name, value, self._now)
        except InvalidInput as error:
            return self._wrong(here, error.message)

    def _many(self, word: str, value: object, place: str, depth: int) -> Query | None:
        if not isinstance(value, list | tuple) or not value:
            return self._wrong(place, _LIST)
        parts = [self.read(part, f"{place}[{number}]", depth + 1) for number, part in enumerate(value)]
        return _joined(Every if word == "and" else Some, parts)

    def _wrong(self, place: str, what: str) -> Query | None:
        self.problems.append(f"{place}: {what}")
        return None


def _joined(kind: type[Every] | type[Some], parts: list[Any]) -> Query | None:
    found = [part for part in parts if part is not None]
    if len(found) < len(parts):
        return None
    query: Query = found[0] if len(found) == 1 else kind(tuple(found))
    return query
