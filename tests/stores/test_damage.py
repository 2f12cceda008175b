"""Rot and tampering: found, named, and kept to the run that they hit."""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from stepwell.model import errors
from stepwell.model.events import RunCompleted, StepCompleted
from stepwell.model.journal import Turn
from stepwell.model.records import Run, State
from stepwell.stores.codec import chain
from stepwell.stores.sqlite import SqliteStore
from stepwell.testing.store_conformance import Journal, created, fails, index_row
from tests.stores.disk import memory_folder
from tests.support.clock import FakeClock

FLIPS = 500


@pytest.fixture
def path() -> Iterator[Path]:
    with memory_folder() as folder:
        yield folder / "x.db"


async def open_store(path: Path) -> SqliteStore:
    return await SqliteStore.open(path, clock=FakeClock(), warm=0)


async def finished_runs(path: Path, count: int, turns: int, size: int = 40) -> dict[str, list[Turn]]:
    """A closed file with so many runs that ended, and what they hold."""
    store = await open_store(path)
    journals = [Journal(store, f"run-{number:03d}") for number in range(count)]
    for each in journals:
        each.send(created(each.run_id, {"n": each.run_id}), row=index_row(each.run_id))
    for number in range(turns - 2):
        for each in journals:
            each.send(StepCompleted(f"/do/{number}/s", "é" * size))
    for each in journals:
        each.send(RunCompleted(), row=index_row(each.run_id, status="completed", ended_at=9))
    await store.flush()
    written = {each.run_id: list((await store.load(each.run_id)).turns) for each in journals}
    await store.close()
    return written


async def load_all(store: SqliteStore, run_ids: Iterator[str] | dict[str, list[Turn]]) -> dict[str, object]:
    """What each run loads as: its turns or its error."""
    found: dict[str, object] = {}
    for run_id in run_ids:
        try:
            found[run_id] = (await store.load(run_id)).turns
        except errors.StoreError as error:
            found[run_id] = error
    return found


def execute(path: Path, statement: str, *values: object) -> None:
    db = apsw.Connection(str(path))
    assert db.execute(statement, values).fetchall() == []
    assert db.changes() == 1
    db.close()


@pytest.mark.spec("B4")
async def test_a_flipped_bit_never_changes_a_run_in_silence(path: Path) -> None:
    written = await finished_runs(path, 20, 14)  # so much that runs, not the schema, are most of the file
    sound = path.read_bytes()
    chance = random.Random(11)
    unopened = silent = local = 0
    for _ in range(FLIPS):
        rotten = bytearray(sound)
        rotten[chance.randrange(len(rotten))] ^= 1 << chance.randrange(8)
        path.write_bytes(rotten)
        try:
            store = await open_store(path)
        except errors.StepwellError as error:
            assert isinstance(error, errors.StoreError | errors.InvalidInput)
            unopened += 1
            continue
        found = await load_all(store, written)
        await store.close()
        path.with_name("x.db-wal").unlink(missing_ok=True)
        wrong = {run_id for run_id in written if found[run_id] != written[run_id]}
        for run_id in wrong:
            error = found[run_id]
            assert isinstance(error, errors.StoreDamaged), f"{run_id} changed in silence: {error}"
            # Where the schema is hit no run can be read, and none is to blame.
            assert run_id in str(error) or len(wrong) == len(written)
        silent += not wrong
        local += 0 < len(wrong) < len(written)
    assert unopened < FLIPS / 10
    assert local > FLIPS / 10
    assert silent < FLIPS


@pytest.mark.spec("B4")
async def test_what_loading_cannot_see_check_does(path: Path) -> None:
    """Only the last turns of a run that is still open can vanish unseen, where a bit hides their key: nothing says
    yet how many there should be. `check` compares the keys with the rows and finds them."""
    store = await open_store(path)
    runs = [Journal(store, f"run-{number}") for number in range(4)]
    for run in runs:
        await run.add(created(run.run_id), row=index_row(run.run_id))
        await run.add()
        await run.add()
    written = {run.run_id: list((await store.load(run.run_id)).turns) for run in runs}
    await store.close()
    sound = path.read_bytes()
    unseen = 0
    key = sound.index(b"run-2", _last_leaf(path, "sqlite_autoindex_journal_1"))
    for bit in range(8):
        rotten = bytearray(sound)
        rotten[key] ^= 1 << bit
        path.write_bytes(rotten)
        store = await open_store(path)
        for run_id, turns in (await load_all(store, written)).items():
            if not isinstance(turns, errors.StoreDamaged):
                assert turns == written[run_id][: len(turns)]
                unseen += len(turns) < len(written[run_id])
        assert [finding async for finding in store.check()] != []
        await store.close()
    assert unseen


