"""Code that does not match the journal: what it did instead of the recorded call is told, also where it made no call."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from stepwell import flow, step, workflow
from stepwell.model.events import RunStalled
from stepwell.testing import Kit

pytestmark = pytest.mark.spec("B3", "Q16")

Code = Callable[[], Coroutine[Any, Any, object]]


@step
async def instead_undone(n: int) -> int:
    return n


@step(compensate=instead_undone)
async def instead_first(n: int) -> int:
    return n


@step
async def instead_fails(n: int) -> int:
    raise OSError(f"no way to {n}")


@workflow(name="instead-told")
async def as_it_was() -> int:
    await instead_first(1)
    try:
        await instead_fails(2)
    except OSError:
        pass
    await flow.sleep(60)
    return 3


def others() -> dict[str, Code]:
    async def raises() -> object:
        return {}["x"]

    async def fails_after_its_first_call() -> object:
        await instead_first(1)
        return {}["x"]

    async def lets_a_failure_through() -> object:
        one = instead_first.submit(1)
        two = instead_fails.submit(2)
        await two
        return await one

    async def returns() -> object:
        await instead_first(1)
        return {"paid": 7}

    async def waits() -> object:
        first, second = instead_first.submit(1), instead_fails.submit(2)
        await flow.gather(first, second, return_exceptions=True)
        event = asyncio.Event()
        return await event.wait()

    async def goes_on_elsewhere() -> object:
        await instead_first(1)
        return flow.continue_as_new()

    return {code.__name__: code for code in list(locals().values())}


async def stalled(code: Code) -> str:
    async with Kit(workflows=[as_it_was]) as kit:
        run = await kit.start(as_it_was)
        await kit.advance(30)
        await kit.reopen(workflows=[workflow(name="instead-told")(code)])
        await kit.drain()
        turns = await kit.engine.engine.store.turns(run.run_id)
        (found,) = [event for turn in turns for event in turn.events if isinstance(event, RunStalled)]
        recorded, called = (found.error.detail or "").splitlines()[1:3]
        assert recorded.startswith("  recorded: ")
        await kit.reopen(workflows=[as_it_was])
        assert await kit.result(run.run_id) == 3
        return called


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("raises", "nothing: the code raised KeyError: 'x' (test_instead_told.py:{}, in raises)"),
        (
            "fails_after_its_first_call",
            "step instead_undone, to undo what was done: the code raised KeyError: 'x' "
            "(test_instead_told.py:{}, in fails_after_its_first_call)",
        ),
        (
            "lets_a_failure_through",
            "step instead_undone, to undo what was done: the failure of /do/1/instead_fails ended the code: "
            "OSError: no way to 2 (test_instead_told.py:{}, in instead_fails)",
        ),
        ("returns", "nothing: the code returned"),
        ("waits", "nothing: the code waits for what no call brings"),
        ("goes_on_elsewhere", "workflow continue-as-new"),
    ],
)
async def test_what_the_code_did_instead(name: str, said: str) -> None:
    code = others()[name]
    raised_in = instead_fails.function if "in instead_fails" in said else code
    lines = raised_in.__code__.co_firstlineno
    numbers = [said.format(lines + number) for number in range(6)]
    assert (await stalled(code)).removeprefix("  called:   ") in numbers


async def test_what_it_waits_for() -> None:
    @workflow(name="instead-waits")
    async def together() -> list[object]:
        return list(await flow.gather(flow.sleep(60), flow.sleep(90)))

    @workflow(name="instead-waits")
    async def one_by_one() -> list[object]:
        return [await flow.sleep(60), await flow.sleep(90)]

    async with Kit(workflows=[together]) as kit:
        run = await kit.start(together)
        await kit.advance(30)
        await kit.reopen(workflows=[one_by_one])
        await kit.drain()
        detail = (await kit.engine.show(run.run_id))["stalled"]["detail"]
        assert "\n  called:   nothing: the code waits for /do/0/sleep\n" in detail
