"""OpenTelemetry spans (`pip install stepwell[otel]`): one for each run, and one for each attempt at a step.

The process that sees the end of a run exports its span, with the time at which the run really began.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from stepwell.model import events as e
from stepwell.model.actions import Action, Outcome
from stepwell.model.base import Instant
from stepwell.model.errors import InvalidInput
from stepwell.model.problem import Problem
from stepwell.model.records import Attempt, State
from stepwell.ports import Runner, WorkContext
from stepwell.telemetry.facts import LONGEST
from stepwell.telemetry.metrics import RUN_ENDS, STEP_ENDS
from stepwell.telemetry.watched import Watched

if TYPE_CHECKING:
    from opentelemetry.trace import Span, Tracer

MOST: Final = 10_000
"""So many runs are followed at once; of those that nobody ends the oldest are let go, and make no spans."""

RUN_ATTRIBUTES: Final = (
    "stepwell.run.id",
    "stepwell.workflow.namespace",
    "stepwell.workflow.name",
    "stepwell.workflow.version",
    "stepwell.run.parent_id",
    "stepwell.run.status",
    "error.type",
)
STEP_ATTRIBUTES: Final = (
    "stepwell.run.id",
    "stepwell.step.id",
    "stepwell.step.kind",
    "stepwell.step.attempt",
    "stepwell.step.runs",
    "stepwell.step.status",
    "error.type",
)

_FAILED: Final = frozenset({"failed", "timed_out", "terminated"})


class _Trail:
    """The open spans of one run. `ended`: the last span of each step, to which its next attempt is linked."""

    __slots__ = ("ended", "run", "steps")

    def __init__(self, run: Span) -> None:
        self.run = run
        self.steps: dict[str, Span] = {}
        self.ended: dict[str, Span] = {}


class Tracing:
    """Makes spans of what one engine commits. `tracer`: the one to make them with, the global provider's unless it is
    given. What a step does runs inside its span: spans of its own, and of HTTP clients, become its children."""

    def __init__(self, tracer: Tracer | None = None) -> None:
        try:
            from opentelemetry import trace
        except ImportError:
            raise InvalidInput("OpenTelemetry is not installed", hint="pip install stepwell[otel]") from None
        self._trace = trace
        self._tracer = tracer or trace.get_tracer("stepwell")
        self._trails: dict[str, _Trail] = {}
        self._watched: Watched | None = None

    def attach(self, watched: Watched) -> None:
        self._watched = watched
        watched.on_event(self.tell)
        watched.wrap_runner(lambda runner: _TracedRunner(runner, self))

    def span(self, run_id: str, step: str) -> Span | None:
        """The open span of a step."""
        trail = self._trails.get(run_id)
        return None if trail is None else trail.steps.get(step)

    def tell(self, run_id: str, seq: int, at: Instant, event: e.Event) -> None:
        kind = type(event)
        if kind in RUN_ENDS:
            self._end_run(run_id, at, event, RUN_ENDS[kind])
        elif isinstance(event, e.RunCreated):
            self._begin_run(run_id, at, event)
        elif isinstance(event, e.StepStarted | e.StepRecovered):
            self._begin_step(run_id, event.step, at)
        elif isinstance(event, e.StepRetrying):
            self._end_step(run_id, event.step, at, "failed", event.error)
        elif kind in STEP_ENDS:
            ended: Any = event
            self._end_step(run_id, ended.step, at, STEP_ENDS[kind], getattr(event, "error", None))

    # --- runs -------------------------------------------------------------------------------------

    def _begin_run(self, run_id: str, at: Instant, created: Any) -> _Trail:
        """`created`: the event, or the run's record."""
        attributes = {
            "stepwell.run.id": run_id,
            "stepwell.workflow.namespace": created.namespace,
            "stepwell.workflow.name": created.name,
            "stepwell.workflow.version": created.version,
        }
        if created.parent_id is not None:
            attributes["stepwell.run.parent_id"] = created.parent_id
        parent = self._parent_of_run(created.parent_id, created.parent_step)
        name = f"run {created.namespace}/{created.name}"[:LONGEST]
        trail = _Trail(self._start(name, at, attributes, parent))
        self._trails[run_id] = trail
        if len(self._trails) > MOST:
            del self._trails[next(iter(self._trails))]
        return trail

    def _parent_of_run(self, parent_id: str | None, parent_step: str | None) -> Span | None:
        trail = None if parent_id is None else self._trails.get(parent_id)
        if trail is None:
            return None
        return trail.steps.get(parent_step or "", trail.run)

    def _end_run(self, run_id: str, at: Instant, event: e.Event, status: str) -> None:
        trail = self._trail(run_id)
        self._trails.pop(run_id, None)
        if trail is None:
            return
        for span in reversed(trail.steps.values()):
            self._end(span, at, "stepwell.step.status", "cancelled", None)
        self._end(trail.run, at, "stepwell.run.status", status, getattr(event, "error", None))

    def _trail(self, run_id: str) -> _Trail | None:
        """Of a run that began in another process too."""
        trail = self._trails.get(run_id)
        state = self._state(run_id)
        if trail is None and state is not None:
            trail = self._begin_run(run_id, state.run.created_at, state.run)
        return trail

    # --- steps ------------------------------------------------------------------------------------

    def _begin_step(self, run_id: str, step_id: str, at: Instant) -> None:
        trail, state = self._trail(run_id), self._state(run_id)
        step = None if state is None else state.steps.get(step_id)
        if trail is None or step is None or step_id in trail.steps:
            return
        attempt = _attempt(step.attempts, at)
        attributes: dict[str, str | int] = {
            "stepwell.run.id": run_id,
            "stepwell.step.id": step_id[:LONGEST],
            "stepwell.step.kind": step.kind,
        }
        if attempt is not None:
            attributes |= {"stepwell.step.attempt": attempt.number, "stepwell.step.runs": attempt.runs}
            at = min(at, attempt.started_at or at)
        parent = trail.steps.get(step.parent or "", trail.run)
        before = trail.ended.pop(step_id, None)
        links = [self._trace.Link(before.get_span_context())] if before is not None else []
        trail.steps[step_id] = self._start(f"step {step.name}"[:LONGEST], at, attributes, parent, links)

    def _end_step(self, run_id: str, step_id: str, at: Instant, status: str, error: Problem | None) -> None:
        if run_id not in self._trails:
            return
        trail = self._trails[run_id]
        span = trail.steps.pop(step_id, None)
        if span is not None:
            self._end(span, at, "stepwell.step.status", status, error)
            if status == "failed":
                trail.ended[step_id] = span

    # --- spans ------------------------------------------------------------------------------------

    def _start(self, name: str, at: Instant, attributes: Any, parent: Span | None, links: Any = ()) -> Span:
        from opentelemetry.context import Context

        context = Context() if parent is None else self._trace.set_span_in_context(parent, Context())
        return self._tracer.start_span(
            name, context, attributes=attributes, links=links, start_time=at * 1_000
        )

    def _end(self, span: Span, at: Instant, attribute: str, status: str, error: Problem | None) -> None:
        span.set_attribute(attribute, status)
        if error is not None:
            span.set_attribute("error.type", error.type[:LONGEST])
        if status in _FAILED:
            span.set_status(self._trace.StatusCode.ERROR)
        span.end(at * 1_000)

    def _state(self, run_id: str) -> State | None:
        return None if self._watched is None else self._watched.state(run_id)


class _TracedRunner:
    """Has what a step does happen inside its span."""

    def __init__(self, runner: Runner, tracing: Tracing) -> None:
        self._runner, self._tracing = runner, tracing

    async def perform(self, action: Action, context: WorkContext) -> Outcome:
        span = self._tracing.span(context.run_id, context.step_id)
        if span is None:
            return await self._runner.perform(action, context)
        with self._tracing._trace.use_span(
            span, end_on_exit=False, record_exception=False, set_status_on_exception=False
        ):
            return await self._runner.perform(action, context)

    async def close(self) -> None:
        await self._runner.close()


def _attempt(attempts: list[Attempt], at: Instant) -> Attempt | None:
    """The attempt that began then; the state may be ahead, so it need not be the last."""
    began = [attempt for attempt in attempts if attempt.started_at == at]
    return began[-1] if began else (attempts[-1] if attempts else None)
