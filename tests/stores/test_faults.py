"""A disk that fails: nothing is acknowledged that is not there, nothing is lost, and it goes on by itself."""

from __future__ import annotations

import asyncio
import itertools
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import apsw
import pytest

from stepwell.model import errors
from stepwell.model.events import StepCompleted
from stepwell.model.journal import DefinitionRow, RunFilter
from stepwell.stores.sqlite import SqliteStore, commit
from stepwell.stores.sqlite.batch import Batch
from stepwell.testing.store_conformance import Journal, created, fails, index_row
from tests.stores.disk import Disk, Failure, disk, memory_folder
from tests.support.clock import FakeClock

RUNS = ("run-1", "run-2", "run-3")


@pytest.fixture
def folder() -> Iterator[Path]:
    with memory_folder() as path:
        yield path


async def open_store(path: Path, vfs: str | None = None, **settings: int) -> SqliteStore:
    return await SqliteStore.open(path, clock=FakeClock(), engine_id="engine-1", vfs=vfs, warm=0, **settings)


async def template(path: Path) -> Path:
    """A store with a schema and some turns, closed."""
    store = await open_store(path)
    for run_id in RUNS:
        await Journal(store, run_id).add(created(run_id), row=index_row(run_id))
    await store.close()
    return path


class Witness:
    """Appends to the runs like an engine: what fails is read back and goes on from there. Knows what it was
    told."""

    def __init__(self, store: SqliteStore) -> None:
        self.store = store
        self.told = dict.fromkeys(RUNS, 1)
        self.refused: list[BaseException] = []

    async def journal(self, run_id: str) -> Journal:
        loaded = await self.store.load(run_id)
        journal = Journal(self.store, run_id)
        journal.seq, journal.tip = len(loaded.turns), loaded.tip
        return journal

    async def go(self, run_ids: tuple[str, ...], turns: int, row: bool = False) -> None:
        """Some turns for each of these runs, sent together."""
        try:
            journals = [await self.journal(run_id) for run_id in run_ids]
        except errors.StoreUnavailable as error:
            self.refused.append(error)
            return
        sent = [
            (each, each.seq + 1, each.send(row=index_row(each.run_id, updated_at=each.seq) if row else None))
            for _ in range(turns)
            for each in journals
        ]
        for journal, seq, future in sent:
            (outcome,) = await asyncio.gather(future, return_exceptions=True)
            if outcome is None:
                assert self.told[journal.run_id] == seq - 1
                self.told[journal.run_id] = seq
            else:
                assert isinstance(outcome, errors.StoreUnavailable), outcome
                self.refused.append(outcome)

    async def compare(self) -> None:
        """What is there is what was told: no less, and no more."""
        for run_id, told in self.told.items():
            assert len((await self.store.load(run_id)).turns) == told


async def workload(witness: Witness) -> None:
    await witness.go(("run-1",), 1)
    await witness.go(RUNS, 1)
    await witness.go(("run-2",), 2)
    await witness.go(RUNS, 4, row=True)
    try:
        await witness.store._writer.run(lambda db: db.wal_checkpoint())
    except errors.StoreUnavailable as error:
        witness.refused.append(error)
    await witness.go(("run-3",), 1, row=True)
    await witness.go(("run-1", "run-3"), 1)


async def operations(folder: Path, made: Disk) -> int:
    """How many times the workload writes or syncs."""
    store = await open_store(await template(folder / "count.db"), made.name)
    made.failure = Failure(0)
    await workload(Witness(store))
    count, made.failure = made.failure.count, None
    await store.close()
    return count


@pytest.mark.spec("B5")
@pytest.mark.parametrize("error", [apsw.IOError, apsw.FullError])
@pytest.mark.parametrize("lasting", [False, True], ids=["once", "lasting"])
@pytest.mark.parametrize("by_thread", [False, True], ids=["by loop", "by thread"])
async def test_whichever_write_fails(
    folder: Path, monkeypatch: pytest.MonkeyPatch, error: type[apsw.Error], lasting: bool, by_thread: bool
) -> None:
    if by_thread:
        monkeypatch.setattr("stepwell.stores.sqlite.writer.Writer._quick_enough", lambda self: False)
    with disk() as made:
        count = await operations(folder, made)
        assert count > 50
        pristine = await template(folder / "template.db")
        refusals = 0
        for at in range(1, count + 1):
            path = Path(shutil.copy(pristine, folder / "x.db"))
            store = await open_store(path, made.name)
            witness = Witness(store)
            made.failure = Failure(at, lasting=lasting, error=error)
            await workload(witness)
            assert made.failure.struck, f"operation {at} never came"
            made.failure.end()
            await witness.compare()
            refusals += bool(witness.refused)
            before = len(witness.refused)
            await witness.go(RUNS, 2, row=True)  # it works again
            assert len(witness.refused) == before
            await store.close()
            again = await open_store(path)
            witness.store = again
            await witness.compare()
            assert [finding async for finding in again.check()] == []
            await again.close()
            path.unlink()
        assert refusals > count / 2


@pytest.mark.spec("B5")
async def test_a_full_disk_refuses_and_recovers_by_itself(folder: Path) -> None:
    with disk() as made:
        store = await open_store(await template(folder / "x.db"), made.name)
        witness = Witness(store)
        made.failure = Failure(1, lasting=True, error=apsw.FullError)
        await witness.go(RUNS, 2)
        assert len(witness.refused) == 6
        refusal = witness.refused[0]
        assert isinstance(refusal, errors.StoreUnavailable)
        assert refusal.retry
        assert "the disk is full" in refusal.message
        assert "make room" in refusal.hint
        assert len((await store.list_runs(RunFilter(), 10)).rows) == 3  # it can still be read
        made.failure.end()
        await witness.go(RUNS, 2)
        assert len(witness.refused) == 6
        await witness.compare()
        await store.close()


