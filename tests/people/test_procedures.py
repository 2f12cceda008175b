"""A procedure from its first step to its last: who did what, what waits for what, what is done again."""

from __future__ import annotations

import pytest

from stepwell.model.errors import Conflict, InvalidForm, InvalidInput, TransitionRefused
from stepwell.model.people import Target
from stepwell.model.people_commands import EndRun, RepeatStep, UpdateStep
from tests.people.support import ADA, BOB, Procedure, procedure

LEAK_CHECK = procedure(
    """
  - check:
      call: form
      with:
        fields: [{id: pressure, kind: number, required: true}]
        actions:
          - event: {type: checked, title: "p = ${ .pressure }"}
          - set: {last: "${ $steps.this.pressure }"}
      metadata: {required: true}
  - pump:
      set: {on: "${ $steps.check.pressure > 3 }"}
      metadata: {after: [check]}
  - look:
      call: form
      with: {fields: [{id: ok, kind: checkbox}]}
      metadata: {after: [check], autoStart: false}
  - close:
      call: form
      with: {fields: [{id: note, kind: text, required: true}]}
      metadata: {after: [pump, look]}
""",
    metadata="{autoClose: false}",
    name="leak-check",
)


@pytest.mark.spec("N2")
@pytest.mark.spec("N6")
async def test_people_and_code_take_turns() -> None:
    async with Procedure(LEAK_CHECK) as p:
        assert await p.statuses() == {
            "check": "running",
            "pump": "pending",
            "look": "pending",
            "close": "pending",
        }
        await p.submit("check", {"pressure": 4.5})
        assert await p.statuses() == {
            "check": "completed",
            "pump": "completed",
            "look": "pending",
            "close": "pending",
        }
        assert (await p.step("pump")).output == {"on": True}
        await p.start("look", BOB)
        await p.submit("look", {"ok": True}, BOB)
        await p.submit("close", {"note": "dry"})
        assert (await p.run()).status == "running"
        await p.ask(EndRun(True))
        run = await p.run()
        assert run.status == "completed"
        assert run.output["check"] == {"pressure": 4.5}
        assert run.variables == {"last": 4.5}
        assert run.stamps["completed"].by == "ada"


@pytest.mark.spec("N13")
async def test_every_change_has_its_stamp() -> None:
    async with Procedure(LEAK_CHECK) as p:
        await p.submit("check", {"pressure": 1})
        await p.start("look", BOB)
        await p.skip("look", "no light")
        stamps = (await p.node("look")).stamps
        assert {what: stamp.by for what, stamp in stamps.items()} == {"started": "bob", "skipped": "ada"}
        assert stamps["skipped"].reason == "no light"
        stamps = (await p.node("check")).stamps
        assert (stamps["started"].by, stamps["submitted"].by, stamps["completed"].by) == (None, "ada", None)


@pytest.mark.spec("N2")
@pytest.mark.spec("N3")
@pytest.mark.spec("N4")
async def test_what_is_refused_changes_nothing() -> None:
    async with Procedure(LEAK_CHECK) as p:
        before = await p.node("check")
        with pytest.raises(InvalidForm, match="pressure"):
            await p.submit("check")
        with pytest.raises(TransitionRefused, match="required"):
            await p.skip("check")
        with pytest.raises(TransitionRefused, match="waits for /do/0/check"):
            await p.start("look")
        with pytest.raises(InvalidInput, match="without a reason"):
            await p.skip("look", " ")
        with pytest.raises(
            TransitionRefused, match="cannot succeed: required steps are not through: /do/0/check"
        ):
            await p.ask(EndRun(True))
        assert await p.node("check") == before
        await p.submit("check", {"pressure": 1})
        with pytest.raises(TransitionRefused, match="completed by ada: its values cannot be changed"):
            await p.ask(UpdateStep("check", {"pressure": 2}), BOB)


@pytest.mark.spec("N11")
async def test_all_of_an_update_or_nothing() -> None:
    async with Procedure(LEAK_CHECK) as p:
        with pytest.raises(InvalidForm):
            await p.ask(
                UpdateStep("check", {"pressure": 1, "other": 2}, auto_proceed=True, target=Target.SUBMITTED)
            )
        assert (await p.node("check")).values == {}
        version = (await p.node("check")).version
        await p.ask(UpdateStep("check", {"pressure": 1}, version=version))
        with pytest.raises(Conflict, match="updated by ada meanwhile"):
            await p.ask(UpdateStep("check", {"pressure": 2}, version=version), BOB)
        assert (await p.node("check")).values == {"pressure": 1}


@pytest.mark.spec("N12")
async def test_a_repeat_downstream_freezes_what_came_after() -> None:
    async with Procedure(LEAK_CHECK) as p:
        await p.submit("check", {"pressure": 1})
        await p.skip("look")
        await p.ask(RepeatStep("check", downstream=True), BOB)
        assert await p.statuses() == {
            "check": "running",
            "pump": "pending",
            "look": "pending",
            "close": "pending",
        }
        old = await p.node("/do/1/pump")
        assert old.outdated
        assert old.replaced_by == (await p.step("pump")).id == "/do/1/pump[1]"
        with pytest.raises(TransitionRefused, match="outdated"):
            await p.ask(RepeatStep("/do/1/pump"))
        assert (await p.node("/do/0/check")).replaced_by == (await p.step("check")).id
        assert not (await p.node("/do/0/check")).outdated
        await p.submit("check", {"pressure": 9})
        assert (await p.step("pump")).output == {"on": True}


