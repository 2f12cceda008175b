"""Odd combinations: retries, repeats, pauses and blocks in ways that nobody plans and somebody does."""

from __future__ import annotations

from datetime import timedelta

import pytest

from stepwell.model.errors import InvalidForm, TransitionRefused
from stepwell.model.people import Target
from stepwell.model.people_commands import EndRun, RepeatStep, UpdateStep
from tests.people.support import Procedure, procedure

TWO = procedure(
    """
  - a: {call: form, with: {fields: [{id: n, kind: integer}]}}
  - b: {call: form}
""",
    name="odd-two",
)
NESTED = procedure(
    """
  - o:
      do:
        - a: {call: form, metadata: {after: [], required: true}}
        - b: {call: form, metadata: {after: [a]}}
      metadata: {after: []}
  - z: {call: form, metadata: {after: [o]}}
""",
    name="odd-nested",
)


async def test_a_retry_leaves_outdated_steps_where_they_are() -> None:
    async with Procedure(TWO) as p:
        await p.submit("a")
        await p.ask(RepeatStep("a", downstream=True))
        await p.ask(EndRun(False, "enough"))
        await p.kit.engine.retry(p.handle.run_id)
        await p.kit.drain()
        assert [item["step"] for item in (await p.kit.engine.inbox())["items"]] == ["/do/0/a[1]"]
        await p.submit("a")
        await p.submit("b")
        assert (await p.run()).status == "completed"


async def test_what_is_over_inside_a_block_is_not_repeated() -> None:
    async with Procedure(NESTED) as p:
        await p.fail("/do/0/o/do/0/a")
        view = await p.kit.engine.show_step(p.handle.run_id, "/do/0/o/do/0/a")
        assert "repeat" not in view["can"]
        with pytest.raises(TransitionRefused, match="gone through once"):
            await p.ask(RepeatStep("/do/0/o/do/0/a"))
        await p.ask(RepeatStep("o"))
        assert (await p.kit.engine.doctor())["ok"]


async def test_what_is_required_inside_a_block_is_required() -> None:
    async with Procedure(NESTED) as p:
        with pytest.raises(TransitionRefused, match="required inside it: /do/0/o/do/0/a"):
            await p.skip("o")
        with pytest.raises(TransitionRefused, match="not through: /do/0/o/do/0/a"):
            await p.ask(EndRun(True))


async def test_exit_ends_what_stands_beside_it() -> None:
    body = "\n  - a: {call: form, then: exit, metadata: {after: []}}\n  - b: {call: form, metadata: {after: []}}\n"
    async with Procedure(procedure(body, name="odd-exit")) as p:
        await p.submit("a")
        assert (await p.run()).status == "completed"
        assert (await p.step("b")).status == "cancelled"


async def test_a_run_that_is_held_cannot_be_paused_and_one_that_began_not_begun() -> None:
    async with Procedure(TWO) as p:
        e = p.kit.engine
        held = (await e.start(TWO, held=True)).run_id
        with pytest.raises(TransitionRefused, match="has not begun"):
            await e.pause(held)
        await e.begin(held, by="ada")
        with pytest.raises(TransitionRefused, match="begun already"):
            await e.begin(held, by="bob")


async def test_fields_are_complete_before_a_procedure_waits_in_a_queue_and_stay_so() -> None:
    document = procedure(
        "\n  - a: {call: form}\n",
        metadata="{fields: [{id: op, kind: text, required: true}]}",
        name="odd-fields",
    )
    async with Procedure(document, {"op": "x"}) as p:
        e, run = p.kit.engine, p.handle.run_id
        with pytest.raises(InvalidForm, match="op"):
            await e.start(document, queue="default")
        with pytest.raises(InvalidForm, match="op"):
            await e.set_fields(run, {"op": None}, by="ada")
        await e.set_fields(run, {"op": "new"}, by="ada")
        again = await e.rerun(run)
        assert (await e.procedure(again.run_id))["fields"] == {"op": "new"}


async def test_a_second_repeat_keeps_what_comes_after() -> None:
    async with Procedure(TWO) as p:
        await p.submit("a")
        await p.submit("b")
    body = "\n  - a: {call: form}\n  - b: {call: form}\n  - c: {call: form}\n"
    async with Procedure(procedure(body, name="odd-three")) as p:
        await p.submit("a")
        await p.submit("b")
        for _ in range(2):
            await p.ask(RepeatStep("a"))
            await p.submit("a")
        await p.ask(RepeatStep("a", downstream=True))
        assert (await p.node("/do/1/b")).outdated
        assert (await p.node("/do/2/c")).outdated


async def test_a_step_whose_turn_had_come_waits_for_the_repeated_one() -> None:
    async with Procedure(TWO) as p:
        e, run = p.kit.engine, p.handle.run_id
        await e.pause(run)
        await p.skip("a")
        assert (await p.step("b")).status == "scheduled"
        await p.ask(RepeatStep("a"))
        await e.resume(run)
        await p.kit.drain()
        assert await p.statuses() == {"a": "running", "b": "pending"}


async def test_nothing_is_offered_before_the_repeated_step_is_through() -> None:
    body = "\n  - a: {call: form, metadata: {after: []}}\n  - b: {call: form, metadata: {after: [a], autoStart: false}}\n"
    async with Procedure(procedure(body, name="odd-offer", metadata="{autoClose: false}")) as p:
        await p.submit("a")
        await p.ask(RepeatStep("a"))
        assert [item["task"] for item in (await p.kit.engine.inbox())["items"]] == ["a"]
        await p.submit("a")
        assert [item["task"] for item in (await p.kit.engine.inbox())["items"]] == ["b"]


