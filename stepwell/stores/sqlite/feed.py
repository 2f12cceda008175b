"""The feed: turns in the order of their commits, and how far each subscription has come."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

import apsw

from stepwell.model.base import Instant
from stepwell.model.errors import InvalidInput, StoreDamaged
from stepwell.model.feed import Cursor, FeedPage, FeedTurn
from stepwell.model.journal import Turn
from stepwell.stores.codec import decode_events
from stepwell.stores.sqlite import owners
from stepwell.stores.sqlite.connection import SQL, fetch
from stepwell.stores.sqlite.readers import Readers
from stepwell.stores.sqlite.writer import Writer

if TYPE_CHECKING:
    from filelock import BaseFileLock


class SqliteFeed:
    """See `ports.FeedStore`."""

    def __init__(self, writer: Writer, readers: Readers, path: str) -> None:
        self._writer, self._readers, self._path = writer, readers, path
        self._held: dict[str, BaseFileLock] = {}

    async def after(self, position: int, limit: int) -> FeedPage:
        return await self._readers.long(partial(_read, position=position, limit=limit))

    async def position(self) -> int:
        rows = await self._readers.point(lambda db: fetch(db, SQL["feed_position"]))
        position: int = rows[0][0]
        return position

    async def cursor(self, name: str) -> Cursor | None:
        rows = await self._readers.point(lambda db: fetch(db, SQL["cursor"], (name,)))
        return Cursor(*rows[0]) if rows else None

    async def cursors(self) -> list[Cursor]:
        rows = await self._readers.long(lambda db: fetch(db, SQL["cursors"]))
        return [Cursor(*row) for row in rows]

    async def create(self, name: str, position: int, at: Instant) -> Cursor:
        if not owners.fit_for_a_file(name):
            raise InvalidInput(
                f"{name!r} cannot be the name of a subscription", hint="use letters, digits, dots, - and _"
            )
        await self._change("create_cursor", {"name": name, "position": position, "at": at})
        created = await self.cursor(name)
        assert created is not None
        return created

    async def advance(self, name: str, position: int, at: Instant) -> bool:
        return await self._change("advance_cursor", {"name": name, "position": position, "at": at})

    async def note_failure(self, name: str, failures: int, error: str, at: Instant) -> bool:
        values = {"name": name, "failures": failures, "error": error, "at": at}
        return await self._change("note_failure", values)

    async def delete(self, name: str) -> bool:
        return await self._change("delete_cursor", (name,))

    async def hold(self, name: str) -> bool:
        lock = await asyncio.to_thread(owners.try_lock, owners.subscription_file(self._path, name))
        if lock is None:
            return False
        self._held[name] = lock
        return True

    def let_go(self, name: str) -> None:
        lock = self._held.pop(name, None)
        if lock is not None:
            owners.let_go(lock)

    def close(self) -> None:
        for name in list(self._held):
            self.let_go(name)

    def crash(self) -> None:
        """For tests: the locks end with the process, their files stay."""
        for lock in self._held.values():
            lock.release()
        self._held.clear()

    def abandon(self) -> None:
        """In a forked child the locks are the parent's."""
        self._held.clear()

    async def _change(self, statement: str, values: Any) -> bool:
        def work(db: apsw.Connection) -> bool:
            db.execute(SQL[statement], values)
            return db.changes() > 0

        return await self._writer.run(work)


def _read(db: apsw.Connection, position: int, limit: int) -> FeedPage:
    """Rows that cannot be read stop no reader: their run is stopped, and named."""
    turns: list[FeedTurn] = []
    damaged: list[str] = []
    for row in fetch(db, SQL["feed_after"], (position, limit)):
        position, run_id, seq, at, body = row
        if not run_id:  # the mark that keeps the place of what was deleted
            continue
        try:
            turns.append(FeedTurn(position, Turn(run_id, seq, at, decode_events(body, run_id, seq))))
        except StoreDamaged:
            damaged.append(run_id)
    return FeedPage(turns, position, damaged)
