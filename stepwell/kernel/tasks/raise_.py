"""`raise`: an error of the author's own."""

from __future__ import annotations

from stepwell.definition.expression import Template
from stepwell.definition.model import RaiseBody, Task
from stepwell.kernel.data import View
from stepwell.kernel.ruling import Fault, Ruling
from stepwell.model import problem
from stepwell.model.base import Json
from stepwell.model.problem import Problem
from stepwell.model.records import Step


def enter(r: Ruling, step: Step, task: Task, view: View) -> None:
    body = task.body
    assert isinstance(body, RaiseBody)

    def text(template: Template | None) -> str | None:
        value = view.render(template, step.input) if template is not None else None
        return value if value is None or isinstance(value, str) else str(value)

    status = _status(view.render(body.status, step.input))
    kind = text(body.type) or problem.RUNTIME
    raise Fault(Problem(kind, status, text(body.title) or "Error", text(body.detail), text(body.instance)))


def _status(value: Json) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise Fault(problem.configuration(f"raise.error.status must be a number, not {value!r}"))
    try:
        return int(value)
    except (ValueError, OverflowError) as error:
        raise Fault(problem.configuration(f"raise.error.status must be a number, not {value!r}")) from error
