"""The questions of a search over runs in SQL: each a condition on a row of `runs` that is true or false, never unknown,
so that it can be turned round.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from stepwell.model.search import Ask, Between, Every, Negation, Pair, Query, Reference, folded
from stepwell.stores.sqlite import attributes
from stepwell.stores.sqlite.attributes import Condition
from stepwell.stores.sqlite.connection import SQL

Answer = Callable[[Any, str], Condition]
"""From what is asked, and how the names of its values begin."""


def condition(query: Query, answers: Mapping[str, Answer], prefix: str = "q") -> Condition:
    """The whole tree."""
    match query:
        case Ask(field, value):
            return answers[field](value, prefix)
        case Negation(part):
            inner = condition(part, answers, f"{prefix}_0")
            return Condition(f"NOT {inner.sql}", inner.values)
        case _:
            parts = [
                condition(part, answers, f"{prefix}_{number}") for number, part in enumerate(query.parts)
            ]
            word = " AND " if isinstance(query, Every) else " OR "
            values = {name: value for part in parts for name, value in part.values.items()}
            return Condition(f"({word.join(part.sql for part in parts)})", values)


def same(column: str) -> Answer:
    return lambda value, prefix: Condition(f"({column} IS :{prefix})", {prefix: value})


def between(column: str) -> Answer:
    def answer(value: Between, prefix: str) -> Condition:
        bounds = {f"{prefix}_after": (">=", value.after), f"{prefix}_before": ("<", value.before)}
        given = {name: bound for name, bound in bounds.items() if bound[1] is not None}
        sql = " AND ".join(f"{column} {sign} :{name}" for name, (sign, _) in given.items())
        return Condition(f"(({sql}) IS TRUE)", {name: instant for name, (_, instant) in given.items()})

    return answer


def refers(table: str) -> Answer:
    """What a reference leaves out is not asked."""

    def answer(value: Reference, prefix: str) -> Condition:
        given = {name: part for name, part in value._asdict().items() if part is not None}
        sql = " AND ".join(f"{table}.{name} = :{prefix}_{name}" for name in given)
        return Condition(f"({sql})", {f"{prefix}_{name}": part for name, part in given.items()})

    return answer


def contains(sql: str) -> Answer:
    """`sql` is text without regard to case."""

    def answer(value: str, prefix: str) -> Condition:
        return Condition(f"((instr({sql}, :{prefix}) > 0) IS TRUE)", {prefix: folded(value)})

    return answer


def marked(kind: str) -> Answer:
    def answer(value: str, prefix: str) -> Condition:
        values = {f"{prefix}_kind": kind, prefix: value}
        return Condition(SQL["search_marked"].format(at=prefix), values)

    return answer


def member(column: str) -> Answer:
    """An object has this member, with this value where one is given."""

    def answer(value: Pair, prefix: str) -> Condition:
        if value.value is None:
            sql = SQL["search_key"].format(column=column, at=prefix)
            return Condition(sql, {f"{prefix}_key": value.key})
        sql = SQL["search_pair"].format(column=column, at=prefix)
        return Condition(sql, {f"{prefix}_key": value.key, f"{prefix}_value": value.value})

    return answer


def element(column: str) -> Answer:
    """A list has this text."""
    return lambda value, prefix: Condition(
        SQL["search_element"].format(column=column, at=prefix), {prefix: value}
    )


def one_of(column: str) -> Answer:
    return lambda value, prefix: Condition(
        SQL["search_one_of"].format(column=column, at=prefix), {prefix: json.dumps(list(value))}
    )


def _attribute(value: Any, prefix: str) -> Condition:
    return attributes.condition(value, prefix)


def _error(value: str, prefix: str) -> Condition:
    """Type, title and detail of the error. Case is the store's own business where it is that of ASCII."""
    fold = "lower" if value.isascii() else "folded"
    parts = " || char(31) || ".join(f"coalesce(runs.error ->> '$.{name}', '')" for name in _SAID)
    sql = f"CASE WHEN json_valid(runs.error) THEN instr({fold}({parts}), :{prefix}) > 0 ELSE 0 END"
    return Condition(f"({sql})", {prefix: folded(value)})


_SAID: Final = ("type", "title", "detail")


def is_(column: str) -> Answer:
    """True, or false."""
    return lambda value, prefix: Condition(f"({column} = {int(value)})", {})


OF_RUNS: Final[Mapping[str, Answer]] = {
    "text": contains("coalesce(runs.text, lower(runs.name))"),
    "name": same("runs.name"),
    "namespace": same("runs.namespace"),
    "version": same("runs.version"),
    "label": marked("label"),
    "property": member("runs.properties"),
    "tag": member("runs.tags"),
    "attribute": _attribute,
    "author": same("runs.author"),
    "state": one_of("runs.status"),
    "created": between("runs.created_at"),
    "started": between("runs.started_at"),
    "ended": between("runs.ended_at"),
    "updated": between("runs.updated_at"),
    "definition": refers("runs"),
    "queue": same("runs.queue"),
    "error": _error,
    "archived": is_("runs.archived"),
}
