"""The runs that wait for their turn: what an engine may begin now is found and taken in one transaction."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from functools import partial
from typing import Any, Final, NamedTuple

import apsw

from stepwell.model.base import SECOND, Instant
from stepwell.model.queues import Claim, Claimed, Queue, QueueDepth, QueueEntry, QueuePlace, Standing
from stepwell.stores.sqlite.batch import Row
from stepwell.stores.sqlite.commit import roll_back
from stepwell.stores.sqlite.connection import SQL, fetch
from stepwell.stores.sqlite.readers import Readers
from stepwell.stores.sqlite.writer import Writer

_PARTITIONS: Final = 256
"""how many partitions one look goes through; the next look begins behind them"""


_MANY: Final = 1 << 60
"""no limit"""


class SqliteQueues:
    """See `ports.QueueStore`."""

    def __init__(self, writer: Writer, readers: Readers) -> None:
        self._writer, self._readers = writer, readers

    async def claim(
        self,
        engine_id: str,
        now: Instant,
        room: int,
        queues: Collection[str] | None = None,
        codes: Collection[str] | None = None,
    ) -> Claim:
        look = _Look(engine_id, now, queues, None if codes is None else json.dumps(sorted(codes)))
        nothing = await self._readers.point(lambda db: _nothing(db, now))
        if nothing is not None:
            return nothing
        return await self._writer.run_soon(lambda db: _claim_lightly(db, look, room))

    async def entry(self, run_id: str) -> QueueEntry | None:
        rows = await self._readers.point(lambda db: fetch(db, SQL["entry"], (run_id,)))
        return _entry(rows[0]) if rows else None

    async def put(self, queue: Queue) -> None:
        limit, window = queue.rate or (None, None)
        values = {
            **queue._asdict(),
            "rate_limit": limit,
            "rate_window": None if window is None else round(window * SECOND),
        }
        del values["rate"]
        await self._writer.run(lambda db: fetch(db, SQL["put_queue"], values))

    async def list(self, now: Instant) -> Sequence[QueueDepth]:
        return await self._readers.long(partial(_depths, now=now))

    async def names(self) -> Sequence[str]:
        rows = await self._readers.point(lambda db: fetch(db, SQL["queue_names"]))
        return [name for (name,) in rows]

    async def find(self, run_id: str, now: Instant) -> QueuePlace | None:
        return await self._readers.long(partial(_place, run_id=run_id, now=now))

    async def entries(self) -> Sequence[QueueEntry]:
        rows = await self._readers.long(lambda db: fetch(db, SQL["entries"]))
        return [_entry(row) for row in rows]


def entry_row(entry: QueueEntry) -> Row:
    """The columns of `queued`, in the order of the statement `put_queued`; and whose heir the run is."""
    return (
        entry.run_id,
        entry.queue,
        entry.standing.value,
        entry.priority,
        entry.partition,
        entry.due,
        entry.deadline,
        entry.unique,
        int(entry.until_begun),
        entry.round,
        entry.code,
        entry.heir_of,
    )


class _Look(NamedTuple):
    """Who asks, when, and for what."""

    engine: str
    now: Instant
    queues: Collection[str] | None
    codes: str | None

    def wants(self, queue: str) -> bool:
        return self.queues is None or queue in self.queues


class _Limits(NamedTuple):
    """A row of `queues`."""

    name: str
    concurrency: int | None
    worker_concurrency: int | None
    partition_concurrency: int | None
    rate_limit: int | None
    rate_window: int | None
    paused: int
    served: str


class _Taken(NamedTuple):
    """What one queue gave. `again`: when its rate lets the next one begin."""

    ids: list[str]
    again: Instant | None = None
    left: bool = False


def _nothing(db: apsw.Connection, now: Instant) -> Claim | None:
    """The answer where nothing waits; None where something may."""
    if fetch(db, SQL["anything_to_claim"], {"now": now})[0][0]:
        return None
    return Claim(next=_next(db, []))


def _claim_lightly(db: apsw.Connection, look: _Look, room: int) -> Claim:
    """A claim need not be on the disk before the runs begin: the commit in which they do carries it along, and a power
    failure before that leaves them waiting, as they should."""
    db.execute("PRAGMA synchronous = NORMAL")
    try:
        return _claim(db, look, room)
    finally:
        roll_back(db)
        db.execute("PRAGMA synchronous = FULL")


def _claim(db: apsw.Connection, look: _Look, room: int) -> Claim:
    db.execute("BEGIN IMMEDIATE")
    db.execute(SQL["promote"], {"now": look.now})
    expired = [run_id for (run_id,) in fetch(db, SQL["expired"], {"now": look.now})]
    waiting = [_Limits(*row) for row in fetch(db, SQL["waiting_queues"])]
    waiting = [queue for queue in waiting if look.wants(queue.name)]
    taken: list[_Taken] = []
    for number, queue in enumerate(waiting):
        share = -(-room // (len(waiting) - number))
        taken.append(_take(db, look, queue, share))
        room -= len(taken[-1].ids)
    ids = [run_id for part in taken for run_id in part.ids]
    runs = _make_ours(db, look, ids) if ids else ()
    following = _next(db, taken)
    db.execute("COMMIT")
    return Claim(runs, tuple(expired), following, any(part.left for part in taken))


def _make_ours(db: apsw.Connection, look: _Look, ids: list[str]) -> tuple[Claimed, ...]:
    """In the order of the ids."""
    values = {"ids": json.dumps(ids), "engine": look.engine}
    rounds = dict(fetch(db, SQL["take_queued"], values))
    hashes = dict(fetch(db, SQL["take_runs"], values))
    return tuple([Claimed(run_id, hashes[run_id], rounds[run_id]) for run_id in ids])


def _next(db: apsw.Connection, taken: Sequence[_Taken]) -> Instant | None:
    """The earliest instant at which something else could begin, or be too late."""
    instants = [fetch(db, SQL["next_due"])[0][0], fetch(db, SQL["next_deadline"])[0][0]]
    instants += [part.again for part in taken]
    return min((instant for instant in instants if instant is not None), default=None)


def _take(db: apsw.Connection, look: _Look, queue: _Limits, room: int) -> _Taken:
    """As many runs of a queue as its limits, and the room that is there, allow."""
    free = _MANY
    if queue.concurrency is not None:
        free = min(free, queue.concurrency - _count(db, "begun_in_queue", queue))
    again: Instant | None = None
    if queue.rate_limit is not None and queue.rate_window is not None and free > 0:
        since = look.now - queue.rate_window
        db.execute(SQL["forget_begun"], {"queue": queue.name, "since": since})
        allowed = queue.rate_limit - _count(db, "begun_recently", queue, since=since)
        if allowed < free:
            free, again = allowed, _reopens(db, queue, since, allowed)
    allowed_to_all = free
    free = min(free, room)
    if queue.worker_concurrency is not None and free > 0:
        free = min(free, queue.worker_concurrency - _count(db, "begun_by_worker", queue, engine=look.engine))
    ids = _pick(db, look, queue, free) if free > 0 else []
    if ids and queue.rate_limit is not None:
        db.execute(SQL["note_begun"], {"queue": queue.name, "now": look.now, "count": len(ids)})
        again = again or look.now + (queue.rate_window or 0)
    return _Taken(ids, again, left=max(free, 0) < allowed_to_all and len(ids) >= free)


def _count(db: apsw.Connection, statement: str, queue: _Limits, **values: Any) -> int:
    count: int = fetch(db, SQL[statement], {"queue": queue.name, **values})[0][0]
    return count


def _reopens(db: apsw.Connection, queue: _Limits, since: Instant, allowed: int) -> Instant | None:
    """When so many beginnings have left the window that one more may follow."""
    too_many = 1 - max(allowed, 0)
    for at, count in fetch(db, SQL["begun_before"], {"queue": queue.name, "since": since}):
        too_many -= count
        if too_many <= 0 or allowed > 0:
            return int(at) + (queue.rate_window or 0)
    return None


def _pick(db: apsw.Connection, look: _Look, queue: _Limits, wanted: int) -> list[str]:
    """The first runs of each partition, one partition after the other, going on behind the one served last."""
    lines = {
        name: _line(db, look, queue, name, wanted)
        for name in _partitions(db, queue, max(wanted, _PARTITIONS))
    }
    lines = {name: line for name, line in lines.items() if line}
    picked: list[str] = []
    served = queue.served
    turn = 0
    while lines and len(picked) < wanted:
        for name in list(lines):
            if len(picked) == wanted:
                break
            picked.append(lines[name][turn])
            served = name
            if turn + 1 == len(lines[name]):
                del lines[name]
        turn += 1
    if served != queue.served:
        db.execute(SQL["set_served"], {"queue": queue.name, "partition": served})
    return picked


def _partitions(db: apsw.Connection, queue: _Limits, limit: int) -> list[str]:
    """Those with something waiting, in turn behind the one that was served last."""
    values = {"queue": queue.name, "limit": limit}
    behind = [name for (name,) in fetch(db, SQL["partitions_after"], {**values, "after": queue.served})]
    before = [""] if fetch(db, SQL["waiting_without_partition"], {"queue": queue.name})[0][0] else []
    if queue.served and len(behind) < limit:
        before += [name for (name,) in fetch(db, SQL["partitions_after"], {**values, "after": ""})]
    return list(dict.fromkeys([*behind, *before]))


def _line(db: apsw.Connection, look: _Look, queue: _Limits, name: str, wanted: int) -> list[str]:
    """The runs of a partition that may begin, first come first."""
    if queue.partition_concurrency is not None:
        wanted = min(
            wanted, queue.partition_concurrency - _count(db, "begun_in_partition", queue, partition=name)
        )
    if wanted <= 0:
        return []
    values = {"queue": queue.name, "partition": name, "codes": look.codes, "limit": wanted}
    return [run_id for (run_id,) in fetch(db, SQL["first_waiting"], values)]


# ── for people ──────────────────────────────────────────────────────────────────────────────────────────


def _depths(db: apsw.Connection, now: Instant) -> list[QueueDepth]:
    counts: dict[str, dict[int, int]] = {}
    oldest: dict[str, Instant] = {}
    for name, standing, count, first in fetch(db, SQL["depths"]):
        counts.setdefault(name, {})[standing] = count
        if first is not None:
            oldest[name] = first
    return [
        _depth(db, _Limits(*row), counts.get(row[0], {}), oldest.get(row[0]), now)
        for row in fetch(db, SQL["queues"])
    ]


def _depth(
    db: apsw.Connection, row: _Limits, counts: dict[int, int], oldest: Instant | None, now: Instant
) -> QueueDepth:
    rate, recent = None, 0
    if row.rate_limit is not None and row.rate_window is not None:
        rate = (row.rate_limit, row.rate_window / SECOND)
        recent = _count(db, "begun_recently", row, since=now - row.rate_window)
    queue = Queue(
        row.name, row.concurrency, row.worker_concurrency, row.partition_concurrency, rate, bool(row.paused)
    )
    return QueueDepth(
        queue,
        counts.get(Standing.WAITING, 0),
        counts.get(Standing.DELAYED, 0),
        counts.get(Standing.HELD, 0),
        counts.get(Standing.BEGUN, 0),
        oldest,
        recent,
    )


def _place(db: apsw.Connection, run_id: str, now: Instant) -> QueuePlace | None:
    rows = fetch(db, SQL["entry"], (run_id,))
    if not rows:
        return None
    entry = _entry(rows[0])
    depth = next((found for found in _depths(db, now) if found.queue.name == entry.queue), None)
    values = entry._asdict()
    ahead = fetch(db, SQL["ahead"], values)[0][0]
    running = fetch(db, SQL["begun_in_partition"], values)[0][0]
    return QueuePlace(entry, depth or QueueDepth(Queue(entry.queue)), ahead, running)


def _entry(row: Sequence[Any]) -> QueueEntry:
    run_id, queue, standing, priority, part, due, deadline, unique, until_begun, number, code = row
    return QueueEntry(
        run_id,
        queue,
        Standing(standing),
        priority,
        part,
        due,
        deadline,
        unique,
        bool(until_begun),
        number,
        code,
    )
