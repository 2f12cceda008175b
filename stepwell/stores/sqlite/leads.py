"""Ways to the runs that a search can be led by: what is asked of an index, and how many runs that gives.

A lead only saves looking: what it gives is more than what is searched, never less. Few runs are sorted as they come;
many can still be gone through in the order of their creation, where the index has them in it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import apsw

from stepwell.model.attributes import Compare, kind_of
from stepwell.model.attributes import Every as EveryAttribute
from stepwell.model.search import Ask, Between, Every, Negation, Pair, Query, Reference, folded
from stepwell.model.states import RunStatus
from stepwell.stores.sqlite.attributes import leading
from stepwell.stores.sqlite.connection import SQL, fetch

SHARP: Final = 2_000
"""so many runs at most are sorted, rather than looked for among all"""
MOST: Final = 50_000
"""so many are counted"""

_NAMES: Final = 300
"""names of workflows that are looked through for a text"""
_SHORTEST: Final = 3
"""characters that the index of texts can find"""


class Lead(NamedTuple):
    """`runs`: a query for ids. `source` and `where`: the same in order of creation, as `lead`; None where there is no
    such order."""

    runs: str
    values: dict[str, Any]
    size: int
    source: str | None = None
    where: str = ""


def lead_of(db: apsw.Connection, query: Query, prefix: str = "lead") -> Lead | None:
    """The sharpest; None where no index knows what is asked."""
    match query:
        case Ask(field, value):
            make = _LEADS.get(field)
            return make(db, value, prefix) if make is not None else None
        case Negation():
            return None
        case Every(parts):
            found = [lead_of(db, part, f"{prefix}_{number}") for number, part in enumerate(parts)]
            return min((lead for lead in found if lead is not None), key=lambda lead: lead.size, default=None)
        case _:
            leads = [lead_of(db, part, f"{prefix}_{number}") for number, part in enumerate(query.parts)]
            return _united([lead for lead in leads if lead is not None]) if all(leads) else None


def _united(leads: list[Lead]) -> Lead:
    """Whatever one of them gives."""
    values = {name: value for lead in leads for name, value in lead.values.items()}
    return Lead(" UNION ".join(lead.runs for lead in leads), values, sum(lead.size for lead in leads))


def _made(
    db: apsw.Connection, source: str, where: str, values: dict[str, Any], *, id: str = "run_id", ordered: bool
) -> Lead:
    query = SQL["search_count"].format(source=source, conditions=where)
    count = fetch(db, query, values | {"limit": MOST + 1})[0][0]
    runs = SQL["search_lead"].format(id=id, source=source, conditions=where)
    return Lead(runs, values, count, source if ordered else None, where)


def _mark(db: apsw.Connection, kind: str, name: str, value: str | None, prefix: str) -> Lead:
    where = f"lead.kind = '{kind}' AND lead.name = :{prefix}_name"
    values = {f"{prefix}_name": name}
    if value is not None:
        where += f" AND lead.value = :{prefix}_value"
        values[f"{prefix}_value"] = value
    return _made(db, "run_marks AS lead", where, values, ordered=value is not None)


def _label(db: apsw.Connection, value: str, prefix: str) -> Lead:
    return _mark(db, "label", value, "", prefix)


def _author(db: apsw.Connection, value: str, prefix: str) -> Lead:
    return _mark(db, "author", value, "", prefix)


def _archived(db: apsw.Connection, value: bool, prefix: str) -> Lead | None:
    return _mark(db, "archived", "", "", prefix) if value else None


def _property(db: apsw.Connection, value: Pair, prefix: str) -> Lead:
    return _mark(db, "property", value.key, value.value, prefix)


def _tag(db: apsw.Connection, value: Pair, prefix: str) -> Lead:
    where, values = f"lead.name = :{prefix}_name", {f"{prefix}_name": value.key}
    if value.value is not None:
        where += f" AND lead.value = :{prefix}_value"
        values[f"{prefix}_value"] = value.value
    return _made(db, "run_tags AS lead", where, values, ordered=value.value is not None)


def _attribute(db: apsw.Connection, value: Any, prefix: str) -> Lead | None:
    parts = value.parts if isinstance(value, EveryAttribute) else (value,)
    groups: dict[tuple[str, str], list[Compare]] = {}
    for part in parts:
        if isinstance(part, Compare) and part.op != "ne":
            groups.setdefault((part.name, kind_of(part.value)), []).append(part)
    leads = []
    for number, group in enumerate(groups.values()):
        made = leading(group, f"{prefix}_{number}")
        exact = any(part.op == "eq" for part in group)
        leads.append(_made(db, "run_attributes AS lead", made.sql, made.values, ordered=exact))
    return min(leads, key=lambda lead: lead.size, default=None)


def _state(db: apsw.Connection, value: tuple[str, ...], prefix: str) -> Lead:
    if len(value) == 1:
        where = f"lead.status = :{prefix}"
        return _made(db, SQL["search_by_status"], where, {prefix: value[0]}, ordered=True)
    where = SQL["search_one_of"].format(column="lead.status", at=prefix)
    bound = json.dumps(list(value))
    return _made(db, "runs AS lead INDEXED BY runs_by_status", where, {prefix: bound}, id="id", ordered=False)


def _error(db: apsw.Connection, value: str, prefix: str) -> Lead:
    return _state(db, (RunStatus.FAILED.value, RunStatus.TIMED_OUT.value), prefix)


def _name(db: apsw.Connection, value: str, prefix: str) -> Lead:
    source = "runs AS lead INDEXED BY runs_by_name"
    return _made(db, source, f"lead.name = :{prefix}", {prefix: value}, id="id", ordered=False)


def _definition(db: apsw.Connection, value: Reference, prefix: str) -> Lead | None:
    return _name(db, value.name, prefix) if value.name is not None else None


def _between(index: str, column: str) -> Callable[[apsw.Connection, Between, str], Lead]:
    def lead(db: apsw.Connection, value: Between, prefix: str) -> Lead:
        where, values = [], {}
        for sign, bound, name in ((">=", value.after, "after"), ("<", value.before, "before")):
            if bound is not None:
                where.append(f"lead.{column} {sign} :{prefix}_{name}")
                values[f"{prefix}_{name}"] = bound
        source = f"runs AS lead INDEXED BY {index}"
        return _made(db, source, " AND ".join(where), values, id="id", ordered=False)

    return lead


def _text(db: apsw.Connection, value: str, prefix: str) -> Lead | None:
    """Runs whose text has it, and those that have none but the name of their workflow, and that has it."""
    needle = folded(value)
    if len(needle) < _SHORTEST or "\0" in needle:
        return None
    names = [name for (name,) in fetch(db, SQL["search_names"], {"limit": _NAMES + 1})]
    if len(names) > _NAMES:
        return None
    phrase = '"{}"'.format(needle.replace('"', '""'))
    source = "run_grams CROSS JOIN run_texts AS lead ON lead.id = run_grams.rowid"
    found = _made(db, source, f"run_grams MATCH :{prefix}", {prefix: phrase}, ordered=False)
    named = [name for name in names if needle in folded(name)]
    others = [_name(db, name, f"{prefix}_{number}") for number, name in enumerate(named)]
    return _united([found, *others]) if others else found


_LEADS: Final[dict[str, Callable[[apsw.Connection, Any, str], Lead | None]]] = {
    "text": _text,
    "name": _name,
    "definition": _definition,
    "label": _label,
    "property": _property,
    "tag": _tag,
    "attribute": _attribute,
    "author": _author,
    "archived": _archived,
    "state": _state,
    "error": _error,
    "created": _between("runs_recent", "created_at"),
    "updated": _between("runs_by_update", "updated_at"),
}
