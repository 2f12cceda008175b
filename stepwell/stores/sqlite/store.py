"""The store of one SQLite file: the verbs of `ports.Store`, each one a line or two over the parts beside
it."""

from __future__ import annotations

import asyncio
import json
import os
import weakref
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING

import apsw

from stepwell.model.base import MILLISECOND, SECOND, Duration, Json, Report
from stepwell.model.journal import (
    DefinitionRow,
    EngineRow,
    KeyClaim,
    Loaded,
    Page,
    RunFilter,
    RunRow,
    StoreFinding,
    Turn,
)
from stepwell.model.people import WorkChange, WorkItem
from stepwell.model.queues import QueueEntry, Standing
from stepwell.model.records import State
from stepwell.ports import Clock, Done
from stepwell.stores.codec import chain, encode_events
from stepwell.stores.sqlite import census, journal, listing, mentions, owners
from stepwell.stores.sqlite import check as checks
from stepwell.stores.sqlite.archive import SqliteArchive
from stepwell.stores.sqlite.batch import Extra, claim_row, definition_row, run_row
from stepwell.stores.sqlite.channel import Channel
from stepwell.stores.sqlite.commit import put, roll_back
from stepwell.stores.sqlite.connection import SQL, Place, fetch, grow_wal, open_writer, place_of, read_only
from stepwell.stores.sqlite.driven import SqliteDriven
from stepwell.stores.sqlite.feed import SqliteFeed
from stepwell.stores.sqlite.ledger import SqliteLedger
from stepwell.stores.sqlite.queues import SqliteQueues, entry_row
from stepwell.stores.sqlite.readers import Readers
from stepwell.stores.sqlite.schedules import SqliteSchedules
from stepwell.stores.sqlite.search import SqliteSearch
from stepwell.stores.sqlite.versions import SqliteVersions
from stepwell.stores.sqlite.viewing import open_to_view, why_unwritable
from stepwell.stores.sqlite.work import SqliteWork, work_row
from stepwell.stores.sqlite.writer import Writer
from stepwell.stores.state_codec import encode_state

if TYPE_CHECKING:
    from filelock import BaseFileLock

WARM_WAL = 4_000_000
"""bytes to which the WAL file is grown when an engine opens the store"""

_SMALL = 64
_SMALL_BYTES = 200_000
"""so many turns, so many bytes are read on the event loop; what is more is read in a thread"""