async def test_auto_proceed_waits_until_a_pause_is_over() -> None:
    body = (
        "\n  - a: {call: form, with: {autoProceed: true, fields: [{id: n, kind: integer, required: true}]}}\n"
    )
    async with Procedure(procedure(body, name="odd-pause")) as p:
        e, run = p.kit.engine, p.handle.run_id
        await e.pause(run)
        await p.ask(UpdateStep("a", {"n": 1}))
        assert (await p.step("a")).status == "running"
        await e.resume(run)
        await p.kit.drain()
        assert (await p.run()).status == "completed"


async def test_a_retry_goes_on_with_the_actions_of_values_that_stay_frozen() -> None:
    body = """
  - a:
      call: form
      with:
        fields: [{id: n, kind: integer}]
        actions:
          - set: {n: "${ .n }"}
          - run: {namespace: stand, name: nowhere, version: 1.0.0}
"""
    async with Procedure(TWO) as p:
        e = p.kit.engine
        await e.add_definition(TWO.replace("odd-two", "nowhere"))
        run = (await e.start(procedure(body, name="odd-actions"))).run_id
        e.engine.dispatch.submit = lambda work: None  # nobody performs it
        await e.submit_step(run, "a", {"n": 1}, by="ada")
        await e.fail(run, "enough", by="ada")
        await e.retry(run)
        view = await e.show_step(run, "a")
        assert view["status"] == "submitted"
        with pytest.raises(TransitionRefused):
            await e.set_values(run, "a", {"n": 2}, by="ada")


async def test_an_event_that_cannot_be_made_is_caught_by_the_block_around() -> None:
    document = """
document: {dsl: '1.0.3', namespace: odd, name: odd-try, version: '1.0.0'}
do:
  - o:
      try:
        - a: {call: form, with: {fields: [{id: n, kind: integer}], actions: [{event: {type: "${ $steps.this.n | tostring }"}}]}}
      catch: {do: [{c: {set: {caught: true}}}]}
"""
    async with Procedure(TWO) as p:
        run = (await p.kit.engine.start(document)).run_id
        await p.kit.engine.submit_step(run, "/do/0/o/try/0/a", by="ada")
        assert await p.kit.result(run) == {"caught": True}


async def test_secrets_are_not_in_events_for_the_outside() -> None:
    document = """
document: {dsl: '1.0.3', namespace: odd, name: odd-secret, version: '1.0.0', metadata: {procedure: {}}}
use: {secrets: [tok]}
do:
  - a: {call: form, with: {actions: [{event: {type: t, title: "${ $secrets.tok }"}}]}}
"""
    async with Procedure(TWO, secrets={"tok": "S3CRET-VALUE"}) as p:
        run = (await p.kit.engine.start(document)).run_id
        await p.kit.engine.submit_step(run, "a", by="ada")
        told = [event async for event in p.kit.engine.history(run)]
        assert any(event["type"] == "step.noticed" for event in told)
        assert "S3CRET-VALUE" not in repr(told)


async def test_a_verdict_without_its_reason_waits_for_it() -> None:
    body = """
  - a: {call: form}
  - w: {wait: {seconds: 5}}
  - b: {call: form, with: {verdict: true, autoProceed: true}}
"""
    async with Procedure(procedure(body, name="odd-verdict")) as p:
        e, run = p.kit.engine, p.handle.run_id
        await e.set_values(run, "b", {"verdict": "fail"}, by="ada")
        await p.submit("a")
        await p.kit.advance(timedelta(seconds=5))
        assert (await p.step("b")).status == "running"
        await e.set_values(run, "b", {"reason": "it leaks"}, by="ada")
        assert (await p.step("b")).status == "failed"


async def test_a_repeat_can_only_leave_the_new_step_out() -> None:
    from stepwell.model.errors import InvalidInput

    async with Procedure(TWO) as p:
        await p.submit("a")
        with pytest.raises(InvalidInput, match="begins by itself"):
            await p.ask(RepeatStep("a", update=UpdateStep("", target=Target.SUBMITTED)))


@pytest.mark.spec("N3")
async def test_nobody_gets_past_what_is_required_by_skipping_what_comes_after_it() -> None:
    body = """
  - valves: {call: form, metadata: {after: [], required: true}}
  - note: {call: form, metadata: {after: [valves]}}
  - fire: {call: form, metadata: {after: [note]}}
"""
    async with Procedure(procedure(body, name="odd-past")) as p:
        await p.skip("note", "late")
        assert await p.statuses() == {"valves": "running", "note": "skipped", "fire": "pending"}
        with pytest.raises(TransitionRefused, match="waits for /do/1/note"):
            await p.start("fire")
        await p.kit.reopen()
        await p.submit("valves")
        assert await p.statuses() == {"valves": "completed", "note": "skipped", "fire": "running"}
        await p.submit("fire")
        assert (await p.run()).status == "completed"


@pytest.mark.spec("N17")
async def test_a_run_is_filed_under_the_labels_of_its_procedure() -> None:
    document = procedure(
        "\n  - a: {call: form}\n", metadata="{labels: [engine], properties: {stand: A2}}", name="odd-labels"
    )
    async with Procedure(document) as p:
        found = await p.kit.engine.search_runs("label:engine")
        assert [run["run_id"] for run in found["runs"]] == [p.handle.run_id]
        other = (await p.kit.engine.start(document, labels=["mine"])).run_id
        assert [run["run_id"] for run in (await p.kit.engine.search_runs("label:mine"))["runs"]] == [other]
