"""Pages of runs along the index that fits the filter: the cost is that of the page, not of the history. (Filters that
no index knows are checked row by row on the way.)

An index orders the runs of one status. So a listing of several statuses has one arm for each, at most a page
long, and merges them.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import apsw

from stepwell.model.errors import InvalidInput, StoreDamaged
from stepwell.model.journal import DefinitionRow, Page, RunFilter, RunOrder, RunRow
from stepwell.model.states import OPEN_RUN, RunStatus
from stepwell.stores.codec import decode_json
from stepwell.stores.sqlite import attributes
from stepwell.stores.sqlite.connection import SQL, fetch
from stepwell.stores.sqlite.filters import conditions_of, of_engines, values_of

COLUMNS: Final = ", ".join(f"runs.{field}" for field in RunRow._fields)
_ONE_RUN: Final = SQL["run"].format(columns=COLUMNS)

_TAGS: Final = RunRow._fields.index("tags")
_ERROR: Final = RunRow._fields.index("error")
_ATTRIBUTES: Final = RunRow._fields.index("attributes")
_LABELS: Final = RunRow._fields.index("labels")
_PROPERTIES: Final = RunRow._fields.index("properties")
_ARCHIVED: Final = RunRow._fields.index("archived")


class _Path(NamedTuple):
    """A way through the runs: its source, and the columns that order it."""

    source: str
    created_at: str = "runs.created_at"
    id: str = "runs.id"


_RECENT: Final = _Path("runs INDEXED BY runs_recent")
_BY_STATUS: Final = _Path("runs INDEXED BY runs_by_status")
_BY_NAME: Final = _Path("runs INDEXED BY runs_by_name")
_BY_PARENT: Final = _Path("runs INDEXED BY runs_by_parent")
_BY_UPDATE: Final = _Path("runs INDEXED BY runs_by_update")
_OPEN: Final = _Path("runs INDEXED BY runs_open")
_BY_LEASE: Final = _Path("runs INDEXED BY runs_by_lease")
_BY_ID: Final = _Path("runs NOT INDEXED")
_BY_TAG: Final = _Path(
    "run_tags AS tag CROSS JOIN runs ON runs.id = tag.run_id", "tag.created_at", "tag.run_id"
)
_IN_ORDER: Final = frozenset({_RECENT, _BY_STATUS, _BY_NAME, _BY_PARENT, _BY_TAG})
"""These go from the newest to the oldest; what comes along another way is sorted."""

_BY_ATTRIBUTE: Final = _Path(
    "run_attributes AS lead CROSS JOIN runs ON runs.id = lead.run_id", "lead.created_at", "lead.run_id"
)


class _Order(NamedTuple):
    """`column`: of a row; None: by its creation."""

    column: str | None
    direction: str
    beyond: str


_ORDERS: Final = {
    RunOrder.NEWEST: _Order(None, "DESC", "<"),
    RunOrder.OLDEST: _Order(None, "ASC", ">"),
    RunOrder.UPDATED: _Order("updated_at", "DESC", "<"),
}


def list_runs(db: apsw.Connection, where: RunFilter, limit: int, cursor: str | None) -> Page:
    """A page of at most `limit` runs. Raises `InvalidInput` for a limit below 1, and a cursor that is none or that of
    another order."""
    if limit < 1:
        raise InvalidInput(f"a page of {limit} runs cannot be listed", hint="ask for 1 or more")
    query, values = _query(where, cursor, attributes.lead(db, where.where))
    values["limit"] = limit + 1
    found = [run_from(row) for row in fetch(db, query, values)]
    more = len(found) > limit
    return Page(found[:limit], _cursor(found[limit - 1], where.order) if more else None)


def count_runs(db: apsw.Connection, where: RunFilter) -> dict[str, int]:
    """By status."""
    path = _Path("runs")
    conditions, values = conditions_of(where), values_of(where)
    if where.tags:
        path = _BY_TAG
        conditions += [_tagged(number) for number in range(len(where.tags))]
    if where.status:
        conditions.append(_one_of(where.status, values))
    query = SQL["list_counts"].format(source=path.source, conditions=_all(path, conditions))
    return dict(fetch(db, query, values))


def _query(
    where: RunFilter, cursor: str | None, lead: attributes.Condition | None = None
) -> tuple[str, dict[str, Any]]:
    """`lead`: the index of the attributes leads there, if nothing sharper does."""
    values = values_of(where)
    conditions = conditions_of(where)
    path, order = _path(where, lead is not None), _ORDERS[where.order]
    if lead is not None and path is _BY_ATTRIBUTE:
        conditions.append(lead.sql)
        values |= lead.values
    if cursor is not None:
        values["cursor_at"], values["cursor_id"] = _parse(cursor, where.order)
        conditions.append(f"({{at}}, {{id}}) {order.beyond} (:cursor_at, :cursor_id)")
    conditions += [_tagged(number) for number in range(len(where.tags))]
    statuses: Sequence[str] = tuple(dict.fromkeys(where.status))
    if path is _BY_NAME and not statuses:
        statuses = [status.value for status in RunStatus]
    if path is _BY_STATUS and where.open:
        statuses = [status.value for status in sorted(OPEN_RUN) if not statuses or status.value in statuses]
        if not statuses:  # none that a run that has not ended can have
            return _arm(path, order, [*conditions, "false"]), values
    if path not in _IN_ORDER or len(statuses) == 0:
        whole = [*conditions, _one_of(statuses, values)] if statuses else conditions
        return _arm(path, order, whole), values
    values |= {f"status{number}": status for number, status in enumerate(statuses)}
    arms = [[*conditions, f"runs.status = :status{number}"] for number in range(len(statuses))]
    return _merged(order, [_arm(path, order, arm) for arm in arms]), values


def _one_of(statuses: Sequence[str], values: dict[str, Any]) -> str:
    values["statuses"] = json.dumps(list(statuses))
    return "runs.status IN (SELECT value FROM json_each(:statuses))"


def _path(where: RunFilter, led: bool) -> _Path:
    """The sharpest filter leads."""
    if where.id_prefix is not None:
        return _BY_ID
    if where.lease_before is not None:
        return _BY_LEASE
    if where.tags:
        return _BY_TAG
    if where.parent_id is not None:
        return _BY_PARENT
    if led:
        return _BY_ATTRIBUTE
    if where.open or where.overdue_at is not None:
        return _OPEN if of_engines(where) else _BY_STATUS
    if where.order is RunOrder.UPDATED or where.updated_after is not None:
        return _BY_UPDATE
    if where.name is not None:
        return _BY_NAME
    return _BY_STATUS if where.status else _RECENT


def _tagged(number: int) -> str:
    if number == 0:
        return "tag.name = :tag0 AND tag.value = :value0"
    return SQL["list_tagged"].format(number=number)


def _arm(path: _Path, order: _Order, conditions: Sequence[str]) -> str:
    return SQL["list_arm"].format(
        columns=COLUMNS,
        source=path.source,
        conditions=_all(path, conditions, order),
        at=_at(path, order),
        id=path.id,
        direction=order.direction,
    )


def _at(path: _Path, order: _Order) -> str:
    return path.created_at if order.column is None else f"runs.{order.column}"


def _all(path: _Path, conditions: Sequence[str], order: _Order = _ORDERS[RunOrder.NEWEST]) -> str:
    joined = " AND ".join(conditions) or "true"
    return joined.format(created_at=path.created_at, id=path.id, at=_at(path, order))


def _merged(order: _Order, arms: Sequence[str]) -> str:
    if len(arms) == 1:
        return arms[0]
    return SQL["list_merge"].format(
        arms=" UNION ALL ".join(SQL["list_each"].format(arm=arm) for arm in arms),
        at=order.column or "created_at",
        direction=order.direction,
    )


def _cursor(row: RunRow, order: RunOrder = RunOrder.NEWEST) -> str:
    """Where a page ended: of the newest first just the place, of other orders their name too."""
    at = row.updated_at if order is RunOrder.UPDATED else row.created_at
    place = [at, row.id] if order is RunOrder.NEWEST else [at, row.id, order.value]
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


def _parse(cursor: str, order: RunOrder) -> tuple[int, str]:
    try:
        at, run_id, *rest = json.loads(base64.urlsafe_b64decode(cursor))
    except (ValueError, TypeError):
        rest = [None]
    if rest not in ([], [RunOrder.OLDEST.value], [RunOrder.UPDATED.value]) or type(at) is not int:
        raise InvalidInput(f"{cursor!r} is not the cursor of a page", hint="use `next` of the page before")
    if not isinstance(run_id, str):
        raise InvalidInput(f"{cursor!r} is not the cursor of a page", hint="use `next` of the page before")
    if (rest or [RunOrder.NEWEST.value]) != [order.value]:
        raise InvalidInput(
            f"the cursor belongs to a listing in another order than {order.value}",
            hint="list the next page with the same filters and order as the page before",
        )
    return at, run_id


def run_from(row: Sequence[Any]) -> RunRow:
    values = list(row)
    try:
        values[_TAGS] = decode_json(row[_TAGS]) if row[_TAGS] is not None else {}
        values[_ATTRIBUTES] = decode_json(row[_ATTRIBUTES]) if row[_ATTRIBUTES] is not None else {}
        values[_LABELS] = tuple(decode_json(row[_LABELS])) if row[_LABELS] is not None else ()
        values[_PROPERTIES] = decode_json(row[_PROPERTIES]) if row[_PROPERTIES] is not None else {}
        values[_ARCHIVED] = bool(row[_ARCHIVED])
        values[_ERROR] = decode_json(row[_ERROR]) if row[_ERROR] is not None else None
    except (ValueError, TypeError) as error:
        raise StoreDamaged(
            f"run {row[0]}: its index row cannot be read ({error})",
            hint="make it anew from the journal: stepwell doctor --rebuild",
        ) from error
    return RunRow(*values)


def find_run(db: apsw.Connection, run_id: str) -> RunRow | None:
    rows = fetch(db, _ONE_RUN, (run_id,))
    return run_from(rows[0]) if rows else None


def find_definitions(db: apsw.Connection, where: Mapping[str, str | None]) -> list[DefinitionRow]:
    """Those whose columns have the values that are not None, by namespace, name and age; what was withdrawn is found by
    its hash only."""
    values = {column: value for column, value in where.items() if value is not None}
    listed = [] if "hash" in values else ["withdrawn = 0"]
    conditions = " AND ".join([*listed, *(f"{column} = :{column}" for column in values)]) or "true"
    query = SQL["definitions"].format(conditions=conditions)
    return [definition_from(row) for row in fetch(db, query, values)]


def definition_from(row: Sequence[Any]) -> DefinitionRow:
    hash_, namespace, name, version, document, created_at = row
    try:
        return DefinitionRow(hash_, namespace, name, version, decode_json(document), created_at)
    except (ValueError, TypeError) as error:
        raise StoreDamaged(
            f"the definition {namespace}/{name} {version} cannot be read ({error})", hint="store it again"
        ) from error
