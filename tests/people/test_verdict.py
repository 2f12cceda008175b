"""Verifications: a form that passes, fails, or is referred to others."""

from __future__ import annotations

import pytest

from stepwell.definition.parse import findings
from stepwell.model.errors import InvalidForm
from stepwell.model.people import assignment
from stepwell.model.people_commands import RepeatStep, UpdateStep
from tests.people.support import ADA, BOB, Procedure, procedure

pytestmark = pytest.mark.spec("S7")

INSPECT = procedure("""
  - inspect:
      call: form
      with:
        fields: [{id: gap, kind: number, required: true}]
        verdict: true
        refer: {people: [bob], groups: [quality]}
        actions: [{set: {gap: "${ $steps.this.gap }"}}]
  - go:
      set: {seen: "${ $steps.inspect.verdict }"}
      metadata: {after: [inspect]}
""")


async def test_a_pass_lets_go() -> None:
    async with Procedure(INSPECT) as p:
        with pytest.raises(InvalidForm, match="verdict"):
            await p.submit("inspect", {"gap": 0.1})
        await p.submit("inspect", {"gap": 0.1, "verdict": "pass"})
        assert (await p.run()).output["go"] == {"seen": "pass"}


async def test_a_fail_needs_a_reason_and_holds_the_run_up_until_it_is_done_again() -> None:
    async with Procedure(INSPECT) as p:
        with pytest.raises(InvalidForm, match="reason"):
            await p.submit("inspect", {"gap": 2, "verdict": "fail", "reason": " "})
        assert (await p.node("inspect")).values == {}
        await p.submit("inspect", {"gap": 2, "verdict": "fail", "reason": "too\n wide"})
        step, node = await p.step("inspect"), await p.node("inspect")
        assert (step.status, step.error.title, step.error.detail) == ("failed", "Failed by ada", "too wide")  # type: ignore[union-attr]
        assert (node.stamps["submitted"].by, node.values["verdict"]) == ("ada", "fail")
        assert "gap" not in (await p.run()).variables, "its actions are for what passes"
        assert (await p.statuses())["go"] == "pending"
        await p.ask(RepeatStep("inspect"))
        await p.submit("inspect", {"gap": 0, "verdict": "pass"}, BOB)
        assert (await p.run()).status == "completed"


async def test_a_referral_hands_it_to_others_and_keeps_what_was_filled_in() -> None:
    async with Procedure(INSPECT) as p:
        await p.submit("inspect", {"gap": 1, "verdict": "refer", "reason": "near the limit"})
        step, node = await p.step("inspect"), await p.node("inspect")
        assert step.status == "running"
        assert node.values == {
            "gap": 1
        }  # the reason is in the history: the next one gives a reason of their own
        assert assignment(node.assign) == (("bob",), ("quality",))
        assert node.stamps["assigned"].by == "ada"
        await p.kit.reopen()
        await p.submit("inspect", {"verdict": "pass"}, BOB)
        assert (await p.run()).status == "completed"
        await p.kit.check()


async def test_a_referral_ends_nothing_by_itself() -> None:
    """With auto-proceed, the verdict that is taken back is what keeps the form open."""
    async with Procedure(INSPECT) as p:
        await p.ask(UpdateStep("inspect", {"gap": 1}, auto_proceed=True))
        await p.ask(UpdateStep("inspect", {"verdict": "refer"}), ADA)
        assert (await p.step("inspect")).status == "running"
        await p.ask(UpdateStep("inspect", {"verdict": "pass"}), BOB)
        assert (await p.run()).status == "completed"


async def test_where_nobody_is_named_nothing_is_referred() -> None:
    document = INSPECT.replace("        refer: {people: [bob], groups: [quality]}\n", "")
    async with Procedure(document) as p:
        with pytest.raises(InvalidForm, match="'refer' is not one of: pass, fail"):
            await p.submit("inspect", {"gap": 1, "verdict": "refer"})


def test_the_fields_of_a_verdict_are_its_own() -> None:
    text = INSPECT.replace("id: gap", "id: verdict").replace("this.gap", "this.reason")
    assert [found.code for found in findings(text)] == ["duplicate"]
    text = INSPECT.replace("        verdict: true\n", "")
    assert [found.code for found in findings(text)] == ["option", "unknown-field"]
    assert [f.code for f in findings(INSPECT.replace("{people: [bob], groups: [quality]}", "{}"))] == [
        "nobody"
    ]
