"""The engine, as its observers see it (`telemetry.watched.Watched`)."""

from __future__ import annotations

from collections.abc import Callable

from stepwell.engine.engine import Engine
from stepwell.engine.observers import Forget
from stepwell.model.base import Instant
from stepwell.model.records import State
from stepwell.ports import Observer, Runner


class Exposure:
    """For looking at; only the runner can be wrapped."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def on_event(self, observer: Observer) -> Forget:
        return self._engine.observers.on_event(observer)

    def now(self) -> Instant:
        return self._engine.clock.now()

    def state(self, run_id: str) -> State | None:
        actor = self._engine.actors.get(run_id)
        return None if actor is None else actor.state

    def open_runs(self) -> int:
        return len(self._engine.actors)

    def in_flight(self) -> int:
        return self._engine.dispatch.in_flight

    def waiting(self) -> int:
        return self._engine.dispatch.waiting

    def wrap_runner(self, wrap: Callable[[Runner], Runner]) -> None:
        self._engine.runner = wrap(self._engine.runner)
