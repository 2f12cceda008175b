"""Schedules from outside: one run per slot, whatever restarts, neighbours, jumps of the clock or edits."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from stepwell import InvalidInput, NotFound
from stepwell.testing import CountingIds, FrozenClock, Kit, kill_everywhere
from tests.engine.helpers import flow

START = datetime(2026, 3, 28, 12, 0, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
QUICK = flow("do:\n  - slot: {set: {slot: '${ $variables.schedule.slot }', n: '${ $workflow.input.n }'}}\n")
SLOW = flow("do:\n  - w: {wait: {seconds: 100}}\n", "slow")


def kit_at(path: Path, time: datetime = START, **settings: Any) -> Kit:
    return Kit(path, clock=FrozenClock(time), **settings)


async def fired(kit: Kit, name: str = "s") -> list[tuple[str, str]]:
    """(slot, outcome), oldest first."""
    page = await kit.engine.firings(name, limit=1_000)
    return [(_short(one["slot"]), one["outcome"]) for one in reversed(page["firings"])]


def _short(slot: str | None) -> str:
    return "" if slot is None else slot[11:19]


async def runs_of(kit: Kit, name: str = "s") -> list[str]:
    listed = await kit.engine.list(tags={"schedule": name}, limit=1_000)
    return [run["run_id"] for run in listed["runs"]]


def minutes(*numbers: int, outcome: str = "started") -> list[tuple[str, str]]:
    return [(f"12:{number:02d}:00", outcome) for number in numbers]


# --- live -----------------------------------------------------------------------------------------


@pytest.mark.spec("U14", "Q15")
async def test_each_slot_starts_a_run_at_its_time(tmp_path: Path) -> None:
    async with kit_at(tmp_path / "x.db") as kit:
        made = await kit.engine.schedule(
            "s", QUICK, {"n": 7}, cron="* * * * *", tags={"team": "a"}, priority=3
        )
        assert (made["changed"], made["state"], made["next_at"]) == (
            True,
            "active",
            "2026-03-28T12:01:00.000000Z",
        )
        await kit.advance(3 * MINUTE)
        assert await fired(kit) == minutes(1, 2, 3)
        for run_id in await runs_of(kit):
            view = await kit.engine.show(run_id)
            assert view["status"] == "completed" and view["priority"] == 3
            assert view["output"] == {"slot": view["created_at"], "n": 7}
            assert view["tags"] == {"team": "a", "schedule": "s", "fired_by": "slot"}
            assert view["key"] == f"schedule:s:{view['created_at']}"
        await kit.check()


async def test_many_schedules_share_one_clock(tmp_path: Path) -> None:
    async with kit_at(tmp_path / "x.db") as kit:
        for number in range(1, 6):
            await kit.engine.schedule(f"s{number}", QUICK, every=number * 60)
        await kit.advance(timedelta(minutes=60))
        for number in range(1, 6):
            assert len(await runs_of(kit, f"s{number}")) == 60 // number


async def test_the_spring_gap_and_the_autumn_overlap_start_one_run(tmp_path: Path) -> None:
    async with kit_at(tmp_path / "x.db") as kit:
        await kit.engine.schedule("s", QUICK, cron="30 2 * * *", zone="Europe/Berlin")
        await kit.advance(timedelta(days=2))
        assert await fired(kit) == [("01:00:00", "started"), ("00:30:00", "started")]
    async with kit_at(tmp_path / "y.db", datetime(2026, 10, 24, 12, tzinfo=UTC)) as kit:
        await kit.engine.schedule("s", QUICK, cron="30 2 * * *", zone="Europe/Berlin")
        await kit.advance(timedelta(days=2))
        assert await fired(kit) == [("00:30:00", "started"), ("01:30:00", "started")]


async def test_after_counts_from_the_end_of_the_last_run(tmp_path: Path) -> None:
    async with kit_at(tmp_path / "x.db") as kit:
        await kit.engine.schedule("s", SLOW, after="PT1M")
        await kit.drain()
        assert await fired(kit) == minutes(0)
        await kit.advance(timedelta(minutes=6))
        assert await fired(kit) == [("12:00:00", "started"), ("12:02:40", "started"), ("12:05:20", "started")]
        await kit.reopen()
        await kit.advance(timedelta(minutes=3))
        assert (await fired(kit))[3:] == [("12:08:00", "started")]


async def test_it_ends_at_its_end(tmp_path: Path) -> None:
    async with kit_at(tmp_path / "x.db") as kit:
        first, last = START + 2 * MINUTE, START + 4 * MINUTE
        await kit.engine.schedule("s", QUICK, every=60, start=first, end=last)
        await kit.advance(HOUR)
        assert await fired(kit) == minutes(2, 3, 4)
        assert (await kit.engine.schedule_view("s"))["state"] == "ended"
        assert await kit.engine.upcoming("s") == []


# --- restarts and neighbours ----------------------------------------------------------------------


@pytest.mark.spec("Q15", "Q20")
@pytest.mark.parametrize("overlap", ["skip", "allow", "queue_one", "cancel_running"])
async def test_killed_at_every_commit_each_slot_has_one_run(overlap: str) -> None:
    async def play(kit: Kit) -> list[str]:
        if kit.clock.time < START:
            kit.clock.set(START)
        await kit.engine.schedule(
            "s", SLOW, every=60, overlap=overlap, catch_up="all", start=START + MINUTE, end=START + 4 * MINUTE
        )
        await kit.advance_to(max(START + timedelta(minutes=10), kit.clock.time))
        return [line for line, outcome in sorted(await fired(kit)) if outcome == "started"]

    survey = await kill_everywhere(play)
    assert survey.commits > 8


async def test_a_slot_that_was_started_is_not_started_again_after_a_crash(tmp_path: Path) -> None:
    """The process dies between the start and the note that the slot is dealt with; then the input is edited."""
    async with kit_at(tmp_path / "x.db") as kit:
        await kit.engine.schedule("s", QUICK, {"n": 1}, every=60)
        await kit.drain()
        kit.crash_at(2)
        with pytest.raises(Exception, match="killed"):
            await kit.advance(MINUTE)
        guest = Kit(kit.path, clock=kit.clock, guest=True)
        async with guest:
            assert len(await runs_of(guest)) == 1
            assert (await guest.engine.schedule_view("s"))["dealt_with"] == "2026-03-28T12:00:00.000000Z"
            await guest.engine.schedule("s", QUICK, {"n": 2}, every=60)
        await kit.reopen()
        await kit.drain()
        assert await fired(kit) == minutes(1)
        await kit.advance(MINUTE)
        assert await fired(kit) == minutes(1, 2)
        outputs = [(await kit.engine.show(run))["output"]["n"] for run in await runs_of(kit)]
        assert outputs == [2, 1]


@pytest.mark.spec("Q15")
async def test_two_engines_on_one_file_start_one_run_per_slot(tmp_path: Path) -> None:
    clock, ids = FrozenClock(START), CountingIds()
    async with (
        Kit(tmp_path / "x.db", clock=clock, ids=ids) as one,
        Kit(tmp_path / "x.db", clock=clock, ids=ids) as two,
    ):
        for name, overlap in {"a": "skip", "b": "allow", "c": "queue_one", "d": "cancel_running"}.items():
            await one.engine.schedule(name, QUICK, every=60, overlap=overlap)
        await asyncio.gather(one.drain(), two.drain())
        for _ in range(10):
            clock.advance(30)
            await asyncio.gather(one.drain(), two.drain())
        for name in "abcd":
            assert await fired(two, name) == minutes(1, 2, 3, 4, 5)
            assert len(await runs_of(two, name)) == 5
            for run in await runs_of(two, name):
                assert (await two.engine.show(run))["status"] == "completed"


async def test_a_neighbour_takes_over_when_an_engine_dies(tmp_path: Path) -> None:
    clock, ids = FrozenClock(START), CountingIds()
    async with (
        Kit(tmp_path / "x.db", clock=clock, ids=ids) as one,
        Kit(tmp_path / "x.db", clock=clock, ids=ids) as two,
    ):
        await one.engine.schedule("s", QUICK, every=60)
        clock.advance(1)
        await asyncio.gather(one.drain(), two.drain())
        one.crash()
        clock.advance(60)
        await two.drain()
        assert await fired(two) == minutes(1)


async def test_what_another_process_sets_is_noticed(tmp_path: Path) -> None:
    clock, ids = FrozenClock(START), CountingIds()
    async with (
        Kit(tmp_path / "x.db", clock=clock, ids=ids) as kit,
        Kit(tmp_path / "x.db", clock=clock, ids=ids, guest=True) as guest,
    ):
        await guest.engine.schedule("s", QUICK, every=60)
        clock.advance(1)
        await kit.drain()
        clock.advance(60)
        await kit.drain()
        assert await fired(kit) == minutes(1)
        await guest.engine.pause_schedule("s")
        clock.advance(120)
        await kit.drain()
        assert await fired(kit) == minutes(1)


async def test_guests_and_engines_that_leave_others_alone_fire_nothing(tmp_path: Path) -> None:
    for settings in ({"guest": True}, {"recover": False}):
        async with kit_at(tmp_path / "x.db", **settings) as kit:
            await kit.engine.schedule("s", QUICK, every=60)
            await kit.advance(HOUR)
            assert await runs_of(kit) == []


# --- what was missed, and clocks that jump --------------------------------------------------------


async def _down_for_five_minutes(path: Path, **policy: Any) -> list[tuple[str, str]]:
    async with kit_at(path) as kit:
        await kit.engine.schedule("s", QUICK, every=60, **policy)
        await kit.advance(MINUTE)
    async with kit_at(path, START + timedelta(minutes=6, seconds=30), ids=_later()) as kit:
        await kit.drain()
        return await fired(kit)


def _later() -> CountingIds:
    ids = CountingIds()
    ids.count = 1_000
    return ids


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ({"catch_up": "latest"}, [*minutes(1), *minutes(5, outcome="missed"), *minutes(6)]),
        ({"catch_up": "all"}, minutes(1, 2, 3, 4, 5, 6)),
        (
            {"catch_up": "all", "catch_up_limit": 2},
            [*minutes(1), *minutes(4, outcome="missed"), *minutes(5, 6)],
        ),
        ({"catch_up": "none"}, [*minutes(1), *minutes(5, outcome="missed"), *minutes(6)]),
    ],
)
async def test_slots_that_passed_while_nobody_was_there(
    tmp_path: Path, policy: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    assert sorted(await _down_for_five_minutes(tmp_path / "x.db", overlap="allow", **policy)) == expected


async def test_without_catch_up_a_late_slot_is_let_go(tmp_path: Path) -> None:
    async with kit_at(tmp_path / "x.db") as kit:
        await kit.engine.schedule("s", QUICK, every=600, catch_up="none")
        kit.clock.set(START + timedelta(minutes=35))
        await kit.drain()
        assert await fired(kit) == minutes(30, outcome="missed")
        (line,) = (await kit.engine.firings("s"))["firings"]
        assert line["slots"] == 3 and "3 passed" in line["note"]
        await kit.advance(timedelta(minutes=5))
        assert await fired(kit) == [*minutes(30, outcome="missed"), *minutes(40)]


async def test_a_clock_that_goes_back_fires_nothing_twice(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    async with kit_at(path) as kit:
        await kit.engine.schedule("s", QUICK, every=60)
        await kit.advance(3 * MINUTE)
    async with kit_at(path, START - HOUR, ids=_later()) as kit:
        await kit.advance(HOUR + 4 * MINUTE)
        assert sorted(await fired(kit)) == minutes(1, 2, 3, 4)


async def test_a_year_of_minutes_is_caught_up_at_once(tmp_path: Path) -> None:
    async with kit_at(tmp_path / "x.db") as kit:
        await kit.engine.schedule("s", QUICK, cron="* * * * *")
        kit.clock.set(START + timedelta(days=365))
        await kit.drain()
        assert [outcome for _, outcome in await fired(kit)].count("started") == 1


# --- overlap --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("overlap", "expected"),
    [
        ("allow", minutes(1, 2, 3, 4)),
        ("skip", [*minutes(1), *minutes(2, outcome="skipped"), *minutes(3), *minutes(4, outcome="skipped")]),
        ("queue_one", [*minutes(1, 2, 3), *minutes(4, outcome="skipped")]),
        ("cancel_running", minutes(1, 2, 3, 4)),
    ],
)
async def test_overlap(tmp_path: Path, overlap: str, expected: list[tuple[str, str]]) -> None:
    """Runs of 100 seconds, a slot every 60."""
    async with kit_at(tmp_path / "x.db") as kit:
        end = START + 4 * MINUTE
        await kit.engine.schedule("s", SLOW, every=60, overlap=overlap, end=end)
        await kit.advance(timedelta(minutes=12))
        found = sorted(await fired(kit))
        states = [(await kit.engine.show(run))["status"] for run in await runs_of(kit)]
        assert found == expected
        if overlap == "cancel_running":
            assert states == ["completed", "cancelled", "cancelled", "cancelled"]
        else:
            assert set(states) == {"completed"}
        if overlap in ("skip", "queue_one", "cancel_running"):
            await _never_two_at_once(kit)


async def _never_two_at_once(kit: Kit) -> None:
    shown = [await kit.engine.show(run) for run in reversed(await runs_of(kit))]
    for one, other in pairwise(shown):
        assert one["ended_at"] <= other["created_at"]


async def test_one_slot_waits_and_the_others_are_skipped(tmp_path: Path) -> None:
    slow = flow("do:\n  - w: {wait: {minutes: 4}}\n", "slow")
    async with kit_at(tmp_path / "x.db") as kit:
        await kit.engine.schedule("s", slow, every=60, overlap="queue_one", end=START + 4 * MINUTE)
        await kit.advance(timedelta(minutes=4, seconds=10))
        assert sorted(await fired(kit)) == [
            *minutes(1), *minutes(2, outcome="waiting"), *minutes(3, 4, outcome="skipped"),
        ]  # fmt: skip
        view = await kit.engine.schedule_view("s")
        assert (view["state"], view["waiting"]) == ("waiting", "2026-03-28T12:02:00.000000Z")
        await kit.reopen()
        await kit.advance(timedelta(minutes=1))
        assert sorted(await fired(kit)) == [*minutes(1, 2), *minutes(3, 4, outcome="skipped")]
        assert len(await runs_of(kit)) == 2


# --- edits, pauses, triggers, backfills -----------------------------------------------------------


async def test_the_same_again_changes_nothing_and_an_edit_counts_from_now(tmp_path: Path) -> None:
    async with kit_at(tmp_path / "x.db") as kit:
        engine = kit.engine
        await engine.schedule("s", QUICK, {"n": 1}, every=60)
        await kit.advance(2 * MINUTE)
        again = await engine.schedule("s", QUICK, {"n": 1}, every=timedelta(minutes=1))
        assert (again["changed"], again["revision"]) == (False, 1)
        assert (await engine.schedule("s", QUICK, {"n": True}, every=60))["revision"] == 2
        edited = await engine.schedule("s", QUICK, {"n": 1}, cron="*/2 * * * *", zone="Asia/Kathmandu")
        assert (edited["revision"], edited["next_at"]) == (3, "2026-03-28T12:03:00.000000Z")
        await kit.advance(3 * MINUTE)
        assert await fired(kit) == minutes(1, 2, 3, 5)
        await engine.schedule("s", QUICK, {"n": 1}, every=60)
        await kit.advance(MINUTE)
        assert await fired(kit) == minutes(1, 2, 3, 5, 6)
        changes = [edit["change"] for edit in (await engine.schedule_view("s"))["edits"]]
        assert changes == ["edited", "edited", "edited", "created"]


async def test_a_pause_makes_nothing_up(tmp_path: Path) -> None:
    async with kit_at(tmp_path / "x.db") as kit:
        await kit.engine.schedule("s", QUICK, every=60, catch_up="all")
        await kit.advance(MINUTE)
        assert (await kit.engine.pause_schedule("s", "a holiday"))["changed"]
        assert not (await kit.engine.pause_schedule("s"))["changed"]
        view = await kit.engine.schedule_view("s")
        assert (view["state"], view["reason"]) == ("paused", "it was paused: a holiday")
        await kit.advance(5 * MINUTE)
        await kit.reopen()
        assert (await kit.engine.resume_schedule("s"))["changed"]
        await kit.advance(MINUTE)
        assert await fired(kit) == minutes(1, 7)


async def test_triggers_start_now_and_once_per_key(tmp_path: Path) -> None:
    async with kit_at(tmp_path / "x.db") as kit:
        await kit.engine.schedule("s", SLOW, {"n": 2}, cron="0 0 1 1 *")
        await kit.engine.pause_schedule("s")
        one, two = await kit.engine.trigger_schedule("s"), await kit.engine.trigger_schedule("s", key="mine")
        again = await kit.engine.trigger_schedule("s", key="mine")
        assert one.run_id != two.run_id == again.run_id and not again.created
        view = await kit.engine.schedule_view("s")
        assert sorted(view["running"]) == sorted([one.run_id, two.run_id])
        lines = (await kit.engine.firings("s"))["firings"]
        assert {(line["reason"], line["slot"], line["status"]) for line in lines} == {
            ("trigger", None, "running")
        }


@pytest.mark.spec("Q15")
async def test_a_backfill_and_the_live_schedule_share_their_slots(tmp_path: Path) -> None:
    async with kit_at(tmp_path / "x.db") as kit:
        await kit.engine.schedule("s", QUICK, every=60)
        await kit.advance(2 * MINUTE)
        window = START - 2 * MINUTE, START + 2 * MINUTE
        filled = await kit.engine.backfill_schedule("s", *window)
        assert [one["created"] for one in filled] == [True, True, True, False, False]
        again = await kit.engine.backfill_schedule("s", window[0].isoformat(), window[1].isoformat())
        assert [one["run_id"] for one in again] == [one["run_id"] for one in filled]
        await kit.drain()
        shown = [await kit.engine.show(one["run_id"]) for one in filled]
        assert [view["output"]["slot"] for view in shown] == [one["slot"] for one in filled]
        await kit.advance(MINUTE)
        assert len(await runs_of(kit)) == 6
        # A slot that was filled before the engine came to it is not fired again.
        kit.clock.set(START + 4 * MINUTE)
        await kit.engine.backfill_schedule("s", START + 4 * MINUTE, START + 4 * MINUTE)
        await kit.drain()
        assert len(await runs_of(kit)) == 7
        await kit.check()


async def test_a_name_that_is_used_again_does_not_fire_old_slots_again(tmp_path: Path) -> None:
    async with kit_at(tmp_path / "x.db") as kit:
        await kit.engine.schedule("s", QUICK, every=60)
        await kit.advance(MINUTE)
        await kit.engine.delete_schedule("s")
        with pytest.raises(NotFound, match="no schedule s"):
            await kit.engine.schedule_view("s")
        await kit.advance(MINUTE)
        assert await fired(kit) == minutes(1)
        assert (await kit.engine.schedule("s", QUICK, every=60))["revision"] == 3
        (filled,) = await kit.engine.backfill_schedule("s", START + MINUTE, START + MINUTE)
        assert not filled["created"]


async def test_the_newest_definition_or_this_one(tmp_path: Path) -> None:
    def version(number: int) -> str:
        return flow(f"do:\n  - a: {{set: {{v: {number}}}}}\n").replace("1.0.0", f"{number}.0.0")

    async with kit_at(tmp_path / "x.db") as kit:
        await kit.engine.add_definition(version(1))
        await kit.engine.schedule("newest", "test/flow", every=60)
        await kit.engine.schedule("pinned", "test/flow:1.0.0", every=60)
        await kit.advance(MINUTE)
        await kit.engine.add_definition(version(2))
        await kit.advance(MINUTE)
        for name, expected in {"newest": [2, 1], "pinned": [1, 1]}.items():
            outputs = [(await kit.engine.show(run))["output"]["v"] for run in await runs_of(kit, name)]
            assert outputs == expected


# --- trouble --------------------------------------------------------------------------------------


async def test_a_schedule_whose_starts_fail_says_so_and_goes_on(tmp_path: Path) -> None:
    import apsw

    async with kit_at(tmp_path / "x.db") as kit:
        await kit.engine.schedule("s", QUICK, every=60)
        await kit.engine.schedule("sound", SLOW, every=60)
        await kit.drain()
    db = apsw.Connection(str(tmp_path / "x.db"))
    (row,) = db.execute("SELECT * FROM definitions WHERE name = 'flow'").fetchall()
    db.execute("DELETE FROM definitions WHERE name = 'flow'")
    db.close()
    async with kit_at(tmp_path / "x.db", ids=_later()) as kit:
        view = await kit.engine.schedule_view("s")
        assert "no definition with the hash" in view["problem"]
        await kit.advance(MINUTE)
        view = await kit.engine.schedule_view("s")
        assert view["state"] == "failing" and "no definition" in view["last_error"]
        assert any("schedules set s" in action for action in view["next_actions"])
        assert await fired(kit) == minutes(1, outcome="failed")
        assert len(await runs_of(kit, "sound")) == 1
        report = await kit.engine.doctor()
        assert [finding["code"] for finding in report["findings"]] == ["schedule_broken"]
        await kit.engine.add_definition(QUICK)
        await kit.advance(MINUTE)
        assert await fired(kit) == [*minutes(1, outcome="failed"), *minutes(2)]
        assert (await kit.engine.schedule_view("s"))["last_error"] is None
        filled = await kit.engine.backfill_schedule("s", START + MINUTE, START + MINUTE)
        assert filled[0]["created"]
        assert sorted(await fired(kit)) == minutes(1, 2)
    assert row


async def test_a_sick_disk_delays_a_slot_and_loses_none(tmp_path: Path) -> None:
    async with kit_at(tmp_path / "x.db") as kit:
        await kit.engine.schedule("s", QUICK, every=60)
        await kit.drain()
        kit.fail_commits(3)
        await kit.advance(MINUTE)
        await kit.advance(timedelta(seconds=10))
        assert await fired(kit) == minutes(1)
        await kit.check()


BAD: list[tuple[dict[str, Any], str]] = [
    ({}, "one of cron, every and after"),
    ({"cron": "* * * * *", "every": 60}, "one of cron, every and after"),
    ({"cron": "61 * * * *"}, "Bad minute"),
    ({"cron": "* * * * *", "zone": "Nowhere/Land"}, "no time zone"),
    ({"every": 0.5}, "shortest interval"),
    ({"every": "soon"}, "every: "),
    ({"every": 60, "overlap": "perhaps"}, "overlap: 'perhaps' is none of allow, skip"),
    ({"every": 60, "catch_up": "some"}, "catch_up: "),
    ({"every": 60, "catch_up": "all", "catch_up_limit": 0}, "catch_up_limit"),
    ({"every": 60, "start": datetime(2026, 1, 1)}, "start: .* needs a time zone"),
    ({"every": 60, "start": "tomorrow"}, "start: "),
    ({"every": 60, "tags": {"schedule": "x"}}, "the tag schedule"),
    ({"every": 60, "tags": {"a": 1}}, "tags are text"),
    ({"every": 60, "colour": "red"}, "no option 'colour'"),
    ({"every": "never", "overlap": "perhaps", "zone": "x"}, "every: .*; overlap: "),
    ({"every": 60, "input": {"a": {1, 2}}}, "JSON"),
]


@pytest.mark.parametrize(("asked", "words"), BAD)
async def test_what_cannot_be_accepted_changes_nothing(
    tmp_path: Path, asked: dict[str, Any], words: str
) -> None:
    async with kit_at(tmp_path / "x.db") as kit:
        with pytest.raises(InvalidInput, match=words):
            await kit.engine.schedule("s", QUICK, **asked)
        assert await kit.engine.schedules() == []


async def test_other_words_that_cannot_be_accepted(tmp_path: Path) -> None:
    async with kit_at(tmp_path / "x.db") as kit:
        engine = kit.engine
        for name in ("", "a b", "a:b", "x" * 101, "-a", "ü"):
            with pytest.raises(InvalidInput, match="schedule's name"):
                await engine.schedule(name, QUICK, every=60)
        for verb in (engine.pause_schedule, engine.resume_schedule, engine.delete_schedule, engine.trigger_schedule,
                     engine.upcoming, engine.firings):  # fmt: skip
            with pytest.raises(NotFound, match="no schedule s"):
                await verb("s")
        await engine.schedule("s", QUICK, every=1)
        for start, end, words in (
            (START, START - HOUR, "before its start"),
            (START, START + HOUR, "in the future"),
            (START - HOUR, START, "more than 1000 slots"),
            ("yesterday", START, "not a time"),
        ):
            with pytest.raises(InvalidInput, match=words):
                await engine.backfill_schedule("s", start, end)
        with pytest.raises(InvalidInput, match="cursor"):
            await engine.firings("s", cursor="x")
        with pytest.raises(InvalidInput, match="cannot be listed"):
            await engine.upcoming("s", 0)
        assert await runs_of(kit) == []


async def test_upcoming_slots(tmp_path: Path) -> None:
    async with kit_at(tmp_path / "x.db") as kit:
        await kit.engine.schedule("s", QUICK, cron="30 2 * * *", zone="Europe/Berlin")
        assert await kit.engine.upcoming("s", 3) == [
            "2026-03-29T01:00:00.000000Z", "2026-03-30T00:30:00.000000Z", "2026-03-31T00:30:00.000000Z",
        ]  # fmt: skip


async def test_firings_come_in_pages(tmp_path: Path) -> None:
    async with kit_at(tmp_path / "x.db") as kit:
        await kit.engine.schedule("s", QUICK, every=60)
        await kit.advance(timedelta(minutes=7))
        seen: list[str] = []
        cursor = None
        while True:
            page = await kit.engine.firings("s", limit=3, cursor=cursor)
            seen += [line["slot"] for line in page["firings"]]
            cursor = page["next"]
            if cursor is None:
                break
        assert [slot[14:16] for slot in seen] == ["07", "06", "05", "04", "03", "02", "01"]


async def test_the_definitions_own_schedule(tmp_path: Path) -> None:
    text = QUICK.replace("do:", "schedule: {every: {minutes: 2}}\ndo:")
    async with kit_at(tmp_path / "x.db") as kit:
        view = await kit.engine.schedule("s", text)
        assert (view["every"], view["overlap"]) == ("PT2M", "allow")
        view = await kit.engine.schedule("t", text.replace("every: {minutes: 2}", "cron: '*/5 * * * *'"))
        assert (view["cron"], view["overlap"]) == ("*/5 * * * *", "skip")
        await kit.advance(timedelta(minutes=5))
        assert await fired(kit) == minutes(2, 4)
        assert await fired(kit, "t") == minutes(5)
