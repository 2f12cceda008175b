"""Structured logs: one record for each committed event, and a formatter that writes records as JSON lines."""

from __future__ import annotations

import json
import logging
from typing import Any, Final

from stepwell.model import events as e
from stepwell.model.base import Instant, Json, iso
from stepwell.telemetry.facts import fields_of
from stepwell.telemetry.watched import Watched

LOGGER: Final = "stepwell.events"

LEVELS: Final[dict[type[Any], int]] = {
    e.RunFailed: logging.ERROR,
    e.RunTimedOut: logging.ERROR,
    e.RunStalled: logging.ERROR,
    e.RunTerminated: logging.WARNING,
    e.RunCancelled: logging.WARNING,
    e.StepFailed: logging.WARNING,
    e.StepTimedOut: logging.WARNING,
    e.StepRetrying: logging.WARNING,
    e.StepRecovered: logging.WARNING,
}
"""Of other events: INFO for a run's own, DEBUG for those of its steps and data."""

EXTRAS: Final = ("run_id", "seq", "owner", "wrote")
"""What other records of Stepwell say in fields of their own."""


def level_of(kind: type[Any]) -> int:
    ordinary = logging.INFO if e.NAMES[kind].startswith("run.") else logging.DEBUG
    return LEVELS.get(kind, ordinary)


class EventLog:
    """Logs every committed event of the engine, after the commit, once. `record.stepwell` holds the fields."""

    def __init__(self, logger: logging.Logger | None = None) -> None:
        self._log = logger or logging.getLogger(LOGGER)

    def attach(self, watched: Watched) -> None:
        watched.on_event(self.tell)

    def tell(self, run_id: str, seq: int, at: Instant, event: e.Event) -> None:
        level = level_of(type(event))
        if self._log.isEnabledFor(level):
            name = e.NAMES[type(event)]
            fields = {"event": name, "run_id": run_id, "seq": seq, "at": iso(at), **fields_of(event)}
            step = fields.get("step")
            where = f" step {step}" if step else ""
            self._log.log(level, "%s run %s turn %s%s", name, run_id, seq, where, extra={"stepwell": fields})


class JsonFormatter(logging.Formatter):
    """A JSON object for each record: time, level, logger, message, and the event's fields. Of an exception only the
    type: its message and traceback may quote data."""

    def format(self, record: logging.LogRecord) -> str:
        fields: dict[str, Json] = {
            "time": iso(round(record.created * 1_000_000)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        fields |= {name: value for name in EXTRAS if (value := getattr(record, name, None)) is not None}
        fields |= getattr(record, "stepwell", {})
        if record.exc_info and record.exc_info[0] is not None:
            fields["exception"] = record.exc_info[0].__name__
        return json.dumps(fields, ensure_ascii=True, default=str)