@pytest.mark.spec("B5")
@pytest.mark.parametrize("by_thread", [False, True], ids=["by loop", "by thread"])
async def test_an_error_after_the_commit_is_no_failure(
    folder: Path, monkeypatch: pytest.MonkeyPatch, by_thread: bool
) -> None:
    """The outcome of a commit that raises is unknown: it is looked up, and what is there was written."""
    if by_thread:
        monkeypatch.setattr("stepwell.stores.sqlite.writer.Writer._quick_enough", lambda self: False)
    real, struck = commit._write_all, []

    def write_and_fail(db: apsw.Connection, batch: Batch, sizes: Sequence[int]) -> None:
        real(db, batch, sizes)
        struck.append(len(batch.rows))
        raise apsw.IOError("injected after the commit")

    store = await open_store(await template(folder / "x.db"))
    witness = Witness(store)
    monkeypatch.setattr(commit, "_write_all", write_and_fail)
    await witness.go(("run-1",), 1)
    await witness.go(RUNS, 3, row=True)
    assert struck == [1, 9]
    assert witness.refused == []
    assert witness.told == {"run-1": 5, "run-2": 4, "run-3": 4}
    await witness.compare()
    await store.close()


@pytest.mark.spec("S5")
async def test_an_error_behind_which_another_engine_was_first_is_a_failure(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is a turn of that number, but it is not the one that was sent."""
    store = await open_store(await template(folder / "x.db"))
    other = await SqliteStore.open(folder / "x.db", clock=FakeClock(), warm=0)
    theirs = Journal(other, "run-1")
    theirs.seq, theirs.tip = 1, (await other.load("run-1")).tip
    ours = Journal(store, "run-1")
    ours.seq, ours.tip = theirs.seq, theirs.tip
    await theirs.add(StepCompleted("theirs"))

    def fail(db: apsw.Connection, batch: Batch, sizes: Sequence[int]) -> None:
        raise apsw.IOError("injected")

    monkeypatch.setattr(commit, "_write_all", fail)
    await fails(ours.send(StepCompleted("ours")), errors.StoreUnavailable)
    await other.close()
    await store.close()


async def test_a_lock_that_is_let_go_in_time_holds_nobody_up_for_long(folder: Path) -> None:
    path = folder / "x.db"
    store = await open_store(path)
    other = apsw.Connection(str(path))
    other.execute("BEGIN IMMEDIATE")
    sent = Journal(store, "run-1").send(row=index_row("run-1"))
    await asyncio.wait({sent}, timeout=0.05)
    assert not sent.done()
    other.execute("ROLLBACK")
    await asyncio.wait_for(sent, 5)
    other.close()
    await store.close()


async def test_a_locked_file_refuses_when_patience_ends_and_goes_on_when_it_is_free(folder: Path) -> None:
    path = await template(folder / "x.db")
    store = await open_store(path, busy_timeout=50_000)
    other = apsw.Connection(str(path))
    witness = Witness(store)
    other.execute("BEGIN EXCLUSIVE")
    await witness.go(RUNS, 1)
    assert len(witness.refused) == 3
    assert "another process holds the database locked" in str(witness.refused[0])
    definition = DefinitionRow("h", "default", "orders", "1", {}, 1)
    (outcome,) = await asyncio.gather(store.put_definition(definition), return_exceptions=True)
    assert isinstance(outcome, errors.StoreUnavailable)
    other.execute("ROLLBACK")
    await witness.go(RUNS, 1)
    assert len(witness.refused) == 3
    await witness.compare()
    other.close()
    await store.close()


async def test_the_loop_does_not_wait_for_another_writer(folder: Path) -> None:
    path = await template(folder / "x.db")
    store = await open_store(path)
    other = apsw.Connection(str(path))
    other.execute("BEGIN IMMEDIATE")
    witness = Witness(store)
    going = asyncio.ensure_future(witness.go(("run-1",), 1))
    for _ in range(50):  # the loop turns while the thread waits
        await asyncio.sleep(0)
    assert not going.done()
    other.execute("ROLLBACK")
    await going
    assert witness.told["run-1"] == 2
    other.close()
    await store.close()


async def test_a_disk_that_became_read_only(folder: Path) -> None:
    with disk() as made:
        store = await open_store(await template(folder / "x.db"), made.name)
        witness = Witness(store)
        made.failure = Failure(1, lasting=True, error=apsw.ReadOnlyError)
        await witness.go(RUNS, 1)
        assert "the database is read-only" in str(witness.refused[0])
        made.failure.end()
        await witness.go(RUNS, 1)
        await witness.compare()
        await store.close()


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "lasting"])
async def test_whichever_read_fails(folder: Path, lasting: bool) -> None:
    """A read that fails says so; a turn that meets it is refused, or written and told so."""
    with disk() as made:
        pristine = await template(folder / "template.db")
        refusals = 0
        for at in itertools.count(1):
            path = Path(shutil.copy(pristine, folder / "x.db"))
            store = await open_store(path, made.name)
            witness = Witness(store)
            failure = made.failure = Failure(at, lasting=lasting, reads=True)
            await workload(witness)
            failure.end()
            await witness.compare()
            refusals += bool(witness.refused)
            await store.close()
            path.unlink()
            if not failure.struck:
                break
        assert refusals > 5
