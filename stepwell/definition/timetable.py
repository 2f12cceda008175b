"""Slots: the instants that a plan names. Pure arithmetic over the zone's rules; nothing here knows what time it is.

**Wall-clock cron** (neither minute nor hour begin with `*`) follows the clock on the wall: a time that the spring gap
swallows comes right after the gap (several together: once), one that the autumn overlap repeats comes the first time.
**Repeating cron** (minute or hour begin with `*`) follows real time: every instant at which the clock shows a matching
time, so that `*/15 * * * *` comes every quarter of an hour on every day. These are the rules of Debian's cron.
**Intervals** are absolute time, counted from their anchor, whatever the clock on the wall does.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from stepwell.model.base import EPOCH, SECOND, Duration, Instant
from stepwell.model.schedules import Plan

MACROS: Final = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
SHORTEST: Final[Duration] = SECOND
"""The shortest interval."""

_DAY: Final[Duration] = 86_400 * SECOND
_LAST: Final = datetime(9990, 1, 1, tzinfo=UTC)


def problems(plan: Plan) -> list[str]:
    """Everything that is wrong with a plan, in words; an empty list: it can be used."""
    found = []
    given = [name for name in ("cron", "every", "after") if getattr(plan, name) is not None]
    if len(given) != 1:
        found.append(f"a schedule has one of cron, every and after, not {' and '.join(given) or 'none'}")
    zone_known = _zone_problem(plan.zone) is None
    if not zone_known:
        found.append(f"{plan.zone[:60]!r} is no time zone: name one like Europe/Berlin or UTC")
    if plan.cron is not None:
        wrong = _cron_problem(plan.cron)
        if wrong is not None:
            found.append(wrong)
    if plan.every is not None and plan.every < SHORTEST:
        found.append("the shortest interval is one second")
    if plan.after is not None and plan.after < SHORTEST:
        found.append("`after` is at least one second")
    if plan.start is not None and plan.end is not None and plan.end < plan.start:
        found.append("the end is before the start")
    if (
        not found
        and plan.after is None
        and next_slot(plan, -1 if plan.start is None else plan.start - 1) is None
    ):
        found.append("no slot lies between its start and its end")
    return found


def next_slot(plan: Plan, after: Instant) -> Instant | None:
    """The first slot after an instant; None where there is none. For cron and intervals only."""
    if plan.start is not None:
        after = max(after, plan.start - 1)
    if plan.every is not None:
        slot: Instant | None = _next_interval(plan.every, plan.anchor, after)
    elif plan.cron is not None:
        slot = _next_cron(_expanded(plan.cron), ZoneInfo(plan.zone), after)
    else:
        raise ValueError("the slots of `after` depend on runs")
    return None if slot is None or (plan.end is not None and slot > plan.end) else slot


def slots(plan: Plan, after: Instant, until: Instant) -> Iterator[Instant]:
    """Every slot after one instant, up to and with another."""
    slot = next_slot(plan, after)
    while slot is not None and slot <= until:
        yield slot
        slot = next_slot(plan, slot)


def latest_slots(plan: Plan, after: Instant, until: Instant, limit: int) -> list[Instant]:
    """The last `limit` slots after one instant, up to and with another, in order. Costs about as much as
    there are slots to give, however long the time is."""
    window = 60 * SECOND
    while True:
        begin = max(after, until - window)
        found = list(slots(plan, begin, until))
        if len(found) >= limit or begin == after:
            return found[-limit:]
        window *= 4


def count_slots(plan: Plan, after: Instant, until: Instant, most: int) -> int:
    """How many slots there are, counted up to `most`."""
    if plan.every is not None and plan.start is None and plan.end is None:
        return min(most, (until - plan.anchor) // plan.every - (after - plan.anchor) // plan.every)
    return sum(1 for _, _ in zip(range(most), slots(plan, after, until), strict=False))


# --- intervals ------------------------------------------------------------------------------------


def _next_interval(every: Duration, anchor: Instant, after: Instant) -> Instant:
    return anchor + ((after - anchor) // every + 1) * every


# --- cron -----------------------------------------------------------------------------------------


def _expanded(cron: str) -> str:
    return MACROS.get(cron.strip().lower(), cron)


def _cron_problem(cron: str) -> str | None:
    expression = _expanded(cron)
    if len(expression) > 200 or len(expression.split()) != 5:
        return (
            f"{cron[:60]!r} is no cron expression: write minute, hour, day of the month, month and day of the week, "
            "like '30 2 * * 1-5'"
        )
    try:
        sim = CronSim(expression, datetime(2000, 1, 1))  # the wall clock of any zone
    except (CronSimError, ValueError, TypeError, AssertionError, IndexError) as error:
        return f"{cron[:60]!r} is no cron expression: {error or 'it cannot be read'}"
    if next(sim, None) is None:
        return f"{cron[:60]!r} never comes: there is no such day"
    return None


def _zone_problem(zone: str) -> str | None:
    try:
        ZoneInfo(zone)
    except (ValueError, OSError, KeyError) as error:  # a path, a folder, an unknown name
        return str(error) or "unknown"
    return None


def _next_cron(cron: str, zone: ZoneInfo, after: Instant) -> Instant | None:
    minute, hour = cron.split()[:2]
    try:
        if minute.startswith("*") or hour.startswith("*"):
            return _next_repeating(cron, zone, after)
        return _next_on_the_wall(cron, zone, after)
    except OverflowError:  # the calendar ends
        return None


def _next_on_the_wall(cron: str, zone: ZoneInfo, after: Instant) -> Instant | None:
    for wall in CronSim(cron, _wall(zone, after)):
        slot = _instant(zone, wall)
        if slot > after:  # not one of the repeated hour, which was there before
            return slot
    return None


def _next_repeating(cron: str, zone: ZoneInfo, after: Instant) -> Instant | None:
    """Along the wall clock as far as the zone's offset stays; from each change of it anew."""
    while True:
        wall = next(CronSim(cron, _wall(zone, after)), None)
        if wall is None:
            return None
        slot = _micros(wall.replace(tzinfo=UTC)) - _offset(zone, after)
        change = _first_change(zone, after, slot)
        if change is None:
            return slot
        if _matches(cron, _wall(zone, change)):
            return change
        after = change


