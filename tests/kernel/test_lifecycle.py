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
