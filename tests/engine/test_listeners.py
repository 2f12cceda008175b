"""Listeners that are coroutine functions: awaited in order, beside the runs, and not left alone at the end."""

from __future__ import annotations

import asyncio
import gc
import warnings

import pytest

from stepwell import flow, step, workflow
from stepwell.client.progress import Progress
from stepwell.engine import observers
from stepwell.model.events import Event
from stepwell.testing import Kit

pytestmark = pytest.mark.spec("X3")


@step
async def listened_step(n: int) -> int:
    return n


@workflow(name="listened")
async def listened(n: int) -> int:
    for each in range(n):
        await listened_step(each)
    flow.set_event("n", n)
    return n


Heard = list[tuple[str, int, str]]


async def test_all_is_heard_in_order_also_what_was_told_last() -> None:
    plain: Heard = []
    awaited: Heard = []
    variables: list[object] = []

    async def hear(run: str, seq: int, at: int, event: Event) -> None:
        for _ in range(len(awaited) % 3):
            await asyncio.sleep(0)
        awaited.append((run, seq, type(event).__name__))

    async def changed(run: str, name: str, old: object, new: object) -> None:
        await asyncio.sleep(0)
        variables.append(new)

    async with Kit(workflows=[listened]) as kit:
        kit.engine.on_event(lambda run, seq, at, event: plain.append((run, seq, type(event).__name__)))
        kit.engine.on_event(hear)
        kit.engine.on_variable(changed)
        for number in (3, 4):
            await kit.start(listened, number)
        await kit.drain()
    assert awaited == plain and plain[-1][2] == "RunCompleted"
    assert sorted(variables, key=str) == [3, 4]


async def test_one_that_fails_hears_the_rest_and_breaks_nothing(caplog: pytest.LogCaptureFixture) -> None:
    heard: list[int] = []

    async def hear(run: str, seq: int, at: int, event: Event) -> None:
        heard.append(seq)
        raise RuntimeError("no")

    async with Kit(workflows=[listened]) as kit:
        kit.engine.on_event(hear)
        assert await kit.run(listened, 2) == 2
    assert len(heard) > 3 and "a listener failed; the run goes on" in caplog.text


async def test_who_is_forgotten_hears_no_more() -> None:
    heard: list[int] = []
    go_on = asyncio.Event()

    async def hear(run: str, seq: int, at: int, event: Event) -> None:
        heard.append(seq)
        await go_on.wait()

    with warnings.catch_warnings():
        warnings.simplefilter("error")  # of coroutines that nobody awaits
        async with Kit(workflows=[listened]) as kit:
            forget = kit.engine.on_event(hear)
            assert await kit.run(listened, 2) == 2
            forget()
            go_on.set()
            assert await kit.run(listened, 2) == 2
        gc.collect()
    assert len(heard) == 1


async def test_one_that_does_not_end_holds_nothing_up(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(observers, "PATIENCE", 0.01)
    stopped: list[bool] = []

    async def hear(run: str, seq: int, at: int, event: Event) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.append(True)

    async with Kit(workflows=[listened]) as kit:
        kit.engine.on_event(hear)
        assert await kit.run(listened, 2) == 2
    assert stopped == [True] and "1 listeners had not heard all when the engine closed" in caplog.text


async def test_progress_too() -> None:
    heard: list[int] = []

    async def hear(progress: Progress) -> None:
        await asyncio.sleep(0)
        heard.append(progress.completed)

    async with Kit(workflows=[listened]) as kit:
        run = await kit.start(listened, 3)
        await kit.engine.on_progress(run.run_id, hear)
        await kit.drain()
        for _ in range(20):
            await asyncio.sleep(0)
    assert heard == sorted(heard) and heard
