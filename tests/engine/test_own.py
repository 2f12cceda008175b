"""What a function of the user's is given is its own: it may write into it, and the run stays as the journal has it."""

from __future__ import annotations

import asyncio
from copy import deepcopy
from typing import Any

import pytest

from stepwell.kernel.evolve import blank, replay
from stepwell.model.errors import InvalidInput
from stepwell.testing import Kit
from stepwell.workers.context import current
from tests.engine.helpers import flow

pytestmark = pytest.mark.spec("X10")

GIVEN: dict[str, Any] = {"list": [1], "deep": {"list": [{"a": 1}]}}
"""The run's variables, its input and its context."""


def spoil(bag: Any) -> None:
    """Write wherever one can."""
    if isinstance(bag, dict):
        for value in list(bag.values()):
            spoil(value)
        bag["spoiled"] = True
    elif isinstance(bag, list):
        for value in bag:
            spoil(value)
        bag.append("spoiled")


def take(bag: Any) -> str:
    spoil(bag)
    return type(bag).__name__


async def atake(bag: Any) -> str:
    return take(bag)


def whole(**bag: Any) -> str:
    return take(bag)


FUNCTIONS = {"take": take, "atake": atake, "whole": whole}


def document(function: str, arguments: str) -> str:
    return flow(
        f"""
        use: {{secrets: []}}
        do:
          - shape: {{set: "${{ . }}", export: {{as: "${{ . }}"}}}}
          - take:
              call: python
              with: {{function: {function}, arguments: {arguments}}}
              output: {{as: {{kind: "${{ . }}", kept: "${{ $input }}"}}}}
          - nap: {{wait: {{seconds: 60}}}}
          - look: {{set: {{context: "${{ $context }}", variables: "${{ $variables }}", input: "${{ $workflow.input }}"}}}}
        """
    )


async def agrees(kit: Kit, run_id: str) -> None:
    """What the engine remembers is what the journal says."""
    remembered = kit.engine.engine.actors[run_id].state
    recorded = replay(blank(run_id), await kit.engine.engine.store.turns(run_id))
    assert remembered.run.variables == recorded.run.variables
    assert remembered.run.context == recorded.run.context
    assert remembered.run.input == recorded.run.input
    for step_id, step in recorded.steps.items():
        assert remembered.steps[step_id].input == step.input
        assert remembered.steps[step_id].progress == step.progress


@pytest.mark.parametrize("function", ["take", "atake"])
@pytest.mark.parametrize(
    "seen",
    ["$variables", "$variables.deep", "$context", "$context.list", "$input", ".", "$workflow", "$workflow.input",
     "$task", "$task.definition", "$runtime", "$steps"],
)  # fmt: skip
async def test_what_an_expression_sees(function: str, seen: str) -> None:
    async with Kit(functions=FUNCTIONS) as kit:
        handle = await kit.start(
            document(function, f'{{bag: "${{ {seen} }}"}}'), deepcopy(GIVEN), variables=deepcopy(GIVEN)
        )
        await kit.drain()
        await agrees(kit, handle.run_id)
        await kit.drain(advance=True)
        assert await kit.result(handle) == {"context": GIVEN, "variables": GIVEN, "input": GIVEN}


async def test_the_whole_of_the_arguments() -> None:
    async with Kit(functions=FUNCTIONS) as kit:
        handle = await kit.start(
            document("whole", '"${ $context }"'), deepcopy(GIVEN), variables=deepcopy(GIVEN)
        )
        await kit.drain()
        await agrees(kit, handle.run_id)
        await kit.drain(advance=True)
        assert await kit.result(handle) == {"context": GIVEN, "variables": GIVEN, "input": GIVEN}


@pytest.mark.parametrize("function", ["take", "atake"])
async def test_a_run_without_variables(function: str) -> None:
    """They are everybody's empty object, which nobody may write into."""
    source = flow(
        f'do: [{{a: {{call: python, with: {{function: {function}, arguments: ["${{ $variables }}"]}}}}}}]'
    )
    async with Kit(functions=FUNCTIONS) as kit:
        assert await kit.run(source) == "dict"


async def test_what_is_written_in_the_definition() -> None:
    """Constants are the same in every run."""
    seen: list[Any] = []

    async def keep(bag: list[int]) -> None:
        seen.append([*bag])
        spoil(bag)

    source = flow("do: [{a: {call: python, with: {function: keep, arguments: {bag: [1, 2]}}}}]")
    async with Kit(functions={"keep": keep}) as kit:
        for _ in range(2):
            await kit.run(source)
    assert seen == [[1, 2], [1, 2]]


async def test_what_the_function_asks_for_and_what_it_tells() -> None:
    """It may go on writing into what it has told: that is not on record any more."""

    def talk() -> None:
        bag, progress = [1], {"done": [1]}
        current().set_variables(bag=bag)
        current().report(progress)
        spoil(bag)
        spoil(progress)
        spoil(current().variable("deep"))
        default: list[int] = []
        assert current().variable("absent", default) is default

    async def atalk() -> None:
        await asyncio.to_thread(talk)

    for function in (talk, atalk):
        async with Kit(functions={"talk": function}) as kit:
            source = flow("do: [{a: {call: python, with: {function: talk}}}, {nap: {wait: {seconds: 60}}}]")
            handle = await kit.start(source, variables=deepcopy(GIVEN))
            await kit.drain()
            await agrees(kit, handle.run_id)
            assert await kit.engine.variables(handle.run_id) == {**GIVEN, "bag": [1]}


async def test_what_holds_itself_is_refused_as_ever() -> None:
    endless: list[Any] = []
    endless.append(endless)
    told: list[type[BaseException]] = []

    async def talk() -> None:
        for tell in (current().areport(endless), current().aset_variables(bag=endless)):
            with pytest.raises(InvalidInput) as refusal:
                await tell
            told.append(refusal.type)

    async with Kit(functions={"talk": talk}) as kit:
        await kit.run(flow("do: [{a: {call: python, with: {function: talk}}}]"))
    assert told == [InvalidInput, InvalidInput]
