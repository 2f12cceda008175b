"""Soft deadlines from outside: seen, listed, told; also after a crash (SPEC Q18)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.engine.helpers import FakeClock, open_at, until

SLOW = """
document: {dsl: '1.0.3', namespace: test, name: slow, version: '1.0.0', metadata: {deadline: {after: PT1H, warn: PT5M}}}
do:
  - a: {wait: {hours: 10}, metadata: {deadline: PT30M}}
"""
CALM = SLOW.replace(", metadata: {deadline: {after: PT1H, warn: PT5M}}", "").replace(
    ", metadata: {deadline: PT30M}", ""
)


async def overdue(engine: Any) -> list[str]:
    return [run["run_id"] for run in (await engine.list(overdue=True))["runs"]]


@pytest.mark.spec("Q18")
async def test_overdue_runs_are_seen_listed_and_told(tmp_path: Path) -> None:
    clock = FakeClock()
    told: list[str] = []
    async with open_at(tmp_path / "a.db", clock) as engine:
        engine.on_event(lambda run, seq, at, event: told.append(type(event).__name__))
        run_id = (await engine.start(SLOW)).run_id
        await engine.start(CALM)
        view = await engine.show(run_id)
        assert (view["deadline_status"], view["steps"][0]["deadline_status"]) == ("on_time", "on_time")
        clock.advance(1_801)
        await until(lambda: "StepOverdue" in told)
        clock.advance(1_600)
        assert (await engine.show(run_id))["deadline_status"] == "due_soon"
        assert await overdue(engine) == []
    clock.advance(300)  # while nobody was there
    async with open_at(tmp_path / "a.db", clock) as engine:
        for _ in range(2_000):
            kinds = [event["type"] async for event in engine.history(run_id)]
            if "run.overdue" in kinds:
                break
            await asyncio.sleep(0)
        assert (kinds.count("run.overdue"), kinds.count("step.overdue")) == (1, 1)
        assert await overdue(engine) == [run_id]
        view = await engine.show(run_id)
        assert (view["status"], view["deadline_status"]) == ("running", "overdue")
        assert view["steps"][0]["deadline_status"] == "overdue"
        clock.advance(36_000)
        await engine.wait(run_id)
        assert await overdue(engine) == []
        view = await engine.show(run_id)
        assert (view["status"], view["deadline_status"]) == ("completed", "overdue")
        kinds = [event["type"] async for event in engine.history(run_id)]
        assert (kinds.count("run.overdue"), kinds.count("step.overdue")) == (1, 1)
        assert (await engine.doctor(rebuild=True))["findings"] == []
