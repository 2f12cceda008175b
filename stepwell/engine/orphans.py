"""Runs that nobody wants any more: the step that waits for them has ended without them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from stepwell.kernel.standing import child_id, in_flight
from stepwell.kernel.undoing import unwanted
from stepwell.model.errors import StepwellError
from stepwell.model.records import State

ORPHANED = "the workflow that started it is over"


async def orphaned(reload: Callable[[str], Awaitable[State]], state: State) -> bool:
    """Whether the step that waited for this run, or for the one that it continues, has ended."""
    run = state.run
    if run.parent_id is None or run.parent_step is None or run.detached:
        return False
    try:
        parent = await reload(run.parent_id)
    except StepwellError:  # nothing is known: go on
        return False
    step = parent.steps.get(run.parent_step)
    if parent.run.status.terminal or step is None or not in_flight(step) or unwanted(parent.run, step):
        return True
    return run.continued_from is None and child_id(run.parent_id, step.id, step.attempt) != run.id
