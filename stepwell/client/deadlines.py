"""How a run and its steps stand to their soft deadlines, for people: derived when it is looked at."""

from __future__ import annotations

from typing import Any

from stepwell.client.views import View, when
from stepwell.model.base import Instant
from stepwell.model.deadline import standing
from stepwell.model.records import Run, State, Step


def add_deadlines(view: View, state: State, now: Instant) -> View:
    """The view of a run, with `expected_by` and `deadline_status` of the run and of every step."""
    view |= _standing(state.run, now)
    for step in view["steps"]:
        step.update(_standing(state.steps[step["id"]], now))
    return view


def _standing(of: Run | Step, now: Instant) -> dict[str, Any]:
    due = of.expected["due"] if of.expected is not None else None
    return {"expected_by": when(due), "deadline_status": standing(of.expected, now, of.ended_at)}
