"""`event`: satisfied by a signal to the run, one that came earlier and was left included."""

from __future__ import annotations

from stepwell.definition.conditions import EventSpec
from stepwell.kernel.conditions.leaf import (
    Ground,
    Rules,
    limited,
    noted,
    out_of_time,
    overdue,
    satisfied,
    started,
)
from stepwell.kernel.exchange import as_text
from stepwell.model.conditions import Record
from stepwell.model.records import Signal


def _begin(spec: EventSpec, record: Record, ground: Ground) -> Record:
    name = as_text(ground.render(spec.name))
    correlation = None if spec.correlation is None else as_text(ground.render(spec.correlation))
    begun = limited(
        noted(started(record, ground.now), name=name, correlation=correlation), spec.timeout, ground
    )
    there = ground.take(name, correlation)
    return begun if there is None else _taken(begun, there, ground)


def _taken(record: Record, signal: Signal, ground: Ground) -> Record:
    return noted(satisfied(record, ground.now), signal=signal.id)


def _signal(spec: EventSpec, record: Record, signal: Signal, ground: Ground) -> Record | None:
    if signal.name != record["name"] or record.get("correlation") not in (None, signal.correlation):
        return None
    return _taken(record, signal, ground)


def _look(spec: EventSpec, record: Record, ground: Ground) -> Record:
    return out_of_time(record, ground.now) if overdue(record, ground.now) else record


RULES = Rules(_begin, look=_look, signal=_signal)
