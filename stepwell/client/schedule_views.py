"""How a schedule, its edits and its firings are shown, and what it may be called."""

from __future__ import annotations

from typing import Final

from stepwell.client.views import View, when
from stepwell.model.base import SECOND, Duration
from stepwell.model.errors import InvalidInput
from stepwell.model.schedules import (
    NAME,
    Edit,
    Firing,
    Schedule,
    slot_of,
)


def check_name(name: str) -> None:
    """Raises `InvalidInput`."""
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise InvalidInput(
            f"{name!r} cannot be a schedule's name",
            hint="use letters, digits, dots, - and _, at most 100, a letter or digit first",
        )


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
