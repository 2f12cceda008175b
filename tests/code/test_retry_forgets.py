"""A retry of a run whose code asked for something because of the failure that the retry takes back: that is forgotten,
and the code may ask for the same once more, or for something else."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from stepwell import flow, step, workflow
from stepwell.testing import Kit, kill_everywhere

pytestmark = pytest.mark.spec("Q2", "Q12")

BROKEN: list[str] = []
did: list[str] = []


@pytest.fixture(autouse=True)
def broken() -> None:
    BROKEN[:] = ["yes"]
    did.clear()


@step
async def forget_check(n: int) -> int:
    did.append(f"check {n}")
    if BROKEN:
        raise ValueError(f"no {n}")
    return n


@step
async def forget_tell(what: str) -> str:
    did.append(what)
    return what


@workflow(name="forget-kid")
async def kid(what: str) -> str:
    did.append(f"kid {what}")
    if BROKEN and what == "first":
        raise ValueError("the kid")
    return what


@step(irreversible=True)
async def forget_sue(n: int) -> int:
    did.append("sue")
    return n


@workflow(name="forget-awaited")
async def awaited() -> list[Any]:
    """What is asked for because of the failure is over, one way or the other, when the run fails."""
    try:
        found = await forget_check(1)
    except Exception:
        await forget_tell("sorry")
        with suppress(ValueError):
            await forget_check(2)
        raise
    return [found, await forget_tell("thanks")]


@workflow(name="forget-nothing")
async def for_good() -> int:
    try:
        return await forget_check(1)
    except Exception:
        await forget_sue(1)
        raise


@contextmanager
def noting() -> Iterator[None]:
    """All kinds of calls on the way out: over at once, performed, another run, a question of a version."""
    try:
        yield
    except Exception:
        flow.set_attributes(state="bad")
        flow.patched("told")
        forget_tell.submit("sorry")
        flow.start_child(kid, "apology", detached=True)
        raise


@workflow(name="forget-step")
async def of_a_step() -> list[Any]:
    with noting():
        found = await forget_check(1)
    flow.set_attributes(state="good")
    return [found, flow.patched("sung"), *await asyncio.gather(forget_tell("thanks"), kid("gift"))]


@workflow(name="forget-plain")
def plain() -> list[Any]:
    with noting():
        [found] = flow.gather(forget_check.submit(1))
    flow.set_attributes(state="good")
    return [
        found,
        flow.patched("sung"),
        *flow.gather(forget_tell.submit("thanks"), flow.start_child(kid, "gift").future),
    ]


@workflow(name="forget-child")
async def of_a_child() -> list[Any]:
    with noting():
        found = await flow.start_child(kid, "first").result()
    flow.set_attributes(state="good")
    return [found, flow.patched("sung"), *await asyncio.gather(forget_tell("thanks"), kid("gift"))]


@workflow(name="forget-beside")
async def beside() -> list[Any]:
    """What was in flight beside the failure is not forgotten, and goes on."""
    with noting():
        _, found = await asyncio.gather(flow.sleep(10), forget_check(1))
    flow.set_attributes(state="good")
    return [found, flow.patched("sung"), *await asyncio.gather(forget_tell("thanks"), kid("gift"))]


WORKFLOWS = {"step": of_a_step, "plain": plain, "child": of_a_child, "beside": beside}


@pytest.mark.parametrize("reopened", [False, True])
@pytest.mark.parametrize("case", WORKFLOWS)
async def test_the_code_goes_another_way_after_a_retry(case: str, *, reopened: bool) -> None:
    async with Kit() as kit:
        handle = await kit.start(WORKFLOWS[case])
        for number in (1, 2):
            await kit.drain()
            shown = await kit.engine.show(handle.run_id)
            assert (shown["status"], shown["attributes"]) == ("failed", {"state": "bad"})
            if number == 2:
                BROKEN.clear()
            if reopened:
                await kit.reopen()
            await kit.engine.retry(handle.run_id)
            if reopened:
                await kit.drain()
                kit.crash()
                await kit.reopen()
        first = "first" if case == "child" else 1
        assert await kit.result(handle) == [first, True, "thanks", "gift"]
        assert (await kit.engine.show(handle.run_id))["attributes"] == {"state": "good"}
        assert did.count("thanks") == did.count("kid gift") == 1
        await kit.check()


async def test_what_is_forgotten_stays_on_record_and_keeps_its_number() -> None:
    async with Kit() as kit:
        handle = await kit.start(of_a_step)
        await kit.drain()
        await kit.engine.retry(handle.run_id)
        await kit.drain()
        steps = {one["id"]: one["status"] for one in (await kit.engine.show(handle.run_id))["steps"]}
        assert [(name, status) for name, status in steps.items() if "tell" in name] == [
            ("/do/3/forget_tell", "completed"),
            ("/do/7/forget_tell", "completed"),
        ]
        BROKEN.clear()
        await kit.engine.retry(handle.run_id)
        await kit.drain()
        steps = {one["id"]: one["status"] for one in (await kit.engine.show(handle.run_id))["steps"]}
        assert steps["/do/3/forget_tell"] == steps["/do/7/forget_tell"] == "completed"
        assert steps["/do/11/forget_tell"] == "completed"
        await kit.check()


@pytest.mark.parametrize("at", ["/do/0/forget_check", "/do/3/forget_tell", "/do/7/forget_tell"])
async def test_a_fork_forgets_what_its_origin_had_forgotten_by_then(at: str) -> None:
    async with Kit() as kit:
        origin = await kit.start(of_a_step)
        await kit.drain()
        BROKEN.clear()
        await kit.engine.retry(origin.run_id)
        assert await kit.result(origin) == [1, True, "thanks", "gift"]
        fork = await kit.engine.fork(origin.run_id, at)
        await kit.drain()
        await kit.reopen()
        shown = await kit.engine.show(fork.run_id)
        if at == "/do/3/forget_tell":  # there the step has failed, and nobody has taken that back yet
            assert shown["status"] == "failed"
            await kit.engine.retry(fork.run_id)
        assert await kit.result(fork.run_id) == [1, True, "thanks", "gift"]
        await kit.check()


@pytest.mark.parametrize("reopened", [False, True])
async def test_what_was_waited_for_is_forgotten_too(*, reopened: bool) -> None:
    async with Kit() as kit:
        handle = await kit.start(awaited)
        for number in (1, 2):
            await kit.drain()
            assert did == ["check 1", "sorry", "check 2"] * number
            if reopened:
                await kit.reopen()
            if number == 2:
                BROKEN.clear()
            await kit.engine.retry(handle.run_id)
        assert await kit.result(handle) == [1, "thanks"]
        assert did[6:] == ["check 1", "thanks"]
        fork = await kit.engine.fork(handle.run_id, "/do/5/forget_tell")
        assert await kit.result(fork.run_id) == [1, "thanks"]
        assert did[8:] == ["thanks"]
        await kit.check()


async def test_what_cannot_be_taken_back_is_not_forgotten() -> None:
    """So the failure before it is not taken back either: the run fails of it once more, and nothing is done twice."""
    async with Kit() as kit:
        handle = await kit.start(for_good)
        await kit.drain()
        BROKEN.clear()
        await kit.engine.retry(handle.run_id)
        await kit.drain()
        assert (await kit.engine.show(handle.run_id))["status"] == "failed"
        assert did == ["check 1", "sue"]
        await kit.check()


async def test_a_retry_killed_at_every_commit_forgets_the_same() -> None:
    async def scenario(kit: Kit) -> Any:
        BROKEN[:] = ["yes"]
        run_id = (await kit.start(awaited, key="once")).run_id
        await kit.drain()
        BROKEN.clear()
        if (await kit.engine.show(run_id))["status"] == "failed":
            await kit.engine.retry(run_id)
        return await kit.result(run_id)

    survey = await kill_everywhere(scenario)
    assert survey.crashes >= survey.commits
