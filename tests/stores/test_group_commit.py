"""Many turns, one commit; a lone turn without a hand-over; nobody is told before the disk has it."""

from __future__ import annotations

import asyncio
import threading
import weakref
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import apsw
import pytest

from stepwell.model import errors
from stepwell.stores.sqlite import SqliteStore, commit, writer
from stepwell.stores.sqlite.batch import Batch
from stepwell.testing.store_conformance import Journal, fails, index_row, turn
from tests.support.clock import FakeClock


class Watch:
    """Counts commits and in which thread they were made."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sizes: list[int] = []
        self.threads: list[bool] = []
        real = commit._write_all

        def write_all(db: apsw.Connection, batch: Batch, sizes: Sequence[int]) -> None:
            self.sizes.append(len(batch.rows))
            self.threads.append(threading.current_thread() is not threading.main_thread())
            real(db, batch, sizes)

        monkeypatch.setattr(commit, "_write_all", write_all)
        monkeypatch.setattr(writer, "perf_counter", self.look)
        self.now = 0.0
        self.each_commit_takes = 0.0001

    def look(self) -> float:
        """A clock that goes on whenever somebody looks: so long takes each commit, whatever the machine does."""
        self.now += self.each_commit_takes
        return self.now


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = await SqliteStore.open(tmp_path / "x.db", clock=FakeClock(), engine_id="engine-1", warm=0)
    yield opened
    await opened.close()


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Watch:
    return Watch(monkeypatch)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer.Writer, "_quick_enough", lambda self: False)


async def test_what_is_ready_at_once_is_one_commit(store: SqliteStore, watch: Watch) -> None:
    async def one(number: int) -> None:
        run = Journal(store, f"run-{number}")
        await run.add(row=index_row(run.run_id))
        await run.add()

    await asyncio.gather(*[one(number) for number in range(300)])
    assert watch.sizes == [300, 300]


async def test_what_comes_while_a_commit_is_in_flight_is_the_next(
    store: SqliteStore, watch: Watch, slow: None
) -> None:
    first = Journal(store, "run-first").send()
    await asyncio.sleep(0)  # now it is on its way
    rest = [Journal(store, f"run-{number}").send() for number in range(600)]
    await asyncio.gather(first, *rest)
    assert watch.sizes == [1, 600]
    assert watch.threads == [True, True]


async def test_a_lone_run_commits_on_the_loops_own_thread(store: SqliteStore, watch: Watch) -> None:
    run = Journal(store, "run-1")
    for _ in range(20):
        await run.add()
    assert watch.sizes == [1] * 20
    assert not any(watch.threads)


async def test_a_lone_turn_can_be_hurried(store: SqliteStore, watch: Watch) -> None:
    run = Journal(store, "run-1")
    told = run.send()
    store.hurry()
    assert watch.sizes == [1]
    await told
    await run.add()  # the buffer is looked after as before
    assert watch.sizes == [1, 1]


async def test_two_turns_are_not_hurried(store: SqliteStore, watch: Watch) -> None:
    told = [Journal(store, f"run-{number}").send() for number in range(2)]
    store.hurry()
    assert watch.sizes == []
    await asyncio.gather(*told)
    assert watch.sizes == [2]


async def test_a_slow_disk_cannot_be_hurried(store: SqliteStore, watch: Watch, slow: None) -> None:
    first = Journal(store, "run-1").send()
    await asyncio.sleep(0)  # the thread has it
    second = Journal(store, "run-2").send()
    store.hurry()
    await asyncio.gather(first, second)
    assert watch.threads == [True, True]


async def test_a_slow_disk_is_left_to_the_thread_and_tried_again(store: SqliteStore, watch: Watch) -> None:
    watch.each_commit_takes = 0.02
    run = Journal(store, "run-1")
    for _ in range(200):
        await run.add()
    assert watch.threads[0] is False
    assert 2 <= watch.threads.count(False) < 20
    watch.each_commit_takes = 0.0001
    watch.threads.clear()
    for _ in range(200):
        await run.add()
    assert not any(watch.threads[-50:])  # it is quick again


async def test_many_bytes_are_left_to_the_thread(store: SqliteStore, watch: Watch) -> None:
    await Journal(store, "run-1").add(*turn("run-1", 1).events * 40_000)
    assert watch.threads == [True]


@pytest.mark.parametrize("by_thread", [False, True], ids=["by loop", "by thread"])
async def test_who_is_told_can_be_believed(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch, by_thread: bool
) -> None:
    """When `done` is called, another connection sees the turn."""
    if by_thread:
        monkeypatch.setattr(writer.Writer, "_quick_enough", lambda self: False)
    other = apsw.Connection(store._place.path)
    seen: list[bool] = []

    def check(run_id: str, seq: int, error: BaseException | None) -> None:
        assert error is None
        query = "SELECT 1 FROM journal WHERE run_id = ? AND seq = ?"
        seen.append(other.execute(query, (run_id, seq)).fetchall() == [(1,)])

    for number in range(100):
        run_id = f"run-{number % 9}"
        each = turn(run_id, number // 9 + 1)
        store.append(each, b"", lambda error, each=each: check(each.run_id, each.seq, error))
        if number % 5 == 0:
            await asyncio.sleep(0)
    await store.flush()
    assert seen == [True] * 100
    other.close()


@pytest.mark.parametrize("count", [1, 2, 7, 8, 9, 64, 65, 255, 256, 257, 600])
@pytest.mark.parametrize("rows", [False, True], ids=["turns", "turns and rows"])
async def test_commits_of_every_size_hold_what_was_put_in(store: SqliteStore, count: int, rows: bool) -> None:
    runs = [Journal(store, f"run-{number:04d}") for number in range(count)]
    await asyncio.gather(*[run.send(row=index_row(run.run_id) if rows else None) for run in runs])
    assert [run_id async for run_id in store.all_runs()] == [run.run_id for run in runs]
    for run in runs[:: max(1, count // 7)]:
        assert (await store.load(run.run_id)).tip == run.tip
        assert (await store.row(run.run_id) is not None) == rows


@pytest.mark.spec("S5")
@pytest.mark.parametrize("size", [1, 3, 300])
async def test_a_conflict_costs_nobody_else_anything(store: SqliteStore, watch: Watch, size: int) -> None:
    await Journal(store, "run-0").add()
    bystanders = [Journal(store, f"run-{number}") for number in range(1, size)]
    late = Journal(store, "run-0").send()
    sent = [run.send(row=index_row(run.run_id)) for run in bystanders]
    await fails(late, errors.SeqConflict)
    await asyncio.gather(*sent)
    assert len([run_id async for run_id in store.all_runs()]) == size


async def test_a_row_that_cannot_be_bound_fails_alone(store: SqliteStore) -> None:
    bad = Journal(store, "run-1").send(row=index_row("run-1", created_at=2**70))
    wrong = Journal(store, "run-2").send(row=index_row("run-2", name=None))
    odd = Journal(store, "run-3").send(row=index_row("run-3", name="\ud800"))
    good = Journal(store, "run-4").send(row=index_row("run-4"))
    for future in (bad, wrong, odd):
        await fails(future, errors.InvalidInput)
    await good
    assert [run_id async for run_id in store.all_runs()] == ["run-4"]


async def test_the_log_stays_small(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "x.db", clock=FakeClock(), engine_id="engine-1", warm=0)
    run = Journal(store, "run-1")
    sizes = []
    for _ in range(40):
        await asyncio.gather(*[run.send(*turn("run-1", 1).events * 200) for _ in range(20)])
        sizes.append((tmp_path / "x.db-wal").stat().st_size)
    assert (tmp_path / "x.db").stat().st_size > 4_000_000
    assert max(sizes) < 3 * writer.CHECKPOINT_PAGES * 4096
    assert sizes[-1] == sizes[-10]  # it is used again and again
    await store.close()


async def test_a_reader_that_stays_delays_the_checkpoint_and_nothing_else(tmp_path: Path) -> None:
    store = await SqliteStore.open(tmp_path / "x.db", clock=FakeClock(), engine_id="engine-1", warm=0)
    run = Journal(store, "run-1")
    await run.add()
    other = apsw.Connection(str(tmp_path / "x.db"))
    other.execute("BEGIN")
    assert other.execute("SELECT count(*) FROM journal").fetchall() == [(1,)]
    for _ in range(30):
        await asyncio.gather(*[run.send(*turn("run-1", 1).events * 200) for _ in range(20)])
    grown = (tmp_path / "x.db-wal").stat().st_size
    assert grown > 2 * writer.CHECKPOINT_PAGES * 4096
    assert other.execute("SELECT count(*) FROM journal").fetchall() == [(1,)]
    other.close()
    for _ in range(30):
        await asyncio.gather(*[run.send(*turn("run-1", 1).events * 200) for _ in range(20)])
    assert (tmp_path / "x.db-wal").stat().st_size <= grown + writer.CHECKPOINT_PAGES * 2 * 4096
    await store.close()


async def test_reads_see_what_was_acknowledged(store: SqliteStore) -> None:
    for number in range(200):
        run = Journal(store, f"run-{number}")
        await run.add(row=index_row(run.run_id))
        assert len((await store.load(run.run_id)).turns) == 1
        assert await store.row(run.run_id) is not None


async def test_what_was_written_is_kept_by_nobody(store: SqliteStore, slow: None) -> None:
    class Caller:
        def told(self, error: BaseException | None) -> None:
            assert error is None

    caller = Caller()
    left = weakref.ref(caller)
    store.append(turn("run-1", 1), b"", caller.told)
    del caller
    await store.flush()
    async with asyncio.timeout(10):
        while left() is not None:  # until the thread waits for what comes next
            await asyncio.sleep(0)


async def test_a_cancelled_caller_leaves_the_others_alone(store: SqliteStore) -> None:
    waiting = asyncio.ensure_future(store.flush())
    adopting = asyncio.ensure_future(store.adopt("engine-1"))
    run = Journal(store, "run-1").send()
    await asyncio.sleep(0)
    waiting.cancel()
    adopting.cancel()
    await run
    assert await store.adopt("engine-1") == []
