"""What the title of a form says where it has expressions in it: computed when it is begun, or offered to somebody."""

from __future__ import annotations

from typing import Final

from stepwell.definition.model import AttendedBody, Task
from stepwell.kernel.data import View, shape_input
from stepwell.kernel.exchange import as_text
from stepwell.kernel.ruling import Fault, Ruling
from stepwell.model import events as e
from stepwell.model.base import Json
from stepwell.model.records import Step

LONGEST: Final = 500


def entitle(r: Ruling, step: Step, task: Task, view: View, data: Json) -> None:
    """A title is no reason to fail: one that cannot be computed stays as it is written."""
    body = task.body
    node = r.draft.find_node(step.id)
    if not isinstance(body, AttendedBody) or body.title is None or node is None:
        return
    try:
        said = as_text(view.render(body.title, data))[:LONGEST]
    except Fault:
        return
    if said != node.title:
        r.emit(e.StepTitled(step.id, said))


def entitle_offered(r: Ruling, step_id: str) -> None:
    """Before it is begun: with the input that it would have now."""
    step = r.draft.step(step_id)
    task, scope = r.task(step.path), r.draft.scope(step.scope)
    if not isinstance(task.body, AttendedBody) or task.body.title is None:
        return
    view = View(r, scope, task, step, scope.flow)
    try:
        view.input = shape_input(view, task.input, scope.flow)
    except Fault:
        return
    entitle(r, step, task, view, view.input)
