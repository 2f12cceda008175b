"""A run that has failed, and is cancelled or out of time while it undoes what it had done: both are told."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from stepwell import RunFailed, flow, step, workflow
from stepwell.cli.outcome import summary
from stepwell.testing import Kit

pytestmark = pytest.mark.spec("Q13", "Q10")

OPEN: list[bool] = []


@step(retry=50)
async def cause_slow_refund(n: int) -> int:
    if not OPEN:
        raise OSError("the bank is closed")
    return n


@step(compensate=cause_slow_refund)
async def cause_charge(n: int) -> int:
    return n


@step
async def cause_ship(n: int) -> int:
    raise ValueError("no lorry")


@workflow(name="cause-of-a-step")
async def of_a_step() -> None:
    await cause_charge(1)
    await cause_ship(1)


@workflow(name="cause-of-its-own")
async def of_its_own() -> None:
    await cause_charge(1)
    raise KeyError("x")


@workflow(name="cause-plain")
def plain() -> None:
    flow.gather(cause_charge.submit(1))
    flow.gather(cause_ship.submit(1))


@workflow(name="cause-timed", timeout=30)
async def timed() -> None:
    await cause_charge(1)
    await cause_ship(1)


@workflow(name="cause-none")
async def none() -> None:
    await cause_charge(1)
    await asyncio.sleep(1000)


WORKFLOWS = [of_a_step, of_its_own, plain, timed, none]
NO_LORRY = "ValueError: no lorry (test_cause_kept.py:"


async def undoing(kit: Kit, code: Any) -> str:
    """It has failed, and its compensation does not succeed yet."""
    OPEN.clear()
    run = await kit.start(code)
    await kit.advance(0.1)
    state = await kit.engine.state(run.run_id)
    assert not state.run.status.terminal and state.open_steps
    return run.run_id


async def failure(kit: Kit, run_id: str) -> RunFailed:
    OPEN.append(True)
    with pytest.raises(RunFailed) as raised:
        await kit.result(run_id)
    await kit.check()
    return raised.value


@pytest.mark.parametrize("when", ["live", "after a crash", "crashes at once"])
@pytest.mark.parametrize("code", [of_a_step, plain])
async def test_a_cancel_does_not_hide_why_it_undoes(code: Any, when: str) -> None:
    async with Kit(workflows=WORKFLOWS) as kit:
        run_id = await undoing(kit, code)
        if when == "after a crash":
            await kit.reopen()
            await kit.drain()
        await kit.engine.cancel(run_id, "too slow", by="Ann")
        if when == "crashes at once":
            await kit.reopen()
        error = await failure(kit, run_id)
        assert error.status == "cancelled" and error.problem is not None
        assert NO_LORRY in str(error.problem["detail"])
        assert (error.reason, error.by) == ("too slow", "Ann")
        assert NO_LORRY in error.message and error.message.endswith("; cancelled by Ann: too slow")

        view = await kit.engine.explain(run_id)
        assert view["summary"].startswith(
            "The run failed at /do/1/cause_ship: Runtime Error (500): ValueError: no lorry"
        )
        assert view["summary"].endswith(
            "; while what it had done was undone, it was cancelled by Ann: too slow"
        )
        assert view["evidence"]["error_step"] == "/do/1/cause_ship" and not view["evidence"]["tolerated"]
        told = "\n".join(summary(await kit.engine.wait(run_id), kit.path))
        assert "no lorry" in told and "why:   too slow" in told
        assert (await kit.engine.list(status=["cancelled"]))["runs"][0]["error"]["status"] == 500
        steps = {one["name"]: one["status"] for one in (await kit.engine.show(run_id))["steps"]}
        assert steps["cause_slow_refund"] == "completed"


async def test_a_failure_of_the_code_itself_is_kept_too() -> None:
    async with Kit(workflows=WORKFLOWS) as kit:
        run_id = await undoing(kit, of_its_own)
        await kit.engine.cancel(run_id)
        error = await failure(kit, run_id)
        assert "KeyError: 'x' (test_cause_kept.py:" in error.message and error.status == "cancelled"
        view = await kit.engine.explain(run_id)
        assert view["summary"].startswith("The run failed: ") and view["evidence"]["error_step"] is None
        assert view["summary"].endswith("; while what it had done was undone, it was cancelled.")


async def test_that_it_has_failed_is_told_while_it_undoes() -> None:
    async with Kit(workflows=WORKFLOWS) as kit:
        run_id = await undoing(kit, of_a_step)
        summary_ = (await kit.engine.explain(run_id))["summary"]
        assert "cause_slow_refund failed: " in summary_
        assert (
            " The run has failed, and what it had done is being undone. The last failure was that of "
            in summary_
        )
        assert "/do/1/cause_ship: Runtime Error (500): ValueError: no lorry" in summary_
        (told,) = (await kit.engine.status())["open"]
        assert told["summary"] == summary_
        idle = await undoing_nothing(kit)
        assert "has failed" not in (await kit.engine.explain(idle))["summary"]
        run_id = await undoing(kit, of_its_own)
        assert (await kit.engine.explain(run_id))["summary"].endswith(" what it had done is being undone.")


async def test_the_end_of_its_time_does_not_hide_it() -> None:
    async with Kit(workflows=WORKFLOWS) as kit:
        run_id = await undoing(kit, timed)
        await kit.advance(31)
        error = await failure(kit, run_id)
        assert error.status == "timed_out" and error.problem is not None
        assert str(error.problem["type"]).endswith("timeout")
        assert (
            "did not end within its timeout, while what it had done was undone: it had failed at "
            in error.message
        )
        assert NO_LORRY in error.message


async def test_terminate_tells_it_where_the_code_is() -> None:
    async with Kit(workflows=WORKFLOWS) as kit:
        run_id = await undoing(kit, of_a_step)
        await kit.engine.terminate(run_id, "enough")
        error = await failure(kit, run_id)
        assert error.status == "terminated" and NO_LORRY in error.message
        assert error.message.endswith("; terminated: enough")


async def test_a_cancel_of_a_run_that_has_not_failed_has_no_error() -> None:
    async with Kit(workflows=WORKFLOWS) as kit:
        run_id = await undoing_nothing(kit)
        await kit.engine.cancel(run_id, "enough")
        error = await failure(kit, run_id)
        assert error.problem is None and error.message.endswith(" ended as cancelled: enough")


async def undoing_nothing(kit: Kit) -> str:
    run = await kit.start(none)
    await kit.advance(1)
    return run.run_id
