"""Completion conditions of real steps: what they wait for, through crashes, pauses, other engines and people."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from stepwell import Stepwell
from stepwell.model import commands as c
from stepwell.model.actions import Succeeded
from stepwell.model.errors import StepwellError, TransitionRefused
from stepwell.model.people import Target
from stepwell.model.people_commands import RepeatStep, ReportCondition, UpdateStep
from stepwell.testing import Crashed
from stepwell.testing.doors import START
from tests.people.support import ADA, BOB, Procedure, procedure
from tests.support.http_server import HttpServer, Reply, flaky

SECOND = 1_000_000
BEGAN = START // SECOND
SECRET = "s3cr3t-of-the-hook"


def one(condition: Any, *, before: str = "", captures: Any = (), use: str = "", **form: Any) -> str:
    """A procedure of one form with this condition, and a step after it."""
    given = {"condition": condition, "captures": list(captures), **form}
    body = f"""{before}
  - fill:
      call: form
      with: {json.dumps(given)}
  - after:
      set: {{given: "${{ $steps.fill }}"}}
      metadata: {{after: [fill]}}
"""
    return procedure(body, metadata="{fields: [{id: stand, kind: text}]}") + use


async def standing(p: Procedure, step: str = "fill") -> tuple[str, str]:
    """The status of the step, and of its condition."""
    tree = (await p.node(step)).condition
    return (await p.step(step)).status.value, tree["status"] if tree else ""


async def journal(p: Procedure) -> str:
    """Everything that is on record of the run, as text."""
    return repr(await p.kit.engine.engine.store.turns(p.handle.run_id))


async def turns(p: Procedure) -> int:
    return len(await p.kit.engine.engine.store.turns(p.handle.run_id))


async def report(p: Procedure, leaf: str, number: int, output: Any) -> None:
    await p.kit.engine.engine.command(
        p.handle.run_id, ReportCondition("/do/0/fill", leaf, number, Succeeded(output))
    )
    await p.kit.drain()


# --- leaves ---------------------------------------------------------------------------------------


@pytest.mark.spec("N7")
@pytest.mark.spec("N2")
async def test_a_submitted_step_is_completed_once_its_condition_holds() -> None:
    async with Procedure(one({"timer": "PT10S"})) as p:
        await p.submit("fill")
        assert await standing(p) == ("submitted", "in_progress")
        await p.kit.advance(9.9)
        assert await standing(p) == ("submitted", "in_progress")
        await p.kit.advance(0.1)
        assert await standing(p) == ("completed", "satisfied")
        assert (await p.run()).status == "completed"
        await p.kit.check()


@pytest.mark.spec("N7")
async def test_a_step_that_only_waits_needs_nobody() -> None:
    document = procedure(
        """
  - settle: {call: condition, with: {condition: {timer: PT10S}}}
  - after: {set: {at: "${ $steps.settle.completed_at }"}, metadata: {after: [settle]}}
