"""`call`: an HTTP service, or a Python function."""

from __future__ import annotations

from stepwell.definition.model import PythonBody, Task
from stepwell.definition.specs import HttpBody
from stepwell.kernel.data import View
from stepwell.kernel.exchange import http_action
from stepwell.kernel.ruling import Ruling
from stepwell.model.actions import HttpAction, PythonAction
from stepwell.model.records import Step


def http(r: Ruling, step: Step, task: Task, view: View) -> HttpAction:
    body = task.body
    assert isinstance(body, HttpBody)
    return http_action(view, body, step.input)


def python(r: Ruling, step: Step, task: Task, view: View) -> PythonAction:
    body = task.body
    assert isinstance(body, PythonBody)
    arguments = view.render(body.arguments, step.input) if body.arguments is not None else None
    return PythonAction(body.function, arguments, body.process)
