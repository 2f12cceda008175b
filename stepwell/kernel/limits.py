"""The timers that a step's error policy calls for while somebody is doing the step."""

from __future__ import annotations

from typing import Final

from stepwell.model.base import Instant
from stepwell.model.effects import SetTimer
from stepwell.model.records import Step
from stepwell.model.recourse import Strike, limit_of

LIMITS: Final = (Strike.START, Strike.RESPONSE)
"""Their names are the purposes of the timers."""


def limits(step: Step) -> list[SetTimer]:
    if not step.options:
        return []
    found = [(strike, limit_of(step, strike)) for strike in LIMITS]
    return [SetTimer(step.id, strike.value, due) for strike, due in found if due is not None]


def due_of(step: Step, purpose: str) -> Instant | None:
    """When a timer of this purpose is due, by what is known now; None: it is no longer wanted."""
    if purpose in LIMITS:
        return limit_of(step, Strike(purpose))
    return {"wake": step.due, "timeout": step.deadline, "attempt": step.attempt_deadline}[purpose]