"""
    )
    async with Procedure(document) as p:
        assert await standing(p, "settle") == ("submitted", "in_progress")
        await p.kit.advance(10)
        assert (await p.run()).output["after"] == {"at": "2023-11-14T22:13:30.000000Z"}


@pytest.mark.spec("N7")
async def test_an_expression_follows_variables_fields_other_steps_and_its_own_values() -> None:
    condition = {
        "all": [
            {"expression": "${ .pressure > 3 }"},
            {"expression": '${ $variables.valve == "open" }'},
            {"expression": '${ $steps.other.status == "completed" }'},
            {"expression": '${ $fields.stand == "A2" }'},
        ]
    }
    other = "\n  - other: {call: form, metadata: {after: []}}"
    document = one(condition, fields=[{"id": "pressure", "kind": "number"}]) + other
    async with Procedure(document, {"stand": "A1"}) as p:
        await p.submit("fill", {"pressure": 4})
        assert await standing(p) == ("submitted", "in_progress")
        await p.kit.engine.set_variables(p.handle.run_id, valve="open")
        await p.submit("other")
        assert [part["status"] for part in (await p.node("fill")).condition["children"]] == [
            "satisfied", "satisfied", "satisfied", "in_progress",
        ]  # fmt: skip
        from stepwell.model.people_commands import SetFields

        await p.ask(SetFields({"stand": "A2"}))
        assert await standing(p) == ("completed", "satisfied")
        await p.kit.check()


@pytest.mark.spec("N7")
async def test_what_is_not_set_fails_the_step_when_it_is_read() -> None:
    async with Procedure(one({"expression": "${ $fields.stand == 1 }"})) as p:
        await p.submit("fill")
        step = await p.step("fill")
        assert step.status == "failed" and step.error is not None
        assert "the field stand is not set" in str(step.error.detail)
        assert (await p.statuses())["after"] == "pending", "a failed step holds the run up"


@pytest.mark.spec("N7")
async def test_a_service_is_polled_until_it_says_yes() -> None:
    async with HttpServer() as server:
        server.route("/state", flaky(Reply.text("busy", 503), Reply.json({"up": 0}), Reply.json({"up": 1})))
        poll = {"endpoint": server.url("/state"), "until": "${ .up == 1 }", "every": "PT5S"}
        async with Procedure(one({"http": poll})) as p:
            await p.submit("fill")
            assert (await p.node("fill")).condition["code"] == 503
            await p.kit.advance(5)
            assert await standing(p) == ("submitted", "in_progress")
            await p.kit.advance(5)
            assert await standing(p) == ("completed", "satisfied")
            assert len(server.requests) == 3
            await p.kit.check()


@pytest.mark.spec("N7")
async def test_polls_that_say_nothing_new_write_nothing() -> None:
    async with HttpServer() as server:
        server.route("/state", Reply.json({"up": 0}))
        poll = {"endpoint": server.url("/state"), "until": "${ .up == 1 }", "every": "PT1S"}
        async with Procedure(one({"http": poll})) as p:
            await p.submit("fill")
            before = await turns(p)
            await p.kit.advance(20)
            assert len(server.requests) == 21 and await turns(p) == before


@pytest.mark.spec("N7")
async def test_a_job_over_http_is_asked_as_often_and_as_long_as_the_job_says() -> None:
    async with HttpServer() as server:
        server.route("/state", Reply.json({"up": 0}))
        poll = {"endpoint": server.url("/state"), "until": "${ .up == 1 }"}
        async with Procedure(one({"job": {"http": poll, "every": "PT1S", "timeout": "PT3.5S"}})) as p:
            await p.submit("fill")
            await p.kit.advance(3)
            assert len(server.requests) == 4
            await p.kit.advance(1)
            assert await standing(p) == ("failed", "failed")


@pytest.mark.spec("N7")
async def test_data_that_change_do_not_hurry_the_polls() -> None:
    async with HttpServer() as server:
        server.route("/state", Reply.json({"up": 0}))
        poll = {"endpoint": server.url("/state"), "method": "POST", "until": "${ .up == 1 }", "every": "PT9S"}
        async with Procedure(one({"all": [{"http": poll}, {"expression": "${ $variables.x }"}]})) as p:
            await p.submit("fill")
            await p.kit.advance(9)
            for n in range(5):
                await p.kit.engine.set_variables(p.handle.run_id, n=n)
                await p.kit.drain()
            keys = {request.headers["idempotency-key"] for request in server.requests}
            assert len(server.requests) == len(keys) == 2


@pytest.mark.spec("N7")
async def test_another_run_is_waited_for() -> None:
    other = procedure("  - wait: {call: form}\n", name="other")
    for ending, standing_then in ((Target.SUBMITTED, "completed"), (None, "failed")):
        async with Procedure(one({"job": {"run": "${ $variables.other }"}})) as p:
            handle = await p.kit.engine.start(other, {})
            await p.kit.engine.set_variables(p.handle.run_id, other=handle.run_id)
            await p.submit("fill")
            await p.kit.advance(4)
            assert await standing(p) == ("submitted", "in_progress")
            if ending is not None:
                await p.kit.engine.engine.command(handle.run_id, UpdateStep("wait", target=ending))
            else:
                await p.kit.engine.cancel(handle.run_id)
            await p.kit.advance(2)
            assert (await p.step("fill")).status == standing_then
            assert (await p.node("fill")).condition["job"] == ("completed" if ending else "cancelled")


@pytest.mark.spec("N7")
async def test_a_signal_is_for_whoever_waits_for_it() -> None:
    event = {"event": {"name": "ready", "correlation": "A2"}}
    async with Procedure(one(event)) as p:
        await p.submit("fill")
        send = p.kit.engine.signal
        assert (await send(p.handle.run_id, "ready", correlation="B1"))["status"] == "buffered"
        assert await standing(p) == ("submitted", "in_progress")
        assert (await send(p.handle.run_id, "ready", correlation="A2"))["status"] == "delivered"
        await p.kit.drain()
        assert await standing(p) == ("completed", "satisfied")
    async with Procedure(one(event)) as p:
        await p.kit.engine.signal(p.handle.run_id, "ready", correlation="A2")
        await p.submit("fill")
        assert await standing(p) == ("completed", "satisfied"), "one that came before is good too"
        await p.kit.check()


@pytest.mark.spec("N7")
async def test_a_condition_that_fails_fails_the_step_and_a_repeat_begins_anew() -> None:
    condition = {"not": {"expression": "${ $variables.leak }"}}
    async with Procedure(one({"any": [condition, {"event": {"name": "x", "timeout": "PT0S"}}]})) as p:
        await p.kit.engine.set_variables(p.handle.run_id, leak=True)
        await p.submit("fill")
        error = (await p.step("fill")).error
        assert error is not None and "timeout" in str(error.detail)
        await p.ask(RepeatStep("fill"))
        assert (await p.node("fill")).condition is None


@pytest.mark.spec("N7")
async def test_an_expression_that_might_not_end_is_computed_elsewhere() -> None:
    until = "${ [.list[] | select(. > 1)] | length == 2 }"
    async with HttpServer() as server:
        server.route("/state", flaky(Reply.json({"list": [1]}), Reply.json({"list": [1, 2, 3]})))
        poll = {"endpoint": server.url("/state"), "until": until, "every": "PT1S"}
        hanging = {"expression": "${ [range(0; $variables.n)] | add > 5 }"}
        async with Procedure(one({"all": [{"http": poll}, hanging]})) as p:
            await p.kit.engine.set_variables(p.handle.run_id, n=2)
            await p.submit("fill")
            await p.kit.advance(1)
            assert await standing(p) == ("submitted", "in_progress")
            await p.kit.engine.set_variables(p.handle.run_id, n=9)
            await p.kit.drain()
            assert await standing(p) == ("completed", "satisfied")
            await p.kit.check()


@pytest.mark.spec("N7")
async def test_a_retry_of_the_run_begins_the_condition_anew() -> None:
    """In a workflow that is no procedure a failed condition fails the run."""
    document = """
