"""Error policies on a whole engine: Python steps and tasks, silence, waiting for room, crashes (SPEC U8)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from stepwell import InvalidInput, Policy, StepFailed, current, step, workflow
from stepwell.definition.parse import parse
from stepwell.testing import Kit, kill_everywhere
from tests.engine.helpers import open_at, until
from tests.support.clock import FakeClock

pytestmark = pytest.mark.spec("U8")

TASK = """
document: {dsl: '1.0.3', namespace: test, name: flow, version: '1.0.0'}
do: [{a: {call: python, with: {function: work}, metadata: {errorPolicy: %s}}}]
"""


@step(on_error=Policy("retry", interval=2, count=2))
async def thrice() -> int:
    if current().attempt < 3:
        raise ValueError("not yet")
    return current().attempt


@step(on_error=Policy("none"))
async def never() -> int:
    raise ValueError("never")


@step(response_timeout=Policy(after=5, action="retry", interval=1, count=1))
async def hangs_once() -> int:
    if current().attempt == 1:
        await asyncio.Event().wait()
    return current().attempt


@step(response_timeout=5)
async def hangs() -> None:
    await asyncio.Event().wait()


@step(total=Policy("none", after=5))
async def slow() -> str:
    gate: asyncio.Event = GATES["slow"]
    await gate.wait()
    return "done"


GATES: dict[str, asyncio.Event] = {}


@workflow
async def tried_patiently() -> list[int | None]:
    return [await thrice(), await never()]


@workflow
async def again() -> int:
    return await hangs_once()


@workflow
async def hanging_on() -> str:
    try:
        await hangs()
    except (StepFailed, TimeoutError) as error:
        return str(error)
    return "?"


@workflow
async def slowly() -> str:
    return await slow()


async def test_python_steps_have_policies() -> None:
    async with Kit() as kit:
        assert await kit.run(tried_patiently) == [3, None]


async def test_a_python_step_that_hangs_times_out(tmp_path: Path) -> None:
    clock = FakeClock()
    async with open_at(tmp_path / "a.db", clock) as stepwell:
        handle = await stepwell.start(hanging_on)
        await until(lambda: stepwell.engine.dispatch.in_flight)
        clock.advance(5)
        assert "sign of life" in await handle.result(10)


async def test_a_python_step_that_hangs_is_begun_again(tmp_path: Path) -> None:
    clock = FakeClock()
    async with open_at(tmp_path / "a.db", clock) as stepwell:
        handle = await stepwell.start(again)
        await until(lambda: stepwell.engine.dispatch.in_flight)
        clock.advance(5)
        await until(lambda: stepwell.engine.dispatch.in_flight == 0)
        clock.advance(1)
        assert await handle.result(10) == 2


async def test_a_step_may_be_late(tmp_path: Path) -> None:
    clock = FakeClock()
    async with open_at(tmp_path / "a.db", clock) as stepwell:
        GATES["slow"] = asyncio.Event()
        handle = await stepwell.start(slowly)
        await until(lambda: stepwell.engine.dispatch.in_flight)
        clock.advance(60)
        GATES["slow"].set()
        assert await handle.result(10) == "done"


async def test_a_crash_anywhere_changes_nothing() -> None:
    survey = await kill_everywhere(lambda kit: kit.run(tried_patiently))
    assert survey.crashes > 10


async def test_a_crash_anywhere_changes_nothing_for_tasks() -> None:
    async def work() -> int:
        if current().attempt < 3:
            raise ValueError("not yet")
        return current().attempt

    source = parse(
        TASK % "{error: {action: retry, interval: PT2S}, start: {after: PT1S}, completion: {after: PT1H}}"
    )
    survey = await kill_everywhere(lambda kit: kit.run(source), functions={"work": work})
    assert survey.crashes > 4


async def test_the_start_timeout_is_for_what_waits_for_room_only(tmp_path: Path) -> None:
    gate = asyncio.Event()

    async def work(name: str) -> str:
        if name == "first":
            await gate.wait()
        return name

    source = parse(
        "document: {dsl: '1.0.3', namespace: test, name: flow, version: '1.0.0'}\n"
        "do: [{both: {fork: {branches: ["
        "{a: {call: python, with: {function: work, arguments: {name: first}},"
        " metadata: {priority: 1, errorPolicy: {start: {after: PT5S}}}}},"
        "{b: {call: python, with: {function: work, arguments: {name: second}},"
        " metadata: {optional: true, errorPolicy: {start: {after: PT5S}}}}}]}}}]"
    )
    clock = FakeClock()
    async with open_at(tmp_path / "a.db", clock, functions={"work": work}, max_concurrency=1) as stepwell:
        handle = await stepwell.start(source)
        await until(lambda: stepwell.engine.dispatch.waiting)
        clock.advance(5)
        await until(lambda: not stepwell.engine.dispatch.waiting)
        gate.set()
        assert await handle.result(10) == ["first", None]
        steps = (await stepwell.show(handle.run_id))["steps"]
        assert [one["status"] for one in steps if one["name"] in "ab"] == ["completed", "timed_out"]


@pytest.mark.parametrize(
    "options",
    [
        {"on_error": Policy("retry"), "retry": 3},
        {"on_error": Policy("fail", after=3)},
        {"start_timeout": Policy("retry")},
        {"total": Policy("retry", after=3)},
        {"start_timeout": -1},
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        step(**options)(lambda: None)  # type: ignore[call-overload]


@pytest.mark.parametrize(
    "options", [{"action": "explode"}, {"count": -1}, {"interval": -1}, {"after": "soon"}]
)
def test_a_policy_is_checked_when_it_is_made(options: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        Policy(**options)  # type: ignore[arg-type]
