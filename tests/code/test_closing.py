"""Code that is thrown away (the engine closes, its run is over) does nothing more, and says nothing."""

from __future__ import annotations

import asyncio
import gc
import warnings
from typing import Any

import pytest

from stepwell import flow, step, workflow
from stepwell.testing import Kit

pytestmark = pytest.mark.spec("B3", "B5")

DONE: list[str] = []


@step
def release(what: str) -> str:
    DONE.append(what)
    return what


@step
async def arelease(what: str) -> str:
    DONE.append(what)
    return what


@workflow
async def careful() -> str:
    try:
        await flow.sleep(60)
    finally:
        await arelease("async")
        release("plain")
    return "ended"


@workflow
def careful_plain() -> str:
    try:
        flow.sleep(60)
    finally:
        release("plain")
        flow.gather(arelease.submit("async"))
    return "ended"


@workflow
async def careful_group() -> str:
    async def branch(name: str) -> None:
        try:
            await flow.sleep(60)
        finally:
            await arelease(name)

    async with asyncio.TaskGroup() as group:
        group.create_task(branch("async"))
        group.create_task(branch("plain"))
    return "ended"


@workflow
async def stubborn() -> str:
    """Keeps everything to itself, and waits again."""
    for _ in range(3):
        try:
            await flow.sleep(20)
        except BaseException:
            await flow.sleep(1)
    await arelease("async")
    release("plain")
    return "ended"


@workflow
async def prepared() -> list[str]:
    """Has made coroutines that it awaits later."""

    async def its_own() -> str:
        return "own"

    first, more, own = arelease("first"), {"more": arelease("more")}, [its_own()]
    await flow.sleep(60)
    return [await first, await more["more"], await own[0]]


@workflow
def prepared_plainly() -> str:
    first, second = arelease("first"), arelease("second")
    flow.sleep(60)
    return ",".join(flow.gather(first, second))


@workflow
async def prepared_and_interrupted() -> str:
    """A plain step in `async` code has it executed anew, the first time: this lets go of the code before it has begun."""
    first = arelease("first")
    release("second")
    return await first


ALL = [careful, careful_plain, careful_group, stubborn]


@pytest.mark.parametrize("workflow", ALL, ids=lambda each: each.name)
async def test_closing_performs_nothing(workflow: Any) -> None:
    DONE.clear()
    async with Kit() as kit:
        handle = await kit.start(workflow)
        await kit.advance(10)
        await kit.reopen()
        gc.collect()
        assert DONE == []
        assert await kit.result(handle) == "ended"
        assert sorted(DONE) == ["async", "plain"]
        await kit.check()


@pytest.mark.parametrize("workflow", ALL, ids=lambda each: each.name)
async def test_terminating_performs_nothing(workflow: Any) -> None:
    DONE.clear()
    async with Kit() as kit:
        handle = await kit.start(workflow)
        await kit.advance(10)
        await kit.engine.terminate(handle.run_id)
        await kit.drain(advance=True)
        gc.collect()
        assert DONE == []
        await kit.check()


@pytest.mark.parametrize(
    ("workflow", "how"),
    [(each, how) for each in (prepared, prepared_plainly) for how in ("closed", "terminated")]
    + [(prepared_and_interrupted, "run")],
    ids=lambda each: getattr(each, "name", each),
)
async def test_what_was_not_awaited_yet_goes_without_a_warning(workflow: Any, how: str) -> None:
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        async with Kit() as kit:
            handle = await kit.start(workflow)
            await kit.advance(10)
            if how == "terminated":
                await kit.engine.terminate(handle.run_id)
            else:
                await kit.reopen()
                gc.collect()
                await kit.result(handle)
            await kit.drain(advance=True)
            await kit.check()
        gc.collect()
    assert [str(one.message) for one in said] == []


@workflow
async def forgetful() -> str:
    arelease("forgotten")
    await flow.sleep(1)
    return "ended"


async def test_an_await_that_is_forgotten_is_still_warned_of() -> None:
    with pytest.warns(RuntimeWarning, match="was never awaited"):
        async with Kit() as kit:
            assert await kit.run(forgetful) == "ended"
        gc.collect()
