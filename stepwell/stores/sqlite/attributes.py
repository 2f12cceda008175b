"""Search attributes in SQL: a filter as a condition on a run's row, and the way through the index that it allows.

The condition reads the attributes in the row, which is at hand anyway. The index leads to the rows, where the filter
asks for something sharp enough; a filter that most runs pass is quicker to check while going from the newest back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import apsw

from stepwell.model.attributes import (
    BOOLEAN,
    INSTANT,
    NUMBER,
    TEXT,
    Among,
    Compare,
    Every,
    Exists,
    Not,
    Where,
    kind_of,
)
from stepwell.model.base import Json
from stepwell.stores.codec import encode_json
from stepwell.stores.sqlite.connection import SQL, fetch

_SHARP: Final = 2_000
"""so many runs at most are sorted, rather than looked for among all"""

_SIGNS: Final = {"eq": "=", "ne": "<>", "lt": "<", "le": "<=", "gt": ">", "ge": ">="}
_TYPES: Final = {
    TEXT: "= 'text'",
    INSTANT: "= 'text'",
    NUMBER: "IN ('integer', 'real')",
    BOOLEAN: "IN ('true', 'false')",
}


class Condition(NamedTuple):
    """SQL with its values, each under a name of its own."""

    sql: str
    values: dict[str, Any]


def condition(where: Where, prefix: str = "where") -> Condition:
    """Whether a row of `runs` passes the filter; never unknown. `prefix` begins the names of its values."""
    match where:
        case Compare():
            return _compare(where, prefix)
        case Among(name, values):
            return _joined([Compare(name, "eq", value) for value in values], " OR ", prefix)
        case Exists(name):
            sql = f"json_type(runs.attributes, :{prefix}_path) IS NOT NULL"
            return Condition(sql, {f"{prefix}_path": _path(name)})
        case Not(part):
            inner = condition(part, prefix)
            return Condition(f"NOT {inner.sql}", inner.values)
        case Every(parts):
            return _joined(parts, " AND ", prefix)
        case _:
            return _joined(where.parts, " OR ", prefix)


def _joined(parts: Any, word: str, prefix: str) -> Condition:
    made = [condition(part, f"{prefix}_{number}") for number, part in enumerate(parts)]
    values = {name: value for part in made for name, value in part.values.items()}
    return Condition(f"({word.join(part.sql for part in made)})", values)


def _compare(where: Compare, prefix: str) -> Condition:
    kind = kind_of(where.value)
    path = f"{_path(where.name)}.datetime" if kind == INSTANT else _path(where.name)
    found = f"json_extract(runs.attributes, :{prefix}_path) {_SIGNS[where.op]} {_bound(where.value, prefix)}"
    sql = f"((json_type(runs.attributes, :{prefix}_path) {_TYPES[kind]} AND {found}) IS TRUE)"
    return Condition(sql, {f"{prefix}_path": path, f"{prefix}_value": _plain(where.value)})


def _path(name: str) -> str:
    return f'$."{name}"'


def _bound(value: Json, prefix: str) -> str:
    """A number with a fraction is read by SQLite from the same text as the one it is compared with."""
    return f"json_extract(:{prefix}_value, '$')" if isinstance(value, float) else f":{prefix}_value"


def _plain(value: Json) -> Any:
    if isinstance(value, dict):
        return value[INSTANT]
    return encode_json(value).decode() if isinstance(value, float) else value


# --- the way through the index --------------------------------------------------------------------


def lead(db: apsw.Connection, where: Where | None) -> Condition | None:
    """The part of the filter by which the index leads to the runs (as `lead`): what the fewest runs pass. None where
    nothing in it is sharp. An equality needs not be: its runs lie in the order of the listing."""
    parts = where.parts if isinstance(where, Every) else (where,)
    groups: dict[tuple[str, str], list[Compare]] = {}
    for part in parts:
        if isinstance(part, Compare) and part.op != "ne":
            groups.setdefault((part.name, kind_of(part.value)), []).append(part)
    made = [leading(group) for group in groups.values()]
    counts = [_count(db, condition) for condition in made]
    sharp = min(counts, default=_SHARP + 1)
    if sharp <= _SHARP:
        return made[counts.index(sharp)]
    ordered = (group for group in groups.values() if any(part.op == "eq" for part in group))
    return next((leading(group) for group in ordered), None)


def leading(parts: Sequence[Compare], name: str = "lead") -> Condition:
    """What is asked of one attribute; an equality says all. `name` begins the names of its values."""
    exact = [part for part in parts if part.op == "eq"][:1]
    values = {f"{name}_name": parts[0].name, f"{name}_kind": kind_of(parts[0].value)}
    sql = f"lead.name = :{name}_name AND lead.kind = :{name}_kind"
    for number, part in enumerate(exact or parts):
        prefix = f"{name}{number}"
        sql += f" AND lead.value {_SIGNS[part.op]} {_bound(part.value, prefix)}"
        values[f"{prefix}_value"] = _plain(part.value)
    return Condition(sql, values)


def _count(db: apsw.Connection, made: Condition) -> int:
    query = SQL["count_attributes"].format(conditions=made.sql)
    counted: int = fetch(db, query, made.values | {"limit": _SHARP + 1})[0][0]
    return counted