def _matches(cron: str, wall: datetime) -> bool:
    return next(CronSim(cron, wall - timedelta(seconds=1)), None) == wall


def _first_change(zone: ZoneInfo, after: Instant, until: Instant) -> Instant | None:
    """The first instant in (after, until] at which the zone's offset is another than just before."""
    offset, low = _offset(zone, after), after
    while low < until:
        high = min(low + _DAY, until)
        if _offset(zone, high) != offset:
            return _change_between(zone, low, high)
        low = high
    return None


def _change_between(zone: ZoneInfo, low: Instant, high: Instant) -> Instant:
    """The instant of the change: the offset is one at `low`, another at `high`."""
    offset = _offset(zone, low)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _offset(zone, middle) == offset else (low, middle)
    return high


def _instant(zone: ZoneInfo, wall: datetime) -> Instant:
    """When the clock shows this for the first time; right after the gap where it never does."""
    before, behind = (_micros(wall.replace(tzinfo=zone, fold=fold)) for fold in (0, 1))
    if behind < before:  # only in a gap: the earlier offset leads behind it, the later one before it
        return _change_between(zone, behind, before)
    return before


def _wall(zone: ZoneInfo, instant: Instant) -> datetime:
    return _moment(instant).astimezone(zone).replace(tzinfo=None, fold=0)


def _offset(zone: ZoneInfo, instant: Instant) -> Duration:
    offset = _moment(instant).astimezone(zone).utcoffset()
    assert offset is not None
    return offset // timedelta(microseconds=1)


def _moment(instant: Instant) -> datetime:
    moment = EPOCH + timedelta(microseconds=instant)
    if moment > _LAST:
        raise OverflowError
    return moment


def _micros(moment: datetime) -> Instant:
    return (moment - EPOCH) // timedelta(microseconds=1)
