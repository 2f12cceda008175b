"""Letting a workflow's code go on: it is told every outcome, one by one, in the order of the journal."""

from __future__ import annotations

from typing import Final

from stepwell.kernel.code.calls import begin_call
from stepwell.kernel.evolve_step import PERFORMED
from stepwell.kernel.flow import cancel_steps, fail_run
from stepwell.kernel.ruling import Ruling
from stepwell.kernel.standing import in_flight
from stepwell.kernel.undoing import conclude, why
from stepwell.model import events as e
from stepwell.model.calls import Answer, Code, ContinuedAs, Ending, Raised, Returned
from stepwell.model.effects import Interrupt
from stepwell.model.records import Run, Step
from stepwell.model.states import RunStatus

GOING: Final = frozenset({RunStatus.RUNNING, RunStatus.PAUSING, RunStatus.PAUSED, RunStatus.CANCELLING})
"""In these states the code is told what comes in. (What it asks for while a run is paused is only scheduled; so is what
it asks for while one is cancelled, except for what undoes.)"""


def follow(r: Ruling) -> None:
    """Tell the code all that it has not been told yet, and do what it asks for. Raises `CodeMismatch`."""
    code, run = r.env.code, r.draft.run
    if code is None or run.status not in GOING:
        return
    if code.seen < run.outcomes or (run.compensating is not None and not code.undoing):
        _tell_all(r, code, run)
    if run.stalled is not None:
        r.emit(e.RunUnstalled())


def _tell_all(r: Ruling, code: Code, run: Run) -> None:
    while run.status in GOING:
        if code.seen == run.compensating and not code.undoing:
            obey(r, code, code.undo(run))
        elif code.seen < run.outcomes:
            obey(r, code, code.go_on(run, _next(r, code), r.now))
        else:
            code.check_complete()
            break


def _next(r: Ruling, code: Code) -> Step | None:
    """The outcome that the code is to be told next; None: it has not begun."""
    if code.seen < 0:
        return None
    number = code.seen + 1
    for step in r.draft.touched:
        if step.outcome == number:
            return step
    return r.draft.step(code.outcome(number))


def obey(r: Ruling, code: Code, answer: Answer) -> None:
    """Do what it asks for."""
    for call in answer.calls:
        begin_call(r, call, wanted=call.id not in answer.abandoned)
    for step_id in answer.abandoned:
        step = r.draft.find_step(step_id)
        if step is not None and not step.status.terminal:
            if step.kind in PERFORMED and in_flight(step):
                r.effect(Interrupt(step.id, step.attempt))
            r.emit(e.StepCancelled(step_id, "the workflow wants it no more"))
    if answer.ending is not None and (r.draft.run.status is not RunStatus.CANCELLING or code.undoing):
        code.check_complete()
        _end(r, answer.ending)


def _end(r: Ruling, ending: Ending) -> None:
    r.agenda.clear()
    if r.draft.run.status is RunStatus.CANCELLING:
        cancel_steps(r, list(r.draft.open_steps()), why(r.draft.run))
        conclude(r)
        return
    if isinstance(ending, Raised):
        fail_run(r, ending.problem, ending.step)
        return
    cancel_steps(r, list(r.draft.open_steps()), "the workflow ended")
    if isinstance(ending, Returned):
        r.emit(e.RunCompleted(ending.output))
    elif isinstance(ending, ContinuedAs):
        r.emit(e.RunContinued(ending.run_id))
