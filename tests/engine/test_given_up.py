"""Callers that give up while their question is on its way: the run goes on, and the engine closes."""

from __future__ import annotations

import asyncio

import pytest

from stepwell import flow, workflow
from stepwell.testing import Kit

pytestmark = pytest.mark.spec("B5", "X2")

TURNS = 40
"""of the event loop: more than a question takes"""


@workflow(name="asked-and-given-up")
async def waits() -> str:
    return str(await flow.wait_for_signal("go"))


async def some_turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_a_question_is_given_up_while_the_run_is_read_back() -> None:
    """Another process has written to the run, and it is read back before anything else is decided."""
    async with Kit() as kit:
        run_id = (await kit.start(waits)).run_id
        await kit.drain()
        for turns in range(TURNS):
            kit.inject_conflict(run_id)
            asked = asyncio.ensure_future(kit.engine.set_variables(run_id, a=turns))
            also = asyncio.ensure_future(kit.engine.engine.refresh(kit.engine.engine.actors[run_id]))
            await some_turns(turns)
            asked.cancel()
            also.cancel()
            await asyncio.gather(asked, also, return_exceptions=True)
            kit.spare()
            await kit.drain()
        assert kit.engine.engine.quarantined == {}
        await asyncio.wait_for(kit.engine.signal(run_id, "go", "on"), 10)
        assert await kit.result(run_id) == "on"
        await kit.check()


@pytest.mark.parametrize("turns", range(0, TURNS, 2))
async def test_an_engine_closes_while_a_question_is_given_up(turns: int) -> None:
    async with Kit() as kit:
        run_id = (await kit.start(waits)).run_id
        await kit.drain()
        asked = asyncio.ensure_future(kit.engine.engine.refresh(kit.engine.engine.actors[run_id]))
        await some_turns(turns)
        asked.cancel()
        await kit.reopen()
        await kit.engine.signal(run_id, "go", "on")
        assert await kit.result(run_id) == "on"
        await kit.check()
