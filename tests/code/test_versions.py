"""Code that changes while runs of it are open: refused where it does not match the journal, kept apart by `patched`,
and left alone where a process has another version."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from stepwell import TransitionRefused, flow, step, workflow
from stepwell.model.commands import SendSignal
from stepwell.model.events import RunStalled, RunUnstalled
from stepwell.testing import Kit

pytestmark = pytest.mark.spec("B3", "Q16")


@step
async def a(n: int) -> str:
    return f"a{n}"


@step
async def b(n: int) -> str:
    return f"b{n}"


@step
async def c(n: int) -> str:
    return f"c{n}"


@workflow(name="changing")
async def changing() -> list[str]:
    done = [await a(1), await b(2)]
    await flow.sleep(60)
    return [*done, await c(3)]


def remade(code: Any) -> Any:
    return workflow(name="changing")(code)


def changes() -> dict[str, Any]:
    async def reordered() -> list[str]:
        done = [await b(2), await a(1)]
        await flow.sleep(60)
        return [*done, await c(3)]

    async def renamed() -> list[str]:
        done = [await a(1), await c(2)]
        await flow.sleep(60)
        return [*done, await c(3)]

    async def removed() -> list[str]:
        done = [await a(1)]
        await flow.sleep(60)
        return [*done, await c(3)]

    async def removed_at_the_end() -> list[str]:
        return [await a(1), await b(2)]

    async def added() -> list[str]:
        done = [await a(1), await b(2), await c(9)]
        await flow.sleep(60)
        return [*done, await c(3)]

    async def added_beside() -> list[str]:
        done = [await a(1), *await flow.gather(b(2), c(9))]
        await flow.sleep(60)
        return [*done, await c(3)]

    async def other_kind() -> list[str]:
        done = [await a(1), await b(2)]
        await flow.wait_for_signal("sleep", timeout=60)
        return [*done, await c(3)]

    async def raises() -> list[str]:
        await a(1)
        raise ValueError("too early")

    async def insists() -> list[str]:
        while True:
            WENT_ON.append(await asyncio.gather(b(2), return_exceptions=True))

    async def never_waits() -> list[str]:
        begun = []
        while True:
            begun.append(asyncio.create_task(b(2)))

    def plain() -> list[str]:
        flow.gather(b.submit(2), a.submit(1))
        return []

    def insists_plainly() -> list[str]:
        while True:
            WENT_ON.append(flow.gather(b.submit(2), return_exceptions=True))

    return {code.__name__: remade(code) for code in list(locals().values())}


WENT_ON: list[Any] = []
"""what code was told after a call that is not in its journal"""

SAID = {
    "reordered": ("call 0", "recorded: step a, completed at 2023-", "called:   step b"),
    "renamed": ("call 1", "recorded: step b, completed at", "called:   step c"),
    "removed": ("call 1", "recorded: step b,", "called:   wait sleep"),
    "removed_at_the_end": ("call 2", "recorded: wait sleep, waiting at", "called:   nothing"),
    "added": ("call 2", "recorded: wait sleep,", "called:   step c"),
    "added_beside": ("call 2", "recorded: wait sleep,", "called:   step c"),
    "other_kind": ("call 2", "recorded: wait sleep,", "called:   signal sleep"),
    "raises": ("call 1", "recorded: step b,", "called:   nothing"),
    "insists": ("call 0", "recorded: step a,", "called:   step b"),
    "never_waits": ("call 0", "recorded: step a,", "called:   step b"),
    "plain": ("call 0", "recorded: step a,", "called:   step b"),
    "insists_plainly": ("call 0", "recorded: step a,", "called:   step b"),
}


async def begun(kit: Kit) -> str:
    handle = await kit.start(changing)
    await kit.advance(30)
    return handle.run_id


async def events(kit: Kit, run_id: str) -> list[Any]:
    return [event for turn in await kit.engine.engine.store.turns(run_id) for event in turn.events]


@pytest.mark.parametrize("name", SAID)
async def test_other_code_leaves_the_run_as_it_is(name: str) -> None:
    """The error shows both calls; the run waits, and goes on with the former code."""
    async with Kit(workflows=[changing]) as kit:
        run_id = await begun(kit)
        before = await events(kit, run_id)
        await kit.reopen(workflows=[changes()[name]])
        await kit.drain()
        *same, stalled = await events(kit, run_id)
        assert same == before and isinstance(stalled, RunStalled)
        for said in SAID[name]:
            assert said in (stalled.error.detail or "")
        assert not WENT_ON
        await kit.reopen()
        await kit.drain()
        assert len(await events(kit, run_id)) == len(before) + 1  # it is said once
        assert (await kit.engine.show(run_id))["status"] == "running"
        await kit.check()

        await kit.reopen(workflows=[changing])
        await kit.drain()
        assert any(isinstance(event, RunUnstalled) for event in await events(kit, run_id))
        assert await kit.result(run_id) == ["a1", "b2", "c3"]
        await kit.check()


@pytest.mark.parametrize("known", [True, False])
async def test_a_run_that_waits_for_its_code_can_be_steered(known: bool) -> None:
    """What comes in meanwhile is recorded: timers, pauses, ends."""
    others = [changes()["renamed"]] if known else []
    async with Kit(workflows=[changing]) as kit:
        first, second, third, fourth = [(await kit.start(changing)).run_id for _ in range(4)]
        await kit.advance(30)
        await kit.reopen(workflows=others)
        await kit.engine.cancel(first)
        await kit.engine.terminate(second)
        await kit.engine.pause(third)
        await kit.drain(advance=True)
        states = {each: (await kit.engine.show(each))["status"] for each in (first, second, third, fourth)}
        assert states == {first: "cancelled", second: "terminated", third: "paused", fourth: "running"}
        await kit.check()
        await kit.reopen(workflows=[changing])
        assert await kit.result(fourth) == ["a1", "b2", "c3"]
        await kit.engine.resume(third)
        assert await kit.result(third) == ["a1", "b2", "c3"]
        await kit.check()


async def test_results_that_no_longer_fit() -> None:
    @step(name="number")
    async def as_text() -> str:
        return "many"

    @step(name="number")
    async def as_number() -> set[int]:
        return {1}

    def made(number: Any) -> Any:
        async def fitting() -> str:
            found = await number()
            await flow.sleep(10)
            return f"{found}"

        return workflow(name="fitting")(fitting)

    async with Kit(workflows=[made(as_text)]) as kit:
        handle = await kit.start(made(as_text))
        await kit.drain()
        await kit.reopen(workflows=[made(as_number)])
        await kit.drain()
        *_, stalled = await events(kit, handle.run_id)
        assert isinstance(stalled, RunStalled) and "/do/0/number does not fit" in str(stalled.error.detail)
        await kit.reopen(workflows=[made(as_text)])
        assert await kit.result(handle) == "many"


# --- patched ----------------------------------------------------------------------------------------------------------


def patches() -> dict[str, Any]:
    async def reordered() -> list[str]:
        done = [await b(2), await a(1)] if flow.patched("order") else [await a(1), await b(2)]
        await flow.sleep(60)
        return [*done, await c(3)]

    async def renamed() -> list[str]:
        done = [await a(1), await (c(2) if flow.patched("c-for-b") else b(2))]
        await flow.sleep(60)
        return [*done, await c(3)]

    async def removed() -> list[str]:
        done = [await a(1)]
        if not flow.patched("no-b"):
            done.append(await b(2))
        await flow.sleep(60)
        return [*done, await c(3)]

    async def added() -> list[str]:
        done = [await a(1), await b(2)]
        if flow.patched("more"):
            done.append(await c(9))
        await flow.sleep(60)
        return [*done, await c(3)]

    async def added_where_it_was_not() -> list[str]:
        done = [await a(1), await b(2)]
        await flow.sleep(60)
        if flow.patched("later"):
            done.append(await c(9))
        return [*done, await c(3)]

    return {code.__name__: remade(code) for code in list(locals().values())}


PATCHED = {
    "reordered": (["a1", "b2", "c3"], ["b2", "a1", "c3"]),
    "renamed": (["a1", "b2", "c3"], ["a1", "c2", "c3"]),
    "removed": (["a1", "b2", "c3"], ["a1", "c3"]),
    "added": (["a1", "b2", "c3"], ["a1", "b2", "c9", "c3"]),
    "added_where_it_was_not": (["a1", "b2", "c9", "c3"], ["a1", "b2", "c9", "c3"]),
}


@pytest.mark.parametrize("name", PATCHED)
async def test_patched_code_keeps_both_ways_apart(name: str) -> None:
    """Runs that were past the place go the old way, others the new one; each as often as it is gone through again."""
    old_way, new_way = PATCHED[name]
    async with Kit(workflows=[changing]) as kit:
        old = await begun(kit)
        patched = patches()[name]
        await kit.reopen(workflows=[patched])
        new = (await kit.start(patched)).run_id
        await kit.drain()
        await kit.reopen()
        assert await kit.result(old) == old_way
        assert await kit.result(new) == new_way
        await kit.check()


async def test_patched_in_a_loop() -> None:
    """Asked often, recorded once: a run keeps to its way to the end."""

    async def before() -> list[str]:
        done = []
        for number in range(4):
            done.append(await a(number))
            await flow.sleep(10)
        return done

    async def after() -> list[str]:
        done = []
        for number in range(4):
            done.append(await (b(number) if flow.patched("b") else a(number)))
            await flow.sleep(10)
        return done

    old_code, new_code = workflow(name="loop")(before), workflow(name="loop")(after)
    async with Kit(workflows=[old_code]) as kit:
        old = await kit.start(old_code)
        await kit.advance(15)
        await kit.reopen(workflows=[new_code])
        new = await kit.start(new_code)
        await kit.advance(15)
        await kit.reopen()
        assert await kit.result(old) == ["a0", "a1", "a2", "a3"]
        assert await kit.result(new) == ["b0", "b1", "b2", "b3"]
        await kit.check()


async def test_a_patch_that_is_asked_for_no_more() -> None:
    """The question may go when no run of the old way is left: the answer on record needs no asking."""

    async def asking() -> str:
        found = await (b(1) if flow.patched("b") else a(1))
        await flow.sleep(10)
        return found

    async def settled() -> str:
        found = await b(1)
        await flow.sleep(10)
        return found

    asks, does = workflow(name="settled")(asking), workflow(name="settled")(settled)
    async with Kit(workflows=[asks]) as kit:
        run_id = (await kit.start(asks)).run_id
        await kit.drain()
        await kit.reopen(workflows=[does])
        assert await kit.result(run_id) == "b1"
        await kit.check()


# --- versions ---------------------------------------------------------------------------------------------------------


def version(number: int) -> Any:
    async def versioned() -> str:
        await a(number)
        await flow.sleep(60)
        return await (a(number) if number == 1 else b(number))

    return workflow(name="versioned", version=number)(versioned)


async def test_each_version_goes_on_where_its_code_is() -> None:
    one, two = version(1), version(2)
    async with Kit(workflows=[one]) as kit:
        old = await kit.start(one)
        await kit.drain()
        before = await events(kit, old.run_id)
        await kit.reopen(workflows=[two])
        new = await kit.start(two)
        await kit.advance(3600)
        assert await kit.result(new) == "b2"
        assert await events(kit, old.run_id) == before  # left alone
        await kit.check()
        await kit.reopen(workflows=[one, two])
        assert await kit.result(old) == "a1"
        await kit.check()


async def test_two_processes_with_a_version_each(tmp_path: Path) -> None:
    """Each takes up what it has the code of, when the process that had both is gone."""
    one, two = version(1), version(2)
    async with Kit(tmp_path / "two.db", workflows=[one, two]) as first:
        runs = [(await first.start(each)).run_id for each in (one, two)]
        await first.drain()
    shared = {"clock": first.clock, "ids": first.ids, "dice": first.dice}
    async with (
        Kit(first.path, workflows=[one], **shared) as left,
        Kit(first.path, workflows=[two], **shared) as right,
    ):
        assert [list(kit.engine.engine.actors) for kit in (left, right)] == [[runs[0]], [runs[1]]]
        await left.advance(100)
        await right.drain()
        assert await left.engine.result(runs[0]) == "a1"
        assert await right.engine.result(runs[1]) == "b2"
        await left.check()


async def test_a_signal_for_a_run_without_its_code_is_kept() -> None:
    async def listening() -> Any:
        return await flow.wait_for_signal("go")

    code = workflow(name="listening")(listening)
    async with Kit(workflows=[code]) as kit:
        run_id = (await kit.start(code)).run_id
        await kit.drain()
        await kit.reopen(workflows=[])
        await kit.engine.engine.command(run_id, SendSignal("s1", "go", 7))
        await kit.engine.engine.command(run_id, SendSignal("s1", "go", 7))
        await kit.reopen(workflows=[code])
        assert await kit.result(run_id) == 7
        with pytest.raises(TransitionRefused, match="too late"):
            await kit.engine.engine.command(run_id, SendSignal("s2", "go", 8))
        await kit.check()


async def test_a_run_continues_as_its_own_code_says() -> None:
    """Not as the function of that name which was defined last."""

    async def counting(n: int, total: int = 0) -> int:
        await a(n)
        if n > 0:
            flow.continue_as_new(n - 1, total + n)
        return total

    async def another(word: str) -> str:
        return word

    code = workflow(name="counting")(counting)
    workflow(name="counting")(another)
    async with Kit(workflows=[code]) as kit:
        assert await kit.run(code, 3) == 6
        await kit.check()
