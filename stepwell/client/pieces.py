"""Two small views: one step of a run, and the events of a turn."""

from __future__ import annotations

from typing import Any, Final

from stepwell.client.views import View, error_view, when
from stepwell.model.errors import NotFound
from stepwell.model.events import NAMES, SAME
from stepwell.model.journal import Turn
from stepwell.model.problem import Problem


def find_step(view: View, step: str) -> View:
    """The step of a `run_view` with this id, or else this path or name if only one has it. Raises `NotFound`."""
    steps: list[View] = view["steps"]
    for member in ("id", "path", "name"):
        found = [one for one in steps if one[member] == step]
        if len(found) == 1:
            return found[0]
        if found:
            ids = ", ".join(one["id"] for one in found[:5]) + (", …" if len(found) > 5 else "")
            raise NotFound(
                f"{len(found)} steps of run {view['run_id']} are called {step}", hint=f"name one: {ids}"
            )
    raise NotFound(
        f"run {view['run_id']} has no step {step}",
        hint=f"list its steps with: stepwell runs show {view['run_id']}",
    )


_INSTANTS: Final = frozenset({"due", "deadline", "attempt_deadline"})


def event_views(turn: Turn) -> list[View]:
    """`{seq, at, type, …}` for each event of a turn; data that simply flowed on is left out."""
    head = {"seq": turn.seq, "at": when(turn.at)}
    return [{**head, "type": NAMES[type(event)], **_fields(event)} for event in turn.events]


def _fields(event: Any) -> View:
    return {name: _value(name, value) for name, value in event._asdict().items() if value is not SAME}


def _value(name: str, value: Any) -> Any:
    if isinstance(value, Problem):
        return error_view(value)
    if name in _INSTANTS:
        return when(value)
    return list(value) if isinstance(value, tuple) else value
