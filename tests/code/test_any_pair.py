"""Random workflows (the seed is in the name of the test) on two engines that share a file: they die, come back with newer
code, take over from each other, and lose races for turns. Each run comes to what its tree says, and the record is
sound."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import Awaitable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from stepwell import (
    Queue,
    Retry,
    Stepwell,
    StoreUnavailable,
    TransitionRefused,
    current,
    flow,
    step,
    workflow,
)
from stepwell.model.base import SECOND
from stepwell.testing import Kit
from stepwell.testing.doors import CountingIds, FixedDice, FrozenClock
from stepwell.testing.fate import Crashed

pytestmark = pytest.mark.spec("B3", "B5", "Q17", "S5")

Node = list[Any]
SEEDS = int(os.environ.get("STEPWELL_FUZZ", "20"))
FAR = 1_000_000
"""seconds: a nap that loses every race"""


@step(name="pair-give")
async def give(n: int) -> int:
    return n


@step(name="pair-plain")
def give_plain(n: int) -> int:
    return n


@step(name="pair-mend", retry=Retry(attempts=3, delay=2))
async def mend(n: int) -> int:
    if current().attempt < 3:
        raise ValueError(n)
    return n


@step(name="pair-queued", queue="pair")
async def queued(n: int) -> int:
    return n


STEPS: dict[str, Any] = {"give": give, "plain": give_plain, "mend": mend, "queued": queued}


class Code:
    """The workflow as one version of the program has it. A newer one asks for patches."""

    def __init__(self, *, new: bool) -> None:
        self.new = new
        self.workflow = workflow(name="pair-grown", strict_arguments=True)(self.grown)

    async def grown(self, tree: Node, rounds: int, told: list[Any]) -> Any:
        told = [*told, await self.walk(tree)]
        if rounds:
            flow.continue_as_new(tree, rounds - 1, told)
        return told

    async def walk(self, node: Node) -> Any:
        kind, *rest = node
        if kind == "plain":
            return give_plain(*rest)
        if kind in STEPS:
            return await STEPS[kind](*rest)
        return await getattr(self, kind)(*rest)

    async def nap(self, seconds: int) -> str:
        await flow.sleep(seconds)
        return "nap"

    async def heard(self, seconds: int) -> Any:
        try:
            return ["heard", await flow.wait_for_signal("go", timeout=seconds)]
        except TimeoutError:
            return ["heard", None]

    async def seq(self, *nodes: Node) -> Any:
        return [await self.walk(node) for node in nodes]

    async def gather(self, *nodes: Node) -> Any:
        return await flow.gather(*map(self.walk, nodes))

    async def map(self, concurrency: int, *nodes: Node) -> Any:
        return await flow.map(self.walk, nodes, concurrency=concurrency)

    async def race(self, winner: int, *nodes: Node) -> Any:
        return await flow.race(*map(self.walk, nodes))

    async def child(self, tree: Node, rounds: int) -> Any:
        return await flow.start_child(self.workflow, tree, rounds, []).result()

    async def detached(self, tree: Node, rounds: int) -> Any:
        flow.start_child(self.workflow, tree, rounds, [], detached=True)
        return "begun"

    async def patched(self, name: str, old: Node, new: Node) -> Any:
        if self.new and flow.patched(name):
            return ["new", await self.walk(new)]
        return ["old", await self.walk(old)]


OLD, NEW = Code(new=False), Code(new=True)


def grow(chance: random.Random, depth: int) -> Node:
    leaf: Node = [chance.choice(["give", "give", "plain", "mend", "queued"]), chance.randrange(9)]
    if depth == 0 or chance.random() < 0.15:
        return chance.choice(
            [leaf, leaf, ["nap", chance.randrange(1, 30)], ["heard", chance.randrange(1, 60)]]
        )
    kind = chance.choice(["seq", "gather", "map", "race", "child", "child", "detached", "patched"])
    many = [grow(chance, depth - 1) for _ in range(chance.randrange(1, 4))]
    match kind:
        case "race":
            losers = [
                chance.choice([["nap", FAR], ["child", ["nap", FAR], 0], ["seq", ["nap", FAR], leaf]])
                for _ in many
            ]
            place = chance.randrange(len(losers) + 1)
            return ["race", place, *losers[:place], many[0], *losers[place:]]
        case "child" | "detached":
            return [kind, many[0], chance.choice([0, 0, 1, 2])]
        case "map":
            return ["map", chance.randrange(1, 3), *many]
        case "patched":
            return ["patched", f"p{chance.randrange(10**9)}", many[0], many[-1]]
    return [kind, *many]


def fits(node: Node, found: Any) -> bool:
    """Whether this is what the tree comes to."""
    kind, *rest = node
    match kind:
        case "nap":
            return bool(found == "nap")
        case "detached":
            return bool(found == "begun")
        case "heard":
            return bool(found[0] == "heard")
        case "seq" | "gather" | "map":
            nodes = rest[1:] if kind == "map" else rest
            return len(found) == len(nodes) and all(map(fits, nodes, found))
        case "race":
            return fits(rest[1 + rest[0]], found)
        case "child":
            return came_to(rest[0], rest[1], found)
        case "patched":
            return found[0] in ("old", "new") and fits(rest[1 if found[0] == "old" else 2], found[1])
    return bool(found == rest[0])


def came_to(tree: Node, rounds: int, found: list[Any]) -> bool:
    return len(found) == rounds + 1 and all(fits(tree, each) for each in found)


class Pair:
    """Two engines on one file, of which some are alive."""

    def __init__(self, path: Path, chance: random.Random) -> None:
        self.path, self.chance = path, chance
        self.shared = {"clock": FrozenClock(), "ids": CountingIds(), "dice": FixedDice()}
        self.kits: list[Kit | None] = [None, None]
        self.code = [OLD, OLD]
        self.runs: dict[str, tuple[Node, int]] = {}
        self.signals = 0
        self.cancelled: set[str] = set()

    @property
    def clock(self) -> FrozenClock:
        clock: Any = self.shared["clock"]
        return clock

    @property
    def alive(self) -> list[Kit]:
        return [kit for kit in self.kits if kit is not None]

    async def revive(self, place: int, code: Code | None = None) -> None:
        await self.die(place)
        self.code[place] = code or self.code[place]
        kit = Kit(
            self.path,
            workflows=[self.code[place].workflow, queued._alone],
            queues=[Queue("pair", concurrency=2), Queue("pairs", concurrency=2)],
            snapshot_every=self.chance.choice([1, 4, 1000]),
            **self.shared,
        )
        await kit.__aenter__()
        self.kits[place] = kit

    async def die(self, place: int, *, crash: bool = True) -> None:
        kit = self.kits[place]
        if kit is not None:
            self.kits[place] = None
            if crash:
                kit.crash()
            await kit.__aexit__(None, None, None)

    async def close(self) -> None:
        for place in (0, 1):
            await self.die(place, crash=False)

    async def drain(self) -> None:
        """Nothing moves any more. Who met its end meanwhile is gone."""
        for _ in range(2):
            for place, kit in enumerate(list(self.kits)):
                if kit is not None:
                    try:
                        await kit.drain()
                    except Crashed:
                        await self.die(place)

    async def advance(self, seconds: float) -> None:
        """Everything that is due on the way happens at its time, if somebody is there."""
        until = self.clock.now() + round(seconds * SECOND)
        await self.drain()
        while (due := self.clock.next_due()) is not None and due <= until:
            self.clock.set(max(due, self.clock.now()))
            await self.drain()
        self.clock.set(until)
        await self.drain()

    async def look(self) -> None:
        """What each needs to see that the other is gone."""
        for _ in range(40):
            self.clock.advance(0.2)
            await self.drain()

    async def ask(self, what: Awaitable[Any]) -> Any:
        """A store that refused a commit is asked again after a second of the clock; a process that dies is asked in
        vain."""
        task = asyncio.ensure_future(what)
        for _ in range(30):
            await self.drain()
            if task.done():
                break
            await self.advance(1)
        if not task.done():
            task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        error = None if task.cancelled() else task.exception()
        if error is not None and not isinstance(error, (StoreUnavailable, TransitionRefused)):
            raise error
        return None if task.cancelled() or error else task.result()

    async def start(self, kit: Kit) -> None:
        tree, rounds = grow(self.chance, self.chance.randrange(1, 5)), self.chance.choice([0, 0, 1, 2])
        code = self.code[self.kits.index(kit)]
        options = self.chance.choice([{}, {"queue": "pairs"}, {"queue": "pairs", "unique": "u"}])
        handle = await self.ask(kit.start(code.workflow, tree, rounds, [], **options))
        if handle is not None and handle.created:
            self.runs[handle.run_id] = (tree, rounds)

    async def signal(self, kit: Kit) -> None:
        self.signals += 1
        run_id = self.chance.choice(list(self.runs))
        await self.ask(kit.engine.signal(run_id, "go", self.signals, id=f"s{self.signals}"))

    async def trouble(self) -> None:
        chance, place = self.chance, self.chance.randrange(2)
        kit = self.kits[place]
        if kit is None:
            await self.revive(place, chance.choice([None, None, NEW]))
            return
        match chance.randrange(16):
            case 0:
                await self.die(place)
            case 1:
                kit.crash_at(chance.randrange(1, 6), before=chance.random() < 0.5)
            case 2:
                await self.die(place, crash=False)
            case 3:
                await self.revive(place, NEW)
            case 4:
                kit.inject_conflict(None, times=chance.randrange(1, 3))
            case 5:
                kit.fail_commits(chance.randrange(1, 3))
            case 6:
                await self.start(kit)
            case 7 if self.runs:
                await self.ask(kit.engine.pause(chance.choice(list(self.runs))))
            case 8 if self.runs:
                await self.ask(kit.engine.resume(chance.choice(list(self.runs))))
            case 9:
                await self.look()
            case 10 | 11 if self.runs:
                await self.signal(kit)
            case 12 if self.runs and chance.random() < 0.5:
                run_id = chance.choice(list(self.runs))
                self.cancelled.add(run_id)
                await self.ask(kit.engine.cancel(run_id))
            case 13 if self.cancelled:
                await self.ask(kit.engine.retry(chance.choice(sorted(self.cancelled))))
            case _:
                await self.advance(chance.choice([0, 1, 7, 30]))
        if chance.random() < 0.5:
            await self.drain()

    async def end(self) -> Kit:
        """Both have the new code, and everything goes on to its end."""
        for place in (0, 1):
            await self.revive(place, NEW)
        await self.drain()
        kit = self.alive[0]
        for _ in range(40):
            for run_id in self.runs:
                for each in await chain(kit.engine, run_id):
                    if each["status"] in ("paused", "pausing"):
                        await self.ask(kit.engine.resume(each["run_id"]))
            await self.look()
            await self.advance(60)
            rows = (await kit.engine.list(limit=1000))["runs"]
            if all(row["status"] in ("completed", "continued", "cancelled") for row in rows):
                return kit
        stuck = [
            row["run_id"] for row in rows if row["status"] not in ("completed", "continued", "cancelled")
        ]
        raise AssertionError(f"they do not end: {[(await kit.engine.explain(each)) for each in stuck[:2]]}")


async def chain(engine: Stepwell, run_id: str | None) -> list[Any]:
    found = []
    while run_id is not None:
        found.append(await engine.show(run_id))
        run_id = found[-1]["continued_to"]
    return found


async def played(seed: int, path: Path) -> None:
    pair = Pair(path, random.Random(seed))
    try:
        for place in (0, 1):
            await pair.revive(place)
        for _ in range(2):
            await pair.start(pair.alive[0])
        for _ in range(pair.chance.randrange(3, 24)):
            await pair.trouble()
        kit = await pair.end()
        for run_id, (tree, rounds) in pair.runs.items():
            runs = await chain(kit.engine, run_id)
            if run_id in pair.cancelled and runs[-1]["status"] == "cancelled":
                continue
            assert [run["status"] for run in runs] == ["continued"] * rounds + ["completed"], (run_id, tree)
            assert came_to(tree, rounds, runs[-1]["output"]), (tree, rounds, runs[-1]["output"])
        await heard_once(kit, pair)
        await apart(kit.engine, pair.cancelled)
        for each in pair.alive:
            each.spare()
            await each.check()
    finally:
        await pair.close()


async def heard_once(kit: Kit, pair: Pair) -> None:
    """A signal is taken by one wait, whatever happened meanwhile."""
    outputs = [(await chain(kit.engine, run_id))[-1]["output"] for run_id in pair.runs]
    heard = [value for output in outputs for value in values_of(output) if value is not None]
    assert len(heard) == len(set(heard)), heard


def values_of(found: Any) -> list[Any]:
    """What was heard."""
    if isinstance(found, list) and found[:1] == ["heard"]:
        return found[1:]
    return [value for each in found for value in values_of(each)] if isinstance(found, list) else []


async def apart(engine: Stepwell, but: set[str]) -> None:
    """Chains of one unique key follow each other (`but` not those that let it go, being retried)."""
    spans = []
    for row in (await engine.list(limit=1000))["runs"]:
        run = (await engine.state(row["run_id"])).run
        if run.unique is not None and run.continued_from is None and run.id not in but:
            runs = await chain(engine, run.id)
            spans.append((runs[0]["created_at"], runs[-1]["ended_at"]))
    spans.sort()
    assert all(ended <= began for (_, ended), (began, _) in pairwise(spans)), spans


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_two_engines(seed: int, tmp_path: Path) -> None:
    await played(seed, tmp_path / "pair.db")
