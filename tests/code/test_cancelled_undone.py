"""A cancelled Python workflow takes back what it has done, as a failed one does."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path
from typing import Any

import pytest

from stepwell import TransitionRefused, current, flow, step, workflow
from stepwell.model import commands as c
from stepwell.testing import Kit, kill_everywhere
from tests.code import workflows as w

pytestmark = pytest.mark.spec("Q9", "Q13")


@step(retry=2)
async def give_later(n: int) -> str:
    """Fails once: its retry waits for a timer."""
    if current().attempt < 2:
        raise OSError("not yet")
    return f"{n}"


@step
async def give(n: int) -> str:
    return f"{n}"


@step(compensate=give)
async def took(n: int) -> int:
    return n


@step(compensate=give_later)
async def took_late(n: int) -> int:
    return n


@workflow(name="to-cancel")
async def to_cancel() -> str:
    flow.on_failure(w.double, 99)
    await took(1)
    await w.keep(5)
    try:
        await took_late(2)
        await flow.sleep(600)
    finally:
        await w.double(7)  # code that is given up asks for nothing more
    return "never"


@step(compensate=give)
def takes(n: int) -> int:
    return n


@workflow(name="to-cancel-plainly")
def to_cancel_plainly() -> str:
    takes(1)
    takes(2)
    flow.sleep(600)
    return "never"


async def undone(kit: Kit, run_id: str) -> list[tuple[str, str, Any]]:
    found = [
        s for s in (await kit.engine.state(run_id)).steps.values() if (s.options or {}).get("compensates")
    ]
    return [(s.name, s.status.value, s.output) for s in sorted(found, key=lambda s: (s.outcome, s.id))]


async def status(kit: Kit, run_id: str) -> str:
    return str((await kit.engine.show(run_id))["status"])


async def begun(kit: Kit, code: Any = to_cancel) -> str:
    handle = await kit.start(code)
    await kit.advance(30)
    return handle.run_id


ALL = [
    ("give_later", "completed", "2"),
    ("cannot_undo", "failed", None),
    ("give", "completed", "1"),
    ("double", "completed", 198),
]


async def test_what_was_done_is_undone_in_reverse_order() -> None:
    """A compensation that fails is on record, and the others go on. Meanwhile the run is being cancelled."""
    async with Kit(workflows=[to_cancel]) as kit:
        run_id = await begun(kit)
        await kit.engine.cancel(run_id, reason="enough")
        await kit.drain()
        assert await status(kit, run_id) == "cancelling"  # the first one is tried again later
        assert "undone first" in (await kit.engine.explain(run_id))["summary"]
        with pytest.raises(TransitionRefused):
            await kit.engine.pause(run_id)
        await kit.advance(10)
        view = await kit.engine.show(run_id)
        assert (view["status"], view["cancel_reason"]) == ("cancelled", "enough")
        assert await undone(kit, run_id) == ALL
        state = await kit.engine.state(run_id)
        assert [s.name for s in state.steps.values() if s.status == "cancelled"] == ["sleep"]
        names = [event["type"] async for event in kit.engine.history(run_id)]
        assert [name for name in names if name.startswith("run.")][-3:] == [
            "run.cancelling", "run.compensating", "run.cancelled",
        ]  # fmt: skip
        with pytest.raises(TransitionRefused, match="undid"):
            await kit.engine.retry(run_id)
        await kit.check()


async def test_plain_workflows_are_undone_too() -> None:
    async with Kit(workflows=[to_cancel_plainly]) as kit:
        run_id = await begun(kit, to_cancel_plainly)
        await kit.engine.cancel(run_id)
        await kit.advance(10)
        assert await status(kit, run_id) == "cancelled"
        assert await undone(kit, run_id) == [("give", "completed", "2"), ("give", "completed", "1")]
        await kit.check()


async def test_terminate_undoes_nothing_and_ends_the_undoing() -> None:
    async with Kit(workflows=[to_cancel]) as kit:
        at_once, midway = await begun(kit), await begun(kit)
        await kit.engine.terminate(at_once)
        await kit.engine.cancel(midway)
        await kit.drain()
        await kit.engine.terminate(midway)
        await kit.advance(60)
        assert await status(kit, at_once) == await status(kit, midway) == "terminated"
        assert await undone(kit, at_once) == []
        await kit.check()


async def test_what_ends_although_it_is_interrupted_is_undone() -> None:
    """Its result was on its way when it was to stop: it is completed, undone, and nothing more begins after it."""
    begun_, go = threading.Event(), threading.Event()

    @step(compensate=give)
    def stubborn(n: int) -> int:
        begun_.set()
        go.wait(30)
        return n

    @workflow(name="stubborn-one")
    async def stubborn_one() -> str:
        await took(1)
        await stubborn.submit(2)
        await took(3)
        return "never"

    async with Kit(workflows=[stubborn_one]) as kit:
        handle = await kit.start(stubborn_one)
        await asyncio.to_thread(begun_.wait, 30)
        says = kit.engine.engine.command
        result = c.CompleteStep("/do/1/stubborn", 1, 2)
        await asyncio.gather(says(handle.run_id, c.CancelRun()), says(handle.run_id, result))
        go.set()
        await kit.advance(1)
        assert await status(kit, handle.run_id) == "cancelled"
        taken = (await kit.engine.state(handle.run_id)).steps
        assert taken["/do/1/stubborn"].status == "completed"
        assert await undone(kit, handle.run_id) == [("give", "completed", "2"), ("give", "completed", "1")]
        assert [one.name for one in taken.values()] == ["took", "stubborn", "give", "give"]
        await kit.check()


async def test_a_run_that_is_failing_is_undone_once() -> None:
    @workflow(name="failing-late")
    async def failing_late() -> None:
        await took(1)
        await took_late(2)
        raise ValueError("no")

    async with Kit(workflows=[failing_late]) as kit:
        handle = await kit.start(failing_late)
        await kit.drain()  # the first compensation waits to be tried again
        await kit.engine.cancel(handle.run_id)
        await kit.advance(30)
        assert await status(kit, handle.run_id) == "cancelled"
        assert await undone(kit, handle.run_id) == [
            ("give_later", "completed", "2"),
            ("give", "completed", "1"),
        ]
        await kit.check()


async def test_it_waits_for_its_code(tmp_path: Path) -> None:
    """Nobody who has the code is there: the run is cancelled, and undone as soon as somebody is."""
    async with Kit(tmp_path / "s.db", workflows=[to_cancel]) as kit:
        run_id = await begun(kit)
        await kit.reopen(workflows=[])
        await kit.engine.cancel(run_id)
        await kit.advance(60)
        assert await status(kit, run_id) == "cancelling"
        await kit.reopen(workflows=[to_cancel])
        await kit.advance(60)
        assert await status(kit, run_id) == "cancelled"
        assert await undone(kit, run_id) == ALL
        await kit.check()


async def test_a_paused_run_is_undone() -> None:
    async with Kit(workflows=[to_cancel]) as kit:
        run_id = await begun(kit)
        await kit.engine.pause(run_id)
        await kit.drain()
        await kit.engine.cancel(run_id)
        await kit.advance(60)
        assert await status(kit, run_id) == "cancelled"
        assert await undone(kit, run_id) == ALL


@workflow(name="cancelled-parent")
async def cancelled_parent() -> None:
    await took(4)
    await to_cancel()


async def cancelled(kit: Kit, code: Any) -> Any:
    handle = await kit.start(code)
    await kit.drain()
    try:
        await kit.engine.cancel(handle.run_id)
    except TransitionRefused:  # before the crash it was said already
        pass
    await kit.drain(advance=True)
    return [await status(kit, handle.run_id), await undone(kit, handle.run_id)]


@pytest.mark.spec("B3")
@pytest.mark.parametrize("code", [to_cancel, to_cancel_plainly, cancelled_parent])
async def test_killed_at_every_commit(code: Any) -> None:
    survey = await kill_everywhere(
        lambda kit: cancelled(kit, code), workflows=[to_cancel, to_cancel_plainly, cancelled_parent]
    )
    assert survey.crashes >= survey.commits > 1
