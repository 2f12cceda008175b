"""Several engines on one file, and a file that cannot be written: the primary key decides, nothing is lost (S5, D3, D5)."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import apsw
import pytest

from stepwell import Stepwell, StoreUnavailable, TransitionRefused
from tests.engine.helpers import flow, open_at, until
from tests.stores.disk import Disk, Failure, disk

GATED = flow("do:\n  - a: {call: python, with: {function: gated}}\n  - b: {set: {seen: '${ $variables.n }'}}")


class Gate:
    """A step that is through when the test says so."""

    def __init__(self) -> None:
        self.open, self.begun, self.interrupted = asyncio.Event(), asyncio.Event(), False

    async def gated(self) -> str:
        self.begun.set()
        try:
            await self.open.wait()
        except asyncio.CancelledError:
            self.interrupted = True
            raise
        return "done"


@pytest.mark.spec("S5", "B4")
async def test_whoever_loses_a_race_reads_again_and_decides_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    gate = Gate()
    path = tmp_path / "a.db"
    with caplog.at_level(logging.INFO, "stepwell.engine"):
        async with open_at(path, functions=[gate.gated]) as owner, Stepwell.open(path, guest=True) as guest:
            handle = await owner.start(GATED)
            await gate.begun.wait()
            await guest.set_variables(handle.run_id, n=7)  # takes the turn that the owner would write next
            gate.open.set()
            assert await handle.result() == {"seen": 7}
            turns = [event["seq"] async for event in owner.history(handle.run_id)]
    assert sorted(set(turns)) == [1, 2, 3]
    assert any("turn 2 was taken by another engine" in record.message for record in caplog.records)


@pytest.mark.spec("S6", "X2")
async def test_a_guest_cancels_what_another_engine_performs(tmp_path: Path) -> None:
    gate = Gate()
    path = tmp_path / "a.db"
    async with open_at(path, functions=[gate.gated]) as owner, Stepwell.open(path, guest=True) as guest:
        handle = await owner.start(GATED)
        await gate.begun.wait()
        assert (await guest.cancel(handle.run_id, "stop"))["status"] == "cancelling"
        assert (await guest.wait(handle.run_id, timeout=10))["status"] == "cancelled"
        assert gate.interrupted
        assert (await owner.wait(handle.run_id))["status"] == "cancelled"


async def test_a_guest_terminates_and_a_late_result_revives_nothing(tmp_path: Path) -> None:
    gate = Gate()
    path = tmp_path / "a.db"
    async with open_at(path, functions=[gate.gated]) as owner, Stepwell.open(path, guest=True) as guest:
        handle = await owner.start(GATED)
        await gate.begun.wait()
        await guest.terminate(handle.run_id)
        gate.open.set()
        assert (await owner.wait(handle.run_id, timeout=10))["status"] == "terminated"
        with pytest.raises(TransitionRefused):
            await owner.cancel(handle.run_id)


@pytest.mark.spec("X2")
async def test_a_guest_pauses_resumes_and_retries_what_another_engine_carries_on(tmp_path: Path) -> None:
    gate, broken = Gate(), [True]
    path = tmp_path / "a.db"

    async def fragile() -> str:
        if broken[0]:
            raise ValueError("broken")
        return "mended"

    body = flow(
        "do:\n  - a: {call: python, with: {function: gated}}\n  - b: {call: python, with: {function: fragile}}"
    )
    async with (
        open_at(path, functions=[gate.gated, fragile]) as owner,
        Stepwell.open(path, guest=True) as guest,
    ):
        handle = await owner.start(body)
        await gate.begun.wait()
        await guest.pause(handle.run_id)
        gate.open.set()
        actor = owner.engine.actors[handle.run_id]
        await until(lambda: actor.state.run.status == "paused" and actor.idle)
        assert (await guest.show(handle.run_id))["steps"][1]["status"] == "scheduled"
        await guest.resume(handle.run_id)
        assert (await guest.wait(handle.run_id, timeout=10))["status"] == "failed"
        broken[0] = False
        await guest.retry(handle.run_id)
        assert (await guest.wait(handle.run_id, timeout=10))["output"] == "mended"


async def test_two_engines_never_carry_on_the_same_run(tmp_path: Path) -> None:
    gate = Gate()
    path = tmp_path / "a.db"
    async with open_at(path, functions=[gate.gated]) as first:
        handle = await first.start(GATED)
        await gate.begun.wait()
        async with open_at(path, functions=[gate.gated]) as second:
            assert not second.engine.actors
            gate.open.set()
            assert (await second.wait(handle.run_id, timeout=10))["status"] == "completed"


async def test_a_run_of_a_dead_engine_is_cancelled_at_once_by_a_guest(tmp_path: Path) -> None:
    gate = Gate()
    path = tmp_path / "a.db"
    async with open_at(path, functions=[gate.gated]) as owner:
        handle = await owner.start(GATED)
        await gate.begun.wait()
    async with Stepwell.open(path, guest=True) as guest:
        assert (await guest.cancel(handle.run_id))["status"] == "cancelled"


@pytest.fixture
def sick() -> object:
    with disk() as found:
        yield found


async def test_a_full_disk_acknowledges_nothing_and_loses_no_result(tmp_path: Path, sick: Disk) -> None:
    gate = Gate()
    async with open_at(tmp_path / "a.db", functions=[gate.gated], vfs=sick.name) as engine:
        handle = await engine.start(GATED)
        await gate.begun.wait()
        failure = sick.failure = Failure(1, error=apsw.FullError, lasting=True)
        with pytest.raises(StoreUnavailable):
            await engine.start(flow("do: []", "other"))
        gate.open.set()  # the step is through, and its result cannot be written
        await until(lambda: engine.engine.actors[handle.run_id]._busy)
        failure.end()
        assert await handle.result(timeout=20) == {"seen": None}
        assert len((await engine.list())["runs"]) == 1


async def test_one_damaged_run_stops_no_other(tmp_path: Path) -> None:
    gate = Gate()
    path = tmp_path / "a.db"
    async with open_at(path, functions=[gate.gated]) as engine:
        bad = await engine.start(GATED)
        good = await engine.start(GATED)
        await until(lambda: gate.begun.is_set())
    db = apsw.Connection(str(path))
    db.execute(
        "UPDATE journal SET events = CAST(replace(events, 'step.started', 'step.stopped') AS BLOB) WHERE run_id = ?",
        (bad.run_id,),
    )
    db.close()
    gate.open.set()
    async with open_at(path, functions=[gate.gated]) as engine:
        assert await engine.result(good.run_id) == {"seen": None}
        assert bad.run_id in engine.engine.quarantined
        with pytest.raises(Exception, match="damaged|hash"):
            await engine.wait(bad.run_id, timeout=5)
        report = await engine.doctor()
        assert not report["ok"]
        assert {finding["run_id"] for finding in report["findings"]} == {bad.run_id}
