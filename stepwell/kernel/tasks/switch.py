"""`switch`: the first case that holds says where to go; the data passes through."""

from stepwell.definition.model import SwitchBody, Task
from stepwell.kernel.data import View
from stepwell.kernel.flow import complete
from stepwell.kernel.ruling import Ruling
from stepwell.model.events import SAME
from stepwell.model.records import Step


def enter(r: Ruling, step: Step, task: Task, view: View) -> None:
    assert isinstance(task.body, SwitchBody)
    default = None
    for case in task.body.cases:
        if case.when is None:
            default = default or case.then
        elif view.condition(case.when, step.input):
            complete(r, step, SAME, then=case.then)
            return
    complete(r, step, SAME, then=default)
