"""Durable subscriptions: every committed event, at least once, in order, through restarts and failing handlers."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from stepwell import Conflict, InvalidInput, NotFound, Stepwell
from stepwell.model.events import NAMES, RunCompleted, RunCreated, StepCompleted
from stepwell.model.feed import Committed
from tests.engine.helpers import FakeClock, flow, open_at, until

THREE = flow("do: [{a: {set: {n: 1}}}, {b: {set: {n: 2}}}, {c: {set: {n: 3}}}]")


class Heard:
    """A handler that remembers, and fails where it is told to."""

    def __init__(self) -> None:
        self.events: list[Committed] = []
        self.fail = 0

    async def __call__(self, committed: Committed) -> None:
        if self.fail:
            self.fail -= 1
            raise ValueError("secret-canary")
        self.events.append(committed)

    @property
    def ids(self) -> list[str]:
        return [committed.id for committed in self.events]


async def facts(stepwell: Stepwell) -> list[str]:
    return [committed.id async for committed in stepwell.events()]


@pytest.mark.spec("S4")
async def test_every_event_is_delivered_once_in_order(tmp_path: Path) -> None:
    heard = Heard()
    async with open_at(tmp_path / "x.db") as stepwell:
        await stepwell.run(THREE)
        subscription = await stepwell.subscribe("all", heard)
        for _ in range(3):
            await stepwell.run(THREE)
        await subscription.caught_up()
        assert heard.ids == await facts(stepwell)
        history = [event for run in await _runs(stepwell) for event in await _history(stepwell, run)]
        assert sorted(heard.ids) == sorted(history)
        assert {committed.name for committed in heard.events} <= set(NAMES.values())


async def _runs(stepwell: Stepwell) -> list[str]:
    return [run_id async for run_id in stepwell.engine.store.all_runs()]


async def _history(stepwell: Stepwell, run_id: str) -> list[str]:
    turns = await stepwell.engine.store.turns(run_id)
    return [f"{run_id}/{turn.seq}/{index}" for turn in turns for index, _ in enumerate(turn.events)]


async def test_events_by_class_or_name_and_from_now(tmp_path: Path) -> None:
    named, typed = [], []
    async with open_at(tmp_path / "x.db") as stepwell:
        await stepwell.run(THREE)
        one = await stepwell.subscribe("named", named.append, events=["run.completed"])
        two = await stepwell.subscribe("typed", typed.append, events=(RunCompleted, RunCreated), from_="now")
        await stepwell.run(THREE)
        await one.caught_up()
        await two.caught_up()
        assert [type(each.event) for each in named] == [RunCompleted, RunCompleted]
        assert [type(each.event) for each in typed] == [RunCreated, RunCompleted]
        last = named[0].position
        behind = [each async for each in stepwell.events(last, events=["step.completed"])]
        assert len(behind) == 3
        assert {type(each.event) for each in behind} == {StepCompleted}


@pytest.mark.spec("S4")
async def test_a_cursor_survives_and_nothing_is_told_twice_after_a_clean_end(tmp_path: Path) -> None:
    first, second = Heard(), Heard()
    async with open_at(tmp_path / "x.db") as stepwell:
        subscription = await stepwell.subscribe("mail", first)
        await stepwell.run(THREE)
        await subscription.caught_up()
        await subscription.close()
        await stepwell.run(THREE)
    async with open_at(tmp_path / "x.db") as stepwell:
        subscription = await stepwell.subscribe("mail", second)
        await subscription.caught_up()
        assert first.ids + second.ids == await facts(stepwell)


CHILD = """
import asyncio, os, sys
from pathlib import Path
from stepwell import Stepwell

async def main():
    async with Stepwell.open(sys.argv[1], recover=False) as stepwell:
        count = 0
        def handler(committed):
            nonlocal count
            os.write(1, f"{committed.id}\\n".encode())
            count += 1
            if count == int(sys.argv[2]):
                os.kill(os.getpid(), 9)
        subscription = await stepwell.subscribe("mail", handler, batch=3)
        await subscription.caught_up()

