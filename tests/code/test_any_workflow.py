"""Random workflows, and random trouble with them: whatever happens, the record is sound, and gone through again the
code does the same."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Awaitable
from typing import Any

import pytest

from stepwell import Retry, StoreUnavailable, TransitionRefused, current, flow, step, workflow
from stepwell.code.codebase import Codebase
from stepwell.model.calls import Code, Raised, Returned
from stepwell.model.commands import SendSignal
from stepwell.model.records import State, Step
from stepwell.testing import Kit
from stepwell.testing.doors import CountingIds, FixedDice

pytestmark = pytest.mark.spec("B3", "B5", "Q17")

Node = list[Any]
SEEDS = int(os.environ.get("STEPWELL_FUZZ", "40"))


class Planned(Exception):
    """A failure that belongs to the workflow."""


@step
async def give(n: int) -> int:
    return n


@step
def give_plain(n: int) -> int:
    return n


@step
async def fail(n: int) -> int:
    raise Planned(n)


@step(retry=Retry(attempts=3, delay=2, jitter=0.5))
async def mend(n: int) -> int:
    if current().attempt < n:
        raise Planned(n)
    return n


@step(optional=True, timeout=50)
async def may_fail(n: int) -> int:
    raise Planned(n)


@step(compensate=give)
async def undoable(n: int) -> int:
    return n


STEPS = {"give": give, "fail": fail, "mend": mend, "may_fail": may_fail, "undoable": undoable}


@workflow(strict_arguments=True)
async def grown(tree: Node) -> Any:
    return await walk(tree)


async def walk(node: Node) -> Any:
    kind, *rest = node
    if kind in STEPS:
        return await STEPS[kind](rest[0])
    return await WAYS[kind](*rest)


async def plain(n: int) -> Any:
    return give_plain(n)


async def value() -> Any:
    return [flow.random(), flow.info().name]


async def sleep(n: int) -> Any:
    await (flow.sleep(n) if n % 2 else asyncio.sleep(n))
    return flow.now().isoformat()


async def signal(name: str, timeout: int) -> Any:
    try:
        return await flow.wait_for_signal(name, timeout=timeout)
    except TimeoutError:
        return "no signal"


async def after_each_other(*nodes: Node) -> Any:
    return [await walk(node) for node in nodes]


async def at_once(*nodes: Node) -> Any:
    return await asyncio.gather(*map(walk, nodes))


async def all_of(*nodes: Node) -> Any:
    return [str(found) for found in await flow.gather(*map(walk, nodes), return_exceptions=True)]


async def group(*nodes: Node) -> Any:
    async with asyncio.TaskGroup() as tasks:
        begun = [tasks.create_task(walk(node)) for node in nodes]
    return [task.result() for task in begun]


async def race(*nodes: Node) -> Any:
    return await flow.race(*map(walk, nodes))


async def mapped(concurrency: int, *nodes: Node) -> Any:
    return await flow.map(walk, nodes, concurrency=concurrency)


async def within(seconds: int, node: Node) -> Any:
    try:
        async with asyncio.timeout(seconds):
            return await walk(node)
    except TimeoutError:
        return "too late"


async def caught(node: Node) -> Any:
    try:
        return await walk(node)
    except* Exception as errors:
        names = [type(error).__name__ for error in errors.exceptions]
    return names


async def cancelled(first: Node, node: Node) -> Any:
    task = asyncio.create_task(walk(node))
    try:
        await walk(first)
    finally:
        task.cancel()
    return [str(found) for found in await asyncio.gather(task, return_exceptions=True)]


async def child(node: Node) -> Any:
    return await grown(node)


async def said(name: str) -> Any:
    flow.set_event(name, 1)
    flow.write_stream("log", name)


WAYS: dict[str, Any] = {
    "plain": plain, "value": value, "sleep": sleep, "signal": signal, "seq": after_each_other, "gather": at_once,
    "all": all_of, "group": group, "race": race, "map": mapped, "within": within, "caught": caught,
    "cancelled": cancelled, "child": child, "said": said,
}  # fmt: skip


def grow(chance: random.Random, depth: int) -> Node:
    """A tree of at most `depth` levels."""
    n = chance.randrange(1, 9)
    leaves: list[Node] = [
        ["give", n], ["give", n], ["plain", n], ["value"], ["sleep", n * 5], ["signal", chance.choice("ab"), n * 10],
        ["mend", chance.randrange(1, 5)], ["may_fail", n], ["undoable", n], ["said", chance.choice("ab")],
        *([["fail", n]] if chance.random() < 0.3 else []),
    ]  # fmt: skip
    if depth == 0 or chance.random() < 0.2:
        return chance.choice(leaves)
    kind = chance.choice(
        ["seq", "seq", "gather", "all", "group", "race", "map", "within", "caught", "cancelled", "child"]
    )
    many = [grow(chance, depth - 1) for _ in range(chance.randrange(1, 4))]
    if kind in ("within", "caught", "cancelled", "child"):
        before: list[Any] = {"within": [n * 4], "cancelled": [["give", 0]]}.get(kind, [])
        return [kind, *before, many[0]]
    return [kind, *([2] if kind == "map" else []), *many]


async def trouble(kit: Kit, run_id: str, chance: random.Random, number: int) -> None:
    """One thing that happens to a run."""
    engine = kit.engine
    try:
        match chance.randrange(12):
            case 0:
                await asked(kit, engine.pause(run_id))
            case 1:
                await asked(kit, engine.resume(run_id))
            case 2 if chance.random() < 0.4:
                await asked(kit, engine.cancel(run_id))
            case 3:
                await asked(kit, engine.retry(run_id))
            case 4:
                kit.crash()
                await kit.reopen()
            case 5:
                await kit.reopen()
            case 6 | 7:
                signal = SendSignal(f"s{number}", chance.choice("ab"), number)
                await asked(kit, engine.engine.command(run_id, signal))
            case 8:
                kit.inject_conflict(run_id, times=chance.randrange(1, 3))
            case 9:
                kit.fail_commits()
            case _:
                await kit.advance(chance.choice([0, 1, 7, 30]))
    except (TransitionRefused, StoreUnavailable):  # it came at the wrong time, or the store was sick
        pass
    if chance.random() < 0.5:
        await kit.drain()


async def asked(kit: Kit, command: Awaitable[Any]) -> None:
    """A store that refused a commit is asked again after a second of the clock."""
    task = asyncio.ensure_future(command)
    await kit.drain()
    while not task.done():
        await kit.advance(1)
    await task


async def played(seed: int) -> None:
    chance = random.Random(seed)
    tree = grow(chance, chance.randrange(1, 5))
    async with Kit(snapshot_every=chance.choice([1, 5, 1000])) as kit:
        run_id = (await kit.start(grown, tree)).run_id
        for number in range(chance.randrange(0, 12)):
            await trouble(kit, run_id, chance, number)
        kit.spare()
        await ended(kit, run_id)
        await kit.check()
        async for each in kit.engine.engine.store.all_runs():
            await retold(kit, each)


async def ended(kit: Kit, run_id: str) -> None:
    """Everything goes on to its end."""
    for _ in range(20):
        await kit.drain(advance=True)
        status = (await kit.engine.show(run_id))["status"]
        if status in ("completed", "failed", "cancelled"):
            return
        await kit.engine.resume(run_id)
    raise AssertionError(f"it does not end: {await kit.engine.explain(run_id)}")


async def retold(kit: Kit, run_id: str) -> None:
    """The code, told the outcomes on record in their order, makes the calls on record, and ends in the same way."""
    state = await kit.engine.state(run_id)
    assert state.run.stalled is None
    told = sorted((s for s in state.steps.values() if s.outcome), key=lambda s: s.outcome)
    assert [s.outcome for s in told] == list(range(1, state.run.outcomes + 1))
    if state.run.started_at is not None and state.run.status != "cancelled":
        definition = await kit.engine.engine.library.get(state.run.definition_hash)
        code = Codebase(CountingIds(), FixedDice()).open(definition, state)
        same_again(code, state, told)
        code.close()


def same_again(code: Code, state: State, told: list[Step]) -> None:
    for outcome in [None, *told]:
        answer = code.go_on(state.run, outcome, 0)
        assert not answer.calls, f"it asks anew for {answer.calls}"
        if answer.ending is not None:
            break
    code.check_complete()
    if isinstance(answer.ending, Returned):
        assert (state.run.status, state.run.output) == ("completed", answer.ending.output)
    else:
        assert isinstance(answer.ending, Raised)
        assert (state.run.status, state.run.error) == ("failed", answer.ending.problem)


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_any_workflow_and_any_trouble(seed: int) -> None:
    print(f"seed {seed}")
    await asyncio.wait_for(played(seed), 60)


@pytest.mark.soak
@pytest.mark.parametrize("hundred", range(1, 31))
async def test_any_workflow_and_any_trouble_for_long(hundred: int) -> None:
    for seed in range(hundred * 100, hundred * 100 + 100):
        print(f"seed {seed}")
        await asyncio.wait_for(played(seed), 60)
