"""What waits for people: who sees what, in which order, whatever happened to the process meanwhile."""

from __future__ import annotations

import pytest

from stepwell.model.errors import InvalidForm, InvalidInput, TransitionRefused
from stepwell.model.people import Actor, ActorKind
from stepwell.testing import Kit
from tests.people.support import Procedure, procedure

SHIFT = procedure(
    """
  - valves:
      call: form
      with: {title: Check the valves, fields: [{id: open, kind: checkbox, required: true}]}
      metadata: {after: [], assign: {people: [ada]}}
  - gauges:
      call: form
      with: {fields: [{id: pressure, kind: number, required: true}]}
      metadata: {assign: {groups: [stand]}, priority: 5}
  - log: {call: form, metadata: {deadline: PT1H}}
  - leave: {call: form, metadata: {after: [valves, gauges, log], autoStart: false}}
""",
    metadata="{fields: [{id: shift, kind: text, required: true}]}",
    name="shift",
)
FIELDS = {"shift": "night"}


def tasks(view: dict) -> list[str]:  # type: ignore[type-arg]
    return [item["task"] for item in view["items"]]


async def test_an_inbox_is_what_a_person_may_do() -> None:
    async with Procedure(SHIFT, FIELDS) as p:
        inbox = p.kit.engine.inbox
        assert tasks(await inbox()) == ["gauges", "log", "valves"]
        assert tasks(await inbox("ada")) == ["log", "valves"]
        assert tasks(await inbox("ada", mine=True)) == ["valves"]
        assert tasks(await inbox(Actor("bob", groups=("stand",)))) == ["gauges", "log"]
        assert tasks(await inbox(groups=["stand"])) == ["gauges"]
        assert (await inbox())["items"][2]["title"] == "Check the valves"
        first = await inbox(limit=1)
        assert (tasks(first), first["total"]) == (["gauges"], 3)
        assert tasks(await inbox(limit=5, cursor=first["cursor"])) == ["log", "valves"]
        with pytest.raises(InvalidInput, match="cursor"):
            await inbox(cursor="[1]")


async def test_what_is_done_leaves_the_inbox_and_what_is_offered_comes() -> None:
    async with Procedure(SHIFT, FIELDS) as p:
        e, run = p.kit.engine, p.handle.run_id
        await e.submit_step(run, "valves", {"open": True}, by="ada")
        await e.submit_step(run, "gauges", {"pressure": 3}, by="bob")
        await e.skip_step(run, "log", "no paper", by="bob")
        assert [(i["task"], i["state"]) for i in (await e.inbox())["items"]] == [("leave", "pending")]
        await e.assign_step(run, "leave", people=["cy"], by="ada")
        assert tasks(await e.inbox("cy", mine=True)) == ["leave"]
        await p.kit.reopen()
        e = p.kit.engine
        assert tasks(await e.inbox("cy", mine=True)) == ["leave"]
        assert (await e.doctor())["findings"] == []
        await e.start_step(run, "leave", by="cy")
        await e.submit_step(run, "leave", by="cy")
        assert (await e.inbox())["items"] == []
        assert (await e.procedure(run))["status"] == "completed"


async def test_the_index_can_be_made_anew() -> None:
    async with Procedure(SHIFT, FIELDS) as p:
        e, run = p.kit.engine, p.handle.run_id
        before = await e.inbox()
        assert (await e.doctor(rebuild=True))["ok"]
        assert await e.inbox() == before
        await e.abort(run, "storm", by="ada")
        await p.kit.drain()
        assert (await e.inbox())["items"] == []


@pytest.mark.spec("N15")
async def test_global_fields_are_set_at_the_start_and_editable_alone() -> None:
    async with Kit() as kit:
        with pytest.raises(InvalidForm, match="shift"):
            await kit.engine.start(SHIFT)
        assert (await kit.engine.list())["runs"] == []
        held = await kit.engine.start(SHIFT, held=True)
        with pytest.raises(InvalidForm, match="shift"):
            await kit.engine.begin(held.run_id, by="ada")
        assert (await kit.engine.set_fields(held.run_id, {"shift": "day"}, by="bob"))["fields"] == {
            "shift": "day"
        }
        view = await kit.engine.begin(held.run_id, by="ada")
        assert view["status"] == "running"
        assert view["stamps"]["started"]["by"] == "ada"
        assert view["stamps"]["fields"]["by"] == "bob"