@pytest.mark.spec("N12")
async def test_a_repeat_alone_leaves_what_came_after() -> None:
    async with Procedure(LEAK_CHECK) as p:
        await p.submit("check", {"pressure": 1})
        await p.skip("look")
        await p.ask(RepeatStep("check", update=UpdateStep("", {"pressure": 2})))
        assert await p.statuses() == {
            "check": "running",
            "pump": "completed",
            "look": "skipped",
            "close": "running",
        }
        assert (await p.node("check")).values == {"pressure": 2}
        assert (await p.node("check")).repeat_of == "/do/0/check"


@pytest.mark.spec("N3")
async def test_a_failed_step_holds_the_procedure_up_until_it_is_repeated() -> None:
    async with Procedure(LEAK_CHECK) as p:
        await p.fail("check", "gauge is broken")
        assert (await p.run()).status == "running"
        assert (await p.step("check")).error.title == "Failed by ada"  # type: ignore[union-attr]
        assert (await p.step("pump")).status == "pending"
        await p.ask(RepeatStep("check"))
        await p.submit("check", {"pressure": 5})
        assert (await p.step("pump")).status == "completed"


@pytest.mark.spec("N10")
async def test_an_event_that_cannot_be_made_fails_the_step_after_its_end() -> None:
    body = """
  - look:
      call: form
      with:
        fields: [{id: ok, kind: checkbox}]
        actions: [{event: {type: looked, title: "${ $steps.this.ok }"}}]
"""
    async with Procedure(procedure(body)) as p:
        await p.skip("look", "dark")
        step, node = await p.step("look"), await p.node("look")
        assert step.status == "failed"
        assert "this.ok is not set" in (step.error.detail or "")  # type: ignore[union-attr]
        assert node.stamps["skipped"].reason == "dark"
        assert node.notices["0"]["status"] == "error"


@pytest.mark.spec("N6")
async def test_what_is_not_set_cannot_be_read() -> None:
    body = """
  - look: {call: form, with: {fields: [{id: height, kind: number}]}}
  - use: {set: {value: "${ $steps.look.height }"}, metadata: {after: [look]}}
"""
    async with Procedure(procedure(body)) as p:
        await p.submit("look")
        assert (await p.step("use")).status == "failed"
        assert "look.height is not set" in ((await p.step("use")).error.detail or "")  # type: ignore[union-attr]


@pytest.mark.spec("N13")
async def test_a_procedure_is_ended_as_failed_with_a_reason() -> None:
    async with Procedure(LEAK_CHECK) as p:
        with pytest.raises(InvalidInput, match="reason"):
            await p.ask(EndRun(False))
        await p.ask(EndRun(False, "the tank is gone"), ADA)
        run = await p.run()
        assert (run.status, run.error.detail) == ("failed", "the tank is gone")  # type: ignore[union-attr]


async def test_after_a_restart_everything_is_where_it_was() -> None:
    async with Procedure(LEAK_CHECK) as p:
        await p.submit("check", {"pressure": 4})
        await p.start("look", BOB)
        before = await p.kit.engine.state(p.handle.run_id)
        nodes, graphs = dict(before.nodes), dict(before.graphs)
        await p.kit.reopen()
        after = await p.kit.engine.state(p.handle.run_id)
        assert (after.nodes, after.graphs) == (nodes, graphs)
        await p.submit("look", {"ok": True})
        await p.submit("close", {"note": "x"})
        assert set((await p.statuses()).values()) == {"completed"}


@pytest.mark.spec("N6")
async def test_the_output_of_a_procedure_names_its_steps() -> None:
    document = LEAK_CHECK.replace("{autoClose: false}", "{}")
    document += (
        "output: {as: {pressure: '${ $steps.check.pressure }', by: '${ $steps.close.submitted_by }'}}\n"
    )
    async with Procedure(document) as p:
        await p.submit("check", {"pressure": 4.5})
        await p.skip("look")
        await p.submit("close", {"note": "dry"}, BOB)
        assert (await p.run()).output == {"pressure": 4.5, "by": "bob"}


@pytest.mark.spec("N9")
async def test_every_action_sees_the_outputs_of_its_step_whatever_the_one_before_gave() -> None:
    body = """
  - load:
      call: form
      with:
        fields: [{id: mass, kind: number, required: true}]
        actions:
          - function: {function: weigh}
          - set: {half: "${ .mass / 2 }"}
          - set: {third: "${ .mass / 3 }"}
"""
    async with Procedure(procedure(body), functions={"weigh": lambda: {"scale": 1}}) as p:
        await p.submit("load", {"mass": 6})
        assert (await p.statuses()) == {"load": "completed"}
        assert (await p.run()).variables == {"half": 3, "third": 2}
