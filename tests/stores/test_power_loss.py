"""The power fails: whatever the disk made of what was not synced, every acknowledged turn is there, and
nothing is torn."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import apsw
import pytest

from stepwell.model.events import StepCompleted
from stepwell.model.journal import KeyClaim, Turn
from stepwell.stores.sqlite import SqliteStore, journal
from stepwell.testing.store_conformance import Journal, created, index_row
from tests.stores.disk import Disk, Image, Operation, Unplugged, disk, memory_folder
from tests.support.clock import FakeClock

MODES = ("none", "prefix", "subset", "torn", "all")
RUNS = 6
FILE = "x.db"


@pytest.fixture
def folder() -> Iterator[Path]:
    with memory_folder() as path:
        yield path


class Recording(NamedTuple):
    """What was on the disk before, the log of what happened then, and the turns that the runs had in the
    end."""

    before: Image
    log: list[Operation]
    turns: dict[str, list[Turn]]


async def record(folder: Path, made: Disk, *, synchronous: str = "FULL", checkpoint: int = 12) -> Recording:
    """A workload with lone turns, groups of turns, index rows, keys and checkpoints; each acknowledgement is
    marked."""
    store = await SqliteStore.open(
        folder / FILE, clock=FakeClock(), engine_id="engine-1", vfs=made.name, warm=0
    )
    writer = store._writer
    await writer.run(lambda db: db.execute(f"PRAGMA synchronous = {synchronous}").fetchall())
    await writer.run(lambda db: db.wal_checkpoint())
    before = {file.name: file.read_bytes() for file in folder.iterdir() if file.name.startswith(FILE)}
    made.log = []
    chance = random.Random(7)
    journals = [Journal(store, f"run-{number}") for number in range(RUNS)]
    for step in range(60):
        together = [journals[step % RUNS]] if step % 3 else chance.sample(journals, chance.randint(2, RUNS))
        sent = [(each.run_id, each.seq + 1, _send(each, chance)) for each in together]
        for run_id, seq, future in sent:
            await future
            made.mark((run_id, seq))
        if step % checkpoint == checkpoint - 1:
            await writer.run(lambda db: db.wal_checkpoint())
    log, made.log = made.log, None
    turns = {each.run_id: list((await store.load(each.run_id)).turns) for each in journals}
    await store.close()
    (folder / FILE).unlink()
    return Recording(before, log, turns)


def _send(run: Journal, chance: random.Random):
    if run.seq == 0:
        claim = KeyClaim(f"key-{run.run_id}", "f")
        return run.send(created(run.run_id), row=index_row(run.run_id), claim=claim)
    row = index_row(run.run_id, updated_at=run.seq) if chance.random() < 0.3 else None
    return run.send(StepCompleted("s", "x" * int(chance.paretovariate(0.7) * 20 % 9000)), row=row)


class Verdict(NamedTuple):
    """How many crashes were tried, how many different images they gave, and the acknowledged turns that were
    lost."""

    points: int
    images: int
    lost: int


def crash_everywhere(folder: Path, recording: Recording, seed: int = 1, enough: int | None = None) -> Verdict:
    """Pull the plug before each write, sync, deletion; in every mode. `enough`: no further once more are lost."""
    unplugged, chance = Unplugged(recording.before), random.Random(seed)
    acknowledged = dict.fromkeys(recording.turns, 0)
    seen: dict[bytes, dict[str, int]] = {}
    points = lost = 0
    for operation in recording.log:
        if operation.kind == "mark":
            run_id, seq = operation.mark
            acknowledged[run_id] = seq
            continue
        for mode in MODES:
            points += 1
            image = unplugged.image(mode, chance)
            digest = hashlib.sha256(b"".join(image[file] for file in sorted(image))).digest()
            if digest not in seen:
                seen[digest] = recover(folder, image, recording.turns)
            lost += any(seen[digest][run_id] < told for run_id, told in acknowledged.items())
        if enough is not None and lost > enough:
            break
        unplugged.feed(operation)
    return Verdict(points, len(seen), lost)


def recover(folder: Path, image: Image, turns: dict[str, list[Turn]]) -> dict[str, int]:
    """Open what the disk holds; how many turns each run has. What is there is a beginning of what was
    written, and what was written in the same commit is there with it."""
    place = folder / "crashed"
    place.mkdir(exist_ok=True)
    for old in place.iterdir():
        old.unlink()
    for file, data in image.items():
        if not file.endswith("-shm"):
            (place / file).write_bytes(data)
    db = apsw.Connection(str(place / FILE))
    assert db.execute("PRAGMA quick_check").fetchall() == [("ok",)]
    have = {}
    for run_id, written in turns.items():
        begun = journal.start(db, run_id)
        there = journal.read(db, run_id, 0, b"", -1).turns
        assert there == written[: len(there)]
        assert bool(there) == bool(begun.written_at)  # turn, index row and key: all or none
        assert begun.written_at <= len(there)
        assert bool(there) == bool(db.execute("SELECT 1 FROM keys WHERE run_id = ?", (run_id,)).fetchall())
        have[run_id] = len(there)
    db.close()
    return have


@pytest.mark.spec("B5")
@pytest.mark.parametrize("by_thread", [False, True], ids=["by loop", "by thread"])
async def test_nothing_acknowledged_is_lost(
    folder: Path, monkeypatch: pytest.MonkeyPatch, by_thread: bool
) -> None:
    if by_thread:
        monkeypatch.setattr("stepwell.stores.sqlite.writer.Writer._quick_enough", lambda self: False)
    with disk() as made:
        recording = await record(folder, made)
    verdict = crash_everywhere(folder, recording)
    assert verdict.points >= 2000
    assert verdict.images >= 500
    assert verdict.lost == 0


async def test_without_syncs_it_would_be_seen(folder: Path) -> None:
    """The test can find losses: a store that does not wait for the disk has them."""
    with disk() as made:
        recording = await record(folder, made, synchronous="NORMAL")
    assert crash_everywhere(folder, recording, enough=100).lost > 100


@pytest.mark.spec("B5")
async def test_it_goes_on_after_the_power_failed(folder: Path) -> None:
    """Here and there the store itself is opened on what is left: it reads, checks and writes."""
    with disk() as made:
        recording = await record(folder, made)
    unplugged, chance = Unplugged(recording.before), random.Random(3)
    for number, operation in enumerate(recording.log):
        if operation.kind != "mark":
            if number % 23 == 0:
                await _go_on(folder, unplugged.image(MODES[number % 5], chance), recording)
            unplugged.feed(operation)


async def _go_on(folder: Path, image: Image, recording: Recording) -> None:
    have = recover(folder, image, recording.turns)
    for file, data in image.items():
        if not file.endswith("-shm"):
            (folder / "crashed" / file).write_bytes(data)
    store = await SqliteStore.open(folder / "crashed" / FILE, clock=FakeClock(), engine_id="engine-2", warm=0)
    assert [finding async for finding in store.check()] == []
    assert len(await store.adopt("engine-2")) == sum(map(bool, have.values()))
    for run_id, count in have.items():
        run = Journal(store, run_id)
        if count:
            loaded = await store.load(run_id)
            run.seq, run.tip = len(loaded.turns), loaded.tip
        await run.add(row=index_row(run_id))
        assert len((await store.load(run_id)).turns) == count + 1
    await store.close()
