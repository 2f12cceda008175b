"""What an observer sees of an engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from stepwell.model.base import Instant
from stepwell.model.records import State
from stepwell.ports import Observer, Runner


class Watched(Protocol):
    """An engine, seen from here. States are for looking at; they may be ahead of the event that is being told."""

    def on_event(self, observer: Observer) -> Callable[[], None]: ...

    def now(self) -> Instant: ...

    def state(self, run_id: str) -> State | None:
        """The run, if it is in memory."""
        ...

    def open_runs(self) -> int:
        """How many runs the engine carries on."""
        ...

    def in_flight(self) -> int:
        """How many steps are being performed."""
        ...

    def waiting(self) -> int:
        """How many steps wait for room to be performed."""
        ...

    def wrap_runner(self, wrap: Callable[[Runner], Runner]) -> None:
        """Put something between the engine and its workers."""
        ...


class Telemetry(Protocol):
    """An observer that can be given to `Stepwell.open`."""

    def attach(self, watched: Watched) -> None:
        """Called before the engine does anything."""
        ...