document: {dsl: '1.0.3', namespace: stand, name: gate, version: '1.0.0'}
do:
  - gate: {call: condition, with: {condition: {event: {name: go, timeout: PT5S}}}}
  - done: {set: {ok: true}}
"""
    async with Procedure(document) as p:
        await p.kit.advance(5)
        run = await p.run()
        assert run.status == "failed" and run.error is not None and "timeout" in str(run.error.detail)
        await p.kit.engine.retry(p.handle.run_id)
        await p.kit.drain()
        assert (await p.run()).status == "running"
        await p.kit.engine.signal(p.handle.run_id, "go")
        await p.kit.drain()
        assert (await p.run()).output == {"ok": True}
        await p.kit.check()


@pytest.mark.spec("Q10")
async def test_it_is_told_what_a_step_waits_for() -> None:
    condition = {
        "all": [
            {"timer": "PT5S"},
            {"event": "go"},
            {"expression": "${ $variables.x }"},
            {"job": {"run": "r"}},
        ]
    }
    async with Procedure(one(condition)) as p:
        await p.submit("fill")
        assert (await p.step("fill")).status == "failed", "there is no run r"
    del condition["all"][3]
    async with Procedure(one(condition)) as p:
        await p.submit("fill")
        told = await p.kit.engine.explain(p.handle.run_id)
        assert told["reason"] == "waiting_for_condition"
        assert told["details"][0]["summary"] == (
            "Step /do/0/fill was submitted 0 ms ago, and waits for a timer, until 2023-11-14T22:13:25.000000Z; "
            "the signal 'go'; an expression to become true."
        )


# --- series ---------------------------------------------------------------------------------------

HEAD = "time,channel,value\n"


def rows(*values: Any, first: int = 0, channel: str = "p") -> str:
    return "".join(f"{BEGAN + first + n},{channel},{value}\n" for n, value in enumerate(values))


def series(**members: Any) -> dict[str, Any]:
    given = {"source": {"file": "stand.csv"}, "channel": "p", "comparator": ">", "threshold": 5}
    return {"series": {**given, "every": "PT1S", **members}}


@pytest.mark.spec("N7")
async def test_a_half_counted_series_survives_a_crash_and_no_sample_counts_twice(tmp_path: Path) -> None:
    file = tmp_path / "stand.csv"
    file.write_text(HEAD + rows(6, 7, 8))
    async with Procedure(one(series(consecutive=5)), series_folder=tmp_path) as p:
        await p.submit("fill")
        before = (await p.node("fill")).condition
        view = (await p.kit.engine.show_step(p.handle.run_id, "fill"))["condition"]
        assert (view["submitted_at"], view["matched"]) == ("2023-11-14T22:13:20.000000Z", 3)
        assert "position" not in view
        assert (before["matched"], before["status"]) == (3, "in_progress")
        p.kit.crash()
        await p.kit.reopen()
        await p.kit.drain()
        assert (await p.node("fill")).condition == before, "what was read again was counted before"
        with file.open("a") as more:
            more.write(rows(9, first=3))
        await p.kit.advance(1)
        assert (await p.node("fill")).condition["matched"] == 4
        await p.kit.reopen()
        with file.open("a") as more:
            more.write(rows(9, first=4))
        await p.kit.advance(1)
        assert await standing(p) == ("completed", "satisfied")
        assert (await p.node("fill")).condition["first_match_at"] == START
        await p.kit.check()


@pytest.mark.spec("N7")
async def test_a_series_at_every_commit_crashed_and_gone_on(tmp_path: Path) -> None:
    """Wherever the process dies: the same counters, the same end, no sample twice."""
    file = tmp_path / "stand.csv"
    for commit in range(1, 7):
        file.write_text(HEAD + rows(6, 1, 7))
        async with Procedure(one(series(consecutive=3)), series_folder=tmp_path) as p:
            p.kit.crash_at(commit)
            for written in range(4):
                await again_after_a_crash(p, lambda p=p: carry_on(p))
                if written == 0:
                    assert (await p.node("fill")).condition["matched"] == 1
                with file.open("a") as more:
                    more.write(rows(8, first=3 + written))
            assert await standing(p) == ("completed", "satisfied"), commit
            found = (await p.node("fill")).condition
            assert (found["matched"], found["first_match_at"]) == (3, START + 2 * SECOND)
            await p.kit.check()


async def carry_on(p: Procedure) -> None:
    if (await p.step("fill")).status == "running":
        await p.submit("fill")
    await p.kit.advance(1)


async def again_after_a_crash(p: Procedure, what: Callable[[], Awaitable[None]]) -> None:
    """Do it; if the process dies of it, open the file again and do it once more."""
    try:
        await p.kit.play(lambda kit: what())
    except Crashed:
        await p.kit.reopen()
        await p.kit.drain()
        await what()


@pytest.mark.spec("N7")
async def test_a_channel_that_is_not_there_fails_the_step_at_once(tmp_path: Path) -> None:
    (tmp_path / "stand.csv").write_text(HEAD + rows(6, channel="q"))
    async with Procedure(one(series(timeout="PT60S")), series_folder=tmp_path) as p:
        await p.submit("fill")
        error = (await p.step("fill")).error
        assert error is not None and "channel_not_found" in str(error.detail)


@pytest.mark.spec("N7")
async def test_a_source_that_the_program_registered() -> None:
    given: list[tuple[float, Any]] = []
    condition = series(source={"name": "stand"}, held="PT2S", tags={"side": "${ .side }"})
    form = {"fields": [{"id": "side", "kind": "text"}]}
    asked = []

    def stand(channel: str, tags: dict[str, str], after: Any) -> Any:
        asked.append(tags)
        return list(given)

    async with Procedure(one(condition, **form), series={"stand": stand}) as p:
        await p.submit("fill", {"side": "left"})
        given += [(BEGAN, 6), (BEGAN + 1, 6)]
        await p.kit.advance(1)
        assert await standing(p) == ("submitted", "in_progress")
        given.append((BEGAN + 2, 6))
        await p.kit.advance(1)
        assert await standing(p) == ("completed", "satisfied")
        assert asked[0] == {"side": "left"}


# --- webhooks -------------------------------------------------------------------------------------

USE = "use: {secrets: [hook]}\n"


def hook(url: str, **members: Any) -> dict[str, Any]:
    return {"webhook": {"endpoint": url, "secret": "hook", "payload": {"p": "${ .pressure }"}, **members}}


FORM: dict[str, Any] = {"fields": [{"id": "pressure", "kind": "number"}]}


@pytest.mark.spec("N8")
async def test_a_webhook_is_tried_again_and_its_secret_is_nowhere_on_record() -> None:
    async with HttpServer() as server:
        server.route("/hook", flaky(Reply(503), Reply(500), Reply(202)))
        document = one(hook(server.url("/hook")), use=USE, **FORM)
        async with Procedure(document, secrets={"hook": SECRET}) as p:
            await p.submit("fill", {"pressure": 4.5})
            await p.kit.advance(15)
            assert await standing(p) == ("submitted", "in_progress")
            await p.kit.advance(30)
            assert await standing(p) == ("completed", "satisfied")
            tried = (await p.node("fill")).condition["attempts"]
            assert [(each["number"], each["code"]) for each in tried] == [(1, 503), (2, 500), (3, 202)]
            sent = [request.headers["stepwell-delivery"] for request in server.requests]
            assert sent == [each["delivery"] for each in tried] and len(set(sent)) == 3
            assert len({request.headers["idempotency-key"] for request in server.requests}) == 1
            assert {request.body for request in server.requests} == {b'{"p":4.5}'}
            assert SECRET not in await journal(p)
            await p.kit.check()


@pytest.mark.spec("N8")
async def test_an_attempt_whose_end_nobody_saw_is_made_again_under_its_own_id() -> None:
    async with HttpServer() as server:
        server.route("/hook", Reply(200))
        document = one(hook(server.url("/hook")), use=USE, **FORM)
        async with Procedure(document, secrets={"hook": SECRET}) as p:
            p.kit.crash_at(2)
            with pytest.raises(Crashed):
                await p.kit.play(lambda kit: p.submit("fill", {"pressure": 4.5}))
            await p.kit.reopen()
            await p.kit.drain()
            assert await standing(p) == ("completed", "satisfied")
            assert len(server.requests) == 2
            assert len({request.headers["stepwell-delivery"] for request in server.requests}) == 1
            assert len((await p.node("fill")).condition["attempts"]) == 1


@pytest.mark.spec("N8")
@pytest.mark.parametrize(
    ("reply", "members", "secrets", "reason"),
    [
        (Reply(404), {}, {"hook": SECRET}, "refused"),
        (Reply.redirect("/other"), {}, {"hook": SECRET}, "redirected"),
        (Reply(200), {"payload": "{${ .pressure }"}, {"hook": SECRET}, "bad_payload"),
        (Reply(200), {}, {}, "misconfigured"),
        (Reply(200), {}, {"hook": {"token": SECRET}}, "misconfigured"),
        (Reply(200), {"payload": "${ $fields.stand }"}, {"hook": SECRET}, "misconfigured"),
        (Reply(200), {"endpoint": "ftp://nowhere"}, {"hook": SECRET}, "misconfigured"),
    ],
)
async def test_why_a_webhook_ended_is_one_word(
    reply: Reply, members: dict[str, Any], secrets: dict[str, Any], reason: str
) -> None:
    async with HttpServer() as server:
        server.route("/hook", reply)
        document = one(hook(server.url("/hook"), **members), use=USE, **FORM)
        async with Procedure(document, secrets=secrets) as p:
            await p.submit("fill", {"pressure": 4.5})
            assert (await p.step("fill")).status == "failed"
            assert (await p.node("fill")).condition["reason"] == reason
            assert SECRET not in await journal(p)


# --- people, pauses and other engines -------------------------------------------------------------


@pytest.mark.spec("N3")
@pytest.mark.spec("N10")
async def test_a_skip_cancels_the_condition_and_what_comes_late_is_noted() -> None:
    condition = {
        "all": [
            {"series": {"source": {"name": "x"}, "channel": "p", "comparator": "exists"}},
            {"timer": "PT60S"},
        ]
    }
    async with Procedure(one(condition), series={"x": lambda *_: []}) as p:
        await p.submit("fill")
        number = (await p.node("fill")).condition["children"][0]["number"]
        await p.skip("fill", "not today")
        tree = (await p.node("fill")).condition
        assert [tree["status"], *(part["status"] for part in tree["children"])] == ["cancelled"] * 3
        # `after` reads the whole of what it follows and the run is over; so look at one that goes on
    document = one(condition) + "\n  - open: {call: form, metadata: {after: []}}"
    async with Procedure(document, series={"x": lambda *_: []}) as p:
        await p.submit("fill")
        await p.skip("fill", "not today")
        before = await p.step("fill")
        await report(p, "0", number, {"samples": [(START, 1)]})
        tree = (await p.node("fill")).condition
        assert tree["children"][0]["late"]["status"] == "satisfied"
        assert (tree["status"], await p.step("fill")) == ("cancelled", before)
        await p.kit.advance(60)
        assert (await p.step("fill")).status == "skipped"
        await p.kit.check()


@pytest.mark.spec("N10")
async def test_a_person_skips_while_the_condition_is_satisfied_and_one_of_them_wins() -> None:
    for first in ("person", "condition"):
        condition = {"series": {"source": {"name": "x"}, "channel": "p", "comparator": "exists"}}
        document = one(condition) + "\n  - open: {call: form, metadata: {after: []}}"
        async with Procedure(document, series={"x": lambda *_: []}) as p:
            await p.submit("fill")
            number = (await p.node("fill")).condition["number"]
            skip = c.Signed(BOB, UpdateStep("fill", target=Target.SKIPPED, reason="no time"))
            held = ReportCondition("/do/0/fill", "", number, Succeeded({"samples": [(START, 1)]}))
            commands = [skip, held] if first == "person" else [held, skip]
            engine = p.kit.engine.engine
            answers = await asyncio.gather(
                *(engine.command(p.handle.run_id, each) for each in commands), return_exceptions=True
            )
            await p.kit.drain()
            refused = [answer for answer in answers if answer is not None]
            if first == "person":
                assert (await p.step("fill")).status == "skipped" and refused == []
                assert (await p.node("fill")).condition["late"]["status"] == "satisfied"
            else:
                assert (await p.step("fill")).status == "completed"
                (error,) = refused
                assert (
                    isinstance(error, TransitionRefused) and "submitted by ada" in str(error)
                ) or "completed" in str(error)
            await p.kit.check()


@pytest.mark.spec("N2")
async def test_nobody_but_the_engine_reports() -> None:
    async with Procedure(one({"timer": "PT60S"})) as p:
        await p.submit("fill")
        before = await p.node("fill")
        with pytest.raises(StepwellError):
            await p.ask(ReportCondition("fill", "", 1, Succeeded({})))  # type: ignore[arg-type]
        assert await p.node("fill") == before


@pytest.mark.spec("N7")
async def test_a_pause_holds_back_the_asking_and_going_on_makes_up_for_it(tmp_path: Path) -> None:
    (tmp_path / "stand.csv").write_text(HEAD)
    condition = {"all": [series(), {"timer": "PT5S"}]}
    async with Procedure(one(condition), series_folder=tmp_path) as p:
        await p.submit("fill")
        await p.kit.engine.pause(p.handle.run_id)
        await p.kit.drain()
        (tmp_path / "stand.csv").write_text(HEAD + rows(6))
        await p.kit.advance(30)
        assert await standing(p) == ("submitted", "in_progress")
        await p.kit.engine.resume(p.handle.run_id)
        await p.kit.drain()
        assert await standing(p) == ("completed", "satisfied")
        await p.kit.check()


@pytest.mark.spec("N7")
async def test_a_guest_submits_and_the_engine_asks() -> None:
    """The guest has neither the secret nor the source."""
    async with HttpServer() as server:
        server.route("/hook", Reply(200))
        document = one(hook(server.url("/hook")), use=USE, **FORM)
        async with Procedure(document, secrets={"hook": SECRET}) as p:
            async with Stepwell.open(p.kit.path, guest=True, clock=p.kit.clock, warm_up=False) as guest:
                command = UpdateStep("fill", {"pressure": 1}, target=Target.SUBMITTED)
                await guest.engine.command(p.handle.run_id, c.Signed(ADA, command))
            await p.kit.look()
            assert await standing(p) == ("completed", "satisfied")
            assert len(server.requests) == 1


@pytest.mark.spec("N7")
async def test_a_conflict_in_the_journal_asks_anew() -> None:
    async with HttpServer() as server:
        server.route("/state", flaky(Reply.json({"up": 0}), Reply.json({"up": 1})))
        poll = {"endpoint": server.url("/state"), "until": "${ .up == 1 }", "every": "PT1S"}
        async with Procedure(one({"http": poll})) as p:
            p.kit.inject_conflict(times=2)
            await p.submit("fill")
            await p.kit.advance(3)
            assert await standing(p) == ("completed", "satisfied")
            await p.kit.check()


# --- measurements ---------------------------------------------------------------------------------


def capture(**members: Any) -> dict[str, Any]:
    return {
        "field": "pressure",
        "source": {"file": "stand.csv"},
        "channel": "p",
        "timeout": "PT3S",
        **members,
    }


@pytest.mark.spec("N14")
async def test_what_is_measured_at_start_and_completion_is_an_output(tmp_path: Path) -> None:
    file = tmp_path / "stand.csv"
    file.write_text(HEAD + rows(1, 2))
    captures = [capture(at=["start", "completion"]), capture(field="side", channel="q")]
    async with Procedure(one({"timer": "PT5S"}, captures=captures), series_folder=tmp_path) as p:
        view = await p.kit.engine.show_step(p.handle.run_id, "fill")
        assert view["captures"]["pressure/start"]["sample_at"] == "2023-11-14T22:13:21.000000Z"
        start = (await p.node("fill")).captures["pressure/start"]
        assert (start["status"], start["value"], start["sample_at"]) == ("succeeded", 2, START + SECOND)
        await p.submit("fill")
        file.write_text(HEAD + rows(1, 2, 8) + rows("left", channel="q"))
        await p.kit.advance(5)
        assert (await p.step("fill")).output == {"pressure": {"start": 2, "completion": 8}, "side": "left"}
        assert (await p.run()).output["after"]["given"]["pressure"] == {"start": 2, "completion": 8}
        await p.kit.check()


@pytest.mark.spec("N14")
@pytest.mark.parametrize(
    ("text", "members", "reason"),
    [
        (None, {}, "source_not_found"),
        (HEAD + rows(1, channel="q"), {}, "channel_not_found"),
        (HEAD, {}, "no_data"),
        (HEAD + rows(1), {"window": "PT0S"}, "no_data"),
        (HEAD, {"channel": "${ $fields.stand }"}, "misconfigured"),
    ],
)
@pytest.mark.parametrize("required", [False, True])
async def test_a_measurement_that_fails_is_the_steps_failure_only_where_that_was_asked_for(
    tmp_path: Path, text: str | None, members: dict[str, Any], reason: str, required: bool
) -> None:
    if text is not None:
        (tmp_path / "stand.csv").write_text(text)
    given = capture(**members, onFailure="fail" if required else "continue")
    async with Procedure(one({"timer": "PT1S"}, captures=[given]), series_folder=tmp_path) as p:
        await p.submit("fill")
        await p.kit.advance(1)
        await p.kit.advance(4)
        record = (await p.node("fill")).captures["pressure/completion"]
        assert (record["status"], record["reason"]) == ("failed", reason)
        assert (await p.step("fill")).status == ("failed" if required else "completed")
        await p.kit.check()


@pytest.mark.spec("N14")
async def test_what_was_not_measured_when_a_step_is_skipped_is_skipped(tmp_path: Path) -> None:
    (tmp_path / "stand.csv").write_text(HEAD)
    document = one({"timer": "PT9S"}, captures=[capture(at="start", timeout="PT60S")])
    async with Procedure(document, series_folder=tmp_path) as p:
        assert (await p.node("fill")).captures["pressure/start"]["status"] == "in_progress"
        await p.skip("fill")
        record = (await p.node("fill")).captures["pressure/start"]
        assert (record["status"], record["reason"]) == ("skipped", "step_ended")
        await p.kit.check()


@pytest.mark.spec("N14")
async def test_a_measurement_goes_on_after_a_crash(tmp_path: Path) -> None:
    file = tmp_path / "stand.csv"
    file.write_text(HEAD)
    document = one({"timer": "PT0S"}, captures=[capture(timeout="PT60S")])
    async with Procedure(document, series_folder=tmp_path) as p:
        await p.submit("fill")
        before = (await p.node("fill")).captures["pressure/completion"]
        assert before["status"] == "in_progress"
        p.kit.crash()
        file.write_text(HEAD + rows(7))
        await p.kit.reopen()
        await p.kit.drain()
        taken = (await p.node("fill")).captures["pressure/completion"]
        assert (taken["value"], taken["started_at"]) == (7, before["started_at"])
        assert (await p.step("fill")).status == "completed"
        await p.kit.check()
