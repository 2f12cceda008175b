"""`wait`: nothing happens for a while; the data passes through."""

from stepwell.definition.model import Task, WaitBody
from stepwell.kernel.data import View
from stepwell.kernel.ruling import Ruling
from stepwell.model.effects import SetTimer
from stepwell.model.events import StepWaiting
from stepwell.model.records import Step
from stepwell.model.states import WaitReason


def enter(r: Ruling, step: Step, task: Task, view: View) -> None:
    assert isinstance(task.body, WaitBody)
    due = r.now + view.duration(task.body.duration, step.input)
    r.emit(StepWaiting(step.id, WaitReason.TIMER, due))
    r.effect(SetTimer(step.id, "wake", due))
