"""Error policies of tasks, by hand: what each strike does under each action (SPEC U8)."""

from __future__ import annotations

from typing import Any

import pytest

from stepwell.definition.parse import findings
from stepwell.model import commands as c
from stepwell.model import problem
from stepwell.model.effects import Interrupt
from tests.kernel.helpers import HEAD, SECOND, Driver, run

TASK = "do: [{a: {call: python, with: {function: a}, metadata: {errorPolicy: %s}}}, {b: {set: {done: true}}}]"

pytestmark = pytest.mark.spec("U8")


def begun(policy: str) -> Driver:
    return run(TASK % policy)


def boom(d: Driver) -> None:
    d.fail("a", problem.runtime("boom"))


def test_an_error_is_retried_so_often_with_growing_pauses() -> None:
    d = begun("{error: {action: retry, interval: PT1S, exponential: true, count: 3}}")
    for pause in (1, 2, 4):
        boom(d)
        assert (d.step("a").status, d.pending) == ("waiting", {})
        assert d.step("a").due == d.now + pause * SECOND
        d.advance(pause)
    boom(d)
    assert (d.status, d.step("a").attempt) == ("failed", 4)
    assert d.state.run.error is not None and d.state.run.error.detail == "boom"


def test_the_idempotency_key_is_the_same_for_every_attempt() -> None:
    d = begun("{error: {action: retry, count: 1}}")
    first = d.pending["/do/0/a"].key
    boom(d)
    d.advance(1)
    assert d.pending["/do/0/a"].key == first
    d.complete("a", 1)
    assert d.output == {"done": True}


def test_an_error_with_action_fail_is_an_error_as_any_other() -> None:
    d = begun("{error: {action: fail}}")
    boom(d)
    assert (d.status, d.step("a").attempt) == ("failed", 1)


def test_an_error_with_action_none_does_not_stop_the_run() -> None:
    d = begun("{error: {action: none}}")
    boom(d)
    assert (d.status, d.step("a").status, d.output) == ("completed", "failed", {"done": True})


def test_a_worker_that_says_no_is_not_asked_again() -> None:
    d = begun("{error: {action: retry}}")
    effect = d.take("a")
    d.send(c.FailStep(effect.step, effect.attempt, problem.runtime("no"), retry=False))
    assert d.status == "failed"


def test_a_result_that_cannot_be_shaped_is_not_performed_again() -> None:
    d = run(
        "do: [{a: {call: python, with: {function: a}, output: {as: '${ error }'},"
        " metadata: {errorPolicy: {error: {action: retry}}}}}]"
    )
    d.complete("a", 1)
    assert (d.status, d.step("a").attempt) == ("failed", 1)


def test_retries_come_before_the_block_around_catches() -> None:
    d = run(
        "do: [{t: {try: [{a: {call: python, with: {function: a},"
        " metadata: {errorPolicy: {error: {action: retry, count: 1}}}}}], catch: {do: [{c: {set: {caught: true}}}]}}}]"
    )
    boom(d)
    assert d.status == "running"
    d.advance(1)
    boom(d)
    assert (d.status, d.output) == ("completed", {"caught": True})


@pytest.mark.parametrize("strike", ["start", "response"])
def test_a_late_task_times_out(strike: str) -> None:
    d = begun(f"{{{strike}: {{after: PT5S}}}}")
    d.advance(4)
    assert d.status == "running"
    d.advance(1)
    assert (d.status, d.step("a").status, d.pending) == ("failed", "timed_out", {})


@pytest.mark.parametrize("strike", ["start", "response"])
def test_a_late_task_is_begun_again(strike: str) -> None:
    d = begun(f"{{{strike}: {{after: PT5S, action: retry, count: 1, interval: PT3S}}}}")
    d.now += 5 * SECOND
    decision = d.send(c.FireTimer("/do/0/a", strike))
    assert Interrupt("/do/0/a", 1) in decision.effects
    d.advance(3)
    assert (d.step("a").attempt, d.pending["/do/0/a"].attempt) == (2, 2)
    d.advance(5)
    assert (d.status, d.step("a").status) == ("failed", "timed_out"), "one retry, and the limit counts anew"


@pytest.mark.parametrize("strike", ["start", "response", "completion"])
def test_a_late_task_may_go_on(strike: str) -> None:
    d = begun(f"{{{strike}: {{after: PT5S, action: none}}}}")
    d.advance(60)
    assert d.status == "running"
    d.complete("a", 1)
    assert d.status == "completed"


def test_a_report_is_a_sign_of_life() -> None:
    d = begun("{response: {after: PT5S}}")
    for _ in range(4):
        d.advance(4)
        d.send(c.ReportProgress("/do/0/a", 1, "working"))
    assert d.status == "running"
    d.advance(4)
    assert d.status == "running"
    d.advance(1)
    assert d.step("a").status == "timed_out"


