"""Event actions: what the outside is told when a step has ended, however it ended (SPEC N9)."""

from __future__ import annotations

from stepwell.definition.model import AttendedBody, Notice, Task
from stepwell.kernel.data import View
from stepwell.kernel.ruling import Fault, Ruling
from stepwell.model import events as e
from stepwell.model.base import Json
from stepwell.model.problem import Problem
from stepwell.model.records import Step
from stepwell.model.states import StepStatus

_ENDS = {
    StepStatus.COMPLETED: "completed",
    StepStatus.FAILED: "failed",
    StepStatus.TIMED_OUT: "failed",
    StepStatus.SKIPPED: "skipped",
}


def tell(r: Ruling, step: Step, task: Task) -> Problem | None:
    """Put the events of a step that has just ended on record. Gives the first problem, if one could not be made."""
    body = task.body
    if not isinstance(body, AttendedBody) or not body.notices:
        return None
    first: Problem | None = None
    view = View(r, r.draft.scope(step.scope), task, step, step.input, step.output)
    for notice in body.notices:
        try:
            r.emit(e.StepNoticed(step.id, notice.position, _data(view, notice, step)))
        except Fault as fault:
            r.emit(e.StepNoticed(step.id, notice.position, {}, fault.problem.as_json()))
            first = first or fault.problem
    return first


def _data(view: View, notice: Notice, step: Step) -> dict[str, Json]:
    data = step.output
    how = _ENDS[step.status]
    return {
        "type": view.render(notice.type, data),
        "title": view.render(notice.title, data),
        "severity": notice.severities[how],
        "outcome": how,
        "labels": view.render(notice.labels, data) if notice.labels is not None else [],
        "properties": view.render(notice.properties, data) if notice.properties is not None else {},
    }
