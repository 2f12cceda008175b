"""`expression`: satisfied as soon as it is true of the run's data. Looked at again whenever those change."""

from __future__ import annotations

from stepwell.definition.conditions import ExpressionSpec
from stepwell.kernel.conditions.leaf import Ground, Rules, satisfied, started
from stepwell.model.conditions import Record


def _look(spec: ExpressionSpec, record: Record, ground: Ground) -> Record:
    return satisfied(record, ground.now) if ground.holds(spec.expression) else started(record, ground.now)


RULES = Rules(_look, look=_look)
