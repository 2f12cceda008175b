"""The gate before the steps of Python workflows (SPEC X8)."""

from __future__ import annotations

from typing import Any

import pytest

from stepwell import InvalidInput, RunFailed, StepFailed, step, workflow
from stepwell.testing import Kit, kill_everywhere

pytestmark = [pytest.mark.spec("X8"), pytest.mark.spec("Q8")]

PAID: list[int] = []


@step(approval={"need": 2, "expires": "PT1H"})
def pay(amount: int) -> int:
    PAID.append(amount)
    return amount


@step
def look(amount: int) -> int:
    return amount


@workflow
async def gated_order(amount: int) -> str:
    look(amount)
    try:
        return f"paid {pay(amount)}"
    except StepFailed as refused:
        return refused.problem.type.rpartition("/")[2]


@workflow
async def gated_look(amount: int) -> int:
    return look(amount)


async def test_a_step_waits_for_its_quorum() -> None:
    PAID.clear()
    async with Kit() as kit:
        handle = await kit.engine.start(gated_order, 5)
        await kit.drain()
        asked = await kit.engine.approval(handle.run_id)
        assert (asked["what"], asked["arguments"], asked["need"]) == (
            "step:gated-order/pay",
            {"amount": 5},
            2,
        ) or asked
        stepwell = await kit.reopen()
        assert [each["run_id"] for each in await stepwell.pending_approvals("ada")] == [handle.run_id]
        await stepwell.decide_approval(handle.run_id, "approve", by="ada")
        assert PAID == []
        await stepwell.decide_approval(handle.run_id, "approve", by="bob")
        assert await stepwell.result(handle.run_id) == "paid 5"
        assert PAID == [5]
        assert (await stepwell.doctor())["ok"]


@pytest.mark.parametrize(("say", "came"), [("reject", "approval-rejected"), (None, "approval-expired")])
async def test_a_refusal_is_an_exception_in_the_workflow(say: str | None, came: str) -> None:
    async with Kit() as kit:
        handle = await kit.engine.start(gated_order, 5)
        await kit.drain()
        if say is not None:
            await kit.engine.decide_approval(handle.run_id, say, by="ada")
        await kit.advance(3601)
        assert await kit.engine.result(handle.run_id) == came


async def test_the_policy_of_the_engine_is_for_code_too() -> None:
    async with Kit(policy={"mode": "ask", "block": ["step:gated-order/*"]}) as kit:
        denied = await kit.engine.start(gated_order, 5)
        with pytest.raises(RunFailed, match="the engine blocks step:gated-order"):
            await kit.engine.result(denied.run_id)
        asked = await kit.engine.start(gated_look, 5)
        await kit.drain()
        await kit.engine.pause(asked.run_id)
        await kit.engine.decide_approval(asked.run_id, "approve", by="ada")
        await kit.drain()
        assert (await kit.engine.show(asked.run_id))["status"] == "paused"
        await kit.engine.resume(asked.run_id)
        assert await kit.engine.result(asked.run_id) == 5


async def test_the_process_dies_at_every_commit() -> None:
    async def scenario(kit: Kit) -> Any:
        handle = await kit.engine.start(gated_order, 5, key="order")
        await kit.drain()
        for name in ("ada", "bob"):
            asked = await kit.engine.approval(handle.run_id)
            if asked["status"] == "pending" and name not in [each["by"] for each in asked["decisions"]]:
                await kit.engine.decide_approval(handle.run_id, "approve", by=name)
        return await kit.engine.result(handle.run_id)

    survey = await kill_everywhere(scenario)
    assert survey.crashes >= 2 * (survey.commits - 1) > 0


@pytest.mark.parametrize("wrong", ["auto", 7, {"need": 0}, {"mode": "ask"}, {"expires": "soon"}])
def test_terms_that_are_none_are_refused(wrong: Any) -> None:
    with pytest.raises(InvalidInput):
        step(approval=wrong)(lambda: None)
