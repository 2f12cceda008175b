"""`try`: a block whose errors are caught. What happens with an error is in `kernel.catching`."""

from stepwell.definition.model import Task, TryBody
from stepwell.kernel.catching import begin_try
from stepwell.kernel.data import View
from stepwell.kernel.flow import complete
from stepwell.kernel.ruling import Ruling
from stepwell.model.events import SAME
from stepwell.model.records import Scope, Step


def enter(r: Ruling, step: Step, task: Task, view: View) -> None:
    begin_try(r, step)


def done(r: Ruling, step: Step, scope: Scope) -> None:
    body = r.task(step.path).body
    assert isinstance(body, TryBody)
    complete(r, step, SAME, then=body.catch.then if scope.section == "catch" else None)
