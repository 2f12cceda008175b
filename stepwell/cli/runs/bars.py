"""A timeline as bars of characters: one line for each step, all on one scale."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from stepwell.cli.runs.showing import STATUS_STYLES, instant
from stepwell.cli.screen import can_draw, line, tint
from stepwell.cli.tree import MARKS
from stepwell.client.open_steps import span, times
from stepwell.model.base import Duration, Instant
from stepwell.model.states import StepStatus


class Look(NamedTuple):
    """How a phase looks: a character, what to draw where that cannot be, a colour, and a word for the legend."""

    drawn: str
    plain: str
    style: str
    word: str


LOOKS: Final = {
    "running": Look("█", "=", "blue", "running"),
    "waiting": Look("░", ".", "yellow", "waiting"),
    "backing_off": Look("▒", "~", "red", "back-off"),
    "queued": Look("·", ",", "bright_black", "queued"),
    "delayed": Look("┄", "_", "bright_black", "delayed"),
    "paused": Look("‖", "|", "magenta", "paused"),
    "pausing": Look("¦", "/", "magenta", "pausing"),
    "cancelling": Look("╳", "x", "magenta", "cancelling"),
    "resuming": Look("·", ",", "bright_black", "resuming"),
    "pending": Look("·", ",", "bright_black", "pending"),
}
"""In the order of the legend. Where several phases fall into one character the most telling is drawn: see `_RANK`."""

_RANK: Final = {
    phase: rank
    for rank, phase in enumerate(
        (
            "pending",
            "queued",
            "delayed",
            "waiting",
            "resuming",
            "running",
            "pausing",
            "paused",
            "backing_off",
            "cancelling",
        )
    )
}
NAMES: Final = (16, 36)
"""the least and the most room for names"""
NOTES: Final = 34
NARROWEST: Final = 20
Cells = list[str | None]


def bars(view: dict[str, Any], most: int, width: int) -> list[str]:
    """The lines for a terminal of this width."""
    begin, end = instant(view["start"]), instant(view["end"] or view["at"])
    steps = view["steps"]
    names = [_name(step) for step in steps]
    room = min(NAMES[1], max([NAMES[0], *map(len, names)]))
    scale = _Scale(begin, max(1, end - begin), max(NARROWEST, width - room - NOTES - 4))
    status = view["status"]
    lines = [
        tint(f"{view['name']}:{view['version']}", bold=True)
        + f"  {view['run_id']}  {tint(status, STATUS_STYLES.get(status, 'yellow'))}  {span(end - begin)}",
        f"{'':{room}}  {scale.ruler()}",
        f"{'(run)':{room}}  {scale.drawn(view['phases'])}",
    ]
    for step, name in zip(steps[:most], names, strict=False):
        lines.append(f"{_cut(name, room)}  {scale.drawn(step['intervals'])}  {_note(step)}".rstrip())
    if len(steps) > most:
        lines.append(f"… {times(len(steps) - most, 'step')} more: --steps {len(steps)}, or --json")
    return [*lines, *_legend(view)]


class _Scale:
    """From instants to columns."""

    def __init__(self, begin: Instant, length: Duration, width: int) -> None:
        self._begin, self._length, self.width = begin, length, width

    def ruler(self) -> str:
        """`0` on the left, the whole length on the right, and the middle if there is room."""
        right, middle = span(self._length), span(self._length // 2)
        left = "0".ljust(self.width // 2 - len(middle) // 2) + middle
        return tint(left.ljust(self.width - len(right)) + right, "bright_black")

    def drawn(self, intervals: list[dict[str, Any]]) -> str:
        cells: Cells = [None] * self.width
        for interval in intervals:
            first = self._column(instant(interval["start"]))
            last = self._column(instant(interval["end"])) if interval["end"] else self.width
            for column in range(first, max(first + 1, last)):
                cells[column] = _sharper(cells[column], interval["phase"])
        return _painted(cells)

    def _column(self, at: Instant) -> int:
        return min(self.width - 1, max(0, (at - self._begin) * self.width // self._length))


def _sharper(one: str | None, other: str) -> str:
    return other if one is None or _RANK[other] >= _RANK[one] else one


def _painted(cells: Cells) -> str:
    """Stretches of one phase in one colour."""
    text, start = "", 0
    for column in range(1, len(cells) + 1):
        if column == len(cells) or cells[column] != cells[start]:
            text += _stretch(cells[start], column - start)
            start = column
    return text


def _stretch(phase: str | None, length: int) -> str:
    if phase is None:
        return " " * length
    look = LOOKS[phase]
    return tint((look.drawn if can_draw() else look.plain) * length, look.style)


def _name(step: dict[str, Any]) -> str:
    index = f" [{step['index'][-1]}]" if step["index"] else ""
    again = f" (try {step['parent_attempt']})" if step["parent_attempt"] > 1 else ""
    return f"{'  ' * step['depth']}{line(step['name'])}{index}{again}"


def _cut(name: str, room: int) -> str:
    """Exactly so wide."""
    return (name if len(name) <= room else name[: room - 1] + "…").ljust(room)


def _note(step: dict[str, Any]) -> str:
    """The mark of its status, how long it took, how often it was tried, why it failed."""
    mark = MARKS[StepStatus(step["status"])]
    parts = [span(int(step["seconds"] * 1_000_000))]
    if step["attempts"] > 1:
        parts.append(times(step["attempts"], "attempt"))
    executions = max((interval["execution"] for interval in step["intervals"]), default=1)
    if executions > 1:
        parts.append(f"performed {executions} times")
    if step["error"] is not None:
        parts.append(f"{step['error']['title']} ({step['error']['status']})")
    return (
        tint(mark.symbol if can_draw() else mark.plain, mark.style) + f" {line(', '.join(parts), NOTES - 2)}"
    )


def _legend(view: dict[str, Any]) -> list[str]:
    """The phases that occur, and the sums."""
    found = {one["phase"] for step in view["steps"] for one in step["intervals"]}
    found |= {one["phase"] for one in view["phases"]}
    signs = [
        f"{tint(look.drawn if can_draw() else look.plain, look.style)} {look.word}"
        for phase, look in LOOKS.items()
        if phase in found
    ]
    spent = [
        f"{LOOKS[phase].word} {span(int(seconds * 1_000_000))}"
        for phase, seconds in view["totals"].items()
        if seconds
    ]
    lines = ["  ".join(signs)]
    if spent:
        lines.append(
            f"in all steps together: {', '.join(spent)}; at most {view['concurrency']['peak']} at once"
        )
    return lines
