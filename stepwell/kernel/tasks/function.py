"""`call` of a function of the document (`use.functions`): its task, with the arguments as its input."""

from stepwell.definition.model import FunctionBody, Task
from stepwell.kernel.data import View
from stepwell.kernel.flow import complete, open_scope, task_list
from stepwell.kernel.ruling import Ruling
from stepwell.model.events import SAME
from stepwell.model.records import Scope, Step


def enter(r: Ruling, step: Step, task: Task, view: View) -> None:
    body = task.body
    assert isinstance(body, FunctionBody)
    data = view.render(body.with_, step.input) if body.with_ is not None else SAME
    scope = Scope("", step.id, "", "function")
    open_scope(r, step, f"{step.id}/function", task_list(r, scope), "function", input=data)


def done(r: Ruling, step: Step, scope: Scope) -> None:
    complete(r, step, SAME)
