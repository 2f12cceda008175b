"""What a caller gave, and what it was given, is its own: it may write into it, and the engine remembers what is on
record."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from stepwell import flow, step, workflow
from stepwell.engine.actor import Actor
from stepwell.kernel.evolve import blank, replay
from stepwell.model.feed import Committed
from stepwell.steps import Plan
from stepwell.testing import Kit
from tests.engine.test_own import GIVEN, spoil
from tests.people.support import ADA, procedure
from tests.steps.helpers import Bench, bench

pytestmark = pytest.mark.spec("X10")

DOCUMENT = {
    "document": {"dsl": "1.0.3", "namespace": "doors", "name": "bag", "version": "1.0.0"},
    "do": [
        {"shape": {"set": {"given": "${ . }", "said": [1, {"a": 2}]}, "export": {"as": "${ . }"}}},
        {"nap": {"wait": {"seconds": 60}}},
        {
            "look": {
                "set": {"said": [1, {"a": 2}], "input": "${ $workflow.input }", "held": "${ $variables }"}
            }
        },
    ],
}
FORM = procedure(
    """
  - fill:
      call: form
      with:
        fields: [{id: tags, kind: choices, options: [a, b, c], default: [a]}, {id: note, kind: text, required: false}]
      metadata: {autoStart: true}
