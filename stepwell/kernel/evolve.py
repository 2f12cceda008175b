"""What each event means: `evolve(draft, event, at)` changes the draft, and is all that a replay does."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from stepwell.kernel import evolve_approvals, evolve_migration, evolve_people, evolve_run, evolve_step
from stepwell.kernel.draft import Draft, copy_run
from stepwell.model.base import Instant
from stepwell.model.errors import StoreDamaged
from stepwell.model.events import Event, RunCreated
from stepwell.model.journal import Turn
from stepwell.model.records import Run, State

_CHANGES: dict[type[Any], Callable[[Draft, Any, Instant], None]] = {
    **evolve_run.CHANGES,
    **evolve_step.CHANGES,
    **evolve_people.CHANGES,
    **evolve_migration.CHANGES,
    **evolve_approvals.CHANGES,
}


_BLANK: Final = Run("", "", "", "", "", 0)


def evolve(draft: Draft, event: Event, at: Instant) -> None:
    """Change the draft as the event says. Raises `TransitionRefused` where the tables do not allow it."""
    _CHANGES[type(event)](draft, event, at)


def blank(run_id: str) -> State:
    """A state in which nothing has happened yet."""
    run = copy_run(_BLANK)
    run.id = run_id
    return State(run)


def replay(state: State, turns: Iterable[Turn]) -> State:
    """The state after these turns. Raises `StoreDamaged` where a turn is missing or does not fit."""
    draft = Draft(state)
    for turn in turns:
        if turn.seq != draft.run.seq + 1:
            raise StoreDamaged(f"run {turn.run_id}: turn {turn.seq} follows turn {draft.run.seq}")
        draft.by = None
        for event in turn.events:
            if isinstance(event, RunCreated) != (turn.seq == 1 and event is turn.events[0]):
                raise StoreDamaged(
                    f"run {turn.run_id}: turn {turn.seq} does not begin the run, or begins it again"
                )
            evolve(draft, event, turn.at)
        draft.run.seq = turn.seq
        draft.run.updated_at = turn.at
    return draft.merge()
