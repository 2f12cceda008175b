"""Schedules in the file: see `ports.ScheduleStore`. A write happens only where nobody has written since it was read."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

import apsw

from stepwell.model.base import Instant
from stepwell.model.errors import StoreDamaged
from stepwell.model.schedules import (
    CatchUp,
    Edit,
    Firing,
    Orders,
    Outcome,
    Overlap,
    Plan,
    Reason,
    Schedule,
    Standing,
)
from stepwell.stores.codec import decode_json, encode_json
from stepwell.stores.sqlite.connection import SQL, fetch
from stepwell.stores.sqlite.readers import Readers
from stepwell.stores.sqlite.writer import Writer

EDITS_KEPT: Final = 100
FIRINGS_KEPT: Final = 1_000
"""of those that started no run"""


class SqliteSchedules:
    """Made by the store, over its connections."""

    def __init__(self, writer: Writer, readers: Readers) -> None:
        self._writer, self._readers = writer, readers

    async def get(self, name: str) -> Schedule | None:
        found = await self._readers.point(lambda db: _read(db, "schedule", (name,)))
        return found[0] if found else None

    async def all(self) -> Sequence[Schedule]:
        return await self._readers.long(lambda db: _read(db, "schedules", ()))

    async def due(self, now: Instant) -> Sequence[Schedule]:
        return await self._readers.point(lambda db: _read(db, "schedules_due", {"now": now}))

    async def next_at(self, after: Instant) -> Instant | None:
        rows = await self._readers.point(lambda db: fetch(db, SQL["schedules_next"], (after,)))
        instant: Instant | None = rows[0][0]
        return instant

    async def edit(self, schedule: Schedule, change: str) -> Schedule | None:
        body = _encode(schedule.orders)
        return await self._writer.run(partial(_edit, schedule=schedule, body=body, change=change))

    async def delete(self, schedule: Schedule, at: Instant) -> bool:
        body = _encode(schedule.orders)
        return await self._writer.run(partial(_delete, schedule=schedule, body=body, at=at))

    async def settle(self, schedule: Schedule, firings: Sequence[Firing] = ()) -> Schedule | None:
        body = _encode(schedule.orders)
        return await self._writer.run(partial(_settle, schedule=schedule, body=body, firings=firings))

    async def note(self, firing: Firing) -> None:
        await self._writer.run(partial(_note, firing=firing))

    async def standing(self, name: str, mark: str) -> Standing:
        rows = await self._readers.point(
            lambda db: fetch(db, SQL["standing"], {"schedule": name, "mark": mark})
        )
        fired = next((run_id for found, run_id, _ in rows if found == mark), None)
        return Standing(tuple(run_id for found, run_id, is_open in rows if is_open and found != mark), fired)

    async def started_between(self, name: str, after: str, until: str) -> int:
        values = (name, after, until)
        rows = await self._readers.point(lambda db: fetch(db, SQL["started_between"], values))
        count: int = rows[0][0]
        return count

    async def last_fired(self, name: str) -> str | None:
        rows = await self._readers.point(lambda db: fetch(db, SQL["last_fired"], (name,)))
        return rows[0][0] if rows else None

    async def firings(
        self, name: str, limit: int, before: tuple[Instant, str] | None = None
    ) -> Sequence[Firing]:
        at, mark = before or (2**62, "")
        values = {"schedule": name, "limit": limit, "at": at, "mark": mark}
        return await self._readers.long(lambda db: list(map(_firing, fetch(db, SQL["firings"], values))))

    async def edits(self, name: str) -> Sequence[Edit]:
        rows = await self._readers.long(lambda db: fetch(db, SQL["edits"], (name,)))
        return [Edit(revision, at, change, _orders(name, orders)) for revision, at, change, orders in rows]


# --- on the writing connection ------------------------------------------------------------------------------------


def _edit(db: apsw.Connection, schedule: Schedule, body: str, change: str) -> Schedule | None:
    db.execute("BEGIN IMMEDIATE")
    if not _unchanged(db, schedule):
        db.execute("ROLLBACK")
        return None
    revision = fetch(db, SQL["schedule_last_revision"], (schedule.name,))[0][0] + 1
    edited = schedule._replace(revision=revision, version=schedule.version + 1)
    _put(db, edited, body)
    _put_edit(db, edited, body, change, schedule.updated_at)
    db.execute("COMMIT")
    return edited


def _delete(db: apsw.Connection, schedule: Schedule, body: str, at: Instant) -> bool:
    db.execute("BEGIN IMMEDIATE")
    if not _unchanged(db, schedule):
        db.execute("ROLLBACK")
        return False
    db.execute(SQL["delete_schedule"], (schedule.name,))
    revision = fetch(db, SQL["schedule_last_revision"], (schedule.name,))[0][0] + 1
    _put_edit(db, schedule._replace(revision=revision), body, "deleted", at)
    db.execute("COMMIT")
    return True


def _settle(db: apsw.Connection, schedule: Schedule, body: str, firings: Sequence[Firing]) -> Schedule | None:
    db.execute("BEGIN IMMEDIATE")
    if not _unchanged(db, schedule):
        db.execute("ROLLBACK")
        return None
    settled = schedule._replace(version=schedule.version + 1)
    _put(db, settled, body)
    for firing in firings:
        _put_firing(db, firing)
    db.execute("COMMIT")
    return settled


def _note(db: apsw.Connection, firing: Firing) -> None:
    db.execute("BEGIN IMMEDIATE")
    _put_firing(db, firing)
    db.execute("COMMIT")


def _unchanged(db: apsw.Connection, schedule: Schedule) -> bool:
    """Whether the stored version is the one that the caller had read (0: there is none)."""
    rows = fetch(db, SQL["schedule_version"], (schedule.name,))
    return (rows[0] if rows else (0, 0)) == (schedule.revision, schedule.version)


def _put(db: apsw.Connection, schedule: Schedule, body: str) -> None:
    row = schedule._replace(orders=body, paused=int(schedule.paused))  # type: ignore[arg-type]
    db.execute(SQL["put_schedule"], (*row, int(schedule.awaits_a_run)))


def _put_edit(db: apsw.Connection, schedule: Schedule, body: str, change: str, at: Instant) -> None:
    db.execute(SQL["put_edit"], (schedule.name, schedule.revision, at, change, body))
    values = {"name": schedule.name, "revision": schedule.revision, "kept": EDITS_KEPT}
    db.execute(SQL["prune_edits"], values)


def _put_firing(db: apsw.Connection, firing: Firing) -> None:
    row = (firing.schedule, firing.mark, firing.outcome, firing.reason, firing.at, firing.slots, firing.note)
    db.execute(SQL["put_firing"], tuple(map(_plain, row)))
    db.execute(SQL["prune_firings"], {"schedule": firing.schedule, "kept": FIRINGS_KEPT})


# --- rows ---------------------------------------------------------------------------------------------------------


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, str) else value


def _read(db: apsw.Connection, statement: str, values: Any) -> list[Schedule]:
    return list(map(_schedule, fetch(db, SQL[statement], values)))


def _schedule(row: Sequence[Any]) -> Schedule:
    found = Schedule(*row)
    return found._replace(orders=_orders(found.name, row[3]), paused=bool(found.paused))


def _firing(row: Sequence[Any]) -> Firing:
    found = Firing(*row)
    return found._replace(outcome=Outcome(found.outcome), reason=Reason(found.reason), open=bool(found.open))


def _encode(orders: Orders) -> str:
    """Raises `InvalidInput` where the input is not JSON."""
    document = {**orders._asdict(), "plan": orders.plan._asdict()}
    document |= {"overlap": str(orders.overlap.value), "catch_up": str(orders.catch_up.value)}
    document |= {"tags": dict(orders.tags), "options": dict(orders.options)}
    return encode_json(document).decode()


def _orders(name: str, text: str) -> Orders:
    try:
        members = decode_json(text)
        members["plan"] = Plan(**members["plan"])
        members["overlap"], members["catch_up"] = Overlap(members["overlap"]), CatchUp(members["catch_up"])
        return Orders(**members)
    except (ValueError, TypeError, KeyError) as error:
        raise StoreDamaged(
            f"schedule {name} cannot be read ({error})", hint="set it again with: stepwell schedules set"
        ) from error
