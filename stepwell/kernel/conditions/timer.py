"""`timer`: satisfied so long after the step was submitted."""

from __future__ import annotations

from stepwell.definition.conditions import TimerSpec
from stepwell.kernel.conditions.leaf import Ground, Rules, satisfied, started
from stepwell.model.conditions import Record


def _begin(spec: TimerSpec, record: Record, ground: Ground) -> Record:
    begun = {**started(record, ground.now), "due_at": ground.now + ground.duration(spec.after)}
    return _look(spec, begun, ground)


def _look(spec: TimerSpec, record: Record, ground: Ground) -> Record:
    due: int = record["due_at"]
    return satisfied(record, ground.now) if due <= ground.now else record


RULES = Rules(_begin, look=_look)
