"""Options of the commands that carry runs on: what they log, count and trace."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar

import click

if TYPE_CHECKING:
    from stepwell.telemetry.watched import Telemetry

F = TypeVar("F", bound=Callable[..., Any])

LEVELS: Final = ("debug", "info", "warning", "error")


class Logging(NamedTuple):
    """How to log: `level` None is what the command does by itself."""

    format: str = "text"
    level: str | None = None

    def threshold(self, ordinary: int) -> int:
        """JSON lines are for machines: they get the events of runs unless told otherwise."""
        if self.level is not None:
            return int(getattr(logging, self.level.upper()))
        return min(ordinary, logging.INFO) if self.format == "json" else ordinary

    @property
    def events(self) -> bool:
        """Whether committed events are logged one by one."""
        return self.format == "json" or self.level == "debug"

    def telemetry(self) -> list[Telemetry]:
        from stepwell.telemetry.logs import EventLog

        return [EventLog()] if self.events else []


def log_options(function: F) -> F:
    """Give the command `log_format` and `log_level`."""
    shape = click.option(
        "--log-format",
        type=click.Choice(["text", "json"]),
        default="text",
        show_default=True,
        help="json: one object for each committed event and message, on standard error.",
    )
    level = click.option("--log-level", type=click.Choice(LEVELS), help="What is logged; debug: every step.")
    return shape(level(function))
