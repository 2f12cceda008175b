"""`kill -9` while a condition is half counted: what was counted stays counted, and nothing is counted twice."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

from stepwell import Stepwell
from tests.crash.condition_child import NEEDED
from tests.support import processes

ROOT = Path(__file__).parents[2]


async def condition(db: Path) -> Any:
    """The tree as it is on record; None before there is one."""
    if not db.exists():
        return None
    async with Stepwell.open(db, guest=True) as engine:
        runs = (await engine.list(limit=1))["runs"]
        if not runs:
            return None
        node = (await engine.state(runs[0]["run_id"])).nodes.get("/do/0/hold")
        return node.condition if node is not None else None


async def until(child: subprocess.Popen[bytes], db: Path, matched: int) -> Any:
    """The tree once so many samples are counted."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        tree = await condition(db)
        if tree is not None and tree["matched"] >= matched:
            return tree
        assert child.poll() is None or matched == NEEDED, "the program ended too early"
        time.sleep(0.005)
    raise AssertionError(f"{matched} samples were not counted in time")


@pytest.mark.spec("N7")
@pytest.mark.spec("Q5")
async def test_killed_in_the_middle_of_counting(tmp_path: Path) -> None:
    db, file = tmp_path / "hold.db", tmp_path / "stand.csv"
    file.write_text("time,channel,value\n")
    command = ["-m", "tests.crash.condition_child", db, tmp_path]
    written, first = 0, None
    child = processes.python(*command, cwd=ROOT)
    await until(child, db, 0)
    while written < NEEDED:
        with file.open("a") as more:
            for _ in range(3):
                written += 1
                more.write(f"{time.time():.6f},p,{5 + written}\n")
        tree = await until(child, db, written)
        assert tree["matched"] == written, "a sample was counted twice"
        first = first or tree["first_match_at"]
        assert tree["first_match_at"] == first
        if written < NEEDED:
            os.kill(child.pid, signal.SIGKILL)
            child.wait()
            child = processes.python(*command, cwd=ROOT)
    assert child.wait(60) == 0
    async with Stepwell.open(db, guest=True) as engine:
        (run,) = (await engine.list())["runs"]
        state = await engine.state(run["run_id"])
        assert run["status"] == "completed"
        assert state.nodes["/do/0/hold"].condition["status"] == "satisfied"
        assert [finding async for finding in engine.engine.store.check()] == []
