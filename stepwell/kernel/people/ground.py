"""What the condition of a step may know: the run's data, and of the step itself what its values amount to."""

from __future__ import annotations

from stepwell.definition.expression import Expression, Template, truth
from stepwell.definition.specs import DurationSpec
from stepwell.kernel.data import View
from stepwell.kernel.people.values import outputs_of
from stepwell.kernel.ruling import Ruling
from stepwell.model import events as e
from stepwell.model.base import Duration, Instant, Json
from stepwell.model.records import Signal, Step

_NOT_YET = object()


class StepGround:
    """Implements `conditions.leaf.Ground`. `.` stands for the step's outputs, where nothing else is given."""

    __slots__ = ("_outputs", "r", "step", "view")

    def __init__(self, r: Ruling, step: Step) -> None:
        self.r, self.step = r, step
        self.view = View(r, r.draft.scope(step.scope), r.task(step.path), step, step.input)
        self._outputs: Json = _NOT_YET

    @property
    def now(self) -> Instant:
        return self.r.now

    @property
    def data(self) -> Json:
        if self._outputs is _NOT_YET:
            self._outputs = outputs_of(self.r, self.step)
        return self._outputs

    def render(self, template: Template) -> Json:
        return template.source if template.constant else self.view.render(template, self.data)

    def duration(self, spec: DurationSpec) -> Duration:
        return spec.constant if spec.constant is not None else self.view.duration(spec, self.data)

    def holds(self, expression: Expression) -> bool:
        return truth(self.view.evaluate(expression, self.data))

    def says(self, expression: Expression, answer: Json) -> bool:
        return truth(self.view.evaluate(expression, answer))

    def take(self, name: str, correlation: str | None) -> Signal | None:
        for signal_id in self.r.draft.run.inbox:
            signal = self.r.draft.find_signal(signal_id)
            assert signal is not None
            if signal.name == name and correlation in (None, signal.correlation):
                self.r.emit(e.SignalTaken(signal_id, self.step.id))
                return signal
        return None
