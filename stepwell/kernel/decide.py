"""The one door to the rules: `decide(definition, state, command, now, env)` → what happens, and what must be done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from stepwell.definition.model import Definition, TryBody
from stepwell.kernel import (
    code,
    driven,
    followups,
    invariants,
    lifecycle,
    metadata,
    migration,
    overdue,
    people,
    recourse,
)
from stepwell.kernel.approvals import commands as approvals
from stepwell.kernel.begin import begin_again, have_done, view_of, work
from stepwell.kernel.catching import attempt_deadline, begin_try
from stepwell.kernel.evolve_step import PERFORMED
from stepwell.kernel.failure import fail, fail_attempt
from stepwell.kernel.flow import cancel_steps, complete, fail_run
from stepwell.kernel.limits import due_of
from stepwell.kernel.ruling import Begin, Environment, Fault, Ruling
from stepwell.kernel.standing import in_flight
from stepwell.kernel.undoing import compensates, conclude, unwanted, why
from stepwell.model import commands as c
from stepwell.model import events as e
from stepwell.model import problem
from stepwell.model.base import Duration, Instant
from stepwell.model.calls import Answer
from stepwell.model.effects import SetTimer
from stepwell.model.errors import TransitionRefused
from stepwell.model.events import SAME
from stepwell.model.problem import Problem
from stepwell.model.records import Run, State, Step
from stepwell.model.states import RunStatus, StepStatus

RECOVERIES: Final = 100
"""How often one attempt may be performed: a step that kills its process must not do so for ever."""


def decide(
    definition: Definition,
    state: State,
    command: c.Command,
    now: Instant,
    env: Environment,
    said: Answer | None = None,
) -> Ruling:
    """What the command causes. No events: it changes nothing (a late timer, say). `said`: what the workflow's code
    said, if it was told of this already (see `code.at_once`).

    Raises `TransitionRefused`, `NotFound` or `InvalidInput` where it cannot be done, and `Deferred` where a value must
    be computed elsewhere first; the state is then as it was.
    """
    r = Ruling(definition, state, now, env)
    if type(command) is c.Signed:
        r.by, command = command.by, command.command
    code.follow(r)  # code that was taken up anew must be where the journal is before anything is asked of it
    rule = (_DRIVEN if definition.driven else _COMMANDS).get(type(command)) or _REFUSE[definition.driven]
    r.answer = rule(r, command)
    if said is not None and env.code is not None:
        code.obey(r, env.code, said)
    if not _forks(command):
        code.follow(r)
    while r.agenda:
        work(r)
        if not _forks(command):
            code.follow(r)
    while r.definition.hanging and people.watching.look_again(r):
        work(r)
    lifecycle.settle(r)
    if r.definition.hooks:
        followups.order_after(r)
    if definition.driven:
        r.answer = driven.settled(r, r.answer)
    if r.events:
        run = r.draft.run
        run.seq, run.updated_at = run.seq + 1, now
        invariants.check(r.draft)
    return r


def _forks(command: c.Command) -> bool:
    """What a fork takes over must be on record before its code is executed against it."""
    return type(command) is c.StartRun and bool(command.history)


def _present(r: Ruling, step_id: str, attempt: int) -> Step:
    """The step, if this attempt of it is the one that is in flight. Raises `TransitionRefused`."""
    step = r.draft.step(step_id)
    if not in_flight(step):
        raise TransitionRefused(f"step {step_id} is {step.status}: a result for it comes too late")
    if step.attempt != attempt:
        raise TransitionRefused(
            f"step {step_id} is at attempt {step.attempt}: this is a result of attempt {attempt}"
        )
    return step


def _complete_step(r: Ruling, command: c.CompleteStep) -> None:
    step = _present(r, command.step, command.attempt)
    if r.definition.code is not None:
        code.complete_step(r, step, command.output, command.source)
        return
    try:
        complete(r, step, command.output, source=command.source)
    except Fault as fault:
        _failed(r, r.draft.step(step.id), fault.problem, retry=False)


def _failed(r: Ruling, step: Step, found: Problem, retry: bool = True, after: Duration | None = None) -> None:
    """The step failed, unless its run is being cancelled anyway."""
    if unwanted(r.draft.run, step):
        r.emit(e.StepCancelled(step.id, why(r.draft.run)))
    elif r.definition.code is not None:
        code.fail_step(r, step, found, retry=retry, after=after)
    else:
        recourse.failed(r, step, found, retry=retry, after=after)


def _fail_step(r: Ruling, command: c.FailStep) -> None:
    step = _present(r, command.step, command.attempt)
    _failed(r, step, command.problem, command.retry, command.after)


def _settle_step(r: Ruling, command: c.SettleStep) -> None:
    """Work that was interrupted has stopped. Outside a cancel nobody asked for that: the step failed."""
    _failed(r, _present(r, command.step, command.attempt), problem.runtime("the work was interrupted"))


def _defer_step(r: Ruling, command: c.DeferStep) -> None:
    step = _present(r, command.step, command.attempt)
    if unwanted(r.draft.run, step):
        r.emit(e.StepCancelled(step.id, why(r.draft.run)))
    else:
        code.defer_step(r, step, command)


def _receive(r: Ruling, command: c.SendSignal) -> None:
    """A signal is for a condition that waits for it, or for the run's code."""
    if not people.watching.receive(r, command):
        code.receive(r, command)


