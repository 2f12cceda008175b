"""Queued starts, end to end in one process: a real file, a clock that the test moves (SPEC U3, U12, Q6)."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from stepwell import InvalidInput, KeyConflict, NotFound, Queue, RunFailed
from stepwell.model.base import SECOND
from tests.engine.helpers import FakeClock, flow, open_at, until

MARK = flow("do: [a: {call: python, with: {function: mark, arguments: {n: '${ .n }'}}}]")
SIMPLE = flow("do: [a: {set: {done: true}}]")


class Marks:
    """A step that says that it began, and ends when it is let go."""

    def __init__(self) -> None:
        self.begun: list[Any] = []
        self.open: dict[Any, asyncio.Event] = {}
        self.most = 0

    async def mark(self, n: Any) -> Any:
        self.begun.append(n)
        self.open[n] = asyncio.Event()
        self.most = max(self.most, len(self.open))
        await self.open[n].wait()
        del self.open[n]
        return n

    def go(self, n: Any) -> None:
        self.open[n].set()


@pytest.fixture
def marks() -> Marks:
    return Marks()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "q.db"


async def test_a_queued_start_begins_by_itself(path: Path) -> None:
    async with open_at(path, FakeClock()) as s:
        handle = await s.start(SIMPLE, queue="default")
        assert await handle.result(10) == {"done": True}
        assert [one["running"] + one["waiting"] for one in await s.queues()] == [0]
        assert (await s.doctor())["ok"]


@pytest.mark.spec("U3")
async def test_concurrency_and_order(path: Path, marks: Marks) -> None:
    async with open_at(path, FakeClock(), functions=[marks.mark], queues=[Queue("q", concurrency=2)]) as s:
        for n in range(4):
            await s.start(MARK, {"n": n}, queue="q")
        urgent = await s.start(MARK, {"n": "urgent"}, queue="q", priority=1)
        await until(lambda: len(marks.begun) == 2)
        marks.go(0)
        await until(lambda: len(marks.begun) == 3)
        assert marks.begun == [0, 1, "urgent"]
        marks.go("urgent")
        assert await urgent.result(10) == "urgent"
        await until(lambda: len(marks.begun) == 4)
        assert (marks.begun[3], marks.most) == (2, 2)


async def test_a_delay_is_kept_over_a_restart(path: Path) -> None:
    clock = FakeClock()
    async with open_at(path, clock) as s:
        handle = await s.start(SIMPLE, delay=timedelta(hours=1))
        clock.advance(3_599)
        await asyncio.sleep(0.05)
        assert (await s.show(handle.run_id))["status"] == "pending"
    async with open_at(path, clock) as s:
        clock.advance(1)
        assert (await s.wait(handle.run_id, 10))["status"] == "completed"


@pytest.mark.spec("U12")
async def test_a_rate_lets_the_next_begin_when_the_window_has_passed(path: Path, marks: Marks) -> None:
    clock = FakeClock()
    async with open_at(path, clock, functions=[marks.mark], queues=[Queue("q", rate=(2, 60.0))]) as s:
        for n in range(5):
            await s.start(MARK, {"n": n}, queue="q")
        for wanted in (2, 4, 5):
            await until(lambda wanted=wanted: len(marks.begun) == wanted)
            clock.advance(59)
            await asyncio.sleep(0.02)
            assert len(marks.begun) == wanted
            clock.advance(1)


async def test_a_unique_start_gives_the_open_run(path: Path, marks: Marks) -> None:
    async with open_at(path, FakeClock(), functions=[marks.mark]) as s:
        first = await s.start(MARK, {"n": 1}, unique="u")
        again = await s.start(MARK, {"n": 2}, unique="u")
        assert (again.run_id, again.created) == (first.run_id, False)
        await until(lambda: marks.begun == [1])
        assert (await s.start(MARK, {"n": 3}, unique="u")).run_id == first.run_id
        marks.go(1)
        await first.result(10)
        assert (await s.start(MARK, {"n": 4}, unique="u")).created


async def test_starts_of_one_unique_key_at_once_make_one_run(path: Path) -> None:
    async with open_at(path, FakeClock()) as s:
        handles = await asyncio.gather(*(s.start(SIMPLE, {"n": n}, unique="u", delay=9) for n in range(20)))
        assert len({handle.run_id for handle in handles}) == 1
        assert sum(handle.created for handle in handles) == 1


async def test_debounce_begins_after_the_last_start_with_its_input(path: Path, marks: Marks) -> None:
    clock = FakeClock()
    async with open_at(path, clock, functions=[marks.mark]) as s:
        first = await s.start(MARK, {"n": 1}, unique="u", debounce=10)
        for n in range(2, 5):
            clock.advance(9)
            await asyncio.sleep(0.01)
            again = await s.start(MARK, {"n": n}, unique="u", debounce=10)
            assert (again.run_id, again.created) == (first.run_id, False)
        clock.advance(9.9)
        await asyncio.sleep(0.05)
        assert marks.begun == []
        clock.advance(0.1)
        await until(lambda: marks.begun == [4])
        newer = await s.start(MARK, {"n": 5}, unique="u", debounce=10)
        assert newer.created, "the one before has begun: what is new must not be lost"


async def test_a_callers_id(path: Path) -> None:
    async with open_at(path, FakeClock()) as s:
        one, two = await asyncio.gather(
            s.start(SIMPLE, {"n": 1}, id="order-7"), s.start(SIMPLE, {"n": 1}, id="order-7")
        )
        assert one.run_id == two.run_id == "order-7"
        assert [one.created, two.created] == [True, False]
        await one.result(10)
        assert not (await s.start(SIMPLE, {"n": 1}, id="order-7")).created
        with pytest.raises(KeyConflict, match="order-7"):
            await s.start(SIMPLE, {"n": 2}, id="order-7")
        for wrong in ("", "a b", "/etc", "x" * 201):
            with pytest.raises(InvalidInput):
                await s.start(SIMPLE, id=wrong)


async def test_steering_what_waits(path: Path, marks: Marks) -> None:
    async with open_at(path, FakeClock(), functions=[marks.mark], queues=[Queue("q", concurrency=1)]) as s:
        runs = [(await s.start(MARK, {"n": n}, queue="q")).run_id for n in range(5)]
        await until(lambda: marks.begun == [0])
        assert (await s.pause(runs[1]))["status"] == "paused"
        assert (await s.cancel(runs[2]))["status"] == "cancelled"
        assert (await s.terminate(runs[3]))["status"] == "terminated"
        (queue,) = [one for one in await s.queues() if one["name"] == "q"]
        assert (queue["waiting"], queue["held"], queue["running"]) == (1, 1, 1)
        marks.go(0)
        await until(lambda: marks.begun == [0, 4])
        assert (await s.resume(runs[1]))["status"] == "pending"
        marks.go(4)
        await until(lambda: marks.begun == [0, 4, 1])
        marks.go(1)
        assert await s.result(runs[1], 10) == 1
        assert (await s.doctor())["ok"]


async def test_a_deadline_ends_a_run_that_never_began(path: Path) -> None:
    clock = FakeClock()
    async with open_at(path, clock, queues=[Queue("q", paused=True)]) as s:
        soon = await s.start(SIMPLE, queue="q", deadline=60)
        when = datetime.fromtimestamp(clock.now() / SECOND, UTC) + timedelta(seconds=90)
        later = await s.start(SIMPLE, queue="q", deadline=when)
        await asyncio.sleep(0.05)
        clock.advance(60)
        assert (await s.wait(soon.run_id, 10))["status"] == "timed_out"
        assert (await s.show(later.run_id))["status"] == "pending"
        clock.advance(30)
        with pytest.raises(RunFailed, match="deadline"):
            await later.result(10)


async def test_a_paused_queue_goes_on_when_it_is_let(path: Path) -> None:
    async with open_at(path, FakeClock()) as s:
        await s.pause_queue("default")
        handle = await s.start(SIMPLE, queue="default")
        await asyncio.sleep(0.05)
        assert (await s.queue("default"))["waiting"] == 1
        await s.resume_queue("default")
        assert (await handle.wait(10))["status"] == "completed"


async def test_two_engines_work_on_their_own_queues(path: Path, marks: Marks) -> None:
    other = Marks()
    queues = [Queue("a"), Queue("b")]
    async with (
        open_at(path, FakeClock(), functions=[marks.mark], queues=queues, works_on=["a"]) as one,
        open_at(path, FakeClock(), functions=[other.mark], works_on=["b"]),
    ):
        for queue in "abab":
            await one.start(MARK, {"n": queue + str(len(marks.begun))}, queue=queue)
        await until(lambda: len(marks.begun) == 2 and len(other.begun) == 2)
        assert {mark[0] for mark in marks.begun} == {"a"}
        assert {mark[0] for mark in other.begun} == {"b"}


async def test_a_guest_puts_and_waits_an_engine_does(path: Path) -> None:
    async with open_at(path, guest=True) as guest:
        handle = await guest.start(SIMPLE, queue="default")
        assert (await guest.show(handle.run_id))["status"] == "pending"
        async with open_at(path):
            assert await handle.result(10) == {"done": True}
            assert await (await guest.start(SIMPLE, queue="default")).result(10) == {"done": True}


async def test_queued_runs_survive_a_rebuild(path: Path) -> None:
    clock = FakeClock()
    async with open_at(path, clock) as s:
        runs = [await s.start(SIMPLE, {"n": n}, delay=60, unique=f"u{n}") for n in range(3)]
        held = await s.start(SIMPLE, queue="default", delay=60)
        await s.pause(held.run_id)
        before = await s.engine.store.queues.entries()
        assert (await s.doctor(rebuild=True))["ok"]
        assert await s.engine.store.queues.entries() == before
        clock.advance(60)
        for run in runs:
            assert (await run.wait(10))["status"] == "completed"
        assert (await s.show(held.run_id))["status"] == "paused"


@pytest.mark.parametrize(
    "options",
    [
        {"debounce": 5},
        {"debounce": 5, "unique": "u", "delay": 1},
        {"delay": -1},
        {"delay": float("nan")},
        {"delay": "soon"},
        {"deadline": 0},
        {"deadline": 5, "delay": 10},
        {"deadline": datetime(2030, 1, 1)},
        {"partition": ""},
        {"unique": "x" * 201},
    ],
)
async def test_options_that_make_no_sense_are_refused(path: Path, options: dict[str, Any]) -> None:
    async with open_at(path, FakeClock()) as s:
        with pytest.raises(InvalidInput):
            await s.start(SIMPLE, **options)
        assert (await s.list())["runs"] == []


async def test_an_unknown_queue_is_named_with_the_known_ones(path: Path) -> None:
    async with open_at(path, FakeClock(), queues=[Queue("mail")]) as s:
        with pytest.raises(NotFound, match=r"'post'; there are: default, mail"):
            await s.start(SIMPLE, queue="post")
        with pytest.raises(NotFound):
            await s.pause_queue("post")


@pytest.mark.parametrize(
    "queue",
    [
        Queue(""),
        Queue("a\n"),
        Queue("q", concurrency=0),
        Queue("q", rate=(0, 1.0)),
        Queue("q", rate=(1, 0.0)),
    ],
)
async def test_a_queue_with_impossible_limits_is_refused(path: Path, queue: Queue) -> None:
    async with open_at(path, FakeClock()) as s:
        with pytest.raises(InvalidInput):
            await s.put_queue(queue)
        assert [one["name"] for one in await s.queues()] == ["default"]


async def test_more_runs_than_the_engine_has_room_for(path: Path, marks: Marks) -> None:
    async with open_at(path, FakeClock(), functions=[marks.mark], max_concurrency=3) as s:
        for n in range(9):
            await s.start(MARK, {"n": n}, queue="default")
        while len(marks.begun) < 9 or marks.open:
            await until(lambda: marks.open)
            assert len(marks.open) <= 3
            marks.go(min(marks.open))
            await asyncio.sleep(0.01)
        assert marks.most == 3