async def test_a_step_says_what_can_be_asked_of_it() -> None:
    async with Procedure(SHIFT, FIELDS) as p:
        e, run = p.kit.engine, p.handle.run_id
        view = await e.show_step(run, "valves")
        assert view["can"] == ["set_values", "submit", "skip", "fail"]
        assert view["missing"] == ["open"]
        assert view["schema"]["required"] == ["open"]
        assert (await e.show_step(run, "leave"))["waits_for"] == ["/do/0/valves", "/do/1/gauges", "/do/2/log"]
        await e.submit_step(run, "valves", {"open": True}, by="ada")
        assert (await e.show_step(run, "valves"))["can"] == ["repeat"]


@pytest.mark.spec("N13")
async def test_the_audit_tells_who_did_what() -> None:
    async with Procedure(SHIFT, FIELDS) as p:
        e, run = p.kit.engine, p.handle.run_id
        await e.submit_step(run, "valves", {"open": True}, by="ada")
        await e.fail_step(run, "log", "pen is dry", by=Actor("logger", ActorKind.SERVICE))
        told = [(line["by"], line["kind"], line["what"]) for line in await e.audit(run)]
        assert told == [
            ("ada", "person", "step.values_set"),
            ("ada", "person", "step.submitted"),
            ("logger", "service", "step.failed"),
        ]
        await e.skip_step(run, "gauges", "no gauge", by="bob")
        assert all(line["by"] and line["kind"] in ("person", "service") for line in await e.audit(run))


async def test_nobody_can_speak_for_the_engine() -> None:
    async with Procedure(SHIFT, FIELDS) as p:
        for who in (Actor("x", ActorKind.ENGINE), "", " ", "a\nb", "x" * 201):
            with pytest.raises(InvalidInput):
                await p.kit.engine.submit_step(p.handle.run_id, "log", by=who)
        with pytest.raises(InvalidInput, match="nobody can ask for 'completed'"):
            await p.kit.engine.update_step(p.handle.run_id, "log", target="completed", by="ada")


async def test_a_guest_moves_a_procedure_and_its_engine_takes_note() -> None:
    """The command line of one process, the engine of another."""
    from stepwell.assembly import Stepwell

    async with Procedure(SHIFT, FIELDS) as p:
        run = p.handle.run_id
        guest = await Stepwell.open(p.kit.path, clock=p.kit.clock, guest=True)
        try:
            await guest.submit_step(run, "valves", {"open": True}, by="ada")
            await guest.skip_step(run, "log", "later", by="ada")
            await guest.submit_step(run, "gauges", {"pressure": 1}, by="bob")
            assert tasks(await guest.inbox()) == ["leave"]
            with pytest.raises(TransitionRefused, match="completed by ada"):
                await guest.submit_step(run, "valves", by="bob")
        finally:
            await guest.close()
        await p.kit.drain()
        await p.kit.engine.start_step(run, "leave", by="cy")
        await p.kit.engine.submit_step(run, "leave", by="cy")
        await p.kit.drain()
        assert (await p.run()).status == "completed"


def test_the_page_for_people_is_small_and_documented() -> None:
    import stepwell.people

    assert stepwell.people.__all__ == [
        "Actor",
        "ActorKind",
        "InvalidForm",
        "NotLinear",
        "Target",
        "from_nested",
        "to_nested",
    ]
    assert all(getattr(stepwell.people, name).__doc__ for name in stepwell.people.__all__)


@pytest.mark.spec("N13")
async def test_what_begins_by_itself_does_not_hide_who_signed() -> None:
    body = "\n  - one: {call: form}\n  - two: {call: form}\n"
    async with Procedure(procedure(body, name="two-forms")) as p:
        await p.kit.engine.submit_step(p.handle.run_id, "one", by="ada")
        told = await p.kit.engine.audit(p.handle.run_id)
        assert [(line["by"], line["what"]) for line in told] == [("ada", "step.submitted")]
        run = (await p.kit.engine.start(procedure(body, name="two-more"), author="cy")).run_id
        await p.kit.engine.pause(run, "lunch", by="bob")
        told = await p.kit.engine.audit(run)
        assert [(line["by"], line["what"]) for line in told] == [
            ("cy", "run.created"),
            ("cy", "run.started"),
            ("bob", "run.pausing"),
        ]


