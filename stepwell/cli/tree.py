"""The steps of a run as rows of a tree: what the live display and `runs show` draw. Nothing of terminals here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Final, NamedTuple

from stepwell.client.awaiting import awaited, awaits
from stepwell.client.open_steps import problem_text, reason_of, since, span
from stepwell.model.base import Instant
from stepwell.model.records import State, Step
from stepwell.model.states import StepStatus


class Mark(NamedTuple):
    """How a status looks: a symbol, what to write where symbols cannot be drawn, and a colour (of click and rich)."""

    symbol: str
    plain: str
    style: str


MARKS: Final[dict[StepStatus, Mark]] = {
    StepStatus.COMPLETED: Mark("✓", "ok", "green"),
    StepStatus.FAILED: Mark("✗", "!!", "red"),
    StepStatus.TIMED_OUT: Mark("⧖", "!t", "red"),
    StepStatus.SKIPPED: Mark("↷", "--", "bright_black"),
    StepStatus.CANCELLED: Mark("⊘", "xx", "magenta"),
    StepStatus.RUNNING: Mark("●", ">>", "blue"),
    StepStatus.SUBMITTED: Mark("●", ">>", "blue"),
    StepStatus.WAITING: Mark("◔", "..", "yellow"),
    StepStatus.PAUSED: Mark("‖", "||", "yellow"),
    StepStatus.SCHEDULED: Mark("○", "  ", "bright_black"),
    StepStatus.PENDING: Mark("○", "  ", "bright_black"),
}

BAD: Final = frozenset({StepStatus.FAILED, StepStatus.TIMED_OUT})


class Row(NamedTuple):
    """One step, or (`mark` None) a remark about steps that are left out. `live`: it or something in it is open.
    `id`: the step's id, where others have its name and index too."""

    depth: int
    mark: Mark | None
    name: str
    kind: str
    note: str
    live: bool = False
    bad: bool = False
    id: str = ""


def rows_of(state: State, now: Instant) -> list[Row]:
    """All steps, each below the block that it is in, in the order they began."""
    inside: dict[str | None, list[Step]] = {}
    for step in state.steps.values():
        inside.setdefault(step.parent, []).append(step)
    live, named = _live(state), Counter((step.name, step.index) for step in state.steps.values())
    rows: list[Row] = []
    todo = [(step, 0) for step in reversed(inside.get(None, []))]
    while todo:
        step, depth = todo.pop()
        row = _row(state, step, depth, now, live=step.id in live)
        rows.append(row if named[step.name, step.index] == 1 else row._replace(id=step.id))
        todo += [(child, depth + 1) for child in reversed(inside.get(step.id, []))]
    return rows


def _live(state: State) -> set[str]:
    found: set[str] = set()
    for step_id in state.open_steps:
        up: str | None = step_id
        while up is not None and up not in found:
            found.add(up)
            up = state.steps[up].parent
    return found


def _name(state: State, step: Step) -> str:
    """The task's name, with the iteration or the try of the block that it is in; whether it is done again."""
    node = state.nodes.get(step.id)
    if node is not None and node.replaced_by is not None:
        return f"{step.name} ({'outdated' if node.outdated else 'repeated'})"
    scope = state.scopes[step.scope]
    if scope.section in ("iteration", "item"):
        return f"{step.name} [{scope.number}]"
    return f"{step.name} (try {scope.number + 1})" if scope.section == "try" and scope.number else step.name


def _row(state: State, step: Step, depth: int, now: Instant, *, live: bool) -> Row:
    note = note_of(step, now) if awaits(state, step) is None else awaited(state, step)
    return Row(depth, MARKS[step.status], _name(state, step), step.kind, note, live, step.status in BAD)


def fit(rows: Sequence[Row], height: int) -> list[Row]:
    """At most `height` rows: what is open or has failed, then the outer blocks; of the rest the number is said."""
    if len(rows) <= height:
        return list(rows)
    kept = _shortened(rows, -1)
    for depth in range(max(row.depth for row in rows)):
        more = _shortened(rows, depth)
        if len(more) > height:
            break
        kept = more
    if len(kept) > height:
        rest = len(kept) - height + 1
        kept = [*kept[: height - 1], Row(0, None, f"… {rest} more", "", "")]
    return kept


def _shortened(rows: Sequence[Row], depth: int) -> list[Row]:
    """What is open, has failed or is no deeper than this; a remark in the place of each stretch that is left out."""
    kept: list[Row] = []
    for keep, stretch in groupby(rows, lambda row: row.live or row.bad or row.depth <= depth):
        found = list(stretch)
        if keep or len(found) == 1:
            kept += found
        else:
            kept.append(Row(min(row.depth for row in found), None, f"… {len(found)} more, all done", "", ""))
    return kept


def note_of(step: Step, now: Instant) -> str:
    """What there is to say about a step besides its symbol."""
    parts = [_NOTES[step.status](step, now)]
    if step.items is not None:
        parts.insert(0, f"{step.cursor} of {len(step.items)}")
    if step.attempt > 1 and step.status is not StepStatus.WAITING:
        parts.append(f"attempt {step.attempt}")
    if step.attempts and step.attempts[-1].runs > 1:
        parts.append(f"performed {step.attempts[-1].runs} times")
    if step.progress is not None and not step.status.terminal:
        parts.append(f"progress {step.progress}")
    return ", ".join(part for part in parts if part)


def _took(step: Step, now: Instant) -> str:
    return span((step.ended_at or now) - step.started_at) if step.started_at is not None else ""


def _failed(step: Step, now: Instant) -> str:
    word = "timed out" if step.status is StepStatus.TIMED_OUT else "failed"
    return f"{word} after {_took(step, now)}: {problem_text(step.error)}"


def _waiting(step: Step, now: Instant) -> str:
    return _WAITING.get(reason_of(step), _waits)(step, now)


def _retry(step: Step, now: Instant) -> str:
    error = problem_text(step.attempts[-1].error if step.attempts else None)
    return f"retry {step.attempt} {_left(step, now)}: {error}"


def _left(step: Step, now: Instant) -> str:
    return f"in {span(step.due - now)}" if step.due is not None else "soon"


def _waits(step: Step, now: Instant) -> str:
    return f"waits for {step.reason or 'its turn'}, {span(now - since(step))}"


_WAITING: Final[dict[str, Callable[[Step, Instant], str]]] = {
    "waiting_for_retry": _retry,
    "waiting_for_timer": lambda step, now: f"goes on {_left(step, now)}",
    "waiting_for_children": lambda step, now: f"waits for another run, {span(now - since(step))}",
}


def _scheduled(step: Step, now: Instant) -> str:
    return f"begins {_left(step, now)}" if step.due is not None else "scheduled"


_NOTES: Final[dict[StepStatus, Callable[[Step, Instant], str]]] = {
    StepStatus.COMPLETED: _took,
    StepStatus.FAILED: _failed,
    StepStatus.TIMED_OUT: _failed,
    StepStatus.SKIPPED: lambda step, now: f"skipped: {step.skip_reason}",
    StepStatus.CANCELLED: lambda step, now: "cancelled",
    StepStatus.RUNNING: lambda step, now: f"running {_took(step, now)}",
    StepStatus.SUBMITTED: lambda step, now: "submitted",
    StepStatus.WAITING: _waiting,
    StepStatus.PAUSED: lambda step, now: "paused by the debugger",
    StepStatus.SCHEDULED: _scheduled,
    StepStatus.PENDING: lambda step, now: "pending",
}
