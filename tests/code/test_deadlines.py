"""Soft deadlines of steps and workflows: seen, found, told once; nothing ends because of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from stepwell import InvalidInput, Retry, current, flow, step, workflow
from stepwell.code.options import Deadline
from stepwell.model.queues import Queue
from stepwell.testing import Kit, kill_everywhere

pytestmark = pytest.mark.spec("Q18", "B3")

SOFT: Deadline = {"after": timedelta(seconds=60), "warn": 20, "escalate": 30}


class NotYet(Exception): ...


@step(deadline=SOFT, retry=Retry(attempts=3, delay=50, backoff="constant", jitter=0))
async def slow() -> str:
    raise NotYet


@step(deadline=SOFT, optional=True, queue="soft", name="soft-queued")
async def queued() -> str:
    return "done"


@step(deadline=100)
async def quick() -> str:
    return "quick"


@workflow(name="soft-deadlines", deadline={"after": 80, "warn": 1.5})
async def late() -> list[Any]:
    done = [await quick()]
    try:
        await slow()
    except NotYet:
        done.append("failed")
    return done


async def told(kit: Kit, run_id: str) -> list[str]:
    kinds = [event["type"] async for event in kit.engine.history(run_id)]
    return [kind for kind in kinds if "overdue" in kind]


async def seen(kit: Kit, run_id: str) -> list[Any]:
    view = await kit.engine.show(run_id)
    return [view["deadline_status"], *[one["deadline_status"] for one in view["steps"]]]


async def test_a_late_step_is_seen_and_told_and_goes_on() -> None:
    async with Kit() as kit:
        run_id = (await kit.start(late)).run_id
        await kit.advance(39)
        assert await seen(kit, run_id) == ["on_time", "on_time", "on_time"]
        await kit.advance(1)
        assert await seen(kit, run_id) == ["on_time", "on_time", "due_soon"]
        await kit.advance(20)
        assert await seen(kit, run_id) == ["on_time", "on_time", "overdue"]
        assert await told(kit, run_id) == ["step.overdue"]
        await kit.advance(19)
        assert (await seen(kit, run_id))[0] == "due_soon"
        await kit.reopen()
        await kit.advance(11)
        assert await seen(kit, run_id) == ["overdue", "on_time", "escalated"]
        assert await told(kit, run_id) == ["step.overdue", "run.overdue", "step.overdue"]
        assert [run["run_id"] for run in (await kit.engine.list(overdue=True))["runs"]] == [run_id]
        assert await kit.result(run_id) == ["quick", "failed"]
        assert await seen(kit, run_id) == ["overdue", "on_time", "overdue"]
        assert len(await told(kit, run_id)) == 3
        await kit.check()


@workflow(name="soft-queue")
async def through_a_queue() -> Any:
    return await queued()


async def test_a_step_that_waits_in_a_queue_is_late_too() -> None:
    async with Kit(queues=[Queue("soft")]) as kit:
        await kit.engine.pause_queue("soft")
        run_id = (await kit.start(through_a_queue)).run_id
        await kit.advance(95)
        assert (await seen(kit, run_id))[1:] == ["escalated"] and await told(kit, run_id) == [
            "step.overdue"
        ] * 2
        await kit.engine.resume_queue("soft")
        assert await kit.result(run_id) == "done"
        await kit.check()


@workflow(name="soft-abandoned")
async def abandoned() -> str:
    return str(await flow.race(slow(), flow.sleep(30)))


async def test_a_step_that_is_not_wanted_any_more_is_not_late() -> None:
    async with Kit() as kit:
        run_id = (await kit.start(abandoned)).run_id
        assert await kit.result(run_id) == "None"
        await kit.advance(1_000)
        assert await told(kit, run_id) == []
        await kit.check()


@step(deadline=8, retry=Retry(attempts=2, delay=10, jitter=0))
async def soon() -> int:
    if current().attempt == 1:
        raise NotYet
    return 1


@workflow(name="soft-soon", deadline=6)
async def soon_late() -> int:
    return await soon()


@pytest.mark.spec("Q20")
async def test_told_once_wherever_the_process_dies() -> None:
    async def play(kit: Kit) -> Any:
        handle = await kit.start(soon_late, key="k")
        result = await kit.result(handle)
        assert await told(kit, handle.run_id) == ["run.overdue", "step.overdue"]
        return result

    survey = await kill_everywhere(play)
    assert survey.crashes >= survey.commits


@pytest.mark.parametrize("given", [-1, "soon", True, timedelta(days=400)])
def test_what_is_no_deadline(given: Any) -> None:
    with pytest.raises(InvalidInput, match="deadline is a number of seconds"):
        step(deadline=given)(abandoned.function)
    with pytest.raises(InvalidInput, match="deadline is a number of seconds"):
        workflow(name="soft-wrong", deadline=given)(abandoned.function)
    with pytest.raises(InvalidInput, match=r"deadline\.warn is a number of seconds"):
        step(deadline={"after": 1, "warn": given})(abandoned.function)
    with pytest.raises(InvalidInput, match="deadline has `after`, and may have `warn`"):
        step(deadline={"warn": 1, "late": given})(abandoned.function)  # type: ignore[call-overload]
