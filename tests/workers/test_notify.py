"""Channels that are told something: over HTTP, and by functions of the program."""

from __future__ import annotations

from typing import Any

import pytest

from stepwell.model.actions import Failed, NotifyAction, Outcome, Succeeded
from stepwell.model.errors import InvalidInput
from stepwell.testing import Kit, kill_everywhere
from stepwell.workers.context import StepFault, current
from stepwell.workers.notify import NotifyRunner
from tests.people.support import Procedure, procedure
from tests.support.http_server import DROP, STALL, HttpServer, Reply
from tests.support.work_context import PlainContext

pytestmark = pytest.mark.spec("N9")

SAID = NotifyAction("ops", "Ready", "The stand is ready")
MESSAGE = {
    "channel": "ops",
    "title": "Ready",
    "message": "The stand is ready",
    "run": "run",
    "step": "/do/0/step",
    "key": "run:/do/0/step",
}


async def tell(notifier: Any, action: NotifyAction = SAID) -> Outcome:
    runner = NotifyRunner({"ops": notifier})
    try:
        return await runner.perform(action, PlainContext())
    finally:
        await runner.close()


async def test_a_url_gets_the_message_and_the_key() -> None:
    async with HttpServer() as server:
        server.route("/hook", Reply(204))
        assert await tell(server.url("/hook")) == Succeeded({"channel": "ops"})
        (got,) = server.requests
    assert (got.method, got.json) == ("POST", MESSAGE)
    assert got.headers["idempotency-key"] == MESSAGE["key"]


@pytest.mark.parametrize(
    ("reply", "status", "text"),
    [(Reply(404), 404, "answered 404"), (Reply.redirect("/x"), 302, "answered 302"), (DROP, 500, "reached")],
)
async def test_what_is_not_taken_fails_and_shows_no_address(reply: Any, status: int, text: str) -> None:
    async with HttpServer() as server:
        server.route("/T0-secret", reply)
        outcome = await tell(server.url("/T0-secret"))
    assert isinstance(outcome, Failed) and outcome.problem.status == status
    assert text in str(outcome.problem.detail) and "T0-secret" not in repr(outcome)


async def test_no_answer_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stepwell.workers.notify.TIMEOUT", 20_000)
    async with HttpServer() as server:
        server.route("/hook", STALL)
        outcome = await tell(server.url("/hook"))
    assert isinstance(outcome, Failed) and outcome.problem.status == 408


async def test_functions_get_it_plain_or_async() -> None:
    told: list[dict[str, Any]] = []

    async def softly(message: dict[str, Any]) -> object:
        told.append({**message, "attempt": current().attempt})
        return object()

    assert await tell(softly) == Succeeded({"channel": "ops"})
    assert await tell(told.append) == Succeeded({"channel": "ops"})
    assert told == [{**MESSAGE, "attempt": 1}, MESSAGE]


async def test_a_function_that_raises_fails_the_step() -> None:
    def broken(message: dict[str, Any]) -> None:
        raise OSError("the pager is off")

    async def refusing(message: dict[str, Any]) -> None:
        raise StepFault("not now", status=503)

    outcome = await tell(broken)
    assert isinstance(outcome, Failed) and "OSError: the pager is off" in str(outcome.problem.detail)
    outcome = await tell(refusing)
    assert isinstance(outcome, Failed) and outcome.problem.status == 503


async def test_a_channel_that_is_not_there_names_those_that_are() -> None:
    outcome = await tell(print, SAID._replace(channel="opps"))
    assert isinstance(outcome, Failed) and not outcome.retry
    assert str(outcome.problem.detail) == (
        "there is no channel 'opps' (did you mean ops?); this engine was given: ops"
    )


@pytest.mark.parametrize("notifier", [7, "ftp://x/y", "ops", "https://user:pw@example.com/hook", "http://\n"])
async def test_what_can_tell_nobody_anything_is_refused_when_it_is_given(notifier: Any) -> None:
    with pytest.raises(InvalidInput, match="nothing can be told to channel 'ops'") as caught:
        NotifyRunner({"ops": notifier})
    assert "pw" not in str(caught.value)


READY = procedure(
    """
  - check:
      call: form
      with:
        fields: [{id: level, kind: number, required: true}]
        actions:
          - notify: {channel: "${ $fields.channel }", title: "Level", message: "It is ${ .level }"}
          - set: {told: true}
      metadata: {after: []}
""",
    metadata="{fields: [{id: channel, kind: text}]}",
)


async def test_a_step_tells_a_channel_before_it_is_completed() -> None:
    told: list[dict[str, Any]] = []
    async with Procedure(READY, {"channel": "ops"}, notifiers={"ops": told.append}) as p:
        await p.submit("check", {"level": 7.5})
        assert [(one["title"], one["message"]) for one in told] == [("Level", "It is 7.5")]
        assert told[0]["run"] == p.handle.run_id and told[0]["key"].startswith(p.handle.run_id)
        assert (await p.run()).status == "completed"


async def test_a_channel_that_is_not_there_fails_the_step_that_names_it() -> None:
    async with Procedure(READY, {"channel": "nobody"}, notifiers={"ops": print}) as p:
        await p.submit("check", {"level": 1})
        step = await p.step("check")
        assert step.status == "failed" and step.error is not None
        assert "this engine was given: ops" in str(step.error.detail)


async def test_it_is_told_at_least_once_under_one_key_wherever_the_process_dies() -> None:
    keys: list[str] = []

    async def scenario(kit: Kit) -> Any:
        run = (await kit.engine.start(READY, {"channel": "ops"}, key="one")).run_id
        await kit.drain()
        if "submit" in (await kit.engine.show_step(run, "check"))["can"]:
            await kit.engine.submit_step(run, "check", {"level": 1}, by="ada")
        output = await kit.result(run)
        assert len({key.partition(":")[2] for key in keys}) == 1
        return output

    await kill_everywhere(scenario, notifiers={"ops": lambda message: keys.append(message["key"])})
