"""Workflows that nobody thought of, killed at every commit."""

from __future__ import annotations

import random
from typing import Any

import pytest

from stepwell.testing import Kit, kill_everywhere
from tests.crash.scenarios import ALL_FUNCTIONS, define

pytestmark = pytest.mark.spec("Q20", "B5")

ORDERLY = ("set", "double", "threaded", "flaky", "caught", "wait", "child")
"""Tasks whose outcome does not depend on who is first."""

ANY = (*ORDERLY, "broken", "even", "tell", "ever")


class Author:
    """Writes workflows. `orderly`: such that there is one outcome, whatever the order of things."""

    def __init__(self, seed: int, orderly: bool) -> None:
        self.chance, self.orderly, self.count = random.Random(seed), orderly, 0

    def document(self, depth: int) -> dict[str, Any]:
        head: dict[str, Any] = {"dsl": "1.0.3", "namespace": "test", "name": "any", "version": "1.0.0"}
        policy = self.chance.choice([None, None, "finish", "ignore", {"tolerate": 1}])
        if policy is not None:
            head["metadata"] = {"failurePolicy": policy}
        return {"document": head, "do": self.tasks(depth)}

    def tasks(self, depth: int) -> list[dict[str, Any]]:
        return [self.named(self.task(depth)) for _ in range(self.chance.randint(1, 3))]

    def named(self, task: dict[str, Any]) -> dict[str, Any]:
        self.count += 1
        return {f"t{self.count}": task}

    def task(self, depth: int) -> dict[str, Any]:
        task = self.leaf() if depth == 0 or self.chance.random() < 0.35 else self.block(depth - 1)
        if not self.orderly and self.chance.random() < 0.1:
            task["timeout"] = {"after": {"seconds": self.chance.randint(1, 9)}}
        if self.chance.random() < 0.15:
            task.setdefault("metadata", {})["optional"] = True
        if self.chance.random() < 0.1:
            task.setdefault("metadata", {})["schedule"] = {"after": {"seconds": self.chance.randint(1, 9)}}
        return task

    def block(self, depth: int) -> dict[str, Any]:
        chance = self.chance
        match chance.choice(["do", "for", "for", "fork", "fork", "try"]):
            case "do":
                return {"do": self.tasks(depth)}
            case "for":
                items = ",".join(map(str, range(chance.randint(0, 3))))
                loop = {"for": {"each": "x", "in": f"${{ [{items}] }}"}, "do": self.tasks(depth)}
                return loop | (
                    {"metadata": {"concurrency": chance.randint(1, 3)}} if chance.random() < 0.6 else {}
                )
            case "fork":
                branches = [self.named(self.task(depth)) for _ in range(chance.randint(1, 3))]
                return {"fork": {"branches": branches, "compete": not self.orderly and chance.random() < 0.3}}
            case _:
                again = {"retry": {"delay": {"seconds": 1}, "limit": {"attempt": {"count": 1}}}}
                catch = {"do": self.tasks(depth)} if chance.random() < 0.6 else again
                return {"try": self.tasks(depth), "catch": catch}

    def leaf(self) -> dict[str, Any]:
        chance = self.chance
        kind = chance.choice(ORDERLY if self.orderly else ANY)
        match kind:
            case "set":
                return {"set": {"n": chance.randint(0, 5)}}
            case "wait":
                return {"wait": {"seconds": chance.randint(0, 9)}}
            case "flaky":
                retry = {"delay": {"seconds": chance.randint(0, 5)}, "limit": {"attempt": {"count": 2}}}
                call = python("flaky", times=chance.randint(0, 2))
                return {"try": [self.named(call)], "catch": {"retry": retry}}
            case "caught":
                return {
                    "try": [self.named(python("broken"))],
                    "catch": {"do": [self.named({"set": {"c": 1}})]},
                }
            case "broken":
                return python("broken")
            case "child":
                return run(chance.choice(["child", "nest"]), n=chance.randint(0, 9))
            case "ever":
                return run("ever") | {"timeout": {"after": {"seconds": chance.randint(1, 5)}}}
            case _:
                return python(kind, n=chance.randint(0, 5))


def python(function: str, **arguments: Any) -> dict[str, Any]:
    return {"call": "python", "with": {"function": function, "arguments": arguments}}


def run(name: str, **data: Any) -> dict[str, Any]:
    return {"run": {"workflow": {"namespace": "test", "name": name, "version": "1.0.0", "input": data}}}


async def kill(seed: int, *, orderly: bool, depth: int) -> None:
    author = Author(seed, orderly)
    document, conflicts = author.document(depth), author.chance.choice([0, 0, 1, 3])
    settings = author.chance.choice([{}, {}, {"again": 1}, {"snapshot_every": 1}, {"max_concurrency": 1}])
    print(f"seed {seed}: {document}, {conflicts} conflicts, {settings}")

    async def scenario(kit: Kit) -> Any:
        await define(kit)
        if conflicts:
            kit.inject_conflict(times=conflicts)
        try:
            return await kit.run(document)
        finally:
            if not kit.crashed:  # nobody is left behind: what waits for a year was cancelled with its parent
                ever = (await kit.engine.list(name="ever"))["runs"]
                assert {one["status"] for one in ever} <= {"cancelled"}, ever

    await kill_everywhere(scenario, functions=ALL_FUNCTIONS, same=orderly, **settings)


@pytest.mark.parametrize("seed", range(2))
async def test_an_orderly_workflow_ends_as_if_nothing_had_happened(seed: int) -> None:
    await kill(seed, orderly=True, depth=1)


@pytest.mark.parametrize("seed", range(100, 102))
async def test_any_workflow_stays_sound(seed: int) -> None:
    await kill(seed, orderly=False, depth=1)


@pytest.mark.soak
@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("seed", range(1_000, 1_030))
async def test_many_orderly_workflows(seed: int) -> None:
    await kill(seed, orderly=True, depth=2)


@pytest.mark.soak
@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("seed", range(2_000, 2_050))
async def test_many_workflows(seed: int) -> None:
    await kill(seed, orderly=False, depth=3)
