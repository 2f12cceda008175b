"""`kill -9` at random moments: no acknowledged start is lost, every run ends, every step is recorded once."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from stepwell import Stepwell
from tests.crash.crash_child import STEPS
from tests.support import processes

ROOT = Path(__file__).parents[2]
RUNS, KILLS, SEED = 50, 20, 20261121


def lines(path: Path) -> list[str]:
    return path.read_text().split("\n")[:-1] if path.exists() else []


@pytest.mark.spec("B5", "Q5", "U2")
async def test_killed_twenty_times_nothing_is_lost(tmp_path: Path) -> None:
    await kill_and_check(tmp_path, KILLS, SEED)


@pytest.mark.soak
@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("seed", range(10))
async def test_killed_two_hundred_times_nothing_is_lost(tmp_path: Path, seed: int) -> None:
    await kill_and_check(tmp_path, 20, seed)


async def kill_and_check(tmp_path: Path, kills: int, seed: int) -> None:
    db, marks, acks = (tmp_path / name for name in ("crash.db", "marks", "acks"))
    chance = random.Random(seed)
    print(f"seed {seed}")
    command = ["-m", "tests.crash.crash_child", db, marks, acks, str(RUNS)]
    # Each kill comes after so many more marks: the work of all runs, spread over the kills.
    step = RUNS * STEPS // (kills + 2)
    for number in range(kills):
        child = processes.python(*command, cwd=ROOT)
        wanted = len(lines(marks)) + chance.randint(1, step)
        deadline = time.monotonic() + 60
        while len(lines(marks)) < wanted and child.poll() is None and time.monotonic() < deadline:
            time.sleep(0.002)
        assert child.poll() is None, f"nothing was left to kill at kill {number}"
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
    assert processes.python(*command, cwd=ROOT).wait(120) == 0

    acknowledged = {line.split()[1] for line in lines(acks)}
    performed = Counter(lines(marks))
    async with Stepwell.open(db, guest=True) as engine:
        listed = await engine.list(limit=1_000)
        assert {run["run_id"] for run in listed["runs"]} >= acknowledged
        assert len(listed["runs"]) == RUNS, "a key started a run twice"
        recovered = 0
        for run in listed["runs"]:
            view = await engine.show(run["run_id"])
            assert view["status"] == "completed", view
            assert [s["status"] for s in view["steps"]] == ["completed"] * STEPS
            assert len({s["id"] for s in view["steps"]}) == STEPS
            completed = [
                e["step"] async for e in engine.history(run["run_id"]) if e["type"] == "step.completed"
            ]
            assert len(completed) == len(set(completed)) == STEPS, "a step was recorded twice"
            recovered += sum(attempt["runs"] - 1 for s in view["steps"] for attempt in s["attempts"])
            for s in view["steps"]:
                again = sum(attempt["runs"] for attempt in s["attempts"])
                number = f"{view['input']['n']} {s['name'][1:]}"
                assert 1 <= performed[number] <= again, "performed more often than is on record"
        assert recovered > 0, "no kill hit a step in flight: the test shows nothing"
        report = await engine.doctor()
        assert report["ok"], report
