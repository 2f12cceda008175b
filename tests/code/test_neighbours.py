"""Other processes steer Python runs that this one carries on: the command line, and clients that are only guests."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from stepwell import RunFailed, Stepwell, flow, step, workflow
from stepwell.testing import Kit
from tests.code import workflows as w
from tests.support import processes

pytestmark = pytest.mark.spec("B3", "X2", "Q17")


def stepwell(path: Path, *words: str) -> str:
    """The command line, in a process that knows none of these workflows."""
    done = processes.ran("-m", "stepwell", *words, "--db", path, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


async def command(kit: Kit, *words: str) -> str:
    said = await asyncio.to_thread(stepwell, kit.path, *words)
    await kit.look()
    return said


class Mended:
    yet = False


@step
async def leaning(n: int) -> int:
    if not Mended.yet:
        raise ConnectionError("not yet")
    return n


@workflow
async def neighbourly(n: int) -> list[Any]:
    first = await w.double(n)
    await flow.sleep(1000)
    second = await leaning(first)
    return [second, await flow.wait_for_signal("go")]


async def test_the_command_line_steers_a_python_run() -> None:
    """Pause, resume, cancel, retry of a run that another process carries on."""
    Mended.yet = False
    async with Kit() as kit:
        run_id = (await kit.start(neighbourly, 2)).run_id
        await kit.drain()

        async def status() -> str:
            found: str = (await kit.engine.show(run_id))["status"]
            return found

        await command(kit, "runs", "pause", run_id)
        assert await status() == "paused"
        await kit.advance(2000)
        assert await status() == "paused"
        await command(kit, "runs", "resume", run_id)
        await kit.drain()
        assert await status() == "failed"  # it leaned on what is not there yet
        Mended.yet = True
        await command(kit, "runs", "retry", run_id)
        assert await status() == "running"
        await command(kit, "runs", "cancel", run_id)
        assert await status() == "cancelled"
        await command(kit, "runs", "retry", run_id)
        assert await status() == "running"
        assert "neighbourly" in await command(kit, "runs", "show", run_id)
        await kit.engine.signal(run_id, "go", 7)
        assert await kit.result(run_id) == [4, 7]
        await kit.check()


async def test_signals_from_a_guest() -> None:
    """A client that performs nothing delivers a signal; the engine that has the run goes on with it."""
    async with Kit() as kit:
        run_id = (await kit.start(w.signalled, 3)).run_id
        await kit.drain()
        async with Stepwell.open(
            kit.path, guest=True, workflows=[], clock=kit.clock, ids=kit.ids, dice=kit.dice, warm_up=False
        ) as guest:
            for number, correlation in enumerate(["a", "b"], 1):
                await guest.signal(run_id, "go", number, correlation=correlation)
                await kit.look()
        assert await kit.result(run_id) == [1, 2, 6]
        await kit.check()


async def test_a_run_that_a_guest_started() -> None:
    async with Kit() as kit:
        async with Stepwell.open(
            kit.path, guest=True, clock=kit.clock, ids=kit.ids, dice=kit.dice, warm_up=False
        ) as guest:
            good = await guest.start(w.sequential, 2)
            bad = await guest.start(w.undone, 2)
        await kit.look()
        assert await kit.result(good.run_id) == [4, 12, 24]
        with pytest.raises(RunFailed, match="broken for good"):
            await kit.result(bad.run_id)
        await kit.check()
