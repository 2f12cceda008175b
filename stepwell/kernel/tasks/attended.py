"""`call: form`, `call: approval`, `call: condition`: what people do, or what is only waited for; what actions do."""

from __future__ import annotations

from stepwell.definition.conditions import Moment
from stepwell.definition.model import AttendedBody, NotifyBody, Task, VariablesBody
from stepwell.kernel.approvals import asking
from stepwell.kernel.data import View
from stepwell.kernel.exchange import as_text
from stepwell.kernel.flow import complete
from stepwell.kernel.people.measuring import measure
from stepwell.kernel.people.submit import go_on, submit, submit_if_complete
from stepwell.kernel.ruling import Fault, Ruling
from stepwell.kernel.titles import entitle
from stepwell.model import events as e
from stepwell.model import problem
from stepwell.model.actions import NotifyAction
from stepwell.model.records import Scope, Step


def form(r: Ruling, step: Step, task: Task, view: View) -> None:
    """It is for a person now, unless it proceeds by itself and misses nothing."""
    entitle(r, step, task, view, step.input)
    measure(r, step, Moment.START)
    submit_if_complete(r, step)


def approval(r: Ruling, step: Step, task: Task, view: View) -> None:
    """Nobody has anything to do but to decide."""
    assert isinstance(task.body, AttendedBody)
    assert task.body.approval is not None
    measure(r, step, Moment.START)
    asking.enter(r, step, task, view, task.body.approval)


def condition(r: Ruling, step: Step, task: Task, view: View) -> None:
    """Nobody has anything to say: it is submitted at once."""
    entitle(r, step, task, view, step.input)
    measure(r, step, Moment.START)
    submit(r, step)


def done(r: Ruling, step: Step, scope: Scope) -> None:
    """Its actions are through."""
    go_on(r, step)


def set_variables(r: Ruling, step: Step, task: Task, view: View) -> None:
    assert isinstance(task.body, VariablesBody)
    values = view.render(task.body.values, step.input)
    if not isinstance(values, dict):
        raise Fault(problem.configuration("what is set must be an object"))
    r.emit(e.VariablesSet(values, (), step.id))
    complete(r, step, values)


def notify(r: Ruling, step: Step, task: Task, view: View) -> NotifyAction:
    body = task.body
    assert isinstance(body, NotifyBody)
    title = view.render(body.title, step.input) if body.title is not None else None
    return NotifyAction(
        as_text(view.render(body.channel, step.input)),
        None if title is None else as_text(title),
        as_text(view.render(body.message, step.input)),
    )