"""
)


@step(name="doors-gives")
async def gives() -> dict[str, Any]:
    return deepcopy(GIVEN)


@workflow(name="doors-code")
async def coded(bag: dict[str, Any]) -> Any:
    flow.set_event("event", deepcopy(GIVEN))
    flow.write_stream("stream", deepcopy(GIVEN))
    got = await gives()
    await flow.sleep(60)
    return {"bag": bag, "got": got}


SOURCES = pytest.mark.parametrize("source", [DOCUMENT, coded], ids=["document", "code"])


async def agrees(kit: Kit, actor: Actor) -> None:
    """What the engine remembers is what the journal says."""
    recorded = replay(blank(actor.id), await kit.engine.engine.store.turns(actor.id))
    remembered = actor.state
    assert remembered.run == recorded.run
    assert remembered.nodes == recorded.nodes
    for step_id, each in recorded.steps.items():
        found = remembered.steps[step_id]
        assert (found.input, found.output, found.progress) == (each.input, each.output, each.progress)


async def given(kit: Kit, source: Any, **options: Any) -> str:
    """A run that waits in its middle."""
    handle = await kit.start(source if source is coded else deepcopy(source), deepcopy(GIVEN), **options)
    await kit.drain()
    return handle.run_id


# --- in -----------------------------------------------------------------------------------------


@SOURCES
async def test_what_a_start_was_given(source: Any) -> None:
    async with Kit() as kit:
        input, variables, document = deepcopy(GIVEN), deepcopy(GIVEN), deepcopy(source)
        handle = await kit.start(source if source is coded else document, input, variables=variables)
        await kit.drain()
        for each in (input, variables, document):
            spoil(each)
        await agrees(kit, kit.engine.engine.actors[handle.run_id])
        if source is not coded:
            found = await kit.result(handle)
            assert found == {"said": [1, {"a": 2}], "input": GIVEN, "held": GIVEN}


@SOURCES
async def test_variables_that_are_set(source: Any) -> None:
    async with Kit() as kit:
        run_id = await given(kit, source)
        one, more = deepcopy(GIVEN), deepcopy(GIVEN)
        await kit.engine.set_variables(run_id, one=one)
        await kit.engine.append_variable(run_id, "more", more)
        spoil(one)
        spoil(more)
        await agrees(kit, kit.engine.engine.actors[run_id])


async def test_values_of_forms() -> None:
    async with Kit() as kit:
        handle = await kit.start(FORM)
        await kit.drain()
        values = {"tags": ["a", "b"]}
        await kit.engine.set_values(handle.run_id, "fill", values, by=ADA)
        values["tags"].append("c")
        await agrees(kit, kit.engine.engine.actors[handle.run_id])


async def test_what_a_program_that_drives_a_run_says(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        told = [deepcopy(GIVEN) for _ in range(5)]
        first, progress, output, later, planned = told
        claim = (await b.store.begin_step(b.run, "first", first, lease=60)).claim
        assert claim is not None
        await b.store.heartbeat(claim, 60, progress=progress)
        await b.store.complete_step(claim, output, schedule=[Plan("later", later)])
        await b.store.schedule_steps(b.run, {"planned": planned})
        for each in told:
            spoil(each)
        await remembers(b)


async def test_what_a_program_that_drives_a_run_is_told(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        await b.store.schedule_steps(b.run, {"first": deepcopy(GIVEN)})
        begun = await b.store.begin_step(b.run, "first")
        assert begun.claim is not None
        spoil(begun.input)
        await b.store.complete_step(begun.claim, deepcopy(GIVEN))
        for _ in range(2):
            skipped = await b.store.begin_step(b.run, "first")
            assert skipped.output == GIVEN
            spoil(skipped.output)
        await remembers(b)


async def remembers(b: Bench) -> None:
    """As `agrees`, of a run that a program drives."""
    engine = b.store.client.engine
    state = engine.driven._actors[b.run].state
    recorded = replay(blank(b.run), await engine.store.turns(b.run))
    assert len(recorded.steps) > 0
    for step_id, each in recorded.steps.items():
        found = state.steps[step_id]
        assert (found.input, found.output, found.progress) == (each.input, each.output, each.progress)


# --- out ----------------------------------------------------------------------------------------


@SOURCES
async def test_results_events_and_variables_that_are_told(source: Any) -> None:
    async with Kit() as kit:
        heard: list[str] = []

        def hear(run_id: str, seq: int, at: int, event: Any) -> None:
            heard.append(type(event).__name__)
            for member in event:
                spoil(member)

        def changed(run_id: str, name: str, old: Any, new: Any) -> None:
            heard.append(name)
            spoil(old)
            spoil(new)

        kit.engine.on_event(hear)
        kit.engine.on_variable(changed)
        run_id = await given(kit, source, variables=deepcopy(GIVEN), tags={"a": "b"})
        await kit.engine.set_variables(run_id, list=deepcopy(GIVEN))
        await kit.engine.set_variables(run_id, list=[deepcopy(GIVEN)])
        await agrees(kit, kit.engine.engine.actors[run_id])
        assert {"RunCreated", "StepCompleted", "list"} <= set(heard)
        result = await kit.result(run_id)
        kept = deepcopy(result)
        spoil(result)
        assert await kit.result(run_id) == kept == (await kit.engine.show(run_id))["output"]


async def test_a_handler_that_raises_hears_the_same_once_more() -> None:
    heard: list[dict[str, Any]] = []

    def handler(committed: Committed) -> None:
        input: Any = committed.event.input  # type: ignore[union-attr]
        heard.append(deepcopy(input))
        spoil(input)
        if len(heard) < 3:
            raise ValueError("not yet")

    async with Kit() as kit:
        subscription = await kit.engine.subscribe("doors", handler, events=["run.created"])
        await given(kit, DOCUMENT)
        for _ in range(3):
            await kit.advance(1)
        await subscription.caught_up()
    assert heard == [GIVEN] * 3


Door = Callable[[Kit, str], Awaitable[Any]]
DOORS: dict[str, Door] = {
    "show": lambda kit, run: kit.engine.show(run),
    "list": lambda kit, run: kit.engine.list(detail="full"),
    "explain": lambda kit, run: kit.engine.explain(run),
    "variables": lambda kit, run: kit.engine.variables(run),
    "attributes": lambda kit, run: kit.engine.attributes(run),
    "metadata": lambda kit, run: kit.engine.metadata(run),
    "timeline": lambda kit, run: kit.engine.timeline(run),
    "graph": lambda kit, run: kit.engine.graph_data(run_id=run),
    "procedure": lambda kit, run: kit.engine.procedure(run),
    "form": lambda kit, run: kit.engine.show_step(run, "fill"),
    "inbox": lambda kit, run: kit.engine.inbox(),
    "audit": lambda kit, run: kit.engine.audit(run),
    "schedules": lambda kit, run: kit.engine.schedules(),
    "definitions": lambda kit, run: kit.engine.search_definitions(),
    "status": lambda kit, run: kit.engine.status(),
}


@pytest.mark.parametrize("door", DOORS)
async def test_what_is_shown(door: str) -> None:
    async with Kit() as kit:
        handle = await kit.start(FORM, variables=deepcopy(GIVEN), attributes={"n": 1}, labels=["x"])
        await kit.engine.schedule("daily", coded, deepcopy(GIVEN), every=3600)
        await kit.drain()
        await kit.engine.set_values(handle.run_id, "fill", {"note": "n"}, by=ADA)
        shown = await DOORS[door](kit, handle.run_id)
        kept = deepcopy(shown)
        spoil(shown)
        assert shown != kept
        assert await DOORS[door](kit, handle.run_id) == kept
        await agrees(kit, kit.engine.engine.actors[handle.run_id])
