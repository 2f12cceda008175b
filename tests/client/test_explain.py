"""Every state that a run can be stuck in has a reason, a sentence, a way on, and evidence (SPEC Q10)."""

from __future__ import annotations

from typing import Any

import pytest

from stepwell.client.explain import explain
from stepwell.client.open_steps import held, span
from stepwell.kernel.standing import child_id
from stepwell.model import commands as c
from stepwell.model import problem
from stepwell.model.records import State
from stepwell.model.states import WaitReason
from tests.kernel.helpers import SECOND, Driver

pytestmark = pytest.mark.spec("Q10")

SHELL = "do: [work: {run: {shell: {command: 'true'}}}, more: {set: {x: 1}}]"
WAIT = "do: [nap: {wait: {seconds: 90}}]"
RETRY = """
do:
  - guarded:
      try: [work: {run: {shell: {command: 'true'}}}]
      catch: {retry: {delay: {seconds: 5}, limit: {attempt: {count: 3}}}}
"""
CHILD = "do: [sub: {run: {workflow: {namespace: n, name: w, version: '1.0.0'}}}]"
LATER = "do: [work: {set: {x: 1}, metadata: {schedule: {after: {minutes: 2}}}}]"


def told(driver: Driver, *, carried_on: bool = True, after: float = 0) -> dict[str, Any]:
    return explain(driver.state, driver.now + int(after * SECOND), carried_on)


def commands(view: dict[str, Any]) -> list[str]:
    return [action["command"] for action in view["next_actions"]]


def started(source: str, *orders: c.Command, **options: Any) -> Driver:
    driver = Driver(source).start(**options)
    for order in orders:
        driver.send(order)
    return driver


def failed() -> Driver:
    driver = started(SHELL)
    driver.fail("work", problem.communication(503, "busy"))
    return driver


def timed_out() -> Driver:
    driver = started("timeout: {after: {seconds: 1}}\n" + SHELL)
    driver.advance(2)
    return driver


def retrying() -> Driver:
    driver = started(RETRY)
    driver.fail("work", problem.communication(503, "busy"))
    return driver


def completed() -> Driver:
    driver = started(SHELL)
    driver.complete("work", {})
    return driver


STATES = {
    "step_running": (lambda: started(SHELL), "running", "stepwell runs watch run"),
    "waiting_for_timer": (lambda: started(WAIT), "running", "stepwell runs cancel run"),
    "waiting_for_retry": (retrying, "running", "stepwell runs show run"),
    "waiting_for_children": (lambda: started(CHILD), "running", "stepwell runs explain run-"),
    "step_scheduled": (lambda: started(LATER), "running", "stepwell runs watch run"),
    "paused_by_debugger": (
        lambda: started(SHELL, mode="debug"),
        "running",
        "stepwell runs resume run --step /do/0/work",
    ),
    "pausing": (lambda: started(SHELL, c.PauseRun()), "pausing", "stepwell runs resume run"),
    "paused": (lambda: started(WAIT, c.PauseRun()), "paused", "stepwell runs resume run"),
    "cancelling": (
        lambda: started(SHELL, c.CancelRun("enough")),
        "cancelling",
        "stepwell runs terminate run",
    ),
    "cancelled": (lambda: started(WAIT, c.CancelRun("enough")), "cancelled", "stepwell runs retry run"),
    "terminated": (lambda: started(SHELL, c.TerminateRun("enough")), "terminated", "stepwell runs rerun run"),
    "failed": (failed, "failed", "stepwell runs retry run"),
    "timed_out": (timed_out, "timed_out", "stepwell runs retry run"),
    "completed": (completed, "completed", "stepwell runs rerun run"),
}


@pytest.mark.parametrize("reason", STATES)
def test_every_state_has_its_reason_and_a_way_on(reason: str) -> None:
    make, status, command = STATES[reason]
    view = told(make())
    assert (view["reason"], view["status"]) == (reason, status)
    assert [found for found in commands(view) if found.startswith(command)], commands(view)
    assert view["summary"][0].isupper() and "\n" not in view["summary"]
    assert view["evidence"]["change"] > 0
    assert {"run_id", "status", "reason", "summary", "details", "next_actions", "evidence"} == set(view)


def test_a_running_step_says_since_when_and_how_often() -> None:
    driver = started(SHELL)
    driver.send(c.Recover(("/do/0/work",)))
    view = told(driver, after=61)
    assert "/do/0/work (run:shell) has been running for 1 min 1 s" in view["summary"]
    assert "2nd time" in view["summary"]
    assert view["details"][0]["for_seconds"] == 61
    assert view["details"][0]["executions"] == 2


def test_a_timer_says_until_when() -> None:
    view = told(started(WAIT), after=30)
    assert "in 1 min 0 s, at 1970-01-01T00:18:10" in view["summary"]
    assert view["details"][0]["in_seconds"] == 60
    late = told(started(WAIT), after=100)
    assert "it was due 10.0 s ago" in late["summary"]
    assert late["details"][0]["in_seconds"] == 0


def test_a_retry_says_which_attempt_why_and_when() -> None:
    view = told(retrying(), after=2)
    assert "Attempt 1 of step /do/0/guarded failed: Communication Error (503): busy" in view["summary"]
    assert "begins in 3.0 s" in view["summary"]
    assert view["details"][0]["error"]["status"] == 503


@pytest.mark.parametrize("reason", ["pausing", "cancelling"])
def test_what_must_stop_or_end_first_is_named(reason: str) -> None:
    assert told(STATES[reason][0]())["summary"].endswith(": /do/0/work.")


def test_a_pause_does_not_wait_for_another_run() -> None:
    driver = started(CHILD, c.PauseRun())
    assert told(driver)["reason"] == "paused"


