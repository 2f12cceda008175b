"""The timeout of a run that a program drives: whoever asks after it has the run ended first."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from stepwell.model.errors import InvalidInput, StepwellError, TransitionRefused
from stepwell.steps import ANY, AsyncStepStore
from tests.steps.helpers import Bench, bench

pytestmark = pytest.mark.spec("Q9")

TIMED = """
document: {dsl: '1.0.3', namespace: default, name: timed, version: '1.0.0'}
timeout: {after: PT1M}
do:
  - a: {call: python, with: {function: a}}
"""


async def timed(b: Bench) -> Bench:
    b.run = await b.store.start_run("timed", ANY, {}, timeout=60)
    return b


async def status(b: Bench) -> Any:
    return (await b.store.client.show(b.run))["status"]


async def test_in_time_nothing_happens(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        await timed(b)
        claim = await b.claim("a", lease=100)
        b.wait(59.9)
        assert (await b.store.complete_step(claim, 1, run_output=2)).run_state == "completed"
        b.wait(100)
        with pytest.raises(TransitionRefused, match="completed"):
            await b.store.schedule_step(b.run, "b")


@pytest.mark.parametrize("definition", [False, True])
async def test_whoever_asks_too_late_has_it_ended(tmp_path: Path, *, definition: bool) -> None:
    async with bench(tmp_path) as b:
        await timed(b)
        if definition:
            b.run = await b.store.start_run(TIMED, input={})
        claim = await b.claim("a", lease=100)
        b.wait(60)
        for ask in (
            lambda: b.store.complete_step(claim, 1),
            lambda: b.store.heartbeat(claim, 30),
            lambda: b.store.schedule_step(b.run, "a"),
            lambda: b.store.complete_run(b.run),
        ):
            with pytest.raises(StepwellError, match=r"timed_out|cancelled"):
                await ask()
        view = await b.store.client.show(b.run)
        assert (view["status"], view["steps"][0]["status"]) == ("timed_out", "cancelled")
        assert view["error"]["detail"] == "the workflow did not end within its timeout"
        assert (await b.events()).count("run.timed_out") == 1


async def test_many_who_ask_at_once_see_one_end(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        await timed(b)
        b.wait(61)
        other = await AsyncStepStore.opened(tmp_path / "steps.db", clock=b.clock)
        try:
            asked = [store.begin_step(b.run, f"s{n}") for n in range(8) for store in (b.store, other)]
            answers = await asyncio.gather(*asked, return_exceptions=True)
        finally:
            await other.close()
        assert not any(getattr(answer, "execute", False) for answer in answers)
        assert await status(b) == "timed_out" and (await b.events()).count("run.timed_out") == 1


async def test_after_a_retry_its_time_counts_anew(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        await timed(b)
        await b.claim("a")
        b.wait(60)
        assert await b.store.release_expired(b.run) == () and await status(b) == "timed_out"
        await b.store.retry_run(b.run)
        b.wait(59)
        await b.done("a")
        assert await status(b) == "running"
        b.wait(1)
        with pytest.raises(StepwellError):
            await b.store.complete_run(b.run)
        assert await status(b) == "timed_out"


async def test_a_paused_run_is_out_of_time_too_and_one_that_is_cancelled_is_not(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        await timed(b)
        await b.store.pause_run(b.run)
        b.wait(60)
        await b.store.release_expired(b.run)
        assert await status(b) == "timed_out"
        await timed(b)
        await b.claim("a", lease=100)
        await b.store.cancel_run(b.run)
        b.wait(60)
        await b.store.release_expired(b.run)
        assert await status(b) == "cancelling"
        b.wait(60)
        await b.store.release_expired(b.run)
        assert await status(b) == "cancelled"


async def test_what_is_no_timeout(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        with pytest.raises(InvalidInput, match="timeout is a number of seconds"):
            await b.store.start_run("timed", ANY, timeout=-1)
        with pytest.raises(InvalidInput, match="a definition says its timeout itself"):
            await b.store.start_run(TIMED, timeout=5)
