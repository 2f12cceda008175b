"""Observers: what happened, as logs, metrics, spans and cloud events. They change nothing.

    from stepwell.telemetry import EventLog, Metrics, Tracing

    async with Stepwell.open("orders.db", telemetry=[EventLog(), Metrics(), Tracing()]) as stepwell: ...

Names, ids, numbers and times leave through here; inputs, outputs, variables, tags, keys, reasons and the details of
errors do not (docs/telemetry.md).
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stepwell.telemetry.logs import EventLog as EventLog
    from stepwell.telemetry.logs import JsonFormatter as JsonFormatter
    from stepwell.telemetry.metrics import Metrics as Metrics
    from stepwell.telemetry.tracing import Tracing as Tracing

_PLACES = {"EventLog": "logs", "JsonFormatter": "logs", "Metrics": "metrics", "Tracing": "tracing"}

__all__ = list(_PLACES)


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module 'stepwell.telemetry' has no attribute {name!r}")
    return getattr(import_module(f"stepwell.telemetry.{_PLACES[name]}"), name)