def test_completion_counts_over_all_attempts() -> None:
    d = begun("{completion: {after: PT10S}, error: {action: retry, interval: PT4S, count: 99}}")
    boom(d)
    d.advance(4)
    boom(d)
    d.advance(4)
    boom(d)  # the next attempt would begin too late
    assert (d.status, d.step("a").status) == ("failed", "failed")
    assert d.step("a").attempt == 3


def test_completion_strikes_while_it_waits_for_its_next_attempt() -> None:
    d = begun("{completion: {after: PT10S}, error: {action: retry, interval: PT9S}}")
    boom(d)
    d.advance(9)
    assert d.status == "running"
    d.advance(1)
    assert (d.status, d.step("a").status) == ("failed", "timed_out")


def test_a_retry_by_hand_begins_with_all_attempts_again() -> None:
    d = begun("{error: {action: retry, count: 1}}")
    boom(d)
    d.advance(1)
    boom(d)
    assert d.status == "failed"
    d.send(c.RetryRun())
    boom(d)
    assert (d.status, d.step("a").status) == ("running", "waiting")


def test_a_pause_holds_the_next_attempt_back() -> None:
    d = begun("{error: {action: retry}}")
    boom(d)
    d.send(c.PauseRun())
    d.advance(10)
    assert (d.status, d.pending) == ("paused", {})
    d.send(c.ResumeRun())
    d.advance(0)
    d.complete("a")
    assert d.status == "completed"


def test_a_lost_engine_sets_the_timers_again() -> None:
    d = begun("{response: {after: PT5S}}")
    d.timers.clear()
    d.now += 3 * SECOND
    d.send(c.Recover(("/do/0/a",)))
    d.send(c.Proceed())
    assert {t.due for t in d.timers if t.purpose == "response"} == {d.now + 5 * SECOND}


def test_a_workflow_that_failed_is_run_again_as_another_run() -> None:
    d = run(
        "do: [{a: {run: {workflow: {namespace: test, name: other, version: '1.0.0'}},"
        " metadata: {errorPolicy: {error: {action: retry, count: 1}}}}}]"
    )
    first = d.pending["/do/0/a"].action
    boom(d)
    d.advance(1)
    second = d.pending["/do/0/a"].action
    assert first.run_id != second.run_id  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("policy", "says"),
    [
        ("{completion: {after: PT5S, action: retry}}", "cannot be tried again"),
        ("{start: {action: fail}}", "after"),
        ("{error: {after: PT1S}}", "after"),
        ("{error: {action: explode}}", "explode"),
        ("{late: {after: PT1S}}", "late"),
        ("{error: {action: retry, count: -1}}", "-1"),
        ("{start: {after: soon}}", "soon"),
        ("{start: {after: '${ .x }'}}", "expression"),
        ("{}", "errorPolicy"),
        ("[]", "a list"),
    ],
)
def test_what_is_no_policy_is_refused_with_its_line(policy: str, says: str) -> None:
    found = findings(HEAD.format(name="flow") + TASK % policy)
    assert len(found) == 1, found
    assert says in str(found[0]) or says in found[0].pointer
    assert found[0].line == 3


@pytest.mark.parametrize(
    ("task", "says"),
    [
        ("{set: {x: 1}, metadata: {errorPolicy: {error: {action: retry}}}}", "`call` and `run`"),
        ("{do: [{b: {set: {x: 1}}}], metadata: {errorPolicy: {error: {action: retry}}}}", "`call` and `run`"),
        (
            "{call: python, with: {function: a}, timeout: {after: PT1S},"
            " metadata: {errorPolicy: {completion: {after: PT5S}}}}",
            "says already",
        ),
    ],
)
def test_a_policy_must_fit_its_task(task: str, says: str) -> None:
    found = findings(HEAD.format(name="flow") + f"do: [{{a: {task}}}]")
    assert [says in str(one) for one in found] == [True], found


def test_a_task_that_is_not_through_yet_is_called_again() -> None:
    d = run("do: [{a: {call: python, with: {function: a}}}]")
    effect = d.take("a")
    d.send(c.DeferStep(effect.step, effect.attempt, 5 * SECOND, "half"))
    d.advance(5)
    assert (d.status, d.step("a").status, d.step("a").progress) == ("running", "running", "half")
    d.complete("a", 1)
    assert d.output == 1


def test_options_of_a_newer_version_are_left_aside() -> None:
    from stepwell.model.recourse import Strike, rule_of

    options: dict[str, Any] = {"policy": {"error": {"action": "retry", "news": 1}, "meteor": {}}}
    rule = rule_of(options, Strike.ERROR)
    assert rule is not None and rule.action == "retry"
