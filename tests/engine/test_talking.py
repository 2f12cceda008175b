"""Runs that talk: signals between them, events, streams, attributes (SPEC Q17, Q18)."""

from __future__ import annotations

from pathlib import Path

import pytest

from stepwell import StepFailed, Stepwell, flow, step, workflow
from stepwell.model.errors import NotFound, TransitionRefused, WaitTimeout


@step
async def double(x: int) -> int:
    return x * 2


@workflow
async def waiter(name: str) -> list[object]:
    flow.set_attributes(name=name, size=3)
    flow.set_event("ready", True)
    first = await flow.wait_for_signal("go", correlation="a")
    try:
        second = await flow.wait_for_signal("stop", timeout=0.05)
    except TimeoutError:
        second = "late"
    return [first, second]


@workflow
async def caller(run_id: str) -> str:
    await flow.signal(run_id, "go", "wrong", correlation="b")
    await flow.signal(run_id, "go", {"by": "caller"}, correlation="a")
    try:
        await flow.signal("nobody", "go")
    except StepFailed as failed:
        return failed.problem.title
    return "?"


@workflow
async def writer(count: int) -> None:
    for n in range(count):
        flow.write_stream("out", await double(n))
    flow.close_stream("out")


@pytest.mark.spec("Q17")
async def test_runs_signal_each_other(tmp_path: Path) -> None:
    async with Stepwell.open(tmp_path / "x.db") as engine:
        waiting = await engine.start(waiter, "w")
        assert await waiting.get_event("ready", 10) is True
        assert await engine.run(caller, waiting.run_id) == "Configuration Error"
        assert await waiting.result(10) == [{"by": "caller"}, "late"]
        with pytest.raises(TransitionRefused, match="too late"):
            await waiting.signal("go")
        assert (await engine.doctor())["ok"]


@pytest.mark.spec("Q17")
async def test_a_signal_is_taken_once_and_answered(tmp_path: Path) -> None:
    async with Stepwell.open(tmp_path / "x.db") as engine:
        waiting = await engine.start(waiter, "w")
        await waiting.get_event("ready", 10)
        assert (await waiting.signal("go", 1, correlation="z", id="s0"))["status"] == "buffered"
        assert (await waiting.signal("go", 2, correlation="a", id="s1"))["status"] == "delivered"
        assert (await waiting.signal("go", 3, correlation="a", id="s1"))["status"] == "duplicate"
        assert (await waiting.result(10))[0] == 2


@pytest.mark.spec("Q18")
async def test_a_run_is_found_by_what_its_code_says_of_it(tmp_path: Path) -> None:
    async with Stepwell.open(tmp_path / "x.db") as engine:
        first, second = await engine.start(waiter, "one"), await engine.start(waiter, "two")
        await first.get_event("ready", 10)
        await second.get_event("ready", 10)
        found = await engine.list(where='name = "two" and size > 2')
        assert [run["run_id"] for run in found["runs"]] == [second.run_id]


async def test_a_stream_is_read_while_it_is_written_and_after(tmp_path: Path) -> None:
    async with Stepwell.open(tmp_path / "x.db") as engine:
        handle = await engine.start(writer, 4)
        assert [value async for value in handle.stream("out")] == [0, 2, 4, 6]
        await handle.result(10)
        assert [value async for value in handle.stream("out", 2)] == [4, 6]
        assert [value async for value in handle.stream("nothing")] == []


async def test_an_event_that_does_not_come(tmp_path: Path) -> None:
    async with Stepwell.open(tmp_path / "x.db") as engine:
        handle = await engine.start(writer, 1)
        await handle.result(10)
        with pytest.raises(NotFound):
            await handle.get_event("never", 1)
        waiting = await engine.start(waiter, "w")
        with pytest.raises(WaitTimeout):
            await waiting.get_event("never", 0.01)
