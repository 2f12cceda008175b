"""What all leaves share: the words of their records, how they end, and what they may ask of whoever holds them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from stepwell.definition.expression import Expression, Template
from stepwell.definition.specs import DurationSpec
from stepwell.model.actions import Outcome
from stepwell.model.base import Duration, Instant, Json
from stepwell.model.conditions import FAULTS, OPEN, ConditionStatus, Reason, Record
from stepwell.model.records import Signal

LONGEST_DETAIL = 500


class Ground(Protocol):
    """What leaves may know, as of the present turn. All but `now` raise `Fault`."""

    @property
    def now(self) -> Instant: ...

    def render(self, template: Template) -> Json: ...

    def duration(self, spec: DurationSpec) -> Duration: ...

    def holds(self, expression: Expression) -> bool:
        """Whether it is true of the run's data."""
        ...

    def says(self, expression: Expression, answer: Json) -> bool:
        """Whether it is true of what a service answered."""
        ...

    def take(self, name: str, correlation: str | None) -> Signal | None:
        """A signal that came before, which is then taken."""
        ...


class Ask(NamedTuple):
    """Ask the world what this leaf wants to know. `number` counts what was asked and heard."""

    leaf: str
    number: int


class Wake(NamedTuple):
    """Look at this leaf again at this instant."""

    leaf: str
    at: Instant


Want = Ask | Wake


class Rules(NamedTuple):
    """The rules of one kind of leaf. Each takes a record and gives the one to put in its place; it may raise `Fault`.

    `look`: time has passed, or the run's data changed. `hear`: what came of asking. `signal`: a signal came; None: it
    is not for this leaf. A kind that asks the world has `hear`.
    """

    begin: Callable[[Any, Record, Ground], Record]
    look: Callable[[Any, Record, Ground], Record] | None = None
    hear: Callable[[Any, Record, Outcome, Ground], Record] | None = None
    signal: Callable[[Any, Record, Signal, Ground], Record | None] | None = None


def is_open(record: Record) -> bool:
    return record["status"] in OPEN


def blank(kind: str, now: Instant) -> Record:
    return {"kind": str(kind), "status": str(ConditionStatus.SUBMITTED), "submitted_at": now}


def started(record: Record, now: Instant) -> Record:
    """It is being looked at."""
    if record["status"] != ConditionStatus.SUBMITTED:
        return record
    return {**record, "status": str(ConditionStatus.IN_PROGRESS), "started_at": now}


def asking(record: Record, now: Instant) -> Record:
    """Ask the world, for the first time."""
    return {**record, "number": 1, "ask_at": now}


def limited(record: Record, timeout: DurationSpec | None, ground: Ground) -> Record:
    """It has so long."""
    return record if timeout is None else {**record, "deadline_at": ground.now + ground.duration(timeout)}


def again(record: Record, after: Duration, now: Instant) -> Record:
    """Ask once more, later."""
    return {**started(record, now), "ask_at": now + after}


def _ended(record: Record, status: ConditionStatus, now: Instant) -> Record:
    left = {name: value for name, value in record.items() if name not in ("ask_at", "deadline_at")}
    left.setdefault("started_at", now)
    return {**left, "status": str(status), "ended_at": now}


def satisfied(record: Record, now: Instant) -> Record:
    return _ended(record, ConditionStatus.SATISFIED, now)


def failed(record: Record, reason: Reason, detail: str, now: Instant, *, fault: bool = False) -> Record:
    ended = {**_ended(record, ConditionStatus.FAILED, now), "reason": str(reason)}
    if detail:
        ended["detail"] = detail[:LONGEST_DETAIL]
    if fault or reason in FAULTS:
        ended["fault"] = True
    return ended


def overdue(record: Record, now: Instant) -> bool:
    deadline = record.get("deadline_at")
    return deadline is not None and deadline <= now


def out_of_time(record: Record, now: Instant) -> Record:
    return failed(record, Reason.TIMEOUT, record.get("detail", "it did not hold in time"), now)


def noted(record: Record, **members: Json) -> Record:
    """With these members; None removes one."""
    found = {**record, **members}
    return {name: value for name, value in found.items() if value is not None}
