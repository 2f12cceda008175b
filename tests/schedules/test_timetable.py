"""Slots against expectations that were worked out by hand from the zones' published rules."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.definition.timetable import count_slots, latest_slots, next_slot, problems, slots
from stepwell.model.base import EPOCH, SECOND
from stepwell.model.schedules import Plan, slot_mark, slot_of

HOUR = 3_600 * SECOND


def at(text: str) -> int:
    moment = datetime.fromisoformat(text) - EPOCH
    return (moment.days * 86_400 + moment.seconds) * SECOND + moment.microseconds


def cron(expression: str, zone: str = "UTC", **more: int) -> Plan:
    return Plan(cron=expression, zone=zone, **more)


BERLIN, YORK, LONDON = "Europe/Berlin", "America/New_York", "Europe/London"
SAO, LORD, APIA = "America/Sao_Paulo", "Australia/Lord_Howe", "Pacific/Apia"
BEIRUT, CAIRO, KATHMANDU = "Asia/Beirut", "Africa/Cairo", "Asia/Kathmandu"

# (zone, cron, after, what comes next)
CASES = [
    # nothing special
    ("UTC", "30 2 * * *", "2026-03-29T02:30+00:00", ["2026-03-30T02:30+00:00"]),
    ("UTC", "0 0 29 2 *", "2025-01-01T00:00+00:00", ["2028-02-29T00:00+00:00", "2032-02-29T00:00+00:00"]),
    ("UTC", "0 12 * * 1-5", "2026-11-20T12:00+00:00", ["2026-11-23T12:00+00:00"]),
    ("UTC", "0 0 L * *", "2026-01-31T00:00+00:00", ["2026-02-28T00:00+00:00", "2026-03-31T00:00+00:00"]),
    ("UTC", "0 9 * * MON#1", "2026-11-21T00:00+00:00", ["2026-12-07T09:00+00:00"]),
    ("UTC", "*/20 * * * *", "2026-11-21T00:00:00.5+00:00", ["2026-11-21T00:20+00:00"]),
    ("UTC", "@daily", "2026-11-21T00:00+00:00", ["2026-11-22T00:00+00:00"]),
    (KATHMANDU, "0 6 * * *", "2026-11-21T00:00+00:00", ["2026-11-21T06:00+05:45"]),
    # the spring gap, clock on the wall: right after it, once
    (BERLIN, "30 2 * * *", "2026-03-28T02:30+01:00", ["2026-03-29T03:00+02:00", "2026-03-30T02:30+02:00"]),
    (BERLIN, "0 2 * * *", "2026-03-28T12:00+01:00", ["2026-03-29T03:00+02:00", "2026-03-30T02:00+02:00"]),
    (BERLIN, "0,30 2 * * *", "2026-03-28T12:00+01:00", ["2026-03-29T03:00+02:00", "2026-03-30T02:00+02:00"]),
    (BERLIN, "30 2,3 * * *", "2026-03-28T12:00+01:00", ["2026-03-29T03:00+02:00", "2026-03-29T03:30+02:00"]),
    (BERLIN, "0 2,3 * * *", "2026-03-28T12:00+01:00", ["2026-03-29T03:00+02:00", "2026-03-30T02:00+02:00"]),
    (BERLIN, "59 1 * * *", "2026-03-28T12:00+01:00", ["2026-03-29T01:59+01:00", "2026-03-30T01:59+02:00"]),
    (YORK, "30 2 * * *", "2026-03-07T12:00-05:00", ["2026-03-08T03:00-04:00", "2026-03-09T02:30-04:00"]),
    (LONDON, "15 1 * * *", "2026-03-28T12:00+00:00", ["2026-03-29T02:00+01:00", "2026-03-30T01:15+01:00"]),
    # ... real time: what the clock never shows does not come
    (BERLIN, "*/30 * * * *", "2026-03-29T01:00+01:00", ["2026-03-29T01:30+01:00", "2026-03-29T03:00+02:00", "2026-03-29T03:30+02:00"]),
    (BERLIN, "*/30 2 * * *", "2026-03-28T12:00+01:00", ["2026-03-30T02:00+02:00"]),
    (BERLIN, "30 * * * *", "2026-03-29T01:30+01:00", ["2026-03-29T03:30+02:00"]),
    # the autumn overlap, clock on the wall: the first time only
    (BERLIN, "30 2 * * *", "2026-10-24T12:00+02:00", ["2026-10-25T02:30+02:00", "2026-10-26T02:30+01:00"]),
    (BERLIN, "30 2 * * *", "2026-10-25T02:30+02:00", ["2026-10-26T02:30+01:00"]),
    (BERLIN, "30 2 * * *", "2026-10-25T02:10+01:00", ["2026-10-26T02:30+01:00"]),
    (BERLIN, "0 2 * * *", "2026-10-25T01:00+02:00", ["2026-10-25T02:00+02:00", "2026-10-26T02:00+01:00"]),
    (BERLIN, "0 3 * * *", "2026-10-25T01:00+02:00", ["2026-10-25T03:00+01:00"]),
    (BERLIN, "0,30 2,3 * * *", "2026-10-25T02:10+01:00", ["2026-10-25T03:00+01:00"]),
    (YORK, "30 1 * * *", "2026-10-31T12:00-04:00", ["2026-11-01T01:30-04:00", "2026-11-02T01:30-05:00"]),
    # ... real time: both hours
    (BERLIN, "*/30 * * * *", "2026-10-25T02:00+02:00", ["2026-10-25T02:30+02:00", "2026-10-25T02:00+01:00", "2026-10-25T02:30+01:00", "2026-10-25T03:00+01:00"]),
    (BERLIN, "15 * * * *", "2026-10-25T02:00+02:00", ["2026-10-25T02:15+02:00", "2026-10-25T02:15+01:00", "2026-10-25T03:15+01:00"]),
    # midnight that never was, or was twice
    (SAO, "0 0 * * *", "2018-11-03T12:00-03:00", ["2018-11-04T01:00-02:00", "2018-11-05T00:00-02:00"]),
    (SAO, "30 0 * * 0", "2018-11-03T12:00-03:00", ["2018-11-04T01:00-02:00", "2018-11-11T00:30-02:00"]),
    (SAO, "30 23 * * *", "2018-02-17T12:00-02:00", ["2018-02-17T23:30-02:00", "2018-02-18T23:30-03:00"]),
    (SAO, "0 0 * * *", "2018-02-17T12:00-02:00", ["2018-02-18T00:00-03:00", "2018-02-19T00:00-03:00"]),
    (BEIRUT, "0 0 * * *", "2022-03-26T12:00+02:00", ["2022-03-27T01:00+03:00", "2022-03-28T00:00+03:00"]),
    (BEIRUT, "30 23 * * *", "2022-10-29T12:00+03:00", ["2022-10-29T23:30+03:00", "2022-10-30T23:30+02:00"]),
    (CAIRO, "0 0 * * *", "2024-04-25T12:00+02:00", ["2024-04-26T01:00+03:00", "2024-04-27T00:00+03:00"]),
    (CAIRO, "45 23 * * *", "2024-10-31T12:00+03:00", ["2024-10-31T23:45+03:00", "2024-11-01T23:45+02:00"]),
    # half an hour of summer time
    (LORD, "15 2 * * *", "2026-10-03T12:00+10:30", ["2026-10-04T02:30+11:00", "2026-10-05T02:15+11:00"]),
    (LORD, "45 1 * * *", "2026-04-04T12:00+11:00", ["2026-04-05T01:45+11:00", "2026-04-06T01:45+10:30"]),
    (LORD, "*/30 * * * *", "2026-10-04T01:30+10:30", ["2026-10-04T02:30+11:00", "2026-10-04T03:00+11:00"]),
    (LORD, "*/20 5 * * *", "2026-10-03T12:00+10:30", ["2026-10-04T05:00+11:00", "2026-10-04T05:20+11:00"]),
    (LORD, "*/15 * * * *", "2026-04-05T01:30+11:00", ["2026-04-05T01:45+11:00", "2026-04-05T01:30+10:30", "2026-04-05T01:45+10:30", "2026-04-05T02:00+10:30"]),
    # a whole day that never was: 30 December 2011 in Samoa
    (APIA, "0 12 * * *", "2011-12-29T12:00-10:00", ["2011-12-31T00:00+14:00", "2011-12-31T12:00+14:00"]),
    (APIA, "0 0 30 * *", "2011-12-01T00:00-10:00", ["2011-12-31T00:00+14:00", "2012-01-30T00:00+14:00"]),
    (APIA, "0 */6 * * *", "2011-12-29T12:00-10:00", ["2011-12-29T18:00-10:00", "2011-12-31T00:00+14:00"]),
]  # fmt: skip


@pytest.mark.spec("U14")
@pytest.mark.parametrize(("zone", "expression", "after", "expected"), CASES)
def test_what_comes_next(zone: str, expression: str, after: str, expected: list[str]) -> None:
    plan, slot = cron(expression, zone), at(after)
    assert problems(plan) == []
    for wanted in expected:
        slot = next_slot(plan, slot)
        assert slot is not None and slot_mark(slot) == slot_mark(at(wanted))


def test_there_are_forty_of_them() -> None:
    assert len(CASES) >= 40


def test_intervals_are_absolute_time() -> None:
    """Four hours across the spring gap are four hours."""
    plan = Plan(every=4 * HOUR, zone=BERLIN)
    found = list(slots(plan, at("2026-03-28T23:00+00:00"), at("2026-03-29T12:00+00:00")))
    assert found == [at(f"2026-03-29T{hour:02d}:00+00:00") for hour in (0, 4, 8, 12)]


def test_intervals_count_from_their_anchor() -> None:
    plan = Plan(every=7 * SECOND, anchor=at("2026-01-01T00:00:03+00:00"))
    assert next_slot(plan, at("2026-01-01T00:00:03+00:00")) == at("2026-01-01T00:00:10+00:00")
    assert next_slot(plan, at("2025-12-31T23:59:56+00:00") - 1) == at("2025-12-31T23:59:56+00:00")


def test_start_and_end_are_inside() -> None:
    day = at("2026-01-01T00:00+00:00")
    plan = cron("0 0 * * *", start=day, end=day + 48 * HOUR)
    assert list(slots(plan, 0, at("2027-01-01T00:00+00:00"))) == [day, day + 24 * HOUR, day + 48 * HOUR]


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        (Plan(), ["not none"]),
        (Plan(cron="* * * * *", every=SECOND), ["not cron and every"]),
        (Plan(cron="* * * * *", zone="Mars/Olympus"), ["no time zone"]),
        (Plan(cron="* * * * *", zone="../etc/passwd"), ["no time zone"]),
        (Plan(cron="* * * * *", zone=""), ["no time zone"]),
        (Plan(cron="* * * *"), ["no cron expression"]),
        (Plan(cron="0 * * * * *"), ["no cron expression"]),
        (Plan(cron="60 * * * *"), ["Bad minute"]),
        (Plan(cron="0 0 31 4 *"), ["Bad day"]),
        (Plan(cron="* * * * L/2"), ["no cron expression"]),
        (Plan(cron="0 0 * * 1#2-3"), ["no cron expression"]),
        (Plan(every=SECOND - 1), ["one second"]),
        (Plan(after=0), ["one second"]),
        (Plan(every=SECOND, start=2, end=1), ["before the start"]),
        (Plan(cron="0 0 29 2 *", start=at("2025-01-01T00:00Z"), end=at("2025-12-31T00:00Z")), ["no slot"]),
        (Plan(cron="nonsense", zone="Nowhere"), ["no time zone", "no cron expression"]),
    ],
)
def test_everything_wrong_is_said_at_once(plan: Plan, words: list[str]) -> None:
    found = problems(plan)
    assert len(found) == len(words)
    assert all(word in text for word, text in zip(words, found, strict=True))


EXPRESSIONS = ["30 2 * * *", "0,30 0-3 * * *", "*/15 * * * *", "0 */2 * * *", "17 * * * *", "0 0 1 * *"]


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(EXPRESSIONS),
    st.sampled_from([BERLIN, YORK, SAO, LORD, APIA, CAIRO, KATHMANDU, "UTC"]),
    st.integers(at("2011-12-01T00:00Z"), at("2027-01-01T00:00Z")),
)
def test_slots_are_the_same_wherever_one_begins_to_count(expression: str, zone: str, begin: int) -> None:
    plan = cron(expression, zone)
    until = begin + 40 * 24 * HOUR
    found = list(slots(plan, begin, until))
    assert found == sorted(set(found))
    middle = (begin + until) // 2
    assert found == [*slots(plan, begin, middle), *slots(plan, middle, until)]
    assert all(next_slot(plan, slot - 1) == slot for slot in found[:50])
    assert latest_slots(plan, begin, until, 3) == found[-3:]
    assert count_slots(plan, begin, until, 20) == min(20, len(found))


def test_a_century_of_minutes_is_not_walked_through() -> None:
    plan, now = cron("* * * * *"), at("2026-01-01T00:00Z")
    assert latest_slots(plan, at("1926-01-01T00:00Z"), now, 2) == [now - 60 * SECOND, now]
    assert count_slots(plan, at("1926-01-01T00:00Z"), now, 1_000) == 1_000


def test_a_mark_names_its_slot() -> None:
    for slot in (0, 1, at("2026-03-29T01:00:00.000001Z"), at("1969-12-31T23:59:59.5Z")):
        assert slot_of(slot_mark(slot)) == slot
    assert slot_of("trigger:7") is None
