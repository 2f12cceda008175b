"""A Python workflow whose time is over takes back what it has done, and is timed out then."""

from __future__ import annotations

from typing import Any

import pytest

from stepwell import Retry, TransitionRefused, current, flow, step, workflow
from stepwell.testing import Kit, kill_everywhere

pytestmark = pytest.mark.spec("Q9", "Q13")


@step(retry=Retry(attempts=2, delay=5, jitter=0))
async def give(n: int) -> int:
    if n == 2 and current().attempt == 1:
        raise OSError("not yet")
    return n


@step(compensate=give)
async def took(n: int) -> int:
    return n


@step(compensate=give, retry=Retry(attempts=9, delay=40, jitter=0))
async def never(n: int) -> int:
    raise OSError("not there")


@workflow(name="time-is-over", timeout=60)
async def late() -> None:
    flow.on_failure(give, 99)
    await took(1)
    await took(2)
    try:
        await flow.gather(flow.sleep(600), never(3))
    finally:
        await give(77)


@workflow(name="time-is-over-plainly", timeout=60)
def late_plainly() -> None:
    took.submit(1)
    flow.sleep(600)


@workflow(name="time-is-over-for-nothing", timeout=60)
async def with_nothing_to_undo() -> None:
    await give(1)
    await flow.sleep(600)


@workflow(name="time-is-over-failing", timeout=60)
async def failing() -> None:
    await took(2)
    await flow.sleep(58)
    raise ValueError("no")


@workflow(name="time-is-over-inside")
async def outside() -> None:
    await took(5)
    await late()


async def undone(kit: Kit, run_id: str) -> list[Any]:
    state = await kit.engine.state(run_id)
    found = [one for one in state.steps.values() if (one.options or {}).get("compensates")]
    return [one.output for one in sorted(found, key=lambda one: (one.outcome, one.id))]


async def status(kit: Kit, run_id: str) -> str:
    return str((await kit.engine.show(run_id))["status"])


async def names(kit: Kit, run_id: str) -> list[str]:
    found = [event["type"] async for event in kit.engine.history(run_id)]
    return [name for name in found if name.startswith("run.")]


async def test_what_was_done_is_undone_in_reverse_order() -> None:
    async with Kit() as kit:
        run_id = (await kit.start(late)).run_id
        await kit.advance(60)
        assert await status(kit, run_id) == "cancelling"  # a compensation is tried again later
        explained = await kit.engine.explain(run_id)
        assert "The run's time is over: what it did is undone first" in explained["summary"]
        with pytest.raises(TransitionRefused):
            await kit.engine.cancel(run_id)
        await kit.advance(10)
        view = await kit.engine.show(run_id)
        assert (view["status"], view["cancel_reason"]) == ("timed_out", None)
        assert view["error"]["detail"] == "the workflow did not end within its timeout"
        assert await undone(kit, run_id) == [2, 1, 99]
        assert (await names(kit, run_id))[2:] == ["run.cancelling", "run.compensating", "run.timed_out"]
        with pytest.raises(TransitionRefused, match="undid"):
            await kit.engine.retry(run_id)
        await kit.check()


async def test_plain_workflows_are_undone_too() -> None:
    async with Kit() as kit:
        run_id = (await kit.start(late_plainly)).run_id
        await kit.advance(60)
        assert await status(kit, run_id) == "timed_out" and await undone(kit, run_id) == [1]
        await kit.check()


async def test_where_there_is_nothing_to_undo_it_ends_at_once_and_can_be_retried() -> None:
    async with Kit() as kit:
        run_id = (await kit.start(with_nothing_to_undo)).run_id
        await kit.advance(60)
        assert (await names(kit, run_id))[2:] == ["run.timed_out"]
        await kit.engine.retry(run_id)
        await kit.advance(59)
        assert await status(kit, run_id) == "running"
        await kit.advance(1)
        assert await status(kit, run_id) == "timed_out"  # its time is measured anew
        await kit.check()


async def test_a_run_that_is_failing_is_undone_to_its_end() -> None:
    async with Kit() as kit:
        run_id = (await kit.start(failing)).run_id
        await kit.advance(61)
        assert await status(kit, run_id) == "cancelling"
        await kit.advance(10)
        assert await status(kit, run_id) == "timed_out" and await undone(kit, run_id) == [2]
        await kit.check()


async def test_it_waits_for_its_code_and_can_be_terminated() -> None:
    async with Kit(workflows=[late]) as kit:
        first, second = [(await kit.start(late)).run_id for _ in range(2)]
        await kit.advance(30)
        await kit.reopen(workflows=[])
        await kit.advance(60)
        assert await status(kit, first) in ("running", "cancelling")
        await kit.engine.terminate(second)
        await kit.reopen(workflows=[late])
        await kit.advance(60)
        assert await status(kit, first) == "timed_out" and await undone(kit, first) == [2, 1, 99]
        assert await status(kit, second) == "terminated" and await undone(kit, second) == []
        await kit.check()


async def test_a_deadline_of_a_start_undoes_too() -> None:
    async with Kit() as kit:
        run_id = (await kit.start(outside, deadline=30)).run_id
        await kit.advance(31)
        await kit.advance(30)
        assert await status(kit, run_id) == "timed_out" and await undone(kit, run_id) == [5]
        (child,) = (await kit.engine.list(parent_id=run_id))["runs"]
        assert child["status"] == "cancelled" and await undone(kit, child["run_id"]) == [2, 1, 99]
        await kit.check()


async def test_a_hook_hears_of_it_once_all_is_undone() -> None:
    heard: list[Any] = []

    @step(name="time-is-over-heard")
    async def hear(run: dict[str, Any]) -> None:
        heard.append(run["status"])

    @workflow(name="time-is-over-told")
    async def told(run: dict[str, Any]) -> None:
        await hear(run)

    @workflow(name="time-is-over-telling", timeout=60, on_timeout=told, on_cancel=told)
    async def telling() -> None:
        await took(2)
        await flow.sleep(600)

    async with Kit() as kit:
        await kit.start(telling)
        await kit.advance(61)
        assert heard == []
        await kit.advance(30)
        assert heard == ["timed_out"]
        await kit.check()


@pytest.mark.spec("B3", "Q20")
@pytest.mark.parametrize("code", [late_plainly, failing])
async def test_killed_at_every_commit(code: Any) -> None:
    async def play(kit: Kit) -> Any:
        handle = await kit.start(code, key="k")
        await kit.drain(advance=True)
        return [await status(kit, handle.run_id), await undone(kit, handle.run_id)]

    survey = await kill_everywhere(play)
    assert survey.crashes >= survey.commits > 1
