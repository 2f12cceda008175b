"""Pages of runs, newest first, along the index that fits the filter: the cost is that of the page, not of the
history.

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
from stepwell.model.journal import DefinitionRow, Page, RunFilter, RunRow
from stepwell.model.states import RunStatus
from stepwell.stores.codec import decode_json
from stepwell.stores.sqlite.connection import SQL, fetch

COLUMNS: Final = ", ".join(f"runs.{field}" for field in RunRow._fields)

_TAGS: Final = RunRow._fields.index("tags")
_ERROR: Final = RunRow._fields.index("error")


class _Path(NamedTuple):
    """A way through the runs: its source, and the columns that order it."""

    source: str
    created_at: str
    id: str


_RECENT: Final = _Path("runs INDEXED BY runs_recent", "runs.created_at", "runs.id")
_BY_STATUS: Final = _Path("runs INDEXED BY runs_by_status", "runs.created_at", "runs.id")
_BY_NAME: Final = _Path("runs INDEXED BY runs_by_name", "runs.created_at", "runs.id")
_BY_PARENT: Final = _Path("runs INDEXED BY runs_by_parent", "runs.created_at", "runs.id")
_BY_TAG: Final = _Path(
    "run_tags AS tag CROSS JOIN runs ON runs.id = tag.run_id", "tag.created_at", "tag.run_id"
)

_CONDITIONS: Final = {
    "name": "runs.name = :name",
    "namespace": "runs.namespace = :namespace",
    "parent_id": "runs.parent_id = :parent_id",
    "created_after": "{created_at} >= :created_after",
    "created_before": "{created_at} < :created_before",
}


def list_runs(db: apsw.Connection, where: RunFilter, limit: int, cursor: str | None) -> Page:
    """A page of at most `limit` runs. `created_after` is the first instant that counts, `created_before` the
    first that does not. Raises `InvalidInput` for a limit below 1 and a cursor that is none."""
    if limit < 1:
        raise InvalidInput(f"a page of {limit} runs cannot be listed", hint="ask for 1 or more")
    query, values = _query(where, cursor)
    values["limit"] = limit + 1
    found = [run_from(row) for row in fetch(db, query, values)]
    return Page(found[:limit], _cursor(found[limit - 1]) if len(found) > limit else None)


def _query(where: RunFilter, cursor: str | None) -> tuple[str, dict[str, Any]]:
    values: dict[str, Any] = {
        field: value for field in _CONDITIONS if (value := getattr(where, field)) is not None
    }
    conditions = [_CONDITIONS[field] for field in values]
    path = _path(where)
    if cursor is not None:
        values["cursor_at"], values["cursor_id"] = _parse(cursor)
        conditions.append("({created_at}, {id}) < (:cursor_at, :cursor_id)")
    for number, (name, value) in enumerate(where.tags.items()):
        values[f"tag{number}"], values[f"value{number}"] = name, value
        conditions.append(_tagged(number))
    statuses: Sequence[str] = tuple(dict.fromkeys(where.status))
    if path is _BY_NAME and not statuses:
        statuses = [status.value for status in RunStatus]
    arms = [[*conditions, f"runs.status = :status{number}"] for number in range(len(statuses))] or [
        conditions
    ]
    values |= {f"status{number}": status for number, status in enumerate(statuses)}
    return _merged([_arm(path, arm) for arm in arms]), values


def _path(where: RunFilter) -> _Path:
    """The sharpest filter leads."""
    if where.tags:
        return _BY_TAG
    if where.parent_id is not None:
        return _BY_PARENT
    if where.name is not None:
        return _BY_NAME
    return _BY_STATUS if where.status else _RECENT


def _tagged(number: int) -> str:
    if number == 0:
        return "tag.name = :tag0 AND tag.value = :value0"
    return SQL["list_tagged"].format(number=number)


def _arm(path: _Path, conditions: Sequence[str]) -> str:
    order = {"created_at": path.created_at, "id": path.id}
    return SQL["list_arm"].format(
        columns=COLUMNS,
        source=path.source,
        conditions=" AND ".join(conditions).format(**order) or "true",
        **order,
    )


def _merged(arms: Sequence[str]) -> str:
    if len(arms) == 1:
        return arms[0]
    return SQL["list_merge"].format(arms=" UNION ALL ".join(SQL["list_each"].format(arm=arm) for arm in arms))


def _cursor(row: RunRow) -> str:
    return base64.urlsafe_b64encode(json.dumps([row.created_at, row.id]).encode()).decode()


def _parse(cursor: str) -> tuple[int, str]:
    try:
        created_at, run_id = json.loads(base64.urlsafe_b64decode(cursor))
        if type(created_at) is int and isinstance(run_id, str):
            return created_at, run_id
    except ValueError:
        pass
    raise InvalidInput(f"{cursor!r} is not the cursor of a page", hint="use `next` of the page before")


def run_from(row: Sequence[Any]) -> RunRow:
    values = list(row)
    try:
        values[_TAGS] = decode_json(row[_TAGS]) if row[_TAGS] is not None else {}
        values[_ERROR] = decode_json(row[_ERROR]) if row[_ERROR] is not None else None
    except (ValueError, TypeError) as error:
        raise StoreDamaged(
            f"run {row[0]}: its index row cannot be read ({error})",
            hint="make it anew from the journal: stepwell doctor --rebuild",
        ) from error
    return RunRow(*values)


def find_run(db: apsw.Connection, run_id: str) -> RunRow | None:
    rows = fetch(db, SQL["run"].format(columns=COLUMNS), (run_id,))
    return run_from(rows[0]) if rows else None


def find_definitions(db: apsw.Connection, where: Mapping[str, str | None]) -> list[DefinitionRow]:
    """Those whose columns have the values that are not None, by namespace, name and age."""
    values = {column: value for column, value in where.items() if value is not None}
    conditions = " AND ".join(f"{column} = :{column}" for column in values) or "true"
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
