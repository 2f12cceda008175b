"""Start, pause, resume, cancel, terminate, retry, variables, recovery: the life of a run (SPEC X2, S3, S5, S6, Q9, Q12)."""

import pytest

from stepwell.kernel.decide import RECOVERIES
from stepwell.model import commands as c
from stepwell.model.effects import Interrupt, Perform
from stepwell.model.errors import InvalidInput, TransitionRefused
from stepwell.model.problem import runtime
from tests.kernel.helpers import Driver

TWO = """
do:
  - a: {call: python, with: {function: a}}
  - b: {call: python, with: {function: b}}
"""


@pytest.mark.spec("X2")
def test_pause_drains_holds_and_resumes() -> None:
    d = Driver(TWO).start()
    d.send(c.PauseRun())
    assert d.status == "pausing"
    d.complete("a", 1)
    assert d.status == "paused"
    assert d.step("b").status == "scheduled"
    assert not d.pending
    d.send(c.ResumeRun())
    assert d.status == "running"
    d.complete("b", 2)
    assert (d.status, d.output) == ("completed", 2)
    assert d.state.run.paused_at is not None and d.state.run.resumed_at is not None


def test_a_timer_that_comes_due_in_a_pause_fires_on_resume() -> None:
    d = Driver("do:\n  - w: {wait: {seconds: 5}}\n  - s: {set: {x: 1}}").start()
    d.send(c.PauseRun())
    assert d.status == "paused"
    d.advance(60)
    assert d.status == "paused"
    d.send(c.ResumeRun())
    d.advance(0)
    assert d.status == "completed"


@pytest.mark.spec("S6", "Q9")
def test_cancel_interrupts_and_settles() -> None:
    d = Driver(TWO).start()
    decision = d.send(c.CancelRun("enough"))
    assert d.status == "cancelling"
    assert decision.effects == [Interrupt("/do/0/a", 1)]
    d.send(c.SettleStep("/do/0/a", 1))
    assert (d.status, d.state.run.cancel_reason) == ("cancelled", "enough")
    assert d.step("a").status == "cancelled"


def test_cancel_with_nothing_in_flight_is_through_at_once() -> None:
    d = Driver("do:\n  - w: {wait: {seconds: 5}}").start()
    d.send(c.CancelRun())
    assert d.status == "cancelled"


@pytest.mark.spec("S5")
def test_a_late_success_is_recorded_and_revives_nothing() -> None:
    d = Driver(TWO).start()
    d.send(c.CancelRun())
    d.complete("a", "late")
    assert d.status == "cancelled"
    assert d.step("a").status == "completed"
    with pytest.raises(TransitionRefused):
        d.send(c.CompleteStep("/do/0/a", 1, "later still"))


def test_terminate_ends_at_once() -> None:
    d = Driver(TWO).start()
    decision = d.send(c.TerminateRun("now"))
    assert d.status == "terminated"
    assert Interrupt("/do/0/a", 1) in decision.effects


@pytest.mark.spec("Q3", "S5")
def test_results_of_other_attempts_are_refused_and_change_nothing() -> None:
    d = Driver(TWO).start()
    before = d.replayed()
    for command in (
        c.CompleteStep("/do/0/a", 2, 1),
        c.FailStep("/do/0/a", 0, runtime("x")),
        c.CompleteStep("/do/1/b", 1, 1),
    ):
        with pytest.raises(Exception, match=r"attempt|no step"):
            d.send(command)
    assert d.state == before


@pytest.mark.spec("X2", "Q12")
def test_retry_goes_on_from_the_failed_frontier() -> None:
    d = Driver("""
    do:
      - a: {call: python, with: {function: a}}
      - block:
          do:
            - b: {call: python, with: {function: b}}
            - c: {set: {after: '${ . }'}}
    """).start()
    d.complete("a", 1)
    d.fail("b", runtime("x"))
    assert d.status == "failed"
    d.send(c.RetryRun())
    assert (d.status, d.state.run.generation, d.state.run.error) == ("running", 2, None)
    assert d.step("b").attempt == 2
    assert list(d.pending) == ["/do/1/block/do/0/b"]
    d.complete("b", 5)
    assert d.output == {"after": 5}
    assert d.order() == ["a", "block", "b", "c"]


