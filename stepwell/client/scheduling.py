"""What a user asks of a schedule, checked all at once."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple, TypeVar

from stepwell.definition.duration import DurationError, parse_duration
from stepwell.definition.model import Definition
from stepwell.definition.parse import content_hash
from stepwell.definition.timetable import problems
from stepwell.model.base import EPOCH, SECOND, Duration, Instant, Json
from stepwell.model.errors import InvalidInput
from stepwell.model.schedules import (
    LONGEST_CATCH_UP,
    CatchUp,
    Orders,
    Overlap,
    Plan,
)

Span = float | timedelta | str | Mapping[str, Json]
"""A length of time: seconds, a `timedelta`, ISO 8601 text, or `{minutes: 5}`."""

Moment = datetime | str | Instant
"""A point in time: a `datetime` with a zone, RFC 3339 text, or microseconds since 1970."""

E = TypeVar("E", Overlap, CatchUp)


class Asked(NamedTuple):
    """What a user gave to `schedule`, as it was given."""

    cron: str | None
    every: Span | None
    after: Span | None
    zone: str
    anchor: Moment | None
    start: Moment | None
    end: Moment | None
    overlap: str | None
    catch_up: str
    catch_up_limit: int
    tags: Mapping[str, str]
    priority: int
    options: Mapping[str, Json]
    note: str


def orders_of(asked: Asked, definition: Definition, reference: str | None, input: Json) -> Orders:
    """What to store. Raises `InvalidInput` with everything that is wrong."""
    asked = _from_the_document(asked, definition)
    wrong: list[str] = []

    def read(name: str, reader: Any, value: Any) -> Any:
        try:
            return None if value is None else reader(value)
        except (DurationError, ValueError, TypeError, OverflowError) as error:
            wrong.append(f"{name}: {error}")
            return None

    spans = {name: read(name, span, getattr(asked, name)) for name in ("every", "after")}
    moments = {name: read(name, moment, getattr(asked, name)) for name in ("anchor", "start", "end")}
    overlap = read("overlap", _one_of(Overlap), asked.overlap or Overlap.SKIP)
    catch_up = read("catch_up", _one_of(CatchUp), asked.catch_up)
    if not wrong:
        moments["anchor"] = moments["anchor"] or 0
        plan = Plan(asked.cron, zone=asked.zone, **spans, **moments)
        wrong += problems(plan)
    wrong += _more(asked)
    if wrong:
        raise InvalidInput("; ".join(wrong), hint="nothing was changed")
    return Orders(
        plan,
        None if reference is not None else definition.hash,
        reference or definition.reference,
        input,
        overlap,
        catch_up,
        asked.catch_up_limit,
        dict(asked.tags),
        asked.priority,
        dict(asked.options),
        asked.note,
    )


def same_orders(one: Orders, other: Orders) -> bool:
    """Whether they are the same as JSON (in Python True is 1)."""
    return content_hash(_json(one)) == content_hash(_json(other))


def _json(orders: Orders) -> Json:
    return {**orders._asdict(), "plan": orders.plan._asdict()}


def _from_the_document(asked: Asked, definition: Definition) -> Asked:
    """The `schedule` of the definition, where the user gave no other. The standard's `every` does not wait."""
    if any(value is not None for value in (asked.cron, asked.every, asked.after)):
        return asked
    given = definition.document.get("schedule") or {}
    members = {name: given[name] for name in ("cron", "every", "after") if name in given}
    overlap = asked.overlap or (Overlap.ALLOW if "every" in given else None)
    return asked._replace(**members, overlap=overlap)


def _more(asked: Asked) -> list[str]:
    wrong = []
    if not isinstance(asked.catch_up_limit, int) or not 1 <= asked.catch_up_limit <= LONGEST_CATCH_UP:
        wrong.append(f"catch_up_limit is 1 to {LONGEST_CATCH_UP:,}")
    taken = {"schedule", "fired_by"} & set(asked.tags)
    if taken:
        wrong.append(f"the tag {sorted(taken)[0]} is set by the schedule itself")
    if not all(isinstance(text, str) for pair in asked.tags.items() for text in pair):
        wrong.append("tags are text by text")
    if not isinstance(asked.priority, int) or isinstance(asked.priority, bool):
        wrong.append("priority is an integer")
    return wrong


def _one_of(kind: type[E]) -> Any:
    def read(value: Any) -> E:
        try:
            return kind(value)
        except ValueError:
            names = ", ".join(member.value for member in kind)
            raise ValueError(f"{value!r} is none of {names}") from None

    return read


def span(value: Span) -> Duration:
    """Microseconds. Raises `DurationError`, `ValueError`."""
    if isinstance(value, timedelta):
        return value // timedelta(microseconds=1)
    if isinstance(value, int | float) and not isinstance(value, bool):
        return round(value * SECOND)
    return parse_duration(value)


def moment(value: Moment) -> Instant:
    """Raises `ValueError`."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    found = datetime.fromisoformat(value) if isinstance(value, str) else value
    if not isinstance(found, datetime) or found.tzinfo is None:
        raise ValueError(f"{value!s} needs a time zone, like 2026-11-21T09:00:00+01:00 or …Z")
    return (found.astimezone(UTC) - EPOCH) // timedelta(microseconds=1)