@pytest.mark.spec("N15", "X8")
async def test_what_somebody_has_decided_or_may_not_decide_is_not_in_their_inbox() -> None:
    asked = procedure(
        """
  - release: {call: approval, with: {need: 2, approvers: {groups: [crew]}}, metadata: {after: []}}
  - sign: {call: approval, with: {need: 2}, metadata: {after: []}}
""",
        name="asked",
    )
    ada, bob, eve = (Actor(name, groups=("crew",)) for name in ("ada", "bob", "eve"))
    async with Kit() as kit:
        e, run = kit.engine, (await kit.start(asked, title="Flight 7", author="eve")).run_id
        await kit.drain()
        for step in ("release", "sign"):
            await e.decide_approval(run, "approve", by=ada, step=step)
        await kit.drain()
        assert tasks(await e.inbox(ada)) == []
        assert (await e.inbox(ada))["total"] == 0
        assert tasks(await e.inbox(eve)) == [], "who began it does not approve it"
        assert sorted(tasks(await e.inbox(bob))) == ["release", "sign"]
        assert sorted(tasks(await e.inbox())) == ["release", "sign"], "for all it is still there"
        assert {item["run_title"] for item in (await e.inbox(bob))["items"]} == {"Flight 7"}
        assert (await e.doctor())["findings"] == []
        await kit.reopen()
        e = kit.engine
        assert (await e.doctor(rebuild=True))["ok"]
        assert (tasks(await e.inbox(ada)), len(tasks(await e.inbox(bob)))) == ([], 2)
        await e.decide_approval(run, "approve", by=bob, step="sign")
        assert tasks(await e.inbox(bob)) == ["release"]


@pytest.mark.spec("N15")
async def test_a_title_is_computed_when_a_form_is_offered_or_begun() -> None:
    titled = procedure(
        """
  - part: {set: {part: "${ $fields.shift } 7"}, metadata: {after: []}}
  - fill: {call: form, with: {title: "Fill ${ $steps.part.part }"}, metadata: {after: [part]}}
  - look: {call: form, with: {title: "Look at ${ $steps.part.part }"}, metadata: {after: [part], autoStart: false}}
  - hush: {call: form, with: {title: "${ $secrets.word } for ${ $fields.shift }"}, metadata: {after: [part]}}
  - odd: {call: form, with: {title: "${ $fields.shift | tonumber }"}, metadata: {after: [part]}}
""",
        metadata="{fields: [{id: shift, kind: text, required: true}]}",
        name="titled",
    ).replace("do:\n", "use: {secrets: [word]}\ndo:\n", 1)
    async with Kit(secrets={"word": "xyzzy"}, snapshot_every=1) as kit:
        run = (await kit.start(titled, FIELDS)).run_id
        await kit.drain()
        said = {item["task"]: item["title"] for item in (await kit.engine.inbox())["items"]}
        assert said == {
            "fill": "Fill night 7",
            "look": "Look at night 7",
            "hush": "*** for night",
            "odd": "${ $fields.shift | tonumber }",
        }
        assert (await kit.engine.show_step(run, "look"))["title"] == "Look at night 7"
        assert {line["title"] for line in (await kit.engine.procedure(run))["steps"]} >= {"Fill night 7"}
        await kit.reopen()
        assert (await kit.engine.doctor(rebuild=True))["ok"]
        assert {item["task"]: item["title"] for item in (await kit.engine.inbox())["items"]} == said
        await kit.engine.start_step(run, "look", by="ada")
        told = [e async for e in kit.engine.history(run) if e["type"] == "step.titled"]
        assert sorted(event["title"] for event in told) == [
            "*** for night",
            "Fill night 7",
            "Look at night 7",
        ]
