"""A completion condition as lines of a tree, with what it has counted so far."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from stepwell.cli.people.fields import shown
from stepwell.cli.runs.showing import instant
from stepwell.cli.screen import can_draw, line, tint
from stepwell.client.open_steps import span
from stepwell.client.views import when
from stepwell.model.base import Instant

_TOLD: Final = frozenset({"kind", "status", "children", "reason", "detail", "fault", "number", "position"})
_STYLES: Final = {
    "satisfied": "green",
    "succeeded": "green",
    "failed": "red",
    "error": "red",
    "cancelled": "magenta",
}
_SYMBOLS: Final = {
    "satisfied": ("✓", "ok"),
    "succeeded": ("✓", "ok"),
    "failed": ("✗", "!!"),
    "error": ("✗", "!!"),
    "cancelled": ("⊘", "xx"),
    "skipped": ("↷", "--"),
    "in_progress": ("◔", ".."),
    "not_run": ("○", "  "),
}


def mark(status: str) -> str:
    """The symbol of a status, in its colour."""
    symbol, plain = _SYMBOLS.get(status, ("○", "  "))
    return tint(symbol if can_draw() else plain, _STYLES.get(status, "yellow"))


def condition_lines(tree: dict[str, Any], now: Instant, depth: int = 0) -> Iterator[str]:
    """A line for each node, each below the one that it belongs to."""
    words = [tree["kind"], tree["status"].replace("_", " "), *_counters(tree, now)]
    why = tree.get("detail") or tree.get("reason")
    told = "  ".join(map(line, words)) + (f": {line(str(why), 120)}" if why else "")
    yield f"{'  ' * depth}{mark(tree['status'])} {told}"
    for child in tree.get("children", ()):
        yield from condition_lines(child, now, depth + 1)


def _counters(tree: dict[str, Any], now: Instant) -> Iterator[str]:
    """What it counts and when it looks again; not when it was asked, that is told by the step."""
    for name, value in tree.items():
        if name in _TOLD or name in ("submitted_at", "started_at", "since") or value in (None, [], {}):
            continue
        words = name.replace("_", " ")
        if name.endswith("_at"):
            yield f"{words.removesuffix(' at')} {moment(instant(value), now)}"
        elif isinstance(value, list):
            yield f"{len(value)} {words}"
        else:
            yield f"{words} {shown(value) if not isinstance(value, dict) else line(json.dumps(value), 60)}"


def moment(at: Instant, now: Instant) -> str:
    """When, as people say it: how far from now."""
    if abs(at - now) >= 48 * 3_600_000_000:
        return when(at) or ""
    return f"in {span(at - now)}" if at > now else f"{span(now - at)} ago"
