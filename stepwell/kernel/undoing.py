"""Undoing what a run has done that is cancelled, or whose time is over: once what was in flight has settled, its code
says what there is to undo.

Meanwhile the run is `cancelling`. Only compensations begin, are retried, and are performed again after a crash.
"""

from __future__ import annotations

from stepwell.kernel.ruling import Ruling
from stepwell.kernel.standing import in_flight
from stepwell.model import events as e
from stepwell.model import problem
from stepwell.model.effects import Continue
from stepwell.model.problem import Problem
from stepwell.model.records import Run, Step
from stepwell.model.states import RunStatus, StepStatus


def compensates(step: Step) -> bool:
    """It undoes another one: a cancel lets it be."""
    return bool(step.options) and step.options.get("compensates") is not None


def unwanted(run: Run, step: Step) -> bool:
    """The run is being cancelled, and this is not what undoes it."""
    return run.status is RunStatus.CANCELLING and not compensates(step)


def why(run: Run) -> str:
    return "the run timed out" if run.out_of_time else "the run was cancelled"


def conclude(r: Ruling) -> None:
    """What was asked for, or the time, ends it now. If it had failed before, and was undoing what it had done, that
    stays what it ended for."""
    error, step = cause_of(r)
    if not r.draft.run.out_of_time:
        r.emit(e.RunCancelled(error, step))
        return
    late = "the workflow did not end within its timeout"
    if error is not None:
        where = f" at {step}" if step else ""
        late += f", while what it had done was undone: it had failed{where}: {error.detail or error.title}"
    r.emit(e.RunTimedOut(problem.timeout(late)))


def cause_of(r: Ruling) -> tuple[Problem | None, str | None]:
    """The failure for which the run was undoing what it had done, as far as its code is here to say so, and the step
    that it came from."""
    cause = None if r.env.code is None else r.env.code.cause
    return (None, None) if cause is None else cause


def has_to_undo(r: Ruling) -> bool:
    """What is in flight counts too: it may yet be completed."""
    if r.definition.code is None or r.draft.run.started_at is None:
        return False
    done = r.env.code is not None and r.env.code.undoable
    return done or any(_to_undo(step) or _would_be_undone(step) for step in r.draft.all_steps())


def goes_on(run: Run, undoes: bool) -> bool:
    """Whether a call can begin: in a run that is being cancelled, only what `undoes`."""
    undone = run.compensating is not None and run.status is RunStatus.CANCELLING
    return run.status is RunStatus.RUNNING or (undoes and undone)


def begin_undoing(r: Ruling) -> bool:
    """Whether there is something to undo: then it is on record that this comes next. (The code may not be here: what
    the journal knows of has to wait for it then.) What is held may be a compensation too: only the code knows."""
    code = r.env.code
    if r.definition.code is None or r.draft.run.started_at is None:
        return False
    if not (code is not None and code.undoable) and not any(map(_to_undo, r.draft.all_steps())):
        return False
    for step in list(r.draft.open_steps()):
        if step.status is not StepStatus.SCHEDULED and not compensates(step):
            r.emit(e.StepCancelled(step.id, why(r.draft.run)))
    r.emit(e.RunCompensating())
    r.effect(Continue())
    return True


def _would_be_undone(step: Step) -> bool:
    return in_flight(step) and step.options is not None and step.options.get("compensate") is not None


def _to_undo(step: Step) -> bool:
    if step.options is None:
        return False
    if step.options.get("compensates") is not None:
        return not step.status.terminal
    done = step.status is StepStatus.COMPLETED and step.source is None
    return done and step.options.get("compensate") is not None