asyncio.run(main())
"""


@pytest.mark.spec("S4")
@pytest.mark.parametrize("killed_at", [1, 3, 4, 10, 1_000])
async def test_killed_between_handler_and_cursor_all_is_delivered_again_and_nothing_lost(
    tmp_path: Path, killed_at: int
) -> None:
    path = tmp_path / "x.db"
    async with open_at(path) as stepwell:
        for _ in range(3):
            await stepwell.run(THREE)
        expected = await facts(stepwell)
    told: list[list[str]] = []
    for at in (killed_at, 1_000):
        arguments = [sys.executable, "-c", CHILD, str(path), str(at)]
        done = await asyncio.to_thread(subprocess.run, arguments, capture_output=True, text=True)
        assert not done.stderr
        told.append(done.stdout.split())
    assert told[0] == expected[: killed_at if killed_at < 1_000 else None]
    begun = expected.index(told[1][0]) if told[1] else len(expected)
    assert told[1] == expected[begun:]
    assert begun <= len(told[0])
    if killed_at < 1_000:
        assert told[1], "the one that was being handled comes again"


async def test_events_of_other_processes_arrive(tmp_path: Path) -> None:
    heard = Heard()
    async with open_at(tmp_path / "x.db") as one, open_at(tmp_path / "x.db", recover=False) as two:
        subscription = await two.subscribe("mail", heard, events=["run.completed"])
        run_ids = [(await one.start(THREE)).run_id for _ in range(3)]
        for run_id in run_ids:
            await one.wait(run_id)
        await until(lambda: len(heard.events) == 3)
        assert [each.run_id for each in heard.events] == run_ids
        await subscription.caught_up()


async def test_of_two_processes_with_one_name_one_delivers_and_the_other_takes_over(tmp_path: Path) -> None:
    first, second = Heard(), Heard()
    async with open_at(tmp_path / "x.db", recover=False) as two:
        async with open_at(tmp_path / "x.db") as one:
            delivering = await one.subscribe("mail", first)
            await one.run(THREE)
            await delivering.caught_up()
            standing_by = await two.subscribe("mail", second)
            await one.run(THREE)
            await delivering.caught_up()
            assert second.events == []
        await two.run(THREE)
        await standing_by.caught_up()
        assert first.ids + second.ids == await facts(two)


async def test_a_failing_handler_holds_its_place_and_is_reported(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    heard, clock = Heard(), FakeClock()
    async with open_at(tmp_path / "x.db", clock) as stepwell:
        await stepwell.run(THREE)
        heard.fail = 3
        with caplog.at_level(logging.CRITICAL, "stepwell.feed"):
            subscription = await stepwell.subscribe("mail", heard)
            await until(lambda: heard.fail == 2)
            (view,) = await _until_failing(stepwell)
            assert (view["name"], view["failures"], view["error"]) == ("mail", 1, "ValueError")
            assert view["behind"] > 0
            assert "canary" not in str(view)
            assert heard.events == []
            doctor = await stepwell.doctor()
            (finding,) = doctor["findings"]
            assert (finding["code"], finding["severity"], doctor["ok"]) == (
                "subscription_failing",
                "notice",
                True,
            )
            assert "mail failed 1 times in a row (ValueError)" in finding["message"]
            clock.advance(0.1)
            await until(lambda: heard.fail == 1)
            await _until_failing(stepwell, 2)
            clock.advance(0.199999)
            await asyncio.sleep(0)
            assert heard.fail == 1
            clock.advance(0.000001)
            await until(lambda: heard.fail == 0)
            await _until_failing(stepwell, 3)
            clock.advance(0.4)
        await subscription.caught_up()
        assert heard.ids == await facts(stepwell)
        await subscription.close()
        (view,) = await stepwell.subscriptions()
        assert (view["behind"], view["failures"], view["error"], view["here"]) == (0, 0, None, False)


async def test_a_retry_is_due_counted_from_the_failure_that_is_on_record(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who reads of a failure may move the clock before the subscription itself hears that it was written."""
    heard, clock = Heard(), FakeClock()
    async with open_at(tmp_path / "x.db", clock) as stepwell:
        await stepwell.run(THREE)
        store = stepwell.engine.feed.store
        written = store.note_failure

        async def and_then_time_goes_by(*failure: Any) -> bool:
            noted = await written(*failure)
            clock.advance(0.1)
            return noted

        monkeypatch.setattr(store, "note_failure", and_then_time_goes_by)
        heard.fail = 1
        with caplog.at_level(logging.CRITICAL, "stepwell.feed"):
            subscription = await stepwell.subscribe("mail", heard)
            await asyncio.wait_for(subscription.caught_up(), 10)
        assert heard.ids == await facts(stepwell)


