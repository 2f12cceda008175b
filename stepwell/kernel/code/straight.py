"""The turns that nearly all turns of a Python workflow are, made without a draft.

The run starts, or a step of it ended well; the code is told so, and asks for nothing but steps of which nothing special
is said, or returns with nothing left open. All that can fail comes first; what changes is written into the state when
the turn has been taken (`Straight.merge`). `decide` comes to the same, in four times the time: it says so in
tests/code/test_straight.py, and goes on here wherever something is out of the ordinary.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from stepwell.definition.model import Definition
from stepwell.definition.specs import NO_INPUT
from stepwell.kernel.code.calls import as_asked, is_ordinary
from stepwell.kernel.draft import copy_run
from stepwell.kernel.evolve_run import ROOT, created_by, root, run_of
from stepwell.kernel.ruling import BEGINS_PER_TURN, Decision
from stepwell.model.base import Instant, Json, new
from stepwell.model.calls import Answer, Code, Done, Returned, StepCall
from stepwell.model.commands import Command, CompleteStep, StartRun
from stepwell.model.effects import Effect
from stepwell.model.events import (
    Event,
    RunCompleted,
    RunCreated,
    RunStarted,
    StepCompleted,
    StepStarted,
)
from stepwell.model.records import Run, State, Step
from stepwell.model.states import RunStatus, StepStatus

_KIND: Final = "call:python"
RUN_STARTED: Final = RunStarted()


class Straight(Decision):
    """The code asks for `calls`, and so `begun` begin. `created`: the run starts. `ending`: its code returned.
    `listed`: the run as the index has to tell of it, where that has changed."""

    __slots__ = ("begun", "calls", "created", "ending", "listed", "state")

    def __init__(
        self,
        definition: Definition,
        state: State,
        now: Instant,
        calls: list[StepCall],
        ending: Returned | None = None,
        created: RunCreated | None = None,
        listed: Run | None = None,
    ) -> None:
        self.definition, self.state, self.calls, self.answer = definition, state, calls, None
        self.ending, self.created, self.listed = ending, created, listed
        self.begun = []
        for call in calls:
            step_id, arguments = call.id, call.arguments
            next_ = Step(step_id, step_id, _KIND, ROOT, now, status=StepStatus.RUNNING, input=arguments)
            next_.tries, next_.flow = None, arguments
            next_.started_at = next_.updated_at = now
            self.begun.append(next_)

    @property
    def effects(self) -> list[Effect]:
        return effects_of(self.listed or self.state.run, self.calls)


class Opened(Straight):
    """The run has started."""

    __slots__ = ()

    @property
    def events(self) -> list[Event]:
        assert self.created is not None
        return events_of([self.created, RUN_STARTED], self.calls, self.ending)

    def merge(self) -> State:
        state, run, begun = self.state, self.listed, self.begun
        assert run is not None
        state.run = run
        state.scopes[ROOT] = root(run)
        if begun:
            state.scopes[ROOT].begun = True
            run.counts[StepStatus.RUNNING] = len(begun)
        for next_ in begun:
            state.steps[next_.id] = next_
            state.open_steps[next_.id] = None
        return state


class StepOver(Straight):
    """`step` has ended as `done` says."""

    __slots__ = ("done", "step")
    step: Step
    done: Done

    @property
    def events(self) -> list[Event]:
        done = self.done
        completed: StepCompleted = new(StepCompleted, (done.id, done.output, done.source))
        return events_of([completed], self.calls, self.ending)

    def merge(self) -> State:
        state, step, done = self.state, self.step, self.done
        step.status, step.outcome, step.due = StepStatus.COMPLETED, done.outcome, None
        step.output, step.source = done.output, done.source
        step.updated_at = step.ended_at = now = done.ended_at
        if step.tries:
            step.tries[-1].ended_at = now
        if self.listed is not None:
            state.run = self.listed
        run, counts = state.run, state.run.counts
        run.seq, run.updated_at, run.outcomes = run.seq + 1, now, done.outcome
        counts[StepStatus.RUNNING] += len(self.begun) - 1
        counts[StepStatus.COMPLETED] = counts.get(StepStatus.COMPLETED, 0) + 1
        del state.open_steps[step.id]
        for next_ in self.begun:
            state.steps[next_.id] = next_
            state.open_steps[next_.id] = None
        return state


def at_once(
    definition: Definition, state: State, command: Command, now: Instant, code: Code
) -> Straight | Answer | None:
    """The decision, where nothing is masked and everything may be called. None: this is for `decide`. An answer: so is
    this, but the code has been told of the end of the step (or has begun), and said this. Raises what `Code.go_on`
    raises."""
    if type(command) is CompleteStep:
        return _complete(definition, state, command, now, code)
    if type(command) is StartRun:
        return _start(definition, state, command, now, code)
    return None


def _start(
    definition: Definition, state: State, command: StartRun, now: Instant, code: Code
) -> Straight | Answer | None:
    if state.run.seq or not _nothing_special(definition, command):
        return None
    created = created_by(definition, command)
    run = run_of(created, now)
    run.status, run.seq, run.updated_at = RunStatus.RUNNING, 1, now
    run.started_at, run.context = now, run.input
    answer = code.go_on(run, None, now)
    calls, ending = _plain_calls(answer), answer.ending
    if calls is None or (ending is not None and (type(ending) is not Returned or calls)):
        return answer
    if ending is not None:
        _end(run, ending, now)
    return Opened(definition, state, now, calls, ending, created, run)


def _complete(
    definition: Definition, state: State, command: CompleteStep, now: Instant, code: Code
) -> Straight | Answer | None:
    step = state.steps.get(command.step)
    if step is None or not _in_order(definition, state, code):
        return None
    if step.status is not StepStatus.RUNNING or step.kind != _KIND or step.attempt != command.attempt:
        return None
    number = state.run.outcomes + 1
    done = new(Done, (step.id, command.output, command.source, number, now))
    answer = code.go_on(state.run, done, now)
    code.check_complete()
    calls, ending = _plain_calls(answer), answer.ending
    if calls is None:
        return answer
    if ending is not None and (type(ending) is not Returned or calls or len(state.open_steps) > 1):
        return answer
    ended = None if ending is None else _end(copy_run(state.run), ending, now)
    over = StepOver(definition, state, now, calls, ending, None, ended)
    over.step, over.done = step, done
    return over


def _plain_calls(answer: Answer) -> list[StepCall] | None:
    """All that it asks for, if nothing special is said of it. (The list in the answer is filled again.)"""
    calls: list[StepCall] = []
    for call in answer.calls:
        if not is_ordinary(call):
            return None
        calls.append(call)
    return None if answer.abandoned or len(calls) > BEGINS_PER_TURN else calls


def events_of(happened: list[Event], calls: Sequence[StepCall], ending: Returned | None) -> list[Event]:
    """All of such a turn: what happened, what the code asked for then, and its end."""
    for call in calls:
        happened.append(_started(call.id, call.arguments))
    if ending is not None:
        happened.append(RunCompleted(ending.output))
    return happened


def effects_of(run: Run, calls: Sequence[StepCall]) -> list[Effect]:
    """What has to be done when it is durable."""
    return [as_asked(run.id, run.priority, call) for call in calls]


def _started(step_id: str, arguments: Json) -> StepStarted:
    return new(
        StepStarted, (step_id, step_id, _KIND, ROOT, arguments, 0, False, None, None, None, None, None, None)
    )


def _end(run: Run, ending: Returned, now: Instant) -> Run:
    run.status, run.output = RunStatus.COMPLETED, ending.output
    run.ended_at = run.updated_at = now
    return run


def _nothing_special(definition: Definition, command: StartRun) -> bool:
    """It begins at once, as its function and its caller say, and nothing is said of when it must be over."""
    d = definition
    return (
        command.mode == "normal"
        and command.queue is None
        and command.deadline is None
        and not (command.held or command.history)
        and not (
            d.hooks or d.hanging or d.input != NO_INPUT or d.timeout or d.deadline or d.procedure or d.driven
        )
    )


def _in_order(definition: Definition, state: State, code: Code) -> bool:
    """Nobody else has a say in this turn, and nothing else comes of it."""
    run = state.run
    return (
        run.status is RunStatus.RUNNING
        and code.seen == run.outcomes
        and run.mode == "normal"
        and run.leases is None
        and run.stalled is None
        and run.heard is None
        and run.compensating is None
        and not (definition.hooks or definition.hanging or state.nodes or state.approvals)
    )
