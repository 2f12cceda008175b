"""What must be true of everything on record, whatever happened: the list that `Kit.check` goes through."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import fields

from stepwell.client.client import Client
from stepwell.kernel.evolve import blank, replay
from stepwell.model.events import StepCompleted, StepReopened
from stepwell.model.journal import Turn
from stepwell.model.records import State
from stepwell.testing.activity import Performed


async def violations_of(client: Client) -> list[str]:
    """Everything that is wrong, in words; empty if all is sound."""
    report = await client.doctor()
    found = [view["message"] for view in report["findings"] if view["severity"] == "error"]
    engine = client.engine
    async for run_id in engine.store.all_runs():
        turns = await engine.store.turns(run_id)
        found += [f"run {run_id}: {message}" for message in _recorded_twice(turns)]
        journal = replay(blank(run_id), turns)
        found += _differences(journal, await engine.reload(run_id), "by its snapshot")
        actor = engine.actors.get(run_id)
        if actor is not None and actor.idle and not actor.foreign:
            found += _differences(journal, actor.state, "in memory")
    return found


async def unrecorded(client: Client, started: Set[str], performed: Set[Performed]) -> list[str]:
    """Starts that were acknowledged, and attempts that were begun, without being on record."""
    engine = client.engine
    on_record = {run_id async for run_id in engine.store.all_runs()}
    found = [f"run {run_id} was acknowledged and is not on record" for run_id in sorted(started - on_record)]
    states = {run_id: await engine.reload(run_id) for run_id in {one[0] for one in performed} & on_record}
    for run_id, step_id, attempt in sorted(performed):
        step = states[run_id].steps.get(step_id) if run_id in states else None
        if step is None or step.attempt < attempt:
            found.append(f"run {run_id}: attempt {attempt} of step {step_id} was begun and is not on record")
    return found


def _recorded_twice(turns: Sequence[Turn]) -> Iterator[str]:
    """A step is completed once, unless it was opened again in between."""
    completed: set[str] = set()
    for turn in turns:
        for event in turn.events:
            if isinstance(event, StepReopened):
                completed.discard(event.step)
            elif isinstance(event, StepCompleted) and event.step in completed:
                yield f"turn {turn.seq} completes step {event.step} once more"
            elif isinstance(event, StepCompleted):
                completed.add(event.step)


def _differences(journal: State, other: State, where: str) -> Iterator[str]:
    """The parts of a state that are not what the journal makes of them. The tip is no part of the run."""
    for part in fields(State):
        expected, found = getattr(journal, part.name), getattr(other, part.name)
        if part.name != "tip" and expected != found:
            yield f"run {journal.run.id}: {part.name} {where} differ from the journal: {_first(expected, found)}"


def _first(expected: object, found: object) -> str:
    if isinstance(expected, dict) and isinstance(found, dict):
        for name in {**expected, **found}:
            if expected.get(name) != found.get(name):
                return f"{name}: {found.get(name)!r}, not {expected.get(name)!r}"
    return f"{found!r}, not {expected!r}"
