"""Group commit: the buffer fills while the last commit is in flight, then all of it is one transaction.

Everything here runs on the event loop, but for `_work`, the thread that writes. The connection is used by one
of them at a time: by the thread while `_busy`, by the loop otherwise. Where commits are quick the loop
commits by itself (a hand-over to the thread and back costs as much as a commit); where the disk is slow,
another process is writing or something is wrong, the thread does, and the loop goes on.
"""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable, Iterable
from itertools import repeat
from time import perf_counter
from typing import Any, Final, NamedTuple, TypeVar

import apsw

from stepwell.model.errors import StoreError, StoreUnavailable
from stepwell.ports import Done
from stepwell.stores.sqlite.batch import Batch, Extra, Job, TurnRow
from stepwell.stores.sqlite.commit import Errors, commit, roll_back
from stepwell.stores.sqlite.connection import be_patient, fetch
from stepwell.stores.sqlite.faults import UNREADABLE, translated

T = TypeVar("T")

CHECKPOINT_PAGES: Final = 1000
"""a checkpoint is due whenever the WAL has grown by so many pages"""

# How quick commits must have been of late (in seconds, rows apart) for the loop to commit a buffer by itself.
_QUICK_FOR_A_FEW: Final = 0.002
_QUICK_FOR_MANY: Final = 0.0005
_FEW: Final = 2
_MANY: Final = 512
_MUCH: Final = 1_000_000  # bytes
_PER_ROW: Final = 5e-6
_EXTRA: Final = 2
"""How many rows what goes beside a turn counts as: the run's own row is in half a dozen indexes."""
_FORGET: Final = 0.98
"""Each commit by the thread makes the last slow one a bit less true, until the loop tries again."""


class Answer(NamedTuple):
    """What came of a job."""

    job: Job
    value: Any
    fault: BaseException | None


