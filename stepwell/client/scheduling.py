"""What a user asks of a schedule, checked all at once; and how a schedule and its firings are shown."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple, TypeVar

from stepwell.client.views import View, when
from stepwell.definition.duration import DurationError, parse_duration
from stepwell.definition.model import Definition
from stepwell.definition.parse import content_hash
from stepwell.definition.timetable import problems
from stepwell.model.base import EPOCH, SECOND, Duration, Instant, Json
from stepwell.model.errors import InvalidInput
from stepwell.model.schedules import (
    LONGEST_CATCH_UP,
    NAME,
    CatchUp,
    Edit,
    Firing,
    Orders,
    Overlap,
    Plan,
    Schedule,
    slot_of,
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


def check_name(name: str) -> None:
    """Raises `InvalidInput`."""
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise InvalidInput(
            f"{name!r} cannot be a schedule's name",
            hint="use letters, digits, dots, - and _, at most 100, a letter or digit first",
        )


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


# --- views ----------------------------------------------------------------------------------------


def schedule_view(schedule: Schedule) -> View:
    """A schedule as it stands: what `stepwell schedules show --json` prints."""
    orders, plan = schedule.orders, schedule.orders.plan
    return {
        "name": schedule.name,
        "state": state_of(schedule),
        "revision": schedule.revision,
        "workflow": orders.reference,
        "definition_hash": orders.definition,
        "input": orders.input,
        "cron": plan.cron,
        "every": duration_text(plan.every),
        "after": duration_text(plan.after),
        "zone": plan.zone,
        "anchor": when(plan.anchor) if plan.anchor else None,
        "start": when(plan.start),
        "end": when(plan.end),
        "overlap": orders.overlap.value,
        "catch_up": orders.catch_up.value,
        "catch_up_limit": orders.catch_up_limit,
        "tags": dict(orders.tags),
        "priority": orders.priority,
        "options": dict(orders.options),
        "note": orders.note,
        "paused": schedule.paused,
        "pause_reason": schedule.pause_reason,
        "next_at": when(schedule.next_at),
        "waiting": when(schedule.waiting),
        "dealt_with": when(schedule.cursor),
        "created_at": when(schedule.created_at),
        "updated_at": when(schedule.updated_at),
        "last_error": schedule.last_error,
    }


def state_of(schedule: Schedule) -> str:
    """paused, failing (the last start did), waiting (for a run to end), ended (no slot is left) or active."""
    if schedule.paused:
        return "paused"
    if schedule.last_error is not None:
        return "failing"
    if schedule.awaits_a_run and schedule.next_at is None:
        return "waiting"
    return "active" if schedule.next_at is not None else "ended"


_NEXT: Final = {
    "paused": ("it was paused", "let it go on: stepwell schedules resume {name}"),
    "failing": (
        "its last start failed",
        "mend what the error names; then: stepwell schedules trigger {name}",
    ),
    "waiting": ("it waits for a run to end", "see its runs: stepwell runs list --tag schedule={name}"),
    "ended": ("no slot is left", "give it a later end: stepwell schedules set {name}"),
    "active": ("it waits for its next slot", "see what comes: stepwell schedules upcoming {name}"),
}


def explained(schedule: Schedule, problem: str | None = None) -> View:
    """Why it stands where it stands, and what can be done."""
    state = state_of(schedule)
    reason, action = _NEXT[state]
    if state == "paused" and schedule.pause_reason:
        reason = f"{reason}: {schedule.pause_reason}"
    actions = [action.format(name=schedule.name)]
    if problem is not None:
        reason = f"{reason}; its next start will fail: {problem}"
        actions.insert(0, f"set it anew with a definition: stepwell schedules set {schedule.name} FILE")
    return {"reason": reason, "next_actions": actions, "problem": problem}


def firing_view(firing: Firing) -> View:
    slot = slot_of(firing.mark)
    return {
        "slot": when(slot),
        "outcome": firing.outcome.value,
        "reason": firing.reason.value,
        "at": when(firing.at),
        "run_id": firing.run_id,
        "status": firing.status,
        "slots": firing.slots,
        "note": firing.note,
    }


def edit_view(edit: Edit) -> View:
    orders, plan = edit.orders, edit.orders.plan
    return {
        "revision": edit.revision,
        "at": when(edit.at),
        "change": edit.change,
        "cron": plan.cron,
        "every": duration_text(plan.every),
        "after": duration_text(plan.after),
        "zone": plan.zone,
        "workflow": orders.reference,
        "definition_hash": orders.definition,
    }


def duration_text(duration: Duration | None) -> str | None:
    """ISO 8601, in the largest unit that gives a whole number."""
    if duration is None:
        return None
    for size, before, unit in ((86_400, "P", "D"), (3_600, "PT", "H"), (60, "PT", "M"), (1, "PT", "S")):
        if duration % (size * SECOND) == 0:
            return f"{before}{duration // (size * SECOND)}{unit}"
    return f"PT{duration / SECOND:f}".rstrip("0") + "S"