def _write_stream(r: Ruling, command: c.WriteStream) -> None:
    if command.step is not None and command.attempt is not None:
        _present(r, command.step, command.attempt)
    if r.draft.run.status.terminal:
        raise TransitionRefused(f"run {r.draft.run.id} is {r.draft.run.status}: its streams are final")
    if r.draft.stream_closed(command.stream):
        raise TransitionRefused(f"stream {command.stream} of run {r.draft.run.id} is closed")
    r.emit(e.StreamWritten(command.stream, command.value, command.closed))


def _stall(r: Ruling, command: c.StallRun) -> None:
    """The run waits, as it is, for the right code. Said once."""
    if not r.draft.run.status.terminal and r.draft.run.stalled != command.problem:
        r.emit(e.RunStalled(command.problem))


def _report_progress(r: Ruling, command: c.ReportProgress) -> None:
    step = _present(r, command.step, command.attempt)
    if step.status is StepStatus.RUNNING:
        r.emit(e.StepProgressed(step.id, command.progress))


def _set_variables(r: Ruling, command: c.SetVariables) -> None:
    if command.step is not None and command.attempt is not None:
        _present(r, command.step, command.attempt)
    lifecycle.set_variables(r, command)


def _set_attributes(r: Ruling, command: c.SetAttributes) -> None:
    if command.step is not None and command.attempt is not None:
        _present(r, command.step, command.attempt)
    lifecycle.set_attributes(r, command)


def _fire_timer(r: Ruling, command: c.FireTimer) -> None:
    """A timer that is no longer wanted, or that a pause holds back, changes nothing."""
    run = r.draft.run
    if command.purpose == overdue.PURPOSE:
        overdue.fire(r, command.step)
        return
    if command.step is not None and command.purpose.startswith(people.holding.PURPOSE):
        people.watching.fire(r, command.step, command.purpose)
        return
    if command.step is None:
        if run.deadline is not None and run.deadline <= r.now:
            lifecycle.time_out(r)
        return
    step = r.draft.find_step(command.step)
    if step is None or step.status.terminal or not _timers_run(run, step, command.purpose):
        return
    timers = _CODE_TIMERS if r.definition.code is not None else _TIMERS
    fire = timers[command.purpose]
    due = due_of(step, command.purpose)
    if due is not None and due > r.now:  # the clock was set back
        r.effect(SetTimer(command.step, command.purpose, due))
    elif due is not None:
        try:
            fire(r, step)
        except Fault as fault:
            fail(r, r.draft.step(step.id), fault.problem)


def _timers_run(run: Run, step: Step, purpose: str) -> bool:
    """A pause holds back what would begin, but not the timeouts of what is still in flight."""
    if run.status is RunStatus.CANCELLING:
        return compensates(step)
    return run.status is RunStatus.RUNNING or (run.status is RunStatus.PAUSING and purpose != "wake")


def _wake(r: Ruling, step: Step) -> None:
    """A delay is over: the held step begins, the wait ends, or the block is tried again."""
    if step.status is StepStatus.SCHEDULED:
        r.agenda.add(Begin(step.id))
        return
    if approvals.waits(step):
        approvals.expire(r, step)
        return
    if step.kind in PERFORMED:
        begin_again(r, step)
        return
    body = r.task(step.path).body
    if isinstance(body, TryBody):
        deadline = attempt_deadline(r, view_of(r, step), body, step.input)
        r.emit(e.StepStarted(step.id, attempt_deadline=deadline))
        begin_try(r, r.draft.step(step.id))
    else:
        complete(r, step, SAME)


