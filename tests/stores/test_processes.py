"""Several processes on one file: the key is the lock, the dead are found, and nothing acknowledged goes with
them."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from stepwell.model.events import StepCompleted
from stepwell.stores.sqlite import SqliteStore
from stepwell.testing.store_conformance import Journal, index_row, turn
from tests.stores.disk import memory_folder
from tests.support import processes
from tests.support.clock import FakeClock

CHECKOUT = Path(__file__).parents[2]

RIVAL = """
import asyncio, json, sys
from stepwell.model.errors import SeqConflict
from stepwell.model.events import StepCompleted
from stepwell.stores.sqlite import SqliteStore
from stepwell.testing.store_conformance import Journal, index_row
from tests.support.clock import FakeClock

async def contend(store, me, run_id, turns):
    won = lost = 0
    run = Journal(store, run_id)
    while won < turns:
        try:
            await run.add(StepCompleted(me, won), row=index_row(run_id))
            won += 1
        except SeqConflict:
            lost += 1
            loaded = await store.load(run_id)
            run.seq, run.tip = len(loaded.turns), loaded.tip
    return lost

async def main(path, me):
    store = await SqliteStore.open(path, clock=FakeClock(), engine_id=me, warm=0)
    print("ready", flush=True)
    sys.stdin.readline()
    shared = [contend(store, me, f"shared-{n}", 60) for n in range(4)]
    own = [contend(store, me, f"{me}-{n}", 40) for n in range(4)]
    lost = await asyncio.gather(*shared, *own)
    await store.close()
    print(json.dumps(lost))

asyncio.run(main(*sys.argv[1:]))
"""

VICTIM = """
import asyncio, sys
from stepwell.stores.sqlite import SqliteStore
from stepwell.testing.store_conformance import Journal, index_row
from tests.support.clock import FakeClock

async def work(store, run_id):
    run = Journal(store, run_id)
    while True:
        await run.add(row=index_row(run_id))
        print(run_id, run.seq, flush=True)

async def main(path, me):
    store = await SqliteStore.open(path, clock=FakeClock(), engine_id=me, warm=0)
    await asyncio.gather(*[work(store, f"run-{n}") for n in range(5)])

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture
def path() -> Iterator[Path]:
    with memory_folder() as folder:
        yield folder / "x.db"


def start(program: str, path: Path, engine_id: str) -> subprocess.Popen[str]:
    pipe = subprocess.PIPE
    return processes.python("-c", program, path, engine_id, stdin=pipe, stdout=pipe, text=True, cwd=CHECKOUT)


@pytest.mark.spec("S5")
async def test_rivals_share_runs_without_losing_a_turn(path: Path) -> None:
    rivals = [start(RIVAL, path, f"engine-{n}") for n in range(2)]
    for rival in rivals:
        assert rival.stdout.readline() == "ready\n"
    for rival in rivals:
        rival.stdin.write("\n")
        rival.stdin.flush()
    lost = [json.loads(rival.communicate(timeout=60)[0]) for rival in rivals]
    assert [rival.returncode for rival in rivals] == [0, 0]
    assert sum(map(sum, lost)) > 0, "they never met"
    store = await SqliteStore.open(path, clock=FakeClock(), warm=0)
    for n in range(4):
        turns = (await store.load(f"shared-{n}")).turns
        steps = [event for turn in turns for event in turn.events]
        for me in ("engine-0", "engine-1"):  # each turn once, in the order of its author
            assert [step.output for step in steps if step.step == me] == list(range(60))
            assert len((await store.load(f"{me}-{n}")).turns) == 40
    assert [finding async for finding in store.check()] == []
    await store.close()


@pytest.mark.spec("B5")
async def test_what_a_killed_process_was_told_is_there_and_its_runs_are_adopted(path: Path) -> None:
    victim = start(VICTIM, path, "engine-victim")
    told: dict[str, int] = {}
    for _ in range(300):
        run_id, seq = victim.stdout.readline().split()
        told[run_id] = int(seq)
    survivor = await SqliteStore.open(path, clock=FakeClock(), engine_id="engine-2", warm=0)
    assert await survivor.adopt("engine-2") == []  # it is alive
    assert await survivor.owner_alive("run-0")
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    assert not await survivor.owner_alive("run-0")
    assert sorted(await survivor.adopt("engine-2")) == [f"run-{n}" for n in range(5)]
    assert not list(path.parent.glob("*engine-victim*"))
    for line in victim.stdout:  # what it said before it died
        run_id, _, seq = line.partition(" ")
        if line.endswith("\n"):
            told[run_id] = int(seq)
    victim.stdout.close()
    victim.stdin.close()
    for run_id, seq in told.items():
        loaded = await survivor.load(run_id)
        assert len(loaded.turns) >= seq
        run = Journal(survivor, run_id)
        run.seq, run.tip = len(loaded.turns), loaded.tip
        await run.add()
    assert [finding async for finding in survivor.check()] == []
    await survivor.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
async def test_a_forked_child_can_do_no_harm(path: Path) -> None:
    store = await SqliteStore.open(path, clock=FakeClock(), engine_id="engine-1", warm=0)
    run = Journal(store, "run-1")
    await run.add(row=index_row("run-1"))
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        said, refused = "nothing", []
        try:
            store._writer._loop.call_soon = lambda done, error: refused.append(error)  # there is no loop here
            store.append(turn("run-1", 2), b"", refused.append)
            said = f"{type(refused[0]).__name__}: {refused[0]}"
        finally:
            os.write(writer, said.encode())
            os.close(writer)
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as answer:
        said = await asyncio.to_thread(answer.read)
    os.waitpid(child, 0)
    assert said.startswith("StoreUnavailable")
    assert "another process" in said
    await run.add(StepCompleted("s"))
    other = await SqliteStore.open(path, clock=FakeClock(), engine_id="engine-2", warm=0)
    assert await other.owner_alive("run-1")  # the child did not let go of its parent's lock
    assert len((await other.load("run-1")).turns) == 2
    await other.close()
    await store.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
async def test_a_child_that_outlives_its_engine_does_not_keep_it_alive(path: Path) -> None:
    """A forked child must not hold on to the lock, or the runs of a killed engine would wait for the
    child."""
    program = VICTIM.replace("    await asyncio.gather", FORK + "    await asyncio.gather")
    victim = start(program, path, "engine-victim")
    child = int(victim.stdout.readline())
    try:
        for _ in range(5):
            victim.stdout.readline()
        victim.send_signal(signal.SIGKILL)
        victim.wait()
        survivor = await SqliteStore.open(path, clock=FakeClock(), engine_id="engine-2", warm=0)
        assert await survivor.adopt("engine-2")
        await survivor.close()
    finally:
        os.kill(child, signal.SIGKILL)
        victim.stdout.close()
        victim.stdin.close()


FORK = """
    import os, signal
    child = os.fork()
    if child == 0:
        signal.pause()
    print(child, flush=True)
"""