def test_retry_reopens_the_branches_that_were_cancelled() -> None:
    d = Driver("""
    do:
      - both:
          fork:
            branches:
              - a: {call: python, with: {function: a}}
              - b: {call: python, with: {function: b}}
              - c: {call: python, with: {function: c}}
    """).start()
    d.complete("c", "C")
    d.fail("a", runtime("x"))
    d.pending.clear()
    d.send(c.RetryRun())
    assert sorted(d.pending) == ["/do/0/both/fork/branches/0/a", "/do/0/both/fork/branches/1/b"]
    d.complete("b", "B")
    d.complete("a", "A")
    assert d.output == ["A", "B", "C"]
    assert d.replayed() == d.state


def test_retry_of_a_failed_handler_does_not_touch_what_it_handled() -> None:
    d = Driver("""
    do:
      - t:
          try: [{f: {call: python, with: {function: f}}}]
          catch: {do: [{h: {call: python, with: {function: h}}}]}
    """).start()
    d.fail("f", runtime("x"))
    d.fail("h", runtime("y"))
    d.send(c.RetryRun())
    assert list(d.pending) == ["/do/0/t/catch/do/0/h"]
    d.complete("h", "handled")
    assert d.output == "handled"


def test_retry_is_refused_without_a_failure() -> None:
    d = Driver(TWO).start()
    with pytest.raises(TransitionRefused):
        d.send(c.RetryRun())
    d.complete("a")
    d.complete("b")
    with pytest.raises(TransitionRefused):
        d.send(c.RetryRun())


@pytest.mark.spec("X3")
def test_variables_are_set_appended_to_and_removed() -> None:
    d = Driver(TWO).start(variables={"a": 1})
    d.send(c.SetVariables({"b": [1]}, {"b": 2, "c": 3}, ("a",)))
    assert d.state.run.variables == {"b": [1, 2], "c": [3]}
    with pytest.raises(InvalidInput):
        d.send(c.SetVariables({"x": 1}, {"x": 2}))
    assert "x" not in d.state.run.variables


def test_variables_are_visible_to_expressions() -> None:
    d = Driver("do:\n  - s: {set: {v: '${ $variables.n }'}}").start(variables={"n": 7})
    assert d.output == {"v": 7}


@pytest.mark.spec("X4")
def test_conditions_are_reported() -> None:
    d = Driver("do:\n  - s: {if: .go, set: {x: 1}}")
    decision = d.send_start({"go": True})
    assert [(found.expression, found.result) for found in decision.conditions] == [(".go", True)]


@pytest.mark.spec("X5")
def test_debug_mode_pauses_before_every_task() -> None:
    d = Driver("do:\n  - a: {set: {x: 1}}\n  - b: {set: {x: 2}}").start(mode="debug")
    assert d.step("a").status == "paused"
    d.send(c.ResumeRun("/do/0/a"))
    assert d.step("b").status == "paused"
    d.send(c.ResumeRun())
    assert d.output == {"x": 2}


def test_a_debugger_pause_of_one_task() -> None:
    d = Driver("do:\n  - a: {set: {x: 1}}\n  - b: {set: {x: 2}, metadata: {debug: {pause: true}}}").start()
    assert (d.status, d.step("b").status) == ("running", "paused")
    d.send(c.ResumeRun())
    assert d.status == "completed"


@pytest.mark.spec("U3")
def test_a_schedule_delays_a_step() -> None:
    d = Driver("do:\n  - a: {set: {x: 1}, metadata: {schedule: {after: {seconds: 3}}}}").start()
    assert d.step("a").status == "scheduled"
    d.advance(2.9)
    assert d.status == "running"
    d.advance(0.1)
    assert d.status == "completed"


@pytest.mark.spec("U2")
def test_recovery_adds_a_run_to_the_same_attempt() -> None:
    d = Driver(TWO).start()
    decision = d.send(c.Recover(("/do/0/a",)))
    assert [type(effect) for effect in decision.effects] == [Perform]
    attempt = d.step("a").attempts[-1]
    assert (attempt.number, attempt.runs) == (1, 2)


def test_a_step_that_kills_its_process_does_not_do_so_for_ever() -> None:
    d = Driver(TWO).start()
    for _ in range(RECOVERIES):
        d.send(c.Recover(("/do/0/a",)))
    assert d.status == "failed"


def test_progress_is_recorded() -> None:
    d = Driver(TWO).start()
    d.send(c.ReportProgress("/do/0/a", 1, {"done": 3}))
    assert d.step("a").progress == {"done": 3}


