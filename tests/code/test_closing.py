"""Code that is thrown away (the engine closes, its run is over) does nothing more, and says nothing."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import pytest

from stepwell import flow, step, workflow
from stepwell.testing import Kit

pytestmark = pytest.mark.spec("B3", "B5")

DONE: list[str] = []


@step
def release(what: str) -> str:
    DONE.append(what)
    return what


@step
async def arelease(what: str) -> str:
    DONE.append(what)
    return what


@workflow
async def careful() -> str:
    try:
        await flow.sleep(60)
    finally:
        await arelease("async")
        release("plain")
    return "ended"


@workflow
def careful_plain() -> str:
    try:
        flow.sleep(60)
    finally:
        release("plain")
        flow.gather(arelease.submit("async"))
    return "ended"


@workflow
async def careful_group() -> str:
    async def branch(name: str) -> None:
        try:
            await flow.sleep(60)
        finally:
            await arelease(name)

    async with asyncio.TaskGroup() as group:
        group.create_task(branch("async"))
        group.create_task(branch("plain"))
    return "ended"


@workflow
async def stubborn() -> str:
    """Keeps everything to itself, and waits again."""
    for _ in range(3):
        try:
            await flow.sleep(20)
        except BaseException:
            await flow.sleep(1)
    await arelease("async")
    release("plain")
    return "ended"


ALL = [careful, careful_plain, careful_group, stubborn]


@pytest.mark.parametrize("workflow", ALL, ids=lambda each: each.name)
async def test_closing_performs_nothing(workflow: Any) -> None:
    DONE.clear()
    async with Kit() as kit:
        handle = await kit.start(workflow)
        await kit.advance(10)
        await kit.reopen()
        gc.collect()
        assert DONE == []
        assert await kit.result(handle) == "ended"
        assert sorted(DONE) == ["async", "plain"]
        await kit.check()


@pytest.mark.parametrize("workflow", ALL, ids=lambda each: each.name)
async def test_terminating_performs_nothing(workflow: Any) -> None:
    DONE.clear()
    async with Kit() as kit:
        handle = await kit.start(workflow)
        await kit.advance(10)
        await kit.engine.terminate(handle.run_id)
        await kit.drain(advance=True)
        gc.collect()
        assert DONE == []
        await kit.check()
