"""What waits for people."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from stepwell.model.errors import InvalidInput
from stepwell.model.people import WorkFilter, WorkItem
from stepwell.ports.work import WorkPage
from stepwell.stores.sqlite.batch import Row
from stepwell.stores.sqlite.connection import SQL, fetch
from stepwell.stores.sqlite.readers import Readers

_NEVER: Final = 2**63 - 1


class SqliteWork:
    """See `ports.WorkStore`."""

    def __init__(self, readers: Readers) -> None:
        self._readers = readers

    async def items(self, where: WorkFilter, limit: int, cursor: str | None = None) -> WorkPage:
        condition, values = _condition(where)
        if cursor is not None:
            condition += (
                " AND (-priority, coalesce(due, 9223372036854775807), since, run_id, step)"
                " > (:priority, :last_due, :since, :last_run, :last_step)"
            )
            values |= _place(cursor)
        query = SQL["work"].format(conditions=condition)
        rows = await self._readers.point(lambda db: fetch(db, query, {**values, "limit": limit + 1}))
        found = [_item(row) for row in rows[:limit]]
        return WorkPage(found, _cursor(found[-1]) if len(rows) > limit else None)

    async def count(self, where: WorkFilter) -> int:
        condition, values = _condition(where)
        query = SQL["count_work"].format(conditions=condition)
        counted: int = (await self._readers.point(lambda db: fetch(db, query, values)))[0][0]
        return counted

    async def of_run(self, run_id: str) -> Sequence[WorkItem]:
        rows = await self._readers.point(lambda db: fetch(db, SQL["work_of_run"], (run_id,)))
        return [_item(row) for row in rows]


def work_row(item: WorkItem) -> Row:
    """`who` has `p:NAME`, `g:GROUP` and `x:NAME` (past for this person); an empty name where only the last are there:
    it is anybody's but theirs."""
    who = [*(f"p:{name}" for name in item.people), *(f"g:{name}" for name in item.groups)]
    past = [f"x:{name}" for name in item.past]
    if past and not who:
        who = [""]
    return (*item[:11], json.dumps(list(dict.fromkeys([*who, *past])), ensure_ascii=False))


def _item(row: Sequence[Any]) -> WorkItem:
    who = json.loads(row[11])
    names = [tuple(name[2:] for name in who if name.startswith(kind)) for kind in ("p:", "g:", "x:")]
    return WorkItem(*row[:11], *names)


def _condition(where: WorkFilter) -> tuple[str, dict[str, Any]]:
    parts, values = ["1"], dict[str, Any]()
    names = [*(f"p:{name}" for name in where.people), *(f"g:{name}" for name in where.groups)]
    names += [""] if where.anybodys else []
    if names:
        parts.append(
            "(run_id, step) IN (SELECT run_id, step FROM work_names WHERE who IN (SELECT value FROM json_each(:names)))"
        )
        values["names"] = json.dumps(names, ensure_ascii=False)
    if where.to is not None:
        parts.append("(run_id, step) NOT IN (SELECT run_id, step FROM work_names WHERE who = :past)")
        values["past"] = f"x:{where.to}"
    for column, sign, value in (
        ("run_id", "=", where.run_id),
        ("kind", "=", where.kind),
        ("due", "<", where.due_before),
    ):
        if value is not None:
            parts.append(f"{column} {sign} :where_{column}")
            values[f"where_{column}"] = value
    return " AND ".join(parts), values


def _cursor(item: WorkItem) -> str:
    due = _NEVER if item.due is None else item.due
    return json.dumps([-item.priority, due, item.since, item.run_id, item.step], separators=(",", ":"))


def _place(cursor: str) -> dict[str, Any]:
    try:
        priority, due, since, run_id, step = json.loads(cursor)
        assert all(isinstance(number, int) for number in (priority, due, since))
        assert isinstance(run_id, str)
        assert isinstance(step, str)
    except (ValueError, TypeError, AssertionError) as error:
        raise InvalidInput("this is no cursor of an inbox", hint="begin without one") from error
    return {"priority": priority, "last_due": due, "since": since, "last_run": run_id, "last_step": step}
