"""The connections that read. Small reads run where they are asked for, long ones in threads of their own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

import apsw

from stepwell.model.errors import StoreUnavailable
from stepwell.stores.sqlite.connection import Place, open_reader
from stepwell.stores.sqlite.faults import UNREADABLE, translated
from stepwell.stores.sqlite.viewing import refuse_changed

T = TypeVar("T")
Read = Callable[[apsw.Connection], T]

_THREADS: Final = 2


class Readers:
    """Opens connections as they are needed. All that was committed before a read began is seen by it."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._still = place.stamp is not None
        self._local = threading.local()
        self._opened: list[apsw.Connection] = []
        self._pool = ThreadPoolExecutor(_THREADS, thread_name_prefix="stepwell-reader")
        self._inline: apsw.Connection | None = None
        self._closed: str | None = None

    async def point(self, read: Read[T]) -> T:
        """A read of a few rows: on the loop (a hop to a thread and back takes ten times as long), unless the
        file is locked, which a thread can wait for."""
        self._refuse_closed()
        try:
            if self._inline is None:
                self._inline = self._open()
                self._inline.set_busy_timeout(0)
            found = read(self._inline)
            if self._still:
                refuse_changed(self._place)
            return found
        except (apsw.BusyError, apsw.LockedError):
            return await self.long(read)
        except UNREADABLE as error:
            self._drop(self._inline)
            self._inline = None
            raise translated(error, self._place.path, "read") from error

    async def long(self, read: Read[T]) -> T:
        """A read that may take its time: in a thread."""
        self._refuse_closed()
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._in_thread, read)

    def close(self) -> None:
        """Waits for the reads that are going on."""
        self._closed = "it is closed"
        self._pool.shutdown()
        for db in self._opened:
            db.close()

    def abandon(self) -> None:
        """In a forked child: the threads are not here, and the connections are the parent's."""
        self._closed = "it was opened by another process"

    def _in_thread(self, read: Read[T]) -> T:
        db: apsw.Connection | None = getattr(self._local, "db", None)
        try:
            if db is None:
                db = self._local.db = self._open()
            found = read(db)
            if self._still:
                refuse_changed(self._place)
            return found
        except UNREADABLE as error:  # the next read begins with a new connection
            self._local.db = None
            self._drop(db)
            raise translated(error, self._place.path, "read") from error

    def _open(self) -> apsw.Connection:
        db = open_reader(self._place)
        self._opened.append(db)
        return db

    def _drop(self, db: apsw.Connection | None) -> None:
        if db is not None:
            self._opened.remove(db)
            db.close()

    def _refuse_closed(self) -> None:
        if self._closed is not None:
            raise StoreUnavailable(
                f"cannot read {self._place.path}: {self._closed}", hint="open the store again"
            )
