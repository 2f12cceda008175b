"""Random commands at the kernel: what is refused changes nothing, what is accepted keeps the invariants, and the journal
replays to the same state."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import HealthCheck, note, settings
from hypothesis import seed as seeded
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from stepwell.kernel.invariants import violations
from stepwell.model import commands as c
from stepwell.model.errors import StepwellError
from stepwell.model.problem import communication, runtime
from tests.kernel.helpers import Driver, definition

FLOWS = [
    """
    do:
      - a: {call: python, with: {function: a}}
      - b: {if: '.skip | not', call: python, with: {function: b}}
      - c: {set: {done: true}}
    """,
    """
    do:
      - t:
          try:
            - x: {call: python, with: {function: x}}
            - y: {call: python, with: {function: y}, timeout: {after: {seconds: 5}}}
          catch:
            errors: {with: {status: 503}}
            retry: {delay: {seconds: 1}, backoff: {exponential: {}}, limit: {attempt: {count: 2, duration: {seconds: 9}}}}
            do: [{h: {call: python, with: {function: h}}}]
      - z: {wait: {seconds: 2}}
    """,
    """
    timeout: {after: {seconds: 60}}
    do:
      - all:
          fork:
            branches:
              - p: {do: [{p1: {call: python, with: {function: p}}}, {p2: {wait: {seconds: 1}}}]}
              - q: {call: python, with: {function: q}, metadata: {optional: true}}
              - r: {for: {each: i, in: '[1,2,3]'}, metadata: {concurrency: 2}, do: [{r1: {call: python, with: {function: r}}}]}
      - after: {set: {n: '${ length }'}}
    """,
    """
    do:
      - race:
          fork:
            compete: true
            branches:
              - f: {call: python, with: {function: f}}
              - g: {do: [{g1: {wait: {seconds: 3}}}, {g2: {call: python, with: {function: g}}}]}
      - loop: {for: {each: i, in: '[1,2]'}, do: [{l: {call: python, with: {function: l}}}]}
      - held: {set: {x: 1}, metadata: {schedule: {after: {seconds: 2}}}}
      - stop: {set: {x: 2}, metadata: {debug: {pause: true}}}
    """,
]

DEFINITIONS = [definition(flow, f"machine-{number}") for number, flow in enumerate(FLOWS)]

counter = {"commands": 0, "refused": 0}


class Kernel(RuleBasedStateMachine):
    @initialize(
        flow=st.integers(0, len(FLOWS) - 1),
        mode=st.sampled_from(["normal", "normal", "debug"]),
        skip=st.booleans(),
        queued=st.sampled_from([False, False, True]),
    )
    def begin(self, flow: int, mode: str, skip: bool, queued: bool) -> None:
        self.driver = Driver(DEFINITIONS[flow])
        queue = (
            {"queue": "q", "due": self.driver.now, "deadline": self.driver.now + 20_000_000} if queued else {}
        )
        self.driver.start({"skip": skip}, mode=mode, **queue)

    def send(self, command: c.Command) -> None:
        counter["commands"] += 1
        d = self.driver
        before = copy.deepcopy(d.state)
        turns = len(d.journal)
        try:
            d.send(command)
        except StepwellError as refused:
            counter["refused"] += 1
            note(f"refused: {refused}")
            assert d.state == before, "a refused command changed the state"
            assert len(d.journal) == turns

    def any_step(self, data: Any) -> str:
        return data.draw(st.sampled_from(sorted(self.driver.state.steps) or ["/do/9/none"]))

    @rule(data=st.data(), attempt=st.integers(0, 3), ok=st.booleans(), status=st.sampled_from([500, 503]))
    def answer_anything(self, data: Any, attempt: int, ok: bool, status: int) -> None:
        step = self.any_step(data)
        self.send(
            c.CompleteStep(step, attempt, {"v": 1})
            if ok
            else c.FailStep(step, attempt, communication(status, "x"))
        )

    @rule(data=st.data(), kind=st.sampled_from(["ok", "ok", "fail", "busy", "settle", "progress"]))
    def answer_what_is_pending(self, data: Any, kind: str) -> None:
        if not self.driver.pending:
            return
        effect = self.driver.pending.pop(data.draw(st.sampled_from(sorted(self.driver.pending))))
        step, attempt = effect.step, effect.attempt
        self.send(
            {
                "ok": c.CompleteStep(step, attempt, {"v": attempt}),
                "fail": c.FailStep(step, attempt, runtime("x")),
                "busy": c.FailStep(step, attempt, communication(503, "busy")),
                "settle": c.SettleStep(step, attempt),
                "progress": c.ReportProgress(step, attempt, 0.5),
            }[kind]
        )

    @rule(
        command=st.sampled_from(
            [c.PauseRun(), c.ResumeRun(), c.ResumeRun(), c.Proceed(), c.RetryRun(), c.SetVariables({"a": 1})]
        )
    )
    def steer(self, command: c.Command) -> None:
        self.send(command)

    @rule(number=st.sampled_from([0, 0, 1, 2]))
    def begin_queued(self, number: int) -> None:
        self.send(c.BeginRun(number))

    @rule(seconds=st.integers(0, 5))
    def reschedule(self, seconds: int) -> None:
        self.send(c.RescheduleRun(self.driver.now + seconds * 1_000_000, {"put": "off"}))

    @rule()
    def deadline(self) -> None:
        self.send(c.FireTimer(None, "timeout"))

    @rule(
        command=st.sampled_from([c.CancelRun("x"), c.CancelRun("x", True), c.TerminateRun("y")]),
        odds=st.integers(0, 5),
    )
    def stop(self, command: c.Command, odds: int) -> None:
        if odds == 0:
            self.send(command)

    @rule(data=st.data())
    def recover(self, data: Any) -> None:
        self.send(c.Recover((self.any_step(data),)))

    @rule(data=st.data(), purpose=st.sampled_from(["wake", "timeout", "attempt"]))
    def stray_timer(self, data: Any, purpose: str) -> None:
        self.send(c.FireTimer(self.any_step(data), purpose))

    @rule(seconds=st.sampled_from([0, 1, 2, 5, 30]))
    def wait(self, seconds: int) -> None:
        self.driver.advance(seconds)

    @invariant()
    def sound_and_replayable(self) -> None:
        if not hasattr(self, "driver"):
            return
        assert violations(self.driver.state) == []
        assert self.driver.replayed() == self.driver.state


def drive(wanted: int, seed: int) -> None:
    """At least so many commands; the seeds follow from the first."""
    print(f"seed {seed}")
    counter.update(commands=0, refused=0)
    rounds = 0
    while counter["commands"] < wanted:
        rounds += 1
        machine = seeded(seed + rounds)(type(f"Kernel{rounds}", (Kernel,), {}))
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=150,
                stateful_step_count=50,
                deadline=None,
                database=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
    assert counter["refused"] > wanted // 50, "the machine hardly tried what is not allowed"


@pytest.mark.spec("S3", "S5")
def test_random_commands() -> None:
    drive(10_000, 20261121)


@pytest.mark.soak
@pytest.mark.timeout(1_200)
def test_many_random_commands() -> None:
    drive(300_000, 777)