@pytest.mark.spec("X10")
def test_secrets_never_reach_the_journal() -> None:
    from stepwell.engine.environment import redactor
    from stepwell.kernel.ruling import Environment
    from tests.kernel.helpers import anywhere

    secrets = {"token": "s3cr3t-value"}
    d = Driver("use: {secrets: [token]}\ndo:\n  - s: {set: {x: '${ \"Bearer \" + $secrets.token }'}}")
    d.env = Environment(anywhere, 0.5, secrets, redactor(secrets))
    d.start()
    assert d.output == {"x": "Bearer ***"}
    assert "s3cr3t-value" not in repr(d.journal)


def test_retry_leaves_alone_what_was_absorbed() -> None:
    d = Driver("""
    do:
      - extra: {call: python, with: {function: f}, metadata: {optional: true}}
      - must: {call: python, with: {function: g}}
    """).start()
    d.fail("extra", runtime("x"))
    d.fail("must", runtime("y"))
    d.send(c.RetryRun())
    assert list(d.pending) == ["/do/1/must"]


def test_a_timeout_of_a_step_in_flight_stops_its_work() -> None:
    d = Driver("do:\n  - a: {call: python, with: {function: a}, timeout: {after: {seconds: 1}}}").start()
    d.now += 1_000_000
    decision = d.send(c.FireTimer("/do/0/a", "timeout"))
    assert Interrupt("/do/0/a", 1) in decision.effects
    assert d.status == "failed"


def test_a_pause_does_not_switch_off_the_timeouts_of_what_is_in_flight() -> None:
    d = Driver("do:\n  - a: {call: python, with: {function: a}, timeout: {after: {seconds: 1}}}").start()
    d.send(c.PauseRun())
    d.advance(1)
    assert d.status == "failed"


CHILD = "do:\n  - c: {run: {workflow: {namespace: test, name: child, version: '1.0.0'}}}"


@pytest.mark.parametrize("ok", [True, False])
def test_a_paused_run_takes_the_result_of_a_sub_workflow(ok: bool) -> None:
    d = Driver(CHILD).start()
    d.send(c.PauseRun())
    assert d.status == "paused"
    if ok:
        d.complete("c", 5)
    else:
        d.fail("c", runtime("x"))
    assert d.status == ("completed" if ok else "failed")


def test_two_retries_do_not_do_an_absorbed_step_again() -> None:
    d = Driver("""
    do:
      - opt: {call: python, with: {function: f}, metadata: {optional: true}}
      - b: {call: python, with: {function: g}}
    """).start()
    d.fail("opt", runtime("x"))
    for _ in range(3):
        d.fail("b", runtime("y"))
        d.send(c.RetryRun())
        assert list(d.pending) == ["/do/1/b"]
    d.complete("b", 1)
    assert d.order() == ["opt", "b"]


def test_retry_enters_the_branches_that_never_began() -> None:
    d = Driver("""
    do:
      - both:
          fork:
            branches:
              - a: {if: '$variables.broken | not', set: {x: '${ .x }'}}
              - r: {raise: {error: {type: 'https://x.test/e', status: 400}}}
              - b: {call: python, with: {function: b}}
    """).start()
    assert d.status == "failed"
    d.send(c.RetryRun())
    assert d.status == "failed"  # r raises again, before b
    assert d.replayed() == d.state


@pytest.mark.parametrize("block", [False, True])
def test_a_step_that_completed_while_cancelling_is_gone_on_with_by_a_retry(block: bool) -> None:
    inner = "- a: {call: python, with: {function: a}, output: {as: .v}}\n{pad}- b: {set: {got: '${ . }'}}"
    body = (
        "do:\n  - blk:\n      do:\n        " + inner.replace("{pad}", " " * 8)
        if block
        else "do:\n  " + inner.replace("{pad}", "  ")
    )
    d = Driver(body).start()
    d.send(c.CancelRun())
    d.complete("a", {"v": 7})
    assert (d.status, d.step("b").status) == ("cancelled", "cancelled")
    d.send(c.RetryRun())
    assert (d.status, d.output) == ("completed", {"got": 7})


def test_a_cancel_that_comes_before_the_last_result_wins_and_a_retry_completes() -> None:
    d = Driver("do:\n  - a: {call: python, with: {function: a}}").start()
    d.send(c.CancelRun())
    d.complete("a", 1)
    assert d.status == "cancelled"
    d.send(c.RetryRun())
    assert (d.status, d.output) == ("completed", 1)