class Writer:
    """See the module. `db` is the one connection that writes."""

    def __init__(self, db: apsw.Connection, where: str, patience: int) -> None:
        self._db, self._where, self._patience = db, where, patience
        self._loop = asyncio.get_running_loop()
        self._buffer = Batch()
        self._scheduled = False
        self._busy = False
        self._closed: str | None = None
        self._steady = False
        self._pace = 0.0
        self._pages = 0
        self._checkpoint_at = CHECKPOINT_PAGES
        self._seen = self._others = self._data_version()
        self._queue: queue.SimpleQueue[Batch | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="stepwell-writer", daemon=True)
        db.set_wal_hook(self._grown)
        self._thread.start()

    def add(self, row: TurnRow, done: Done, extra: Extra | None) -> None:
        """Put a turn into the buffer."""
        if self._closed is not None:
            self._loop.call_soon(done, self._refusal())
            return
        batch = self._buffer
        if extra is not None:
            batch.extras[len(batch.rows)] = extra
        batch.rows.append(row)
        batch.dones.append(done)
        batch.bytes += len(row[3])
        if not self._scheduled and not self._busy:  # everything that is ready to run now joins this commit
            self._scheduled = True
            self._loop.call_soon(self._flush)

    async def run(self, work: Callable[[apsw.Connection], T]) -> T:
        """Have the thread do something else with the connection, after all that was added before."""
        if self._closed is not None:
            raise self._refusal()
        return await self._submit(work)

    async def run_soon(self, work: Callable[[apsw.Connection], T]) -> T:
        """The same for what takes no longer than a small commit: at once and on the loop, where commits are quick,
        nothing else is to be written, and no other process is writing."""
        if self._closed is None and not (self._busy or self._buffer) and self._quick_enough():
            try:
                self._db.set_busy_timeout(0)
                return work(self._db)
            except UNREADABLE:  # the thread finds out whether it is more than a lock
                roll_back(self._db)
        return await self.run(work)

    def _submit(self, work: Callable[[apsw.Connection], T]) -> asyncio.Future[T]:
        future: asyncio.Future[T] = self._loop.create_future()

        def answer(value: Any, error: BaseException | None) -> None:
            if future.done():  # nobody waits any more
                return
            if error is None:
                future.set_result(value)
            else:
                future.set_exception(error)

        self._buffer.jobs.append(Job(work, answer))
        if not self._busy:
            self._hand_over()
        return future

    async def flush(self) -> None:
        """Return when all that was added before has been answered."""
        if self._closed is None and (self._buffer or self._busy):
            await self.run(lambda db: None)

    def changed(self) -> bool:
        """Whether another connection has committed since the last call. While the thread is at work, what it
        saw."""
        if not self._busy and self._closed is None:
            try:
                self._others = self._data_version()
            except apsw.Error:  # cannot look now: let the caller look, and find out what is wrong
                return True
        seen, self._seen = self._seen, self._others
        return seen != self._seen

    async def close(self) -> None:
        """Write what is left, checkpoint, and end the thread. The connection is closed."""
        if self._closed is not None:
            return
        self._closed = "it is closed"
        try:
            await self._submit(_checkpoint)
        except StoreError:  # what it would have moved stays in the WAL, where it is as safe
            pass
        self._queue.put(None)
        self._thread.join()
        self._db.set_wal_hook(None)
        self._db.close()

    def watch(self, before: Callable[[], None]) -> None:
        """Call `before` ahead of every commit, on the thread that makes it; what it raises undoes the commit. Where
        commits fall no longer depends on how quick the disk is."""

        def hook() -> bool:
            before()
            return False

        self._steady = True
        self._db.set_commit_hook(hook)

    def crash(self) -> None:
        """End as if the process had been killed: what is in the buffer is lost, nobody is told."""
        if self._closed is not None:
            return
        self._closed = "its process was killed"
        self._buffer = Batch()
        self._queue.put(None)
        self._thread.join()
        self._db.set_wal_hook(None)
        self._db.close()

    def abandon(self) -> None:
        """In a forked child: the thread is not here, and the connection is the parent's."""
        self._closed = "it was opened by another process"

    def _refusal(self) -> StoreUnavailable:
        return StoreUnavailable(f"cannot write {self._where}: {self._closed}", hint="open the store again")

    # ── on the loop ─────────────────────────────────────────────────────────────────────────────────────

    def hurry(self) -> None:
        """Do not wait for the loop to come round, if there is just one turn to write."""
        if self._scheduled and len(self._buffer.rows) == 1:
            self._write_here()

    def _flush(self) -> None:
        self._scheduled = False
        self._write_here()

    def _write_here(self) -> None:
        if self._busy or not self._buffer:
            return
        if not self._quick_enough():
            self._hand_over()
            return
        batch = self._buffer
        started = perf_counter()
        errors = self._commit(batch, 0)
        took = perf_counter() - started - (len(batch.rows) + _EXTRA * len(batch.extras)) * _PER_ROW
        self._pace += (max(took, 0.0) - self._pace) / 8
        if (
            errors is None
        ):  # another process is writing, or a turn is in the way: the loop does not wait for that
            self._hand_over()
            return
        self._buffer = Batch()
        if self._pages >= self._checkpoint_at:
            self._hand_over()
        self._answer(batch, errors)

    def _quick_enough(self) -> bool:
        batch = self._buffer
        size = len(batch.rows)
        limit = _QUICK_FOR_A_FEW if size <= _FEW else _QUICK_FOR_MANY
        return (
            (self._steady or self._pace < limit) and size <= _MANY and batch.bytes <= _MUCH and not batch.jobs
        )

    def _hand_over(self) -> None:
        self._busy = True
        batch, self._buffer = self._buffer, Batch()
        self._queue.put(batch)

    def _landed(self, batch: Batch, errors: Errors, answers: list[Answer], idle: bool) -> None:
        """The thread has written a batch. What came in the meantime goes before anybody is told: it keeps the
        disk busy."""
        doomed = self._doomed(batch, errors) if errors else []
        if idle:
            self._idle()
        self._answer(batch, errors)
        self._tell(doomed)
        for job, value, fault in answers:
            job.answer(value, fault)

    def _idle(self) -> None:
        """The thread has nothing to do."""
        self._busy = False
        if not self._buffer:
            return
        if not self._quick_enough():
            self._hand_over()
        elif not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._flush)

    def _answer(self, batch: Batch, errors: Errors) -> None:
        """Tell everybody, in the order in which the turns were appended."""
        if errors:
            self._tell((done, errors.get(position)) for position, done in enumerate(batch.dones))
        else:
            self._tell(zip(batch.dones, repeat(None), strict=False))

    def _doomed(self, batch: Batch, errors: Errors) -> list[tuple[Done, BaseException]]:
        """Turns that were appended while the turn before them failed: they must not be written, their link is
        missing."""
        failed = {batch.rows[position][0]: error for position, error in errors.items()}
        rows = self._buffer.rows
        positions = [position for position, row in enumerate(rows) if row[0] in failed]
        reasons = [failed[rows[position][0]] for position in positions]
        return list(zip(self._buffer.remove(positions), reasons, strict=True))

    def _tell(self, answers: Iterable[tuple[Done, BaseException | None]]) -> None:
        for done, error in answers:
            try:
                done(error)
            except Exception as fault:  # noqa: BLE001 - a caller's mistake must not keep the others waiting
                context = {"message": "a callback of an appended turn failed", "exception": fault}
                self._loop.call_exception_handler(context)

    # ── on the thread, or on the loop while the thread is idle ──────────────────────────────────────────

    def _work(self) -> None:
        while self._write(self._queue.get()):  # in between it keeps nothing of what is written
            pass

    def _write(self, batch: Batch | None) -> bool:
        """False where there will be nothing more to write."""
        if batch is None:
            return False
        errors = self._commit(batch, self._patience) if batch.rows else {}
        assert errors is not None
        answers = [Answer(job, *self._perform(job)) for job in batch.jobs]
        self._pace *= _FORGET
        self._look_for_others()
        due = self._pages >= self._checkpoint_at
        if not self._call(self._landed, batch, errors, answers, not due):
            return False
        if due:
            self._checkpoint()
            self._call(self._idle)
        return True

    def _call(self, function: Callable[..., None], *arguments: Any) -> bool:
        """Have the loop call it; False where the loop is gone."""
        try:
            self._loop.call_soon_threadsafe(function, *arguments)
        except RuntimeError:
            return False
        return True

    def _commit(self, batch: Batch, patience: int) -> Errors | None:
        try:
            return commit(self._db, batch, self._where, patience=patience)
        except Exception as error:  # noqa: BLE001 - whatever it was: nobody may be left without an answer
            roll_back(self._db)
            fault = StoreUnavailable(f"cannot write {self._where}: {error!r}")
            return dict.fromkeys(range(len(batch.rows)), fault)

    def _perform(self, job: Job) -> tuple[Any, BaseException | None]:
        try:
            be_patient(self._db, self._patience)
            return job.work(self._db), None
        except UNREADABLE as error:
            roll_back(self._db)
            return None, translated(error, self._where, "write")
        except Exception as error:  # noqa: BLE001 - it belongs to whoever asked for the job, not to the thread
            roll_back(self._db)
            return None, error

    def _checkpoint(self) -> None:
        """Passive: it moves what no reader needs and waits for nobody. If something is left, it is tried
        again later."""
        try:
            complete = _checkpoint(self._db)
        except apsw.Error:  # the WAL stays as it is: nothing is lost, the next commit tells how the disk is
            complete = False
        if complete:
            self._pages = 0
        self._checkpoint_at = self._pages + CHECKPOINT_PAGES

    def _grown(self, db: apsw.Connection, name: str, pages: int) -> int:
        self._pages = pages
        return apsw.SQLITE_OK

    def _look_for_others(self) -> None:
        try:
            self._others = self._data_version()
        except apsw.Error:  # whoever asks next looks again
            pass

    def _data_version(self) -> int:
        version: int = fetch(self._db, "PRAGMA data_version")[0][0]
        return version


def _checkpoint(db: apsw.Connection) -> bool:
    """Whether all of the WAL is in the database now."""
    written, moved = db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)
    return written == moved
