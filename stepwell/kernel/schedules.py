"""What becomes of a schedule's slots: which are fired, which were missed, what a run that still goes on means.

The slots themselves are arithmetic (`definition.timetable`); here are the policies.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Final, NamedTuple

from stepwell.definition.timetable import count_slots, latest_slots, next_slot
from stepwell.model.base import SECOND, Duration, Instant
from stepwell.model.schedules import CatchUp, Overlap, Schedule, Standing

GRACE: Final[Duration] = 60 * SECOND
"""A slot that is not older than this comes late, but was not missed."""

MOST_COUNTED: Final = 10_000
"""Missed slots are counted so far."""


class Missed(NamedTuple):
    """Slots that nobody fired: how many, and the last of them."""

    slots: int
    last: Instant


class Due(NamedTuple):
    """The slots to deal with one by one, in order, and those before them that are let go."""

    slots: tuple[Instant, ...]
    missed: Missed | None


class Ruling(Enum):
    """What to do with a slot."""

    NOTHING = auto()
    START = auto()
    SKIP = auto()
    WAIT = auto()
    CANCEL_AND_WAIT = auto()


def due(schedule: Schedule, now: Instant) -> Due:
    """What a cron or interval schedule has to do now. Slots that passed while nobody was there are caught up as its
    policy says; the clock may have jumped."""
    plan, cursor = schedule.orders.plan, schedule.cursor
    catch_up = schedule.orders.catch_up
    most = schedule.orders.catch_up_limit if catch_up is CatchUp.ALL else 1
    slots = latest_slots(plan, cursor, now, most) if cursor < now else []
    if not slots:
        return Due((), None)
    late = catch_up is CatchUp.NONE and now - slots[-1] > GRACE
    last = slots[-1] if late else slots[0] - 1
    count = count_slots(plan, cursor, last, MOST_COUNTED)
    fired = () if late else tuple(slots)
    return Due(fired, Missed(count, latest_slots(plan, cursor, last, 1)[-1]) if count else None)


def next_at(schedule: Schedule) -> Instant | None:
    """When to look at it next, by the clock alone."""
    if schedule.paused or schedule.orders.plan.after is not None:
        return None
    return next_slot(schedule.orders.plan, schedule.cursor)


def ruling(schedule: Schedule, standing: Standing) -> Ruling:
    """What the schedule's overlap policy says of a slot, given what goes on."""
    overlap = schedule.orders.overlap
    if standing.fired is not None:
        return Ruling.NOTHING
    if overlap is Overlap.ALLOW or not (standing.open or schedule.waiting is not None):
        return Ruling.START
    if overlap is Overlap.CANCEL_RUNNING:
        return Ruling.CANCEL_AND_WAIT
    if overlap is Overlap.QUEUE_ONE and schedule.waiting is None:
        return Ruling.WAIT
    return Ruling.SKIP


def after_slot(schedule: Schedule, last_ended: Instant | None) -> Instant | None:
    """The next slot of an `after` schedule whose last run is over (or which has none yet); None: it has come to its
    end."""
    plan = schedule.orders.plan
    assert plan.after is not None
    slot = schedule.cursor if last_ended is None else max(last_ended + plan.after, schedule.cursor)
    slot = slot if plan.start is None else max(slot, plan.start)
    return None if plan.end is not None and slot > plan.end else slot
