"""What a fork of a run takes over: everything that had happened before one step began."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from stepwell.definition.model import Definition
from stepwell.kernel.standing import child_id
from stepwell.model import events as e
from stepwell.model.errors import Conflict, InvalidInput
from stepwell.model.events import Event
from stepwell.model.journal import Turn
from stepwell.model.policy import CHILD, step_options
from stepwell.model.records import State, Step
from stepwell.model.states import StepStatus

_OWN: Final = (
    e.RunCreated, e.RunStarted, e.RunPausing, e.RunPaused, e.RunResumed, e.RunCancelling, e.RunCancelled,
    e.RunCompleted, e.RunFailed, e.RunTimedOut, e.RunTerminated, e.RunRetried, e.RunContinued, e.RunStalled,
    e.RunUnstalled, e.RunCompensating, e.RunRescheduled, e.RunMetadataSet, e.RunMigrated,
)  # fmt: skip
"""Events about the old run as a whole: the new one has its own."""


_ENDS: Final = (e.StepCompleted, e.StepFailed, e.StepTimedOut, e.StepCancelled)
_CHILD_KIND: Final = "run:workflow"


def history_before(turns: Sequence[Turn], step_id: str, *, is_code: bool) -> tuple[Event, ...]:
    """The events up to the beginning of the step. A declarative step is then held, ready to begin; code asks for it
    again by itself."""
    kept: list[Event] = []
    for event in _events(turns):
        if getattr(event, "step", None) == step_id and isinstance(
            event, e.StepScheduled | e.StepStarted | e.StepPaused | e.StepSkipped
        ):
            if is_code:
                return tuple(_with_children(kept, turns[0].run_id))
            return (*kept, e.StepScheduled(step_id, event.path, event.kind, event.scope))
        if not isinstance(event, _OWN):
            kept.append(event)
    raise InvalidInput(f"step {step_id} never began: there is nothing to fork from")


def _with_children(events: Sequence[Event], run_id: str) -> Iterator[Event]:
    """Beginnings of children that have ended name the run that was begun: it is no child of the fork. (One that is in
    flight is performed anew, as a child of its own, though another one may have ended in its place before.)"""
    ended = _ended_children(events, run_id)
    for place, event in enumerate(events):
        if isinstance(event, e.StepStarted) and place in ended:
            yield event._replace(options={CHILD: ended[place], **(event.options or {})})
        else:
            yield event


def _ended_children(events: Sequence[Event], run_id: str) -> dict[int, str]:
    """The children that ended, by where the step began for which they were: at first, or again after a retry of the
    run."""
    children = {getattr(event, "step", None) for event in events if getattr(event, "kind", "") == _CHILD_KIND}
    attempts: Counter[str] = Counter()
    begun: dict[str, int] = {}
    ended = {}
    for place, event in enumerate(events):
        if isinstance(event, e.StepStarted) and event.step in children:
            attempts[event.step] += 1
            begun.setdefault(event.step, place)
        elif isinstance(event, _ENDS) and event.step in begun:
            ended[begun.pop(event.step)] = child_id(run_id, event.step, attempts[event.step])
    return ended


def _events(turns: Sequence[Turn]) -> Iterator[Event]:
    for turn in turns:
        yield from turn.events


def irreversible_steps(state: State, definition: Definition, after: int = 0) -> list[Step]:
    """Steps that were done and cannot be taken back, among those that began at or after this instant."""
    found = []
    for step in state.steps.values():
        task = definition.tasks.get(step.path)
        marked = step_options(step.options).irreversible or (task is not None and task.options.irreversible)
        begun = step.started_at is not None and step.started_at >= after
        if (
            marked
            and begun
            and step.status not in (StepStatus.SKIPPED, StepStatus.PENDING, StepStatus.SCHEDULED)
        ):
            found.append(step)
    return found


def refuse_irreversible(run_id: str, steps: Sequence[Step], what: str) -> None:
    """Raises `Conflict` where something would be done a second time that cannot be undone (SPEC Q12)."""
    if steps:
        names = ", ".join(step.id for step in steps[:3])
        raise Conflict(
            f"run {run_id} did what cannot be taken back: {names}; {what} would do it again",
            hint="if that is meant, allow it: allow_irreversible=True, or --allow-irreversible",
        )