def _last_leaf(path: Path, table: str) -> int:
    """Where the last leaf page of a table begins in the file."""
    db = apsw.Connection(str(path))
    query = "SELECT max(pageno) FROM dbstat WHERE name = ? AND pagetype = 'leaf'"
    ((page,),) = db.execute(query, (table,)).fetchall()
    db.close()
    return (page - 1) * 4096


CASES = {
    "an event was changed": (
        "UPDATE journal SET events = CAST(replace(CAST(events AS TEXT), 'é', 'e') AS BLOB) WHERE run_id = ? AND seq = 3",
        "turn 3 does not match its hash",
    ),
    "a time was changed": (
        "UPDATE journal SET at = at + 1 WHERE run_id = ? AND seq = 2",
        "turn 2 does not match",
    ),
    "a hash was changed": (
        "UPDATE journal SET hash = x'00' WHERE run_id = ? AND seq = 4",
        "turn 4 does not match",
    ),
    "a turn was taken out": ("DELETE FROM journal WHERE run_id = ? AND seq = 3", "turn 3 is missing"),
    "the first turn was taken out": ("DELETE FROM journal WHERE run_id = ? AND seq = 1", "turn 1 is missing"),
    "the last turn was taken out": ("DELETE FROM journal WHERE run_id = ? AND seq = 6", "turn 6 is missing"),
    "two turns changed places": (
        "UPDATE journal SET seq = 7 WHERE run_id = ? AND seq = 3",
        "turn 3 is missing",
    ),
}


@pytest.mark.spec("B4")
@pytest.mark.parametrize("case", CASES)
async def test_tampering_stops_the_run_and_no_other(path: Path, case: str) -> None:
    statement, message = CASES[case]
    written = await finished_runs(path, 3, 6)
    execute(path, statement, "run-001")
    store = await open_store(path)
    found = await load_all(store, written)
    error = found["run-001"]
    assert isinstance(error, errors.StoreDamaged)
    assert "run-001" in error.message
    assert message in error.message
    assert "stepwell doctor" in error.hint
    assert (found["run-000"], found["run-002"]) == (written["run-000"], written["run-002"])
    findings = [finding async for finding in store.check()]
    assert [(finding.code, finding.run_id) for finding in findings] == [("run_damaged", "run-001")]
    assert message in findings[0].message
    await Journal(store, "run-009").add(row=index_row("run-009"))
    await store.close()


async def test_a_turn_of_another_run_does_not_fit(path: Path) -> None:
    """The run's name is part of the hash: turns cannot be moved from one run to another."""
    await finished_runs(path, 2, 4)
    execute(path, "DELETE FROM journal WHERE run_id = ? AND seq = 4", "run-000")
    execute(path, "UPDATE journal SET run_id = 'run-000' WHERE run_id = ? AND seq = 4", "run-001")
    store = await open_store(path)
    for run_id in ("run-000", "run-001"):
        (outcome,) = await asyncio.gather(store.load(run_id), return_exceptions=True)
        assert isinstance(outcome, errors.StoreDamaged)
    await store.close()


