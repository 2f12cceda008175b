"""Python workflows, killed at every commit, and with other engines that are faster."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from stepwell import flow, step, workflow
from stepwell.testing import Kit, kill_everywhere

pytestmark = pytest.mark.spec("Q20", "B5")


@step
async def double(n: int) -> int:
    return n * 2


@step
async def broken() -> int:
    raise ValueError("broken for good")


@step
async def undo(what: str) -> str:
    return what


@workflow
async def in_a_row(n: int) -> list[Any]:
    first = await double(n)
    await flow.sleep(3600)
    return [first, await double(first), flow.random(), bool(flow.uuid())]


@workflow
async def side_by_side(n: int) -> list[int]:
    return await flow.gather(*(double(i) for i in range(n)))


@workflow
async def over_a_list(n: int) -> list[int]:
    return await flow.map(double, list(range(n)), concurrency=2)


@workflow
async def first_of_two() -> Any:
    async def slow() -> str:
        await flow.sleep(99)
        return "slow"

    async def quick() -> int:
        await flow.sleep(1)
        return await double(4)

    return await flow.race(slow(), quick())


@workflow
async def younger(n: int) -> int:
    await flow.sleep(5)
    return await double(n)


@workflow
async def with_children() -> list[int]:
    child = flow.start_child(younger, 1)
    second = await younger(2)
    return [await child.result(), second]


@workflow
async def taken_back() -> None:
    for name in ("one", "two"):
        await double(1)
        flow.on_failure(undo, name)
    await broken()


@workflow
async def continued(n: int) -> int:
    doubled = await double(n)
    if n < 3:
        flow.continue_as_new(n + 1)
    return doubled


@workflow
def without_await(n: int) -> int:
    doubled = double(n)
    flow.sleep(10)
    return doubled


@workflow
async def told_outside() -> bool:
    flow.set_event("stage", 1)
    flow.write_stream("log", "x")
    await flow.sleep(1)
    flow.write_stream("log", "y")
    flow.close_stream("log")
    return flow.patched("new")


@workflow
async def out_of_time() -> int | None:
    try:
        async with asyncio.timeout(10):
            await flow.sleep(100)
    except TimeoutError:
        return await double(1)
    return None


WORKFLOWS: dict[str, tuple[Any, ...]] = {
    "in_a_row": (in_a_row, 1),
    "side_by_side": (side_by_side, 4),
    "over_a_list": (over_a_list, 5),
    "first_of_two": (first_of_two,),
    "with_children": (with_children,),
    "taken_back": (taken_back,),
    "continued": (continued, 1),
    "without_await": (without_await, 2),
    "told_outside": (told_outside,),
    "out_of_time": (out_of_time,),
}


@pytest.mark.parametrize("name", WORKFLOWS)
async def test_killed_at_every_commit(name: str) -> None:
    await kill_everywhere(lambda kit: kit.run(*WORKFLOWS[name]))


@pytest.mark.soak
@pytest.mark.parametrize("settings", [{"again": 1}, {"again": 2}, {"snapshot_every": 1}], ids=str)
@pytest.mark.parametrize("name", WORKFLOWS)
async def test_killed_at_every_commit_and_again(name: str, settings: dict[str, Any]) -> None:
    await kill_everywhere(lambda kit: kit.run(*WORKFLOWS[name]), **settings)


@pytest.mark.spec("S5")
async def test_whoever_loses_the_turn_that_wakes_a_step_asks_the_code_again() -> None:
    """After a lost turn the code is executed anew, and has to be where it was before a step can begin again."""

    @step(retry=3)
    async def flaky() -> str:
        tries.append(1)
        if len(tries) < 3:
            raise ValueError("not yet")
        return "done"

    @workflow
    async def patient() -> str:
        return await flaky()

    tries: list[int] = []
    async with Kit() as kit:
        handle = await kit.start(patient)
        await kit.drain()
        for _ in range(2):
            kit.inject_conflict()
            await kit.skip_to_next_timer()
        assert await kit.result(handle) == "done"
        assert kit.conflicts_left == 0
        await kit.check()
