"""Steps that are to be done: planned, and not to be done after all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from stepwell.kernel.driven.names import check_input, declared
from stepwell.kernel.evolve_run import ROOT
from stepwell.kernel.ruling import Ruling
from stepwell.model import driven as d
from stepwell.model import events as e
from stepwell.model.errors import TransitionRefused
from stepwell.model.states import RunStatus, StepStatus

PLANNABLE: Final = frozenset({RunStatus.RUNNING, RunStatus.PAUSING, RunStatus.PAUSED})
"""In these states of the run something new may be planned."""


def schedule(r: Ruling, command: d.ScheduleSteps) -> tuple[str, ...]:
    """Answers with the names of those that were not there yet."""
    if r.draft.run.status not in PLANNABLE:
        raise TransitionRefused(
            f"run {r.draft.run.id} is {r.draft.run.status}: nothing new can be planned in it",
            hint=f"see where it stands: stepwell runs explain {r.draft.run.id}",
        )
    return plan(r, command.steps)


def plan(r: Ruling, planned: Sequence[d.Planned]) -> tuple[str, ...]:
    fresh = []
    for name, data, due, needs in planned:
        step_id, task = declared(r, name)
        step = r.draft.find_step(step_id)
        known = step is not None and not step.withdrawn
        missing = [need for need in needs if not _completed(r, need)]
        if known or missing:
            continue
        check_input(task, name, data)
        if step is None:
            r.emit(e.StepScheduled(step_id, step_id, d.KIND, ROOT, due, 0, False, data))
        else:
            r.emit(e.StepReopened(step_id, data, due))
        fresh.append(name)
    return tuple(fresh)


def _completed(r: Ruling, name: str) -> bool:
    step = r.draft.find_step(declared(r, name)[0])
    return step is not None and step.status is StepStatus.COMPLETED


def withdraw(r: Ruling, command: d.WithdrawSteps) -> tuple[str, ...]:
    """Answers with the names of those that are not planned any more."""
    gone = []
    for name in dict.fromkeys(command.steps):
        step = r.draft.find_step(declared(r, name)[0])
        if step is not None and step.status is StepStatus.SCHEDULED and not step.attempts:
            r.emit(e.StepWithdrawn(step.id, command.reason))
            gone.append(name)
    return tuple(gone)
