"""Queues worked on by several processes: every run once, no limit ever passed (measured by the steps' own marks), and
a killed worker's runs go on (SPEC U3, U12, Q6)."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from stepwell import Queue, Stepwell, connect
from stepwell.engine import engine
from tests.crash.queue_child import NEVER
from tests.engine.helpers import flow, until
from tests.support import processes

CHECKOUT = Path(__file__).parents[2]
WORK = flow("do: [a: {call: python, with: {function: work, arguments: {n: '${ .n }', seconds: '${ .s }'}}}]")


class Mark(NamedTuple):
    word: str
    n: int
    at: float


class Place:
    """A database, a file of marks, and the workers on them."""

    def __init__(self, folder: Path) -> None:
        self.path, self.marks_at = folder / "q.db", folder / "marks"
        self.workers: list[subprocess.Popen[str]] = []

    def worker(self, *words: str) -> subprocess.Popen[str]:
        child = processes.python(
            "-m",
            "tests.crash.queue_child",
            self.path,
            self.marks_at,
            *words,
            cwd=CHECKOUT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        self.workers.append(child)
        return child

    def marks(self) -> list[Mark]:
        lines = self.marks_at.read_text().splitlines() if self.marks_at.exists() else []
        return [Mark(word, int(n), float(at)) for word, n, at in map(str.split, lines)]

    def stop(self) -> list[str]:
        """End the workers; returns what they complained of."""
        said = []
        for child in self.workers:
            with contextlib.suppress(BrokenPipeError):
                said.append(child.communicate("", timeout=60)[1])
        return said


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    for child in place.workers:
        if child.poll() is None:
            child.kill()
            child.communicate()


def most_at_once(marks: list[Mark]) -> int:
    """An end counts from its mark, which comes a moment before the slot is free."""
    now = most = 0
    for mark in marks:  # in the order in which they were appended
        now += 1 if mark.word == "begin" else -1
        most = max(most, now)
    return most


def most_within(marks: list[Mark], seconds: float) -> int:
    begun = sorted(mark.at for mark in marks if mark.word == "begin")
    return max(sum(1 for at in begun[first:] if at < begun[first] + seconds) for first in range(len(begun)))


async def through(guest: Stepwell) -> None:
    """Return when nothing waits and nothing runs any more."""
    for _ in range(3_000):
        if not [one for one in await guest.queues() if one["waiting"] + one["running"]]:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(await guest.queues())


@pytest.mark.spec("U3", "Q6")
@pytest.mark.timeout(300)
async def test_two_processes_do_two_thousand_runs_once_within_the_limit(place: Place) -> None:
    """Eight threads start 2,000 runs while two processes work; nobody hears of a lock."""
    count, threads, limit = 2_000, 8, 12
    with connect(place.path, guest=True) as owner:
        owner._do(owner.client.put_queue(Queue("q", concurrency=limit, worker_concurrency=8)))
        place.worker()
        place.worker()
        failures: list[BaseException] = []

        def start(first: int) -> None:
            try:
                with connect(place.path, guest=True) as door:
                    definition = door._do(door.client.definition(WORK))
                    for n in range(first, count, threads):
                        door.start(definition, {"n": n, "s": 0}, queue="q")
            except BaseException as error:
                failures.append(error)

        crowd = [threading.Thread(target=start, args=(first,)) for first in range(threads)]
        for thread in crowd:
            thread.start()
        for thread in crowd:
            await asyncio.to_thread(thread.join)
        assert failures == []
    async with Stepwell.open(place.path, guest=True) as guest:
        await through(guest)
        assert (await guest.list(status=["failed", "running", "pending"], limit=1))["runs"] == []
    complaints = place.stop()
    assert not [said for said in complaints if "lock" in said or "Traceback" in said], complaints
    marks = place.marks()
    assert Counter(mark.n for mark in marks if mark.word == "begin") == Counter(range(count))
    assert 2 <= most_at_once(marks) <= limit


@pytest.mark.spec("U12")
@pytest.mark.timeout(120)
async def test_a_rate_holds_over_processes(place: Place) -> None:
    window, limit, slack = 1.0, 20, 0.25
    async with Stepwell.open(place.path, guest=True) as guest:
        await guest.put_queue(Queue("q", rate=(limit, window)))
        place.worker()
        place.worker()
        definition = await guest.definition(WORK)
        await asyncio.gather(*(guest.start(definition, {"n": n, "s": 0}, queue="q") for n in range(70)))
        await through(guest)
    place.stop()
    marks = place.marks()
    assert len([mark for mark in marks if mark.word == "begin"]) == 70
    assert most_within(marks, window - slack) <= limit  # from claim to mark some time may pass
    begun = [mark.at for mark in marks if mark.word == "begin"]
    assert max(begun) - min(begun) >= 3 * window - slack


@pytest.mark.spec("Q6", "S5")
@pytest.mark.timeout(120)
async def test_the_runs_of_a_killed_worker_go_on_and_hold_their_slots(place: Place) -> None:
    count, limit = 60, 10
    async with Stepwell.open(place.path, guest=True) as guest:
        await guest.put_queue(Queue("q", concurrency=limit, worker_concurrency=8))
        definition = await guest.definition(WORK)
        victim = place.worker()
        await asyncio.gather(*(guest.start(definition, {"n": n, "s": 0.05}, queue="q") for n in range(count)))
        await until(lambda: sum(mark.word == "end" for mark in place.marks()) >= 10)
        victim.send_signal(signal.SIGKILL)
        victim.wait()
        place.worker()
        place.worker()
        await through(guest)
        assert (await guest.list(status=["completed"], limit=200))["next"] is None
        assert len((await guest.list(status=["completed"], limit=200))["runs"]) == count
        assert (await guest.doctor())["ok"]
    counted = Counter(mark.n for mark in place.marks() if mark.word == "begin")
    assert set(counted) == set(range(count))
    assert sum(counted.values()) <= count + 8, "only what the killed one was at is done again"


async def test_what_is_put_into_a_queue_begins_elsewhere_without_anybody_looking(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Processes call each other: the one that begins the runs never looks for them, nor this one whether they ended."""
    monkeypatch.setattr(engine, "WATCH_EVERY", NEVER)
    place.worker("never-looks")
    async with Stepwell.open(place.path, guest=True) as guest:
        definition = await guest.definition(WORK)
        for n in range(20):
            handle = await guest.start(definition, {"n": n, "s": 0}, queue="default")
            assert await handle.result(20) == n, "nobody was called"
    assert Counter(mark.n for mark in place.marks() if mark.word == "begin") == Counter(range(20))
