"""`set`: the output is what the template gives."""

from stepwell.definition.model import SetBody, Task
from stepwell.kernel.data import View
from stepwell.kernel.flow import complete
from stepwell.kernel.ruling import Ruling
from stepwell.model.records import Step


def enter(r: Ruling, step: Step, task: Task, view: View) -> None:
    assert isinstance(task.body, SetBody)
    complete(r, step, view.render(task.body.value, step.input))
