"""What is told rests on turns that may not have landed yet."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from stepwell import StoreUnavailable, step, workflow
from stepwell.engine.mail import Mail
from stepwell.model import commands as c
from stepwell.testing import Kit

pytestmark = pytest.mark.spec("S3", "B3")

GATES: list[asyncio.Event] = []


@step
async def gated() -> int:
    await GATES[-1].wait()
    return 1


@workflow(name="resting")
async def waits() -> int:
    return await gated()


async def test_a_refusal_is_told_when_what_it_rests_on_is_durable() -> None:
    async with Kit() as kit:
        GATES.append(asyncio.Event())
        handle = await kit.start(waits)
        actor = kit.engine.engine.actors[handle.run_id]
        told: list[Any] = []
        actor.tell(Mail(c.TerminateRun("enough"), lambda error: told.append(("terminate", error))))
        actor.tell(Mail(c.PauseRun(), lambda error: told.append(("pause", error))))
        actor.tell(Mail(c.FireTimer(None, "timeout"), lambda error: told.append(("nothing new", error))))
        assert told == []
        GATES[-1].set()
        await kit.drain()
        assert [name for name, _ in told] == ["terminate", "pause", "nothing new"]
        assert told[0][1] is told[2][1] is None
        assert "terminated" in str(told[1][1])
        await kit.check()


async def test_what_was_refused_by_a_state_that_never_came_to_be_is_decided_anew() -> None:
    """A run is terminated, a result comes too late for that, and then the store is sick: it was not too late."""
    async with Kit() as kit:
        GATES.append(asyncio.Event())
        handle = await kit.start(waits)
        actor = kit.engine.engine.actors[handle.run_id]
        told: list[Any] = []
        kit.fail_commits(1)
        actor.tell(Mail(c.TerminateRun("enough"), told.append))
        actor.tell(Mail(c.CompleteStep("/do/0/gated", 1, 7, None), insist=True))
        actor.tell(Mail(c.PauseRun(), told.append))
        assert actor.state.run.status == "terminated"
        GATES[-1].set()
        await kit.drain(advance=True)
        assert [type(error) for error in told] == [StoreUnavailable, StoreUnavailable]
        assert await kit.result(handle) == 7
        await kit.check()
