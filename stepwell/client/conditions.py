"""What the condition of a step still waits for, in words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from stepwell.client.views import when
from stepwell.model.base import Json
from stepwell.model.conditions import OPEN, CaptureStatus, Record, flat
from stepwell.model.people import Node

_OWN: Final = frozenset({"position"})

MOST: Final = 3
"""Leaves that are named; of more it is told how many."""


def waits_for(node: Node) -> str | None:
    """`a timer, until …; a series (samples in a row so far: 3)`; None where nothing is waited for."""
    leaves = [record for record in flat(node.condition).values() if record["kind"] in _SAYS]
    told = [_SAYS[record["kind"]](record) for record in leaves if record["status"] in OPEN]
    told += [
        f"the measurement of {name}"
        for name, record in node.captures.items()
        if record["status"] == CaptureStatus.IN_PROGRESS
    ]
    if not told:
        return None
    more = len(told) - MOST
    return "; ".join(told[:MOST]) + (f"; and {more} more" if more > 0 else "")


def shown(record: Json) -> Json:
    """A tree, or measurements, as views show them: instants as text, and nothing that is the workers' own."""
    if isinstance(record, list):
        return [shown(part) for part in record]
    if not isinstance(record, dict):
        return record
    return {
        name: when(value) if _instant(name, value) else shown(value)
        for name, value in record.items()
        if name not in _OWN
    }


def _instant(name: str, value: Json) -> bool:
    return (name.endswith("_at") or name in ("at", "since")) and type(value) is int


def _timer(record: Record) -> str:
    return f"a timer, until {when(record['due_at'])}"


def _expression(record: Record) -> str:
    return "an expression to become true"


def _asked(what: str) -> Callable[[Record], str]:
    def says(record: Record) -> str:
        code = f", which answered {record['code']} last" if "code" in record else ""
        return f"{what}{code}{_limit(record)}"

    return says


def _series(record: Record) -> str:
    last = f", the last one {record['value']!r}" if "value" in record else ""
    return f"a series (samples in a row so far: {record['matched']}{last}){_limit(record)}"


def _job(record: Record) -> str:
    if "run" not in record:
        return _asked("a job")(record)
    stands = f", which is {record['job']}" if "job" in record else ""
    return f"run {record['run']}{stands}{_limit(record)}"


def _webhook(record: Record) -> str:
    return f"a webhook to be delivered (attempts so far: {len(record['attempts'])}){_limit(record)}"


def _event(record: Record) -> str:
    return f"the signal {record['name']!r}{_limit(record)}"


def _limit(record: Record) -> str:
    return f", at the latest until {when(record['deadline_at'])}" if "deadline_at" in record else ""


_SAYS: Final[dict[str, Callable[[Record], str]]] = {
    "timer": _timer,
    "expression": _expression,
    "http": _asked("a service"),
    "series": _series,
    "webhook": _webhook,
    "job": _job,
    "event": _event,
}
