"""Children whose parent's process is gone before it had cancelled them, while another process carries them on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stepwell import Queue, flow, workflow
from stepwell.testing import Kit
from stepwell.testing.fate import Crashed

pytestmark = pytest.mark.spec("B3", "S5", "Q6")


@workflow(name="left-alone-child")
async def lasting() -> None:
    await flow.sleep(100_000)


@workflow(name="left-alone-parent")
async def parent(goes_on: bool) -> str:
    child = flow.start_child(lasting, queue="there")
    kept = flow.start_child(lasting, queue="there", detached=True)
    heard = await flow.race(child.result(), flow.wait_for_signal("go"))
    if goes_on:
        await flow.sleep(1_000)
    return f"{heard} {kept.run_id}"


@pytest.mark.parametrize("before", [False, True], ids=["after", "before"])
@pytest.mark.parametrize("commit", [1, 2, 3])
@pytest.mark.parametrize("goes_on", [False, True], ids=["ended", "going on"])
async def test_a_child_that_nobody_cancelled_is_cancelled(
    tmp_path: Path, *, goes_on: bool, before: bool, commit: int
) -> None:
    path, queues = tmp_path / "two.db", [Queue("there")]
    async with Kit(path, queues=queues, works_on=[]) as one:
        shared: dict[str, Any] = {"clock": one.clock, "ids": one.ids, "dice": one.dice}
        async with Kit(path, works_on=["there"], **shared) as two:
            run_id = (await one.start(parent, goes_on)).run_id
            for _ in range(3):
                await one.look()
                await two.look()
            children = {run["run_id"] for run in (await two.engine.list(parent_id=run_id))["runs"]}
            assert children == set(two.engine.engine.actors) and len(children) == 2
            one.crash_at(commit, before=before)

            async def signal(kit: Kit) -> None:
                await kit.engine.signal(run_id, "go", "heard", id="once")
                await kit.drain()

            try:
                await one.play(signal)
            except Crashed:
                await one.reopen()
                await one.play(signal)
            one.spare()
            for _ in range(3):
                await one.look()
                await two.look()
            await one.drain()
            statuses = {
                run["run_id"]: run["status"] for run in (await two.engine.list(parent_id=run_id))["runs"]
            }
            assert sorted(statuses.values()) == ["cancelled", "running"]
            await one.advance(1_000)
            _, kept = (await one.engine.result(run_id)).split()
            assert statuses[kept] == "running"
            await one.check()
            await two.check()
