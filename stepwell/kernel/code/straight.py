"""The turn that nearly every turn of a Python workflow is, made without a draft.

A step ended well, the code is told so, and asks for nothing but steps of which nothing special is said. All that can
fail comes first; what changes is written into the state when the turn has been taken (`Straight.merge`). `decide` comes
to the same, in four times the time: it says so in tests/kernel/test_straight.py, and goes on here wherever something is
out of the ordinary.
"""

from __future__ import annotations

from typing import Final

from stepwell.definition.model import Definition
from stepwell.kernel.code.calls import as_asked, is_ordinary
from stepwell.kernel.draft import copy
from stepwell.kernel.evolve_run import ROOT
from stepwell.kernel.ruling import Decision, Environment
from stepwell.model.base import Instant, Json, new
from stepwell.model.calls import Answer, Code, StepCall
from stepwell.model.commands import CompleteStep
from stepwell.model.events import StepCompleted, StepStarted
from stepwell.model.records import Attempt, Run, State, Step
from stepwell.model.states import RunStatus, StepStatus

_KIND: Final = "call:python"


class Straight(Decision):
    """`done` has ended, `begun` begin."""

    __slots__ = ("begun", "done", "now", "state")

    def __init__(
        self, definition: Definition, state: State, done: Step, calls: list[StepCall], now: Instant
    ) -> None:
        run_id, priority = state.run.id, state.run.priority
        self.definition, self.state, self.done, self.now = definition, state, done, now
        self.events = [new(StepCompleted, (done.id, done.output, done.source))]
        self.effects, self.begun = [], []
        self.conditions, self.answer = (), None
        for call in calls:
            step_id, arguments = call.id, call.arguments
            self.events.append(_started(step_id, arguments))
            self.effects.append(as_asked(run_id, priority, call))
            step = Step(step_id, step_id, _KIND, ROOT, now, status=StepStatus.RUNNING, input=arguments)
            step.attempts, step.flow = [Attempt(1, now, now)], arguments
            step.started_at = step.updated_at = now
            self.begun.append(step)

    def merge(self) -> State:
        state, done = self.state, self.done
        run, counts = state.run, state.run.counts
        run.seq, run.updated_at, run.outcomes = run.seq + 1, self.now, done.outcome
        counts[StepStatus.RUNNING] += len(self.begun) - 1
        counts[StepStatus.COMPLETED] = counts.get(StepStatus.COMPLETED, 0) + 1
        state.steps[done.id] = done
        del state.open_steps[done.id]
        for step in self.begun:
            state.steps[step.id] = step
            state.open_steps[step.id] = None
        return state


def complete_at_once(
    definition: Definition, state: State, command: CompleteStep, now: Instant, env: Environment
) -> Straight | Answer | None:
    """The decision. None: this is for `decide`. An answer: so is this, but the code has been told of the end of the
    step, and said this. Raises what `Code.go_on` raises."""
    code, step = env.code, state.steps.get(command.step)
    if code is None or step is None or not _in_order(definition, state, env, code):
        return None
    attempts = step.attempts
    if step.status is not StepStatus.RUNNING or step.kind != _KIND or attempts[-1].number != command.attempt:
        return None
    done = _ended(step, command, state.run, now)
    answer = code.go_on(state.run, done, now)
    code.check_complete()
    if answer.ending is not None or answer.abandoned or len(answer.calls) > env.begins:
        return answer
    calls = [call for call in answer.calls if is_ordinary(call)]
    return Straight(definition, state, done, calls, now) if len(calls) == len(answer.calls) else answer


def _started(step_id: str, arguments: Json) -> StepStarted:
    return new(
        StepStarted, (step_id, step_id, _KIND, ROOT, arguments, 0, False, None, None, None, None, None, None)
    )


def _in_order(definition: Definition, state: State, env: Environment, code: Code) -> bool:
    """Nobody else has a say in this turn, and nothing else comes of it."""
    run = state.run
    return (
        run.status is RunStatus.RUNNING
        and code.seen == run.outcomes
        and run.mode == "normal"
        and env.redact is None
        and env.policy is None
        and run.leases is None
        and run.stalled is None
        and run.heard is None
        and run.compensating is None
        and not (definition.hooks or definition.hanging or state.nodes or state.approvals)
    )


def _ended(step: Step, command: CompleteStep, run: Run, now: Instant) -> Step:
    done = copy(step)
    done.status, done.outcome = StepStatus.COMPLETED, run.outcomes + 1
    done.updated_at = done.ended_at = now
    done.due = None
    done.output, done.source = command.output, command.source
    *earlier, last = step.attempts
    last = copy(last)
    last.ended_at = now
    done.attempts = [*earlier, last]
    return done