async def _until_failing(client: Stepwell, times: int = 1) -> list[dict[str, object]]:
    while (views := await client.subscriptions())[0]["failures"] != times:
        await asyncio.sleep(0.001)
    return views


async def test_bad_input_changes_nothing(tmp_path: Path) -> None:
    async with open_at(tmp_path / "x.db") as stepwell:
        for options in (
            {"events": ["run.exploded"]}, {"events": "run.completed"}, {"events": []}, {"events": [int]},
            {"from_": "end"}, {"from_": -1}, {"from_": True}, {"batch": 0},
        ):  # fmt: skip
            with pytest.raises(InvalidInput):
                await stepwell.subscribe("mail", print, **options)
        with pytest.raises(InvalidInput):
            await stepwell.subscribe("../mail", print)
        assert await stepwell.subscriptions() == []
        await stepwell.subscribe("mail", print)
        with pytest.raises(Conflict):
            await stepwell.subscribe("mail", print)
        await stepwell.unsubscribe("mail")
        with pytest.raises(NotFound):
            await stepwell.unsubscribe("mail")
        assert await stepwell.subscriptions() == []


async def test_ten_thousand_events_come_gapless_and_in_order(tmp_path: Path) -> None:
    heard = Heard()
    ten = flow("do:\n" + "\n".join(f"  - s{k}: {{set: {{n: {k}}}}}" for k in range(10)))
    async with open_at(tmp_path / "x.db") as stepwell:
        subscription = await stepwell.subscribe("all", heard)
        await asyncio.gather(*(stepwell.run(ten) for _ in range(500)))
        await subscription.caught_up()
        assert len(heard.events) > 10_000
        assert max(Counter(heard.ids).values()) == 1
        last: dict[str, tuple[int, int]] = {}
        for each in heard.events:
            seq, index = last.get(each.run_id, (0, -1))
            assert (each.seq, each.index) in {(seq, index + 1), (seq + 1, 0)}
            last[each.run_id] = (each.seq, each.index)
        positions = [each.position for each in heard.events]
        assert positions == sorted(positions)
        assert heard.ids == await facts(stepwell)


async def test_follow_waits_for_more(tmp_path: Path) -> None:
    async with open_at(tmp_path / "x.db") as stepwell:
        follow = stepwell.events(events=["run.completed"], follow=True)
        coming = asyncio.ensure_future(anext(follow))
        handle = await stepwell.start(THREE)
        assert (await coming).run_id == handle.run_id
        await follow.aclose()
        assert not stepwell.engine.observers.listening


async def test_closing_inside_the_handler_ends_it_there(tmp_path: Path) -> None:
    heard = []
    async with open_at(tmp_path / "x.db") as stepwell:
        await stepwell.run(THREE)

        async def handler(committed: Committed) -> None:
            heard.append(committed.id)
            if len(heard) == 2:
                await subscription.close()

        subscription = await stepwell.subscribe("mail", handler)
        await until(lambda: "mail" not in stepwell.engine.feed.subscriptions)
        assert len(heard) == 2