class SqliteStore:
    """See `ports.Store`. Made by `open`; belongs to the event loop that it was opened on."""

    def __init__(self, writer: Writer, readers: Readers, place: Place, engine_id: str | None) -> None:
        self._writer, self._readers = writer, readers
        self._place, self._engine_id = place, engine_id
        self.archive = SqliteArchive(writer, readers)
        self.schedules = SqliteSchedules(writer, readers)
        self.feed = SqliteFeed(writer, readers, place.path)
        self._channel = Channel(place.path)
        self.queues = SqliteQueues(writer, readers)
        self.ledger = SqliteLedger(writer, readers)
        self.versions = SqliteVersions(writer, readers)
        self.search = SqliteSearch(readers)
        self.work = SqliteWork(readers)
        self.driven = SqliteDriven(readers)
        self._lock: BaseFileLock | None = None
        self._untold: set[str] = set()
        _opened.add(self)

    @classmethod
    async def open(
        cls,
        path: str | os.PathLike[str],
        *,
        clock: Clock,
        engine_id: str | None = None,
        vfs: str | None = None,
        busy_timeout: Duration = 5 * SECOND,
        warm: int = WARM_WAL,
        view: bool = False,
        as_is: bool = False,
    ) -> SqliteStore:
        """Open the file, create it where there is none, bring its schema up to date.

        `engine_id`: the engine that will carry runs on; None for whoever only looks or sends commands.
        `busy_timeout`: how long to wait for another process that is writing. `warm`: bytes to which an engine
        grows the WAL file. `view`: a file that is there and may not be written is opened all the same, to be read.
        `as_is`: that too, and no file is made nor its schema touched (`StoreUnavailable` where it is not up to date).
        Raises `StoreUnavailable`, `StoreDamaged` (no database), `StoreTooNew`, `InvalidInput` (another program's).
        """
        place = place_of(path, vfs, max(1, busy_timeout // MILLISECOND))
        unwritable = why_unwritable(place.path)
        if unwritable is not None and not (view or as_is):
            raise read_only(place.path, unwritable)
        if unwritable is not None:
            db, place = await asyncio.to_thread(open_to_view, place)
        else:
            db = await asyncio.to_thread(open_writer, place, clock.now(), as_is=as_is)
        lock = None
        try:
            if engine_id is not None:
                lock = await asyncio.to_thread(owners.hold, place.path, engine_id)
                await asyncio.to_thread(_warm, db, warm)
            where = place.path if unwritable is None else f"{place.path} ({unwritable})"
            store = cls(Writer(db, where, place.patience), Readers(place), place, engine_id)
        except BaseException:
            db.close()
            if lock is not None:
                owners.let_go(lock)
            raise
        store._lock = lock
        return store

    def append(
        self,
        turn: Turn,
        tip: bytes,
        done: Done,
        *,
        row: RunRow | None = None,
        claim: KeyClaim | None = None,
        definition: DefinitionRow | None = None,
        entry: QueueEntry | None = None,
        follow_ups: Sequence[str] = (),
        work: Sequence[WorkChange] = (),
        foreign: bool = False,
        unowned: bool = False,
    ) -> bytes:
        """As the port says. Raises `InvalidInput` at once, and stores nothing, where a value cannot be
        stored."""
        run_id, seq, at, events = turn
        body = encode_events(events)
        new = chain(tip, run_id, seq, at, body)
        foreign = foreign or self._engine_id is None  # a guest carries no run on: the engines must be told
        if row is None and not (foreign or claim or definition or entry or follow_ups or work):
            self._writer.add((run_id, seq, at, body, new), done, None)
            return new
        waits = entry is not None and entry.standing is not Standing.BEGUN
        if unowned or (waits and seq == 1):  # nobody carries on what has just been put into a queue
            foreign = False
        nobodys = unowned or waits or (foreign and seq == 1)  # whoever can, takes it up
        extra = Extra(
            None if row is None else run_row(row, seq, None if nobodys else self._engine_id, waits=waits),
            None if claim is None else claim_row(claim, run_id),
            None if definition is None else definition_row(definition),
            (run_id,) if foreign else None,
            None if entry is None else entry_row(entry),
            tuple([(follow_up, run_id, seq) for follow_up in follow_ups]),
            tuple([work_row(change.item) for change in work if change.item is not None]),
            tuple([(run_id, change.step) for change in work]),
        )
        self._writer.add((run_id, seq, at, body, new), done, extra)
        return new

    async def load(self, run_id: str) -> Loaded:
        begun = await self._readers.point(partial(journal.start, run_id=run_id, largest=_SMALL_BYTES))
        if begun is None:
            begun = await self._readers.long(partial(journal.start, run_id=run_id))
            assert begun is not None
        turns, tip = await self._read(run_id, begun, None)
        journal.complete(run_id, begun, begun.seq + len(turns))
        return Loaded(begun.snapshot, turns, tip)

    async def turns(self, run_id: str, after: int = 0, limit: int | None = None) -> Sequence[Turn]:
        begun = await self._readers.point(partial(journal.behind, run_id=run_id, seq=after))
        return (await self._read(run_id, begun, limit))[0]

    async def _read(self, run_id: str, begun: journal.Start, limit: int | None) -> tuple[list[Turn], bytes]:
        """The turns behind a place: the first few on the loop, what is more in a thread."""
        left = _SMALL if limit is None else min(limit, _SMALL)
        first = await self._readers.point(
            lambda db: journal.read(db, run_id, begun.seq, begun.tip, left, _SMALL_BYTES)
        )
        left = journal.ALL if limit is None else limit - len(first.turns)
        if not first.more or left == 0:
            return first.turns, first.tip
        after = begun.seq + len(first.turns)
        rest = await self._readers.long(lambda db: journal.read(db, run_id, after, first.tip, left))
        return first.turns + rest.turns, rest.tip

    def save_snapshot(self, state: State) -> Awaitable[None]:
        body = encode_state(state)
        row = (state.run.id, state.run.seq, state.tip, body, sha256(body).digest())
        return self._put_snapshot(row)

    async def _put_snapshot(self, row: tuple[str, int, bytes, bytes, bytes]) -> None:
        await self._writer.run(lambda db: fetch(db, SQL["put_snapshot"], row))

    async def row(self, run_id: str) -> RunRow | None:
        return await self._readers.point(lambda db: listing.find_run(db, run_id))

    async def list_runs(self, where: RunFilter, limit: int, cursor: str | None = None) -> Page:
        return await self._readers.long(lambda db: listing.list_runs(db, where, limit, cursor))

    async def count_runs(self, where: RunFilter) -> Mapping[str, int]:
        return await self._readers.long(lambda db: listing.count_runs(db, where))

    async def engines(self) -> Sequence[EngineRow]:
        return await self._readers.long(lambda db: census.engines(db, self._place.path))

    async def size(self) -> Mapping[str, int]:
        return await self._readers.long(lambda db: census.size(db, self._place.path))

    async def mentioned(self) -> Collection[str]:
        return await self._readers.long(mentions.mentioned)

    async def find_key(self, key: str) -> tuple[str, str] | None:
        rows = await self._readers.point(lambda db: fetch(db, SQL["key"], (key,)))
        return (rows[0][0], rows[0][1]) if rows else None

    async def definition(self, hash: str) -> DefinitionRow | None:
        found = await self._readers.long(lambda db: listing.find_definitions(db, {"hash": hash}))
        return found[0] if found else None

    async def definitions(
        self, namespace: str | None = None, name: str | None = None, version: str | None = None
    ) -> Sequence[DefinitionRow]:
        where = {"namespace": namespace, "name": name, "version": version}
        return await self._readers.long(lambda db: listing.find_definitions(db, where))

    async def put_definition(self, definition: DefinitionRow) -> None:
        row = definition_row(definition)
        await self._writer.run(lambda db: put(db, "put_definitions", [row]))

    async def adopt(
        self, engine_id: str, only: str | None = None, codes: Collection[str] = ()
    ) -> Sequence[str]:
        dead = partial(owners.dead, self._place.path)
        return await self._writer.run(lambda db: owners.adopt(db, engine_id, only, codes, dead))

    async def owner_alive(self, run_id: str) -> bool:
        owner = await self._readers.point(lambda db: owners.owner_of(db, run_id))
        return owner is not None and not owners.dead(self._place.path, owner)

    async def ended(self, run_ids: Sequence[str]) -> Sequence[str]:
        if not run_ids:
            return ()
        asked = json.dumps(list(run_ids))
        rows = await self._readers.point(lambda db: fetch(db, SQL["ended"], (asked,)))
        return [run_id for (run_id,) in rows]

    async def take_foreign(self, engine_id: str, codes: Collection[str] = ()) -> Sequence[str]:
        wanted = {"engine": engine_id, "codes": json.dumps(sorted(codes))}
        noticed = await self._readers.point(lambda db: fetch(db, SQL["has_notices"], wanted)[0][0])
        if not noticed and not self._untold:
            return []
        return await self._writer.run(lambda db: owners.take_foreign(db, engine_id, codes, self._untold))

    def listen(self, heard: Callable[[], None]) -> bool:
        return self._channel.listen(heard)

    def call_others(self) -> None:
        self._channel.call()

    def changed(self) -> bool:
        self._channel.mend()
        return self._writer.changed()

    async def describe(self) -> Mapping[str, Json]:
        known: dict[str, Json] = {
            "library": "apsw",
            "sqlite": apsw.sqlite_lib_version(),
            "path": self._place.path,
        }
        if self._place.mode:
            return {**known, "read_only": True}
        settings = await self._writer.run(  # the connection whose durability counts
            lambda db: [fetch(db, f"PRAGMA {name}")[0][0] for name in ("journal_mode", "synchronous")]
        )
        return {
            **known,
            "journal_mode": settings[0],
            "synchronous": {0: "off", 1: "normal", 2: "full", 3: "extra"}.get(settings[1], settings[1]),
        }

    async def check(self, progress: Report | None = None) -> AsyncIterator[StoreFinding]:
        for look in (checks.check_file, checks.check_index):
            for finding in await self._readers.long(look):
                yield finding
        last: str | None = ""
        through = 0
        while last is not None:
            findings, last, count = await self._readers.long(partial(checks.check_page, after=last))
            for finding in findings:
                yield finding
            through += count
            if progress is not None and count:
                progress("journals", through, 0)

    async def all_runs(self) -> AsyncIterator[str]:
        last = ""
        while ids := await self._readers.long(partial(checks.run_ids, after=last)):
            for run_id in ids:
                yield run_id
            last = ids[-1]

    async def rebuild(
        self,
        rows: Sequence[RunRow],
        claims: Mapping[str, tuple[str, str]],
        entries: Sequence[QueueEntry] = (),
        work: Sequence[WorkItem] = (),
    ) -> None:
        await self._writer.run(lambda db: checks.rebuild(db, rows, claims, entries, work))

    def hurry(self) -> None:
        self._writer.hurry()

    async def flush(self) -> None:
        await self._writer.flush()

    async def close(self) -> None:
        """Write what is left and let go of everything. Closing again does nothing."""
        lock, self._lock = self._lock, None
        self._readers.close()
        await self._writer.close()
        self.feed.close()
        self._channel.close()
        if lock is not None:
            owners.let_go(lock)

    def watch_commits(self, before: Callable[[], None]) -> None:
        """For tests: `before` is called ahead of each commit that changes something, on the thread that makes it;
        what it raises undoes the commit, and nothing of it is acknowledged."""
        self._writer.watch(before)

    def crash(self) -> None:
        """For tests: end as if the process had been killed. What was appended and is not committed is lost, nobody is
        told, and the lock on the engine's file ends while the file stays."""
        lock, self._lock = self._lock, None
        self._readers.close()
        self._writer.crash()
        self.feed.crash()
        self._channel.close(leave=True)
        if lock is not None:
            lock.release()

    def _forked(self) -> None:
        """In a forked child the file, its locks and the thread are the parent's: refuse everything."""
        self._writer.abandon()
        self._readers.abandon()
        self.feed.abandon()
        self._channel.abandon()
        self._lock = None


def _warm(db: apsw.Connection, size: int) -> None:
    """Only speed depends on it: a file that is locked or a disk that is full will say so when it matters."""
    try:
        if size:
            grow_wal(db, size)
    except apsw.Error:
        roll_back(db)


_opened: weakref.WeakSet[SqliteStore] = weakref.WeakSet()


def _after_fork() -> None:
    for store in _opened:
        store._forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