def test_schedules_and_debugger_pauses_hold_after_a_pause_too() -> None:
    d = Driver("""
    do:
      - a: {call: python, with: {function: a}}
      - b: {set: {x: 1}, metadata: {schedule: {after: {hours: 1}}}}
      - c: {set: {x: 2}, metadata: {debug: {pause: true}}}
    """).start()
    d.send(c.PauseRun())
    d.complete("a", 1)
    d.send(c.ResumeRun())
    assert (d.step("b").status, d.step("b").due) == ("scheduled", d.now + 3600 * 1_000_000)
    d.advance(3600)
    assert d.step("c").status == "paused"


def test_a_retry_gives_timeouts_anew() -> None:
    d = Driver("""
    timeout: {after: {seconds: 100}}
    do:
      - blk:
          do: [{a: {call: python, with: {function: a}}}]
          timeout: {after: {seconds: 5}}
    """).start()
    d.advance(5)
    assert d.status == "failed"
    d.send(c.RetryRun())
    assert d.state.run.deadline == d.now + 100_000_000
    d.advance(4.9)
    assert d.status == "running"
    d.advance(0.1)
    assert d.status == "failed"


def test_a_retried_loop_begins_at_its_first_item() -> None:
    d = Driver("""
    do:
      - loop:
          for: {each: i, in: .items}
          do: [{a: {call: python, with: {function: a}}}]
          output: {as: 'if .bad then error("no") else . end'}
    """).start({"items": [1, 2]})
    d.complete("a", {})
    d.complete("a", {"bad": True})
    assert d.status == "failed"
    d.send(c.RetryRun())
    d.complete("a", {})
    d.complete("a", {"good": True})
    assert d.output == {"good": True}


def test_a_block_can_be_tried_again_after_a_retry_of_the_run() -> None:
    d = Driver("""
    do:
      - t:
          try: [{a: {call: python, with: {function: a}}}]
          catch: {retry: {limit: {attempt: {count: 1}}}}
    """).start()
    for _ in range(2):
        d.fail("a", runtime("x"))
        d.advance(0)
    assert d.status == "failed"
    d.send(c.RetryRun())
    d.fail("a", runtime("x"))
    d.advance(0)
    d.complete("a", 3)
    assert d.output == 3


def test_variables_of_an_attempt_that_is_over_are_refused() -> None:
    d = Driver(TWO).start()
    d.send(c.SetVariables({"x": 1}, step="/do/0/a", attempt=1))
    d.complete("a", 1)
    with pytest.raises(TransitionRefused):
        d.send(c.SetVariables({"x": 2}, step="/do/0/a", attempt=1))
    assert d.state.run.variables == {"x": 1}


def test_a_clock_that_was_set_back_loses_no_timer() -> None:
    d = Driver("do:\n  - w: {wait: {seconds: 5}}").start()
    decision = d.send(c.FireTimer("/do/0/w", "wake"))
    assert [type(effect).__name__ for effect in decision.effects] == ["SetTimer"]


def test_masking_leaves_names_alone() -> None:
    from stepwell.engine.environment import redactor
    from stepwell.kernel.ruling import Environment
    from tests.kernel.helpers import anywhere

    secrets = {"user": "admin", "word": "do", "pin": 48151623}
    d = Driver(
        "use: {secrets: [pin]}\ndo:\n  - createadmin: {set: {pin: '${ $secrets.pin }', t: 'a ${ $secrets.pin }'}}"
    )
    d.env = Environment(anywhere, 0.5, secrets, redactor(secrets))
    d.start(variables={"admin": "admin"})
    assert d.output == {"pin": "***", "t": "a ***"}
    assert d.state.run.variables == {"admin": "***"}
    assert "/do/0/createadmin" in d.state.steps


def test_an_attempt_says_since_when_its_step_was_held() -> None:
    d = Driver(TWO).start()
    d.send(c.PauseRun())
    d.complete("a", 1)
    held = d.now
    d.advance(60)
    d.send(c.ResumeRun())
    first = d.step("a").attempts[0]
    assert (first.scheduled_at, first.started_at, first.ended_at) == (
        first.started_at,
        first.started_at,
        held,
    )
    (waited,) = d.step("b").attempts
    assert (waited.number, waited.scheduled_at, waited.started_at, waited.ended_at) == (1, held, d.now, None)
