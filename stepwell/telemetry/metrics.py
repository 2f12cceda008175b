"""Prometheus metrics (`pip install stepwell[metrics]`). Labels are bounded: whatever runs, there are so many series."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from stepwell.model import events as e
from stepwell.model.base import SECOND, Instant
from stepwell.model.errors import InvalidInput
from stepwell.telemetry.watched import Watched

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry


class Metric(NamedTuple):
    """One line of the contract."""

    name: str
    kind: str
    labels: tuple[str, ...]
    meaning: str


RUNS_STARTED: Final = Metric("stepwell_runs_started_total", "counter", ("workflow",), "runs created here")
RUNS_ENDED: Final = Metric("stepwell_runs_ended_total", "counter", ("workflow", "status"), "runs that ended")
RUN_SECONDS: Final = Metric(
    "stepwell_run_duration_seconds", "histogram", ("workflow", "status"), "from creation to the end"
)
STEPS_ENDED: Final = Metric("stepwell_steps_ended_total", "counter", ("kind", "status"), "steps that ended")
STEP_SECONDS: Final = Metric(
    "stepwell_step_duration_seconds", "histogram", ("kind", "status"), "from a step's first start to its end"
)
RETRIES: Final = Metric(
    "stepwell_step_retries_total", "counter", ("kind",), "failed attempts that are retried"
)
RECOVERED: Final = Metric(
    "stepwell_steps_recovered_total", "counter", ("kind",), "attempts performed again after a crash"
)
EVENTS: Final = Metric("stepwell_events_total", "counter", ("event",), "committed events, by name")
COMMIT_SECONDS: Final = Metric(
    "stepwell_commit_seconds", "histogram", (), "from the decision of a turn until it was durable"
)
OPEN_RUNS: Final = Metric("stepwell_open_runs", "gauge", (), "runs that this engine carries on")
IN_FLIGHT: Final = Metric("stepwell_steps_in_flight", "gauge", (), "steps that are being performed")
WAITING: Final = Metric("stepwell_steps_waiting", "gauge", (), "steps that wait for room to be performed")

METRICS: Final = (
    RUNS_STARTED, RUNS_ENDED, RUN_SECONDS, STEPS_ENDED, STEP_SECONDS, RETRIES, RECOVERED, EVENTS, COMMIT_SECONDS,
    OPEN_RUNS, IN_FLIGHT, WAITING,
)  # fmt: skip

OTHER: Final = "other"
"""The label of everything beyond the first so many values."""

RUN_ENDS: Final[dict[type[Any], str]] = {
    e.RunCompleted: "completed",
    e.RunFailed: "failed",
    e.RunTimedOut: "timed_out",
    e.RunCancelled: "cancelled",
    e.RunTerminated: "terminated",
    e.RunContinued: "continued",
}
STEP_ENDS: Final[dict[type[Any], str]] = {
    e.StepCompleted: "completed",
    e.StepFailed: "failed",
    e.StepTimedOut: "timed_out",
    e.StepCancelled: "cancelled",
    e.StepSkipped: "skipped",
}
_LONG: Final = (0.001, 0.01, 0.1, 0.5, 1, 5, 15, 60, 300, 1_800, 3_600, 21_600, 86_400, 604_800)
_SHORT: Final = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5)


class Metrics:
    """Counts what one engine commits. `registry`: where the metrics are kept, one of its own unless it is given.
    `max_names`: so many workflows get a label of their own, in the order in which they are met."""

    def __init__(self, registry: CollectorRegistry | None = None, *, max_names: int = 100) -> None:
        try:
            import prometheus_client
        except ImportError:
            raise InvalidInput(
                "prometheus-client is not installed", hint="pip install stepwell[metrics]"
            ) from None
        self._client = prometheus_client
        self.registry = registry or prometheus_client.CollectorRegistry()
        self._names: set[str] = set()
        self._max_names = max_names
        self._turn = ("", 0)
        self._made = {metric: self._make(metric) for metric in METRICS}
        self._watched: Watched | None = None

    def attach(self, watched: Watched) -> None:
        if self._watched is not None:
            raise InvalidInput("these metrics count another engine", hint="make a Metrics for each engine")
        self._watched = watched
        for metric, read in (
            (OPEN_RUNS, watched.open_runs), (IN_FLIGHT, watched.in_flight), (WAITING, watched.waiting),
        ):  # fmt: skip
            self._made[metric].set_function(read)
        watched.on_event(self.tell)

    def gauge(self, name: str, meaning: str, read: Callable[[], float]) -> None:
        """One more gauge, read whenever somebody asks: the depth of a queue, for example."""
        self._client.Gauge(name, meaning, registry=self.registry).set_function(read)

    def text(self) -> bytes:
        """What a scrape gets."""
        return self._client.generate_latest(self.registry)

    def serve(self, port: int, host: str = "127.0.0.1") -> tuple[int, Callable[[], None]]:
        """Answer scrapes in a thread; gives the port and what ends it. Raises `InvalidInput`: a port that is taken."""
        try:
            server, thread = self._client.start_http_server(port, host, registry=self.registry)
        except OSError as error:
            raise InvalidInput(
                f"cannot serve metrics on {host}:{port}: {error.strerror}", hint="choose another port"
            ) from error

        def stop() -> None:
            server.shutdown()
            server.server_close()
            thread.join()

        return server.server_port, stop

    def tell(self, run_id: str, seq: int, at: Instant, event: e.Event) -> None:
        kind = type(event)
        self._made[EVENTS].labels(e.NAMES[kind]).inc()
        assert self._watched is not None
        if (run_id, seq) != self._turn:
            self._turn = (run_id, seq)
            self._made[COMMIT_SECONDS].observe(max(0, self._watched.now() - at) / SECOND)
        if isinstance(event, e.RunCreated):
            self._made[RUNS_STARTED].labels(self._name(event.namespace, event.name)).inc()
        elif kind in RUN_ENDS:
            self._run_ended(run_id, at, RUN_ENDS[kind])
        elif kind in STEP_ENDS or kind in (e.StepRetrying, e.StepRecovered):
            self._step(run_id, at, event)

    def _run_ended(self, run_id: str, at: Instant, status: str) -> None:
        assert self._watched is not None
        state = self._watched.state(run_id)
        name = OTHER if state is None else self._name(state.run.namespace, state.run.name)
        self._made[RUNS_ENDED].labels(name, status).inc()
        if state is not None:
            self._made[RUN_SECONDS].labels(name, status).observe((at - state.run.created_at) / SECOND)

    def _step(self, run_id: str, at: Instant, event: Any) -> None:
        assert self._watched is not None
        state = self._watched.state(run_id)
        step = None if state is None else state.steps.get(event.step)
        kind = OTHER if step is None else step.kind
        if isinstance(event, e.StepRetrying):
            self._made[RETRIES].labels(kind).inc()
        elif isinstance(event, e.StepRecovered):
            self._made[RECOVERED].labels(kind).inc()
        else:
            status = STEP_ENDS[type(event)]
            self._made[STEPS_ENDED].labels(kind, status).inc()
            if step is not None and step.started_at is not None:
                self._made[STEP_SECONDS].labels(kind, status).observe((at - step.started_at) / SECOND)

    def _name(self, namespace: str, name: str) -> str:
        label = f"{namespace}/{name}"
        if label not in self._names:
            if len(self._names) >= self._max_names:
                return OTHER
            self._names.add(label)
        return label

    def _make(self, metric: Metric) -> Any:
        client = self._client
        if metric.kind == "counter":
            return client.Counter(metric.name, metric.meaning, metric.labels, registry=self.registry)
        if metric.kind == "gauge":
            return client.Gauge(metric.name, metric.meaning, metric.labels, registry=self.registry)
        buckets = _SHORT if metric is COMMIT_SECONDS else _LONG
        return client.Histogram(
            metric.name, metric.meaning, metric.labels, registry=self.registry, buckets=buckets
        )
