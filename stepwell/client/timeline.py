"""Where the time of a run went: intervals of the run and of every step, from its journal (SPEC Q11).

A step's interval has one phase: `queued`, `delayed`, `running`, `waiting`, `backing_off` or `paused`. The intervals
of a step lie end to end; a step that is begun again after its end has a gap. What is still going on has no end.
"""

from __future__ import annotations

from collections.abc import Iterable, Set
from dataclasses import dataclass, field
from typing import Any, Final

from stepwell.client.views import View, error_view, when
from stepwell.kernel.draft import Draft
from stepwell.kernel.evolve import blank, evolve
from stepwell.model.base import Instant
from stepwell.model.events import StepRecovered
from stepwell.model.journal import Turn
from stepwell.model.problem import Problem
from stepwell.model.records import Step
from stepwell.model.states import RunStatus, StepStatus, WaitReason

PHASES: Final = ("queued", "delayed", "running", "waiting", "backing_off", "paused")
HELD: Final = frozenset({RunStatus.PAUSING, RunStatus.PAUSED})
_UNTIL_NOW: Final = 2**63 - 1


@dataclass(slots=True)
class Interval:
    """`end` None: it is still so. `execution` counts how often the attempt was performed (again after a crash)."""

    phase: str
    start: Instant
    end: Instant | None = None
    attempt: int = 0
    execution: int = 1
    reason: str | None = None
    due: Instant | None = None
    error: Problem | None = None

    def as_json(self, now: Instant) -> View:
        return {
            "phase": self.phase,
            "start": when(self.start),
            "end": when(self.end),
            "seconds": _seconds(self.start, self.end, now),
            "attempt": self.attempt,
            "execution": self.execution,
            "reason": self.reason,
            "due": when(self.due),
            "error": error_view(self.error),
        }


@dataclass(slots=True)
class Track:
    """A step's intervals, in order, and the step as it is now."""

    step: Step
    intervals: list[Interval] = field(default_factory=list)

    @property
    def start(self) -> Instant:
        return self.intervals[0].start if self.intervals else self.step.scheduled_at

    @property
    def end(self) -> Instant | None:
        return self.intervals[-1].end if self.intervals else self.step.ended_at


class Timeline:
    """Takes in a journal turn by turn."""

    def __init__(self, run_id: str) -> None:
        self._draft = Draft(blank(run_id))
        self.tracks: dict[str, Track] = {}
        self.phases: list[Interval] = []

    @property
    def seq(self) -> int:
        """The last turn that was taken in."""
        return self._draft.run.seq

    def take(self, turns: Iterable[Turn]) -> None:
        for turn in turns:
            for event in turn.events:
                status = self._draft.run.status
                evolve(self._draft, event, turn.at)
                self._note(event, status, turn)
            self._draft.run.seq = turn.seq

    def _note(self, event: Any, before: RunStatus, turn: Turn) -> None:
        run = self._draft.run
        if run.status is not before or not self.phases:
            self._run_phase(turn.at)
            if (run.status in HELD) != (before in HELD):  # what is held back now was queued before
                for step in list(self._draft.open_steps()):
                    self._step_phase(step, event, turn.at)
        step_id = getattr(event, "step", None)
        found = self._draft.find_step(step_id) if isinstance(step_id, str) else None
        if found is not None:
            self._step_phase(found, event, turn.at)

    def _run_phase(self, at: Instant) -> None:
        run = self._draft.run
        if self.phases and self.phases[-1].end is None:
            self.phases[-1].end = at
            if self.phases[-1].start == at:  # passed through within one turn
                self.phases.pop()
        if not run.status.terminal:
            self.phases.append(Interval(run.status.value, at, attempt=run.generation))

    def _step_phase(self, step: Step, event: Any, at: Instant) -> None:
        """Close the interval of the step if it is another one now, and begin the next."""
        track = self.tracks.setdefault(step.id, Track(step))
        track.step = step
        new = None if step.status.terminal else self._interval(step, at)
        last = track.intervals[-1] if track.intervals else None
        if last is not None and last.end is None:
            again = isinstance(event, StepRecovered)
            if new is not None and not again and _same(last, new):
                last.due = new.due
                return
            last.end = at
            last.error = _error_of(step, last)
            if last.start == at and last.phase != "running" and new is not None:
                track.intervals.pop()
        if new is not None:
            track.intervals.append(new)

    def _interval(self, step: Step, at: Instant) -> Interval:
        phase, reason = _phase(step)
        if phase == "queued" and self._draft.run.status in HELD:
            phase, reason = "paused", "run"
        runs = step.attempts[-1].runs if step.attempts else 1
        attempt = step.attempt + (phase == "backing_off")
        return Interval(phase, at, None, attempt, runs, reason, step.due)

    def as_json(self, now: Instant) -> View:
        """`{run_id, …, phases, steps, totals, concurrency}`: see `docs/inspection.md`."""
        run = self._draft.run
        around = {track.step.parent for track in self.tracks.values()}
        tracks = sorted(self.tracks.values(), key=lambda track: track.start)
        leaves = [track for track in tracks if track.step.id not in around]
        return {
            "run_id": run.id,
            "name": run.name,
            "version": run.version,
            "status": run.status.value,
            "start": when(run.created_at),
            "end": when(run.ended_at),
            "at": when(now),
            "seconds": _seconds(run.created_at, run.ended_at, now),
            "phases": [_run_json(phase, now) for phase in self.phases],
            "steps": [self._track_json(track, track.step.id in around, now) for track in tracks],
            "totals": _totals(tracks, around, now),
            "concurrency": _concurrency(leaves),
        }

    def _track_json(self, track: Track, block: bool, now: Instant) -> View:
        step = track.step
        return {
            "step": step.id,
            "path": step.path,
            "name": step.name,
            "kind": step.kind,
            "index": list(step.index),
            "parent": step.parent,
            "parent_attempt": step.parent_attempt,
            "depth": self._depth(step),
            "block": block,
            "status": step.status.value,
            "attempts": step.attempt,
            "start": when(track.start),
            "end": when(track.end),
            "seconds": _seconds(track.start, track.end, now),
            "error": error_view(step.error),
            "intervals": [interval.as_json(now) for interval in track.intervals],
        }

    def _depth(self, step: Step) -> int:
        depth, parent = 0, step.parent
        while parent is not None:
            depth, parent = depth + 1, self._draft.step(parent).parent
        return depth


