"""Undoing what a cancelled run has done: once what was in flight has settled, its code says what there is to undo.

Meanwhile the run is `cancelling`. Only compensations begin, are retried, and are performed again after a crash.
"""

from __future__ import annotations

from stepwell.kernel.ruling import Ruling
from stepwell.model import events as e
from stepwell.model.effects import Continue
from stepwell.model.records import Run, Step
from stepwell.model.states import RunStatus, StepStatus


def compensates(step: Step) -> bool:
    """It undoes another one: a cancel lets it be."""
    return bool(step.options) and step.options.get("compensates") is not None


def unwanted(run: Run, step: Step) -> bool:
    """The run is being cancelled, and this is not what undoes it."""
    return run.status is RunStatus.CANCELLING and not compensates(step)


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
            r.emit(e.StepCancelled(step.id, "the run was cancelled"))
    r.emit(e.RunCompensating())
    r.effect(Continue())
    return True


def _to_undo(step: Step) -> bool:
    if step.options is None:
        return False
    if step.options.get("compensates") is not None:
        return not step.status.terminal
    done = step.status is StepStatus.COMPLETED and step.source is None
    return done and step.options.get("compensate") is not None