def _time_out_attempt(r: Ruling, step: Step) -> None:
    if r.draft.find_scope(f"{step.id}/catch/do") is None:
        fail_attempt(r, step, problem.timeout(f"attempt {step.attempt} of {step.name} did not end in time"))


def _wake_code_step(r: Ruling, step: Step) -> None:
    if step.status is StepStatus.SCHEDULED:
        r.agenda.add(Begin(step.id))
    elif approvals.waits(step):
        approvals.expire(r, step)
    else:
        code.wake(r, step)


_LATE: Final = {"start": recourse.not_begun, "response": recourse.silent}
_TIMERS: Final = {"wake": _wake, "timeout": recourse.time_out, "attempt": _time_out_attempt, **_LATE}
_CODE_TIMERS: Final = {
    "wake": _wake_code_step, "timeout": code.time_out, "attempt": code.time_out_attempt, **_LATE,
}  # fmt: skip


def _fail_run(r: Ruling, command: c.FailRun) -> None:
    if r.draft.run.status is RunStatus.CANCELLING:  # it ends anyway
        cancel_steps(r, list(r.draft.open_steps()), why(r.draft.run))
        if r.draft.run.compensating is not None:
            conclude(r)
    else:
        fail_run(r, command.problem, None)


def _recover(r: Ruling, command: c.Recover) -> None:
    """Perform again what was in flight when the engine that performed it went away."""
    for step_id in command.steps:
        step = r.draft.find_step(step_id)
        if step is None or not in_flight(step) or not step.attempts:
            continue
        runs = step.attempts[-1].runs + 1
        if r.definition.code is not None:
            code.recover(r, step, runs, RECOVERIES)
            continue
        if runs > RECOVERIES:
            fail(
                r,
                step,
                problem.runtime(
                    f"performed {RECOVERIES} times, and the engine went away every time before it was through"
                ),
            )
            continue
        r.emit(e.StepRecovered(step_id, runs))
        step = r.draft.step(step_id)
        try:
            have_done(r, r.task(step.path), view_of(r, step), step)
        except Fault as fault:
            fail(r, r.draft.step(step_id), fault.problem)


_COMMANDS: Final[dict[type[Any], Callable[[Ruling, Any], None]]] = {
    c.StartRun: lifecycle.start,
    c.BeginRun: lifecycle.begin,
    c.RescheduleRun: lifecycle.reschedule,
    c.PauseRun: lifecycle.pause,
    c.ResumeRun: lifecycle.resume,
    c.CancelRun: lifecycle.cancel,
    c.TerminateRun: lifecycle.terminate,
    c.RetryRun: lifecycle.retry,
    c.SetVariables: _set_variables,
    c.SetAttributes: _set_attributes,
    c.SetMetadata: metadata.set_metadata,
    c.Proceed: lifecycle.proceed,
    c.FailRun: _fail_run,
    c.CompleteStep: _complete_step,
    c.FailStep: _fail_step,
    c.SettleStep: _settle_step,
    c.DeferStep: _defer_step,
    c.SendSignal: _receive,
    c.WriteStream: _write_stream,
    c.StallRun: _stall,
    c.ReportProgress: _report_progress,
    c.FireTimer: _fire_timer,
    **people.COMMANDS,
    **approvals.COMMANDS,
    c.Recover: _recover,
    c.MigrateRun: migration.migrate,
}

_DRIVEN: Final[dict[type[Any], Callable[[Ruling, Any], Any]]] = {
    c.PauseRun: lifecycle.pause,
    c.ResumeRun: lifecycle.resume,
    c.TerminateRun: lifecycle.terminate,
    c.RetryRun: lifecycle.retry,
    c.SetVariables: lifecycle.set_variables,
    c.SetAttributes: lifecycle.set_attributes,
    c.SetMetadata: metadata.set_metadata,
    c.FailRun: _fail_run,
    **driven.COMMANDS,
}
"""For runs that a program of its own drives."""

_REFUSE: Final = {True: driven.engines_only, False: driven.drivers_only}