@pytest.mark.parametrize(
    ("body", "kind", "message"),
    [
        (b'[{"type":"step.teleported"}]', errors.StoreTooNew, "step.teleported"),
        (
            b'[{"type":"step.completed","step":"s","mood":"good"}]',
            errors.StoreTooNew,
            "mood in step.completed",
        ),
        (b'[{"type":"step.completed"}]', errors.StoreDamaged, "turn 1 cannot be read"),
        (b'[{"step":"s"}]', errors.StoreDamaged, "turn 1 cannot be read"),
        (b'{"type":"run.paused"}', errors.StoreDamaged, "turn 1 cannot be read"),
        (b"[1]", errors.StoreDamaged, "turn 1 cannot be read"),
        (b"7", errors.StoreDamaged, "turn 1 cannot be read"),
        (b"[", errors.StoreDamaged, "turn 1 cannot be read"),
        (b"\xff", errors.StoreDamaged, "turn 1 cannot be read"),
    ],
)
async def test_what_cannot_be_read_is_said(
    path: Path, body: bytes, kind: type[errors.StoreError], message: str
) -> None:
    """The hash is right, the content is not: written by a newer version, or by something else."""
    store = await open_store(path)
    await Journal(store, "run-1").add(row=index_row("run-1"))
    await store.close()
    digest = chain(b"", "run-1", 1, 5, body)
    execute(path, "UPDATE journal SET at = 5, events = ?, hash = ?", body, digest)
    store = await open_store(path)
    (outcome,) = await asyncio.gather(store.load("run-1"), return_exceptions=True)
    assert type(outcome) is kind
    assert "run-1" in str(outcome)
    assert message in str(outcome)
    (finding,) = [finding async for finding in store.check()]
    assert finding.code == ("too_new" if kind is errors.StoreTooNew else "run_damaged")
    await store.close()


async def test_a_damaged_snapshot_is_not_missed(path: Path) -> None:
    store = await open_store(path)
    run = Journal(store, "run-1")
    for _ in range(3):
        await run.add(row=index_row("run-1"))
    await store.save_snapshot(State(Run("run-1", "default", "orders", "1.0.0", "abc", 1, seq=3), tip=run.tip))
    assert (await store.load("run-1")).snapshot is not None
    body = b'{"format":99}'
    sound = hashlib.sha256(body).digest()
    for change, values in (
        ("body = CAST(CAST(body AS TEXT) || ' ' AS BLOB)", ()),
        ("body = ?, hash = ?", (body, sound)),
        ("seq = 2", ()),
        ("hash = x'00'", ()),
    ):
        await store.save_snapshot(
            State(Run("run-1", "default", "orders", "1.0.0", "abc", 1, seq=3), tip=run.tip)
        )
        execute(path, f"UPDATE snapshots SET {change}", *values)
        loaded = await store.load("run-1")
        assert (loaded.snapshot, len(loaded.turns), loaded.tip) == (None, 3, run.tip)
        execute(path, "DELETE FROM snapshots")
    await store.close()


async def test_check_finds_orphans(path: Path) -> None:
    store = await open_store(path)
    await Journal(store, "run-1").add(row=index_row("run-1"))
    await store.close()
    execute(path, "INSERT INTO keys VALUES ('k', 'gone', 'f')")
    execute(path, "UPDATE runs SET id = 'gone-too'")
    store = await open_store(path)
    found = {(finding.code, finding.run_id) async for finding in store.check()}
    assert found == {("key_orphaned", "gone"), ("journal_missing", "gone-too"), ("row_missing", "run-1")}
    await store.close()


@pytest.mark.spec("B4")
async def test_a_damaged_page_stops_only_the_runs_on_it(path: Path) -> None:
    """Runs that share a commit with one whose page is rotten are written all the same."""
    await finished_runs(path, 600, 2, size=1)
    db = apsw.Connection(str(path))
    key = "SELECT pageno FROM dbstat WHERE name = 'sqlite_autoindex_journal_1' AND pagetype = 'leaf'"
    leaves = [(number - 1) * 4096 for (number,) in db.execute(key)]
    db.close()
    data = bytearray(path.read_bytes())
    page = next(start for start in leaves if b"run-550" in data[start : start + 4096])
    data[page] = 0xFF
    path.write_bytes(data)
    store = await open_store(path)
    hit, spared, new = Journal(store, "run-550"), Journal(store, "run-001"), Journal(store, "run-000a")
    hit.seq = spared.seq = 2
    spared.tip = (await store.load("run-001")).tip
    sent = [each.send(row=index_row(each.run_id)) for each in (hit, spared, new)]
    await fails(sent[0], errors.StoreDamaged)
    await asyncio.gather(*sent[1:])
    assert len((await store.load("run-001")).turns) == 3
    (outcome,) = await asyncio.gather(store.load("run-550"), return_exceptions=True)
    assert isinstance(outcome, errors.StoreDamaged)
    codes = {finding.code async for finding in store.check()}
    assert {"file_damaged", "run_damaged"} <= codes
    await store.close()
