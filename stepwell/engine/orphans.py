"""Runs that nobody wants any more: the step that waits for them has ended without them.

Whoever carries the parent on cancels them. Its process may be gone before it has: then whoever takes the parent up does
so; and where the parent has ended, so that nobody takes it up, whoever carries on the child.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Final, Protocol

from stepwell.engine.actor import Actor
from stepwell.kernel.standing import child_id, in_flight
from stepwell.kernel.undoing import unwanted
from stepwell.model import commands as c
from stepwell.model.errors import NotFound, StepwellError, TransitionRefused
from stepwell.model.journal import RunFilter
from stepwell.model.records import State
from stepwell.ports import Store

CHILD_KIND: Final = "run:workflow"
PAGE: Final = 1_000
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


class Ward(Protocol):
    """What this needs of the engine."""

    store: Store
    actors: dict[str, Actor]

    async def command(self, run_id: str, command: c.Command) -> None: ...

    async def reload(self, run_id: str) -> State: ...


async def cancel_unwanted(ward: Ward, parent: State) -> None:
    """The open children of a run that was taken up, as far as its steps have ended."""
    if not any(step.kind == CHILD_KIND and not in_flight(step) for step in parent.steps.values()):
        return
    cursor: str | None = None
    while True:
        page = await ward.store.list_runs(RunFilter(parent_id=parent.run.id, open=True), PAGE, cursor)
        await _cancel(ward, [row.id for row in page.rows])
        cursor = page.next
        if cursor is None:
            return


async def cancel_left_alone(ward: Ward) -> None:
    """Runs of this engine whose parent was carried on elsewhere, and has ended."""
    ours = [actor.state.run for actor in ward.actors.values()]
    elsewhere = [
        run for run in ours if run.parent_id and not run.detached and run.parent_id not in ward.actors
    ]
    ended = set(await ward.store.ended(sorted({run.parent_id or "" for run in elsewhere})))
    await _cancel(ward, [run.id for run in elsewhere if run.parent_id in ended])


async def _cancel(ward: Ward, run_ids: Iterable[str]) -> None:
    for run_id in run_ids:
        try:
            if await orphaned(ward.reload, await ward.reload(run_id)):
                await ward.command(run_id, c.CancelRun(ORPHANED))
        except (TransitionRefused, NotFound):  # it is being cancelled, or over
            continue
