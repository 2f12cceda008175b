"""Prometheus metrics: they count what is on record; the number of series is bounded."""

from __future__ import annotations

import urllib.request
from pathlib import Path

import pytest

from stepwell import InvalidInput
from stepwell.telemetry import Metrics
from tests.engine.helpers import flow, open_at
from tests.telemetry.helpers import CANARY, be_busy, open_busy


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    found: float | None = metrics.registry.get_sample_value(name, labels)
    return found


async def test_they_count_what_is_on_record(tmp_path: Path) -> None:
    metrics = Metrics()
    async with open_busy(tmp_path / "x.db", telemetry=[metrics]) as stepwell:
        await be_busy(stepwell)
        names = [each.name async for each in stepwell.events()]
        turns = {(each.run_id, each.seq) async for each in stepwell.events()}
    assert value(metrics, "stepwell_runs_started_total", workflow="test/busy") == 1
    assert value(metrics, "stepwell_runs_ended_total", workflow="test/busy", status="failed") == 1
    assert value(metrics, "stepwell_runs_ended_total", workflow="test/child", status="completed") == 1
    assert value(metrics, "stepwell_run_duration_seconds_count", workflow="test/busy", status="failed") == 1
    assert value(metrics, "stepwell_open_runs") == 0
    assert value(metrics, "stepwell_steps_in_flight") == 0
    assert value(metrics, "stepwell_commit_seconds_count") == len(turns)
    for name in set(names):
        assert value(metrics, "stepwell_events_total", event=name) == names.count(name)
    ended = sum(
        sample.value for family in metrics.registry.collect() for sample in family.samples
        if sample.name == "stepwell_steps_ended_total"
    )  # fmt: skip
    assert ended == sum(
        name in ("step.completed", "step.failed", "step.cancelled", "step.skipped") for name in names
    )
    assert CANARY not in metrics.text().decode()


async def test_labels_are_bounded(tmp_path: Path) -> None:
    metrics = Metrics(max_names=3)
    async with open_at(tmp_path / "x.db", telemetry=[metrics]) as stepwell:
        for number in range(10):
            await stepwell.run(flow("do: [{a: {set: {n: 1}}}]", f"flow-{number}"))
    series = [
        sample.labels["workflow"] for family in metrics.registry.collect() for sample in family.samples
        if sample.name == "stepwell_runs_ended_total"
    ]  # fmt: skip
    assert sorted(series) == ["other", "test/flow-0", "test/flow-1", "test/flow-2"]
    assert value(metrics, "stepwell_runs_ended_total", workflow="other", status="completed") == 7


async def test_they_are_served_on_loopback_until_the_end() -> None:
    metrics = Metrics()
    metrics.gauge("stepwell_queue_depth", "runs that wait in a queue", lambda: 7)
    port, stop = metrics.serve(0)
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
        assert b"stepwell_queue_depth 7.0" in answer.read()
    with pytest.raises(InvalidInput, match="choose another port"):
        Metrics().serve(port)
    stop()
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics")
