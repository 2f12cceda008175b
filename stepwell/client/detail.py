"""Three tiers of what is shown of a run: `summary` no payloads, `standard` their shapes and sizes, `full` all of it.

A payload is what a workflow's author or user put in or got out: inputs, outputs, variables, progress, signals. A shape
is `{"type", "bytes"}`, with `members` (of an object) or `items` (of a list): it tells whether something is there and
how large, and nothing of what it says. Error texts are in every tier: without them nobody can say what went wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Final, Literal

from pydantic_core import to_json

from stepwell.client.views import View
from stepwell.model.base import Json
from stepwell.model.errors import InvalidInput

Detail = Literal["summary", "standard", "full"]
TIERS: Final = ("summary", "standard", "full")

_OF_RUN: Final = frozenset({"input", "output", "context", "variables"})
_OF_STEP: Final = frozenset({"input", "output", "progress"})
_OF_ATTEMPT: Final = frozenset({"output"})
_OF_EVENT: Final = frozenset(
    {"input", "output", "context", "values", "variables", "items", "progress", "value"}
)


def check_detail(detail: str) -> None:
    """Raises `InvalidInput`."""
    if detail not in TIERS:
        raise InvalidInput(f"there is no detail {detail!r}", hint=f"use {', '.join(TIERS)}")


def shape_of(value: Json) -> View | None:
    """What kind of value it is and how large as JSON; None for null."""
    if value is None:
        return None
    found: View = {"type": _kind(value), "bytes": len(to_json(value, inf_nan_mode="constants"))}
    if isinstance(value, Mapping):
        found["members"] = len(value)
    elif isinstance(value, list | tuple):
        found["items"] = len(value)
    return found


def _kind(value: Json) -> str:
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if isinstance(value, str):
        return "string"
    return "object" if isinstance(value, Mapping) else "array"


def at_detail(view: View, detail: str) -> View:
    """A `run_view` as this tier shows it."""
    check_detail(detail)
    if detail == "full":
        return view
    steps = [step_at_detail(step, detail) for step in view["steps"]]
    return {**_reduced(view, _OF_RUN, detail), "steps": steps}


def step_at_detail(step: View, detail: str) -> View:
    """A step of a `run_view` as this tier shows it; a summary has no attempts."""
    if detail == "full":
        return step
    found = _reduced(step, _OF_STEP, detail)
    attempts = found.pop("attempts", None)
    if attempts is not None and detail == "standard":
        found["attempts"] = [_reduced(attempt, _OF_ATTEMPT, detail) for attempt in attempts]
    return found


def event_at_detail(event: View, detail: str) -> View:
    """An event of a journal as this tier shows it."""
    return event if detail == "full" else _reduced(event, _OF_EVENT, detail)


def _reduced(view: View, payloads: Set[str], detail: str) -> View:
    if detail == "summary":
        return {name: value for name, value in view.items() if name not in payloads}
    return {name: shape_of(value) if name in payloads else value for name, value in view.items()}


__all__ = ["TIERS", "Detail", "at_detail", "check_detail", "event_at_detail", "shape_of", "step_at_detail"]
