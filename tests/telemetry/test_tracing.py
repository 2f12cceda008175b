"""Spans of runs and attempts: true times, parents, links; no data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from stepwell.telemetry import Tracing
from stepwell.telemetry.tracing import RUN_ATTRIBUTES, STEP_ATTRIBUTES
from tests.engine.helpers import flow, open_at
from tests.telemetry.helpers import CANARY, be_busy, open_busy


class Spans:
    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))

    def tracing(self) -> Tracing:
        return Tracing(self.provider.get_tracer("test"))

    @property
    def all(self) -> tuple[ReadableSpan, ...]:
        return self.exporter.get_finished_spans()

    def named(self, name: str) -> list[Any]:
        return [span for span in self.all if span.name == name]


@pytest.mark.spec("X11")
async def test_a_span_for_each_run_and_attempt(tmp_path: Path) -> None:
    spans = Spans()
    async with open_busy(tmp_path / "x.db", telemetry=[spans.tracing()]) as stepwell:
        run_id = await be_busy(stepwell)
        started = [each async for each in stepwell.events(events=["step.started"]) if each.run_id == run_id]
        state = await stepwell.engine.reload(run_id)
    (run,), (child,) = spans.named("run test/busy"), spans.named("run test/child")
    assert run.attributes["stepwell.run.id"] == run_id
    assert (run.attributes["stepwell.run.status"], run.attributes["error.type"]) == (
        "failed",
        "https://x.test/no",
    )
    assert run.status.status_code is trace.StatusCode.ERROR
    assert run.start_time == state.run.created_at * 1_000
    assert run.end_time == state.run.ended_at * 1_000
    of_run = [span for span in spans.all if span.attributes["stepwell.run.id"] == run_id]
    assert len(of_run) == 1 + len(started)
    ids = {span.context.span_id: span for span in spans.all}
    assert ids[child.parent.span_id].name == "step child"
    assert {span.context.trace_id for span in spans.all} == {run.context.trace_id}
    (inner,) = spans.named("step inner")
    assert ids[inner.parent.span_id] is child
    assert {ids[span.parent.span_id].name for span in spans.named("step one")} == {"step each"}
    for span in spans.all:
        state_step = state.steps.get(str(span.attributes.get("stepwell.step.id")))
        if state_step is not None and state_step.id != "/do/1/flaky" and span in of_run:
            assert span.start_time == state_step.started_at * 1_000, span.name
            assert span.end_time == state_step.ended_at * 1_000, span.name


@pytest.mark.spec("X11")
async def test_no_data_and_bounded_attributes(tmp_path: Path) -> None:
    spans = Spans()
    async with open_busy(tmp_path / "x.db", telemetry=[spans.tracing()]) as stepwell:
        await be_busy(stepwell)
    for span in spans.all:
        assert CANARY not in span.to_json()
        allowed = RUN_ATTRIBUTES if span.name.startswith("run ") else STEP_ATTRIBUTES
        assert set(span.attributes or {}) <= set(allowed)
        assert not span.events


async def test_a_retry_is_linked_to_the_attempt_before(tmp_path: Path) -> None:
    spans, calls = Spans(), []

    async def flaky() -> str:
        calls.append(trace.get_current_span().get_span_context().span_id)
        if len(calls) < 3:
            raise ValueError("no")
        return "yes"

    body = """
    do:
      - flaky:
          try: [{call: {call: python, with: {function: flaky}}}]
          catch: {retry: {limit: {attempt: {count: 5}}}}
    """
    async with open_at(tmp_path / "x.db", functions=[flaky], telemetry=[spans.tracing()]) as stepwell:
        await stepwell.run(flow(body))
    tries = spans.named("step call")
    assert [span.context.span_id for span in tries] == calls, "a step runs inside its span"
    outer = spans.named("step flaky")
    assert [span.attributes["stepwell.step.attempt"] for span in outer] == [1, 2, 3]
    assert [[link.context.span_id for link in span.links] for span in outer] == [
        [],
        [outer[0].context.span_id],
        [outer[1].context.span_id],
    ]
    assert [span.status.status_code.name for span in outer] == ["ERROR", "ERROR", "UNSET"]


async def test_a_run_that_another_process_began_has_its_true_start(tmp_path: Path) -> None:
    spans, path = Spans(), tmp_path / "x.db"
    stop = flow("do: [{a: {set: {n: 1}}}, {b: {set: {n: 2}}}]")
    async with open_at(path, telemetry=[Spans().tracing()]) as first:
        handle = await first.start(stop, mode="debug")
    async with open_at(path, telemetry=[spans.tracing()]) as second:
        while (await second.show(handle.run_id))["status"] != "completed":
            await second.resume(handle.run_id)
        state = await second.engine.reload(handle.run_id)
    (run,) = spans.named("run test/flow")
    assert run.start_time == state.run.created_at * 1_000
    assert run.attributes["stepwell.run.status"] == "completed"
    assert [span.name for span in spans.all if span.name.startswith("step ")] == ["step a", "step b"]
