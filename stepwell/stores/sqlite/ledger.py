"""Runs that are still to be started, results that are kept, and the slots of rates."""

from __future__ import annotations

from collections.abc import Sequence

import apsw

from stepwell.model.base import Instant
from stepwell.model.ledger import FollowUp, Kept, Rate
from stepwell.stores.codec import decode_json, encode_json
from stepwell.stores.sqlite.commit import put, roll_back
from stepwell.stores.sqlite.connection import SQL, fetch
from stepwell.stores.sqlite.readers import Readers
from stepwell.stores.sqlite.writer import Writer


class SqliteLedger:
    """See `model.ledger.Ledger`."""

    def __init__(self, writer: Writer, readers: Readers) -> None:
        self._writer, self._readers = writer, readers

    async def follow_ups(self, source: str | None = None) -> Sequence[FollowUp]:
        if source is None:
            rows = await self._readers.point(lambda db: fetch(db, SQL["follow_ups"]))
        else:
            rows = await self._readers.point(lambda db: fetch(db, SQL["follow_ups_of"], (source,)))
        return [FollowUp(*row) for row in rows]

    async def put_follow_ups(self, orders: Sequence[FollowUp]) -> None:
        if orders:
            await self._writer.run(lambda db: put(db, "put_follow_ups", list(orders)))

    async def started(self, run_id: str) -> None:
        await self._writer.run(lambda db: fetch(db, SQL["follow_up_started"], (run_id,)))

    async def kept(self, step: str, key: str, now: Instant) -> Kept | None:
        wanted = {"step": step, "key": key, "now": now}
        rows = await self._readers.point(lambda db: fetch(db, SQL["kept"], wanted))
        if not rows:
            return None
        found = Kept(*rows[0])
        return found._replace(output=decode_json(found.output))

    async def keep(self, kept: Kept, now: Instant) -> None:
        values = {**kept._asdict(), "output": encode_json(kept.output).decode()}

        def write(db: apsw.Connection) -> None:
            fetch(db, SQL["drop_expired"], {"now": now})
            fetch(db, SQL["keep"], values)

        await self._writer.run(write)

    async def forget(self, key: str, step: str | None = None) -> int:
        def write(db: apsw.Connection) -> int:
            fetch(db, SQL["forget_kept"], {"key": key, "step": step})
            return db.changes()

        return await self._writer.run(write)

    async def take_slot(self, rate: Rate, now: Instant) -> Instant:
        return await self._writer.run(lambda db: _take_slot(db, rate, now))


def _take_slot(db: apsw.Connection, rate: Rate, now: Instant) -> Instant:
    """In one transaction, and in order: each slot is a window behind the one `limit` places before it."""
    db.execute("BEGIN IMMEDIATE")
    try:
        fetch(db, SQL["drop_slots"], {"name": rate.name, "past": now - rate.window})
        before = fetch(db, SQL["slot_before"], {"name": rate.name, "skip": rate.limit - 1})
        last = fetch(db, SQL["last_slot"], {"name": rate.name})
        at = max(now, before[0][0] + rate.window if before else now, last[0][0] if last else now)
        number = last[0][1] + 1 if last and last[0][0] == at else 0
        fetch(db, SQL["put_slot"], {"name": rate.name, "at": at, "number": number})
        db.execute("COMMIT")
    except BaseException:
        roll_back(db)
        raise
    return at
