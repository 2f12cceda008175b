"""Searches over stored definitions: there are few of them, and so each one's document is looked into."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import apsw

from stepwell.model.search import DefinitionCard, Found, Place, Query, Sort
from stepwell.stores.codec import decode_json
from stepwell.stores.sqlite.attributes import Condition
from stepwell.stores.sqlite.connection import SQL, fetch
from stepwell.stores.sqlite.questions import (
    Answer,
    between,
    condition,
    contains,
    element,
    is_,
    member,
    refers,
    same,
)

_COLUMNS: Final = ", ".join(DefinitionCard._fields)
_KEYS: Final = {"name": "name", "title": "coalesce(title, name)", "created": "created_at"}
_TEXT: Final = (
    "folded(concat_ws(char(31), cards.said,"
    " (SELECT group_concat(value, char(31)) FROM json_each(cards.labels))))"
)


def search_definitions(
    db: apsw.Connection, query: Query | None, sort: Sort, limit: int, after: Place | None
) -> Found[DefinitionCard]:
    key = _KEYS[sort.key]
    asked = condition(query, OF_DEFINITIONS) if query is not None else Condition("true", {})
    conditions, values = [asked.sql], {**asked.values, "limit": limit + 1}
    if after is not None:
        conditions.append(f"({key}, hash) {'<' if sort.descending else '>'} (:place_value, :place_id)")
        values |= {"place_value": after.value, "place_id": after.id}
    sql = SQL["search_definitions"].format(
        columns=_COLUMNS,
        key=key,
        conditions=" AND ".join(conditions),
        direction="DESC" if sort.descending else "ASC",
    )
    rows = fetch(db, sql, values)
    page = [_card(row) for row in rows[:limit]]
    return Found(page, Place(rows[limit - 1][-1], page[-1].hash) if len(rows) > limit else None)


def _card(row: Sequence[Any]) -> DefinitionCard:
    card = DefinitionCard(*row[:-1])
    tags, properties = _object(card.tags), _object(card.properties)
    labels = tuple(str(label) for label in decode_json(str(card.labels))) if card.labels else ()
    return card._replace(tags=tags, labels=labels, properties=properties, archived=bool(card.archived))


def _object(text: Any) -> Mapping[str, Any]:
    return decode_json(text) if text else {}


OF_DEFINITIONS: Final[Mapping[str, Answer]] = {
    "text": contains(_TEXT),
    "name": same("cards.name"),
    "namespace": same("cards.namespace"),
    "version": same("cards.version"),
    "definition": refers("cards"),
    "label": element("cards.labels"),
    "property": member("cards.properties"),
    "tag": member("cards.tags"),
    "author": same("cards.author"),
    "archived": is_("cards.archived"),
    "created": between("cards.created_at"),
}