def test_a_child_is_named() -> None:
    view = told(started(CHILD))
    child = child_id("run", "/do/0/sub", 1)
    assert view["details"][0]["child_run_id"] == child
    assert child in view["summary"]
    assert f"stepwell runs explain {child}" in commands(view)


@pytest.mark.parametrize(
    "reason", ["step_running", "waiting_for_timer", "pausing", "cancelling", "step_scheduled"]
)
def test_without_an_engine_that_is_the_reason(reason: str) -> None:
    view = told(STATES[reason][0](), carried_on=False)
    assert view["reason"] == "not_carried_on"
    assert commands(view)[0] == "stepwell serve"


@pytest.mark.parametrize("reason", ["paused", "paused_by_debugger"])
def test_a_paused_run_waits_for_a_person_first_and_an_engine_then(reason: str) -> None:
    view = told(STATES[reason][0](), carried_on=False)
    assert view["reason"] == reason
    assert "stepwell serve" in commands(view)
    assert "stepwell serve" not in commands(told(STATES[reason][0]()))


def test_a_failure_names_the_step_and_what_was_tolerated_before() -> None:
    driver = started(
        """
        do:
          - first: {run: {shell: {command: 'true'}}, metadata: {optional: true}}
          - second: {run: {shell: {command: 'true'}}}
        """
    )
    driver.fail("first", problem.runtime("small"))
    driver.fail("second", problem.runtime("big"))
    view = told(driver)
    assert view["summary"] == (
        "The run failed at /do/1/second: Runtime Error (500): big; 1 failure before it had been tolerated."
    )
    assert view["evidence"]["error_step"] == "/do/1/second"
    assert list(view["evidence"]["tolerated"]) == ["/do/0/first"]


def test_a_run_whose_input_was_refused_cannot_be_retried_but_started_with_another() -> None:
    driver = started(
        "input: {schema: {document: {type: object, required: [a]}}}\n" + SHELL,
    )
    view = told(driver)
    assert view["reason"] == "failed"
    assert "stepwell runs retry run" not in commands(view)
    assert "stepwell runs rerun run --input @FILE" in commands(view)


def test_the_reason_of_a_cancel_is_told() -> None:
    assert told(started(WAIT, c.CancelRun("enough")))["summary"] == "The run was cancelled: enough"


def test_the_most_telling_open_step_leads() -> None:
    driver = started(
        """
        do:
          - both:
              fork:
                branches:
                  - nap: {wait: {seconds: 5}}
                  - work: {run: {shell: {command: 'true'}}}
        """
    )
    view = told(driver)
    assert view["reason"] == "step_running"
    assert [detail["reason"] for detail in view["details"]] == ["step_running", "waiting_for_timer"]
    assert "1 other step open too" in view["summary"]


def test_a_step_id_is_quoted_for_the_shell() -> None:
    driver = started(
        "do: [loop: {for: {each: x, in: '[1]'}, do: [work: {set: {x: 1}, metadata: {debug: {pause: true}}}]}]"
    )
    assert "stepwell runs resume run --step '/do/0/loop/do[0]/0/work'" in commands(told(driver))


def test_only_a_person_can_move_a_run_that_is_held() -> None:
    paused, running, debugged = (
        STATES[name][0]().state for name in ("paused", "step_running", "paused_by_debugger")
    )
    parent = STATES["waiting_for_children"][0]().state
    child = child_id("run", "/do/0/sub", 1)
    assert held(paused, {})
    assert held(debugged, {})
    assert not held(running, {})
    assert held(parent, {child: paused})
    assert not held(parent, {child: running})
    assert not held(parent, {})


def test_a_run_that_has_just_begun_is_going_on() -> None:
    state: State = Driver(SHELL).state
    assert explain(state, 0, True)["reason"] == "going_on"


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (-5, "0 ms"),
        (12_000, "12 ms"),
        (1_340_000, "1.3 s"),
        (245 * SECOND, "4 min 5 s"),
        (7_380 * SECOND, "2 h 3 min"),
        (446_400 * SECOND, "5 d 4 h"),
    ],
)
def test_lengths_of_time_are_for_people(length: int, words: str) -> None:
    assert span(length) == words


def test_the_reason_of_a_pause_is_told() -> None:
    driver = started(SHELL, c.PauseRun("stock is counted"))
    assert "(stock is counted)" in told(driver)["summary"]
    driver.complete("work", {})
    view = told(driver)
    assert view["summary"].endswith("it waits for a person: stock is counted.")
    assert view["evidence"]["pause_reason"] == "stock is counted"
    driver.send(c.ResumeRun())
    assert driver.state.run.pause_reason is None


@pytest.mark.parametrize(
    ("kind", "reason"),
    [("code-missing", "code_missing"), ("code-mismatch", "code_mismatch"), ("x", "stalled")],
)
def test_a_run_whose_code_cannot_go_on_says_so(kind: str, reason: str) -> None:
    driver = started(WAIT)
    driver.state.run.stalled = problem.Problem(
        problem.PREFIX + kind, 409, "Code", "the third call is another one"
    )
    view = told(driver, carried_on=False)
    assert view["reason"] == reason
    assert "the third call is another one" in view["summary"]
    assert commands(view)
    assert view["evidence"]["stalled"]["status"] == 409


def test_a_wait_for_a_signal_names_it() -> None:
    driver = started(WAIT)
    step = driver.step("nap")
    step.reason, step.kind, step.input = WaitReason.EVENT, "listen", {"signal": "paid"}
    view = told(driver, after=3)
    assert view["reason"] == "waiting_for_event"
    assert "for the signal 'paid'; it gives up in 1 min 27 s" in view["summary"]


def test_what_is_late_says_how_late() -> None:
    assert told(started(WAIT), after=100)["details"][0]["overdue_seconds"] == 10