def _phase(step: Step) -> tuple[str, str | None]:
    """The phase of an open step, and what it waits for."""
    if step.status is StepStatus.PAUSED:
        return "paused", "debugger"
    if step.status in (StepStatus.RUNNING, StepStatus.SUBMITTED):
        return "running", None
    if step.status is StepStatus.WAITING:
        last = step.attempts[-1] if step.attempts else None
        if step.reason is WaitReason.TIMER and last is not None and last.error is not None:
            return "backing_off", None
        return "waiting", step.reason.value if step.reason is not None else None
    return ("delayed", None) if step.due is not None else ("queued", None)


def _same(last: Interval, new: Interval) -> bool:
    names = ("phase", "attempt", "execution", "reason")
    return all(getattr(last, name) == getattr(new, name) for name in names)


def _error_of(step: Step, last: Interval) -> Problem | None:
    """What ended a running interval, if it was a failure."""
    if last.phase != "running":
        return None
    if step.status.terminal:
        return step.error
    found = [attempt.error for attempt in step.attempts if attempt.number == last.attempt]
    return found[0] if found else None


def _seconds(start: Instant, end: Instant | None, now: Instant) -> float:
    return max(0, (now if end is None else end) - start) / 1_000_000


def _run_json(phase: Interval, now: Instant) -> View:
    return {
        "phase": phase.phase,
        "start": when(phase.start),
        "end": when(phase.end),
        "seconds": _seconds(phase.start, phase.end, now),
        "generation": phase.attempt,
    }


def _totals(tracks: Iterable[Track], around: Set[str | None], now: Instant) -> dict[str, float]:
    """Seconds by phase, summed over all steps. A block's running is that of the steps in it."""
    totals = dict.fromkeys(PHASES, 0.0)
    for track in tracks:
        for interval in track.intervals:
            if interval.phase == "running" and track.step.id in around:
                continue
            totals[interval.phase] += _seconds(interval.start, interval.end, now)
    return {phase: round(seconds, 6) for phase, seconds in totals.items()}


def _concurrency(tracks: Iterable[Track]) -> View:
    """How many steps were running at once at most, and when that began."""
    changes: list[tuple[Instant, int]] = []
    for track in tracks:
        for interval in track.intervals:
            if interval.phase == "running" and interval.end != interval.start:
                changes.append((interval.start, 1))
                changes.append((_UNTIL_NOW if interval.end is None else interval.end, -1))
    running = peak = 0
    at: Instant | None = None
    for instant, change in sorted(changes):  # at one instant, ends come before beginnings
        running += change
        if running > peak:
            peak, at = running, instant
    return {"peak": peak, "at": when(at)}


__all__ = ["PHASES", "Interval", "Timeline", "Track"]
