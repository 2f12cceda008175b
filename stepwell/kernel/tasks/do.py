"""`do`: tasks in sequence; the output is that of the last one."""

from stepwell.definition.model import DoBody, Task
from stepwell.kernel.data import View
from stepwell.kernel.flow import complete, open_scope
from stepwell.kernel.ruling import Ruling
from stepwell.model.events import SAME
from stepwell.model.records import Scope, Step


def enter(r: Ruling, step: Step, task: Task, view: View) -> None:
    assert isinstance(task.body, DoBody)
    open_scope(r, step, f"{step.id}/do", task.body.do, "do")


def done(r: Ruling, step: Step, scope: Scope) -> None:
    complete(r, step, SAME)
