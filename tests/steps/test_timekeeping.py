"""An engine that is open on the file ends what programs of their own drive once its time is over, though nobody asks."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import apsw
import pytest

from stepwell import Stepwell
from stepwell.engine.timekeeper import Timekeeper
from stepwell.model.driven import DRIVEN
from stepwell.model.errors import StepwellError
from stepwell.model.records import Run
from stepwell.ports.driven import Ending
from stepwell.steps import ANY, AsyncStepStore
from stepwell.stores.migrations import migrations
from stepwell.testing.killing import kill_everywhere
from stepwell.testing.kit import Kit
from tests.engine.helpers import FakeClock, flow, open_at, until
from tests.steps.helpers import Bench, bench

pytestmark = pytest.mark.spec("Q6", "Q9")

ALERT = flow("do: [{note: {set: {heard: '${ .run.status }'}}}]", "alert")
HOOKED = """
document:
  dsl: '1.0.3'
  namespace: default
  name: hooked
  version: '1.0.0'
  metadata: {hooks: {timed_out: {workflow: test/alert:1.0.0}}}
timeout: {after: PT1M}
do:
  - a: {call: python, with: {function: a}}
"""


async def timed(b: Bench, seconds: float = 60) -> str:
    b.run = await b.store.start_run("timed", ANY, timeout=seconds)
    return b.run


async def status(stepwell: Stepwell, run_id: str) -> str:
    return str((await stepwell.engine.row(run_id)).status)


def engine_at(folder: Path, clock: FakeClock, **settings: Any) -> Any:
    return open_at(folder / "steps.db", clock, **settings)


class Watched:
    """The store's door to such runs, and how often it was used."""

    def __init__(self, inner: Any) -> None:
        self.inner, self.calls = inner, Counter[str]()

    def __getattr__(self, name: str) -> Any:
        self.calls[name] += 1
        return getattr(self.inner, name)


async def ended(stepwell: Stepwell, run_id: str, as_: str) -> None:
    assert (await stepwell.engine.wait(run_id)).status == as_


async def test_a_run_ends_at_its_time_and_not_before(tmp_path: Path) -> None:
    async with bench(tmp_path) as b, engine_at(tmp_path, b.clock) as engine:
        run = await timed(b)
        claim = await b.claim("a", lease=10)
        await until(lambda: b.clock.next_due() == b.clock.now() + 60_000_000)
        b.wait(59.999999)
        assert await status(engine, run) == "running"
        b.wait(0.000001)
        await ended(engine, run, "timed_out")
        assert (await b.events())[-2:] == ["step.cancelled", "run.timed_out"]
        with pytest.raises(StepwellError, match="cancelled"):
            await b.store.complete_step(claim, 1)


async def test_one_that_begins_later_and_ends_sooner_is_not_overlooked(tmp_path: Path) -> None:
    """Begun by another process, and by the engine's own; also after a retry, when its time counts anew."""
    async with bench(tmp_path) as b, engine_at(tmp_path, b.clock) as engine:
        long = await timed(b, 600)
        await until(lambda: b.clock.next_due() == b.clock.now() + 600_000_000)
        short = await timed(b, 60)
        here = await AsyncStepStore(engine).start_run("here", ANY, timeout=30)
        await until(lambda: b.clock.next_due() == b.clock.now() + 30_000_000)
        b.wait(30)
        await ended(engine, here, "timed_out")
        await until(lambda: b.clock.next_due() == b.clock.now() + 30_000_000)
        b.wait(30)
        await ended(engine, short, "timed_out")
        await b.store.retry_run(short)
        await until(lambda: b.clock.next_due() == b.clock.now() + 60_000_000)
        b.wait(60)
        await ended(engine, short, "timed_out")
        assert await status(engine, long) == "running"


async def test_a_cancelled_run_waits_for_each_claim_until_it_expires(tmp_path: Path) -> None:
    async with bench(tmp_path) as b, engine_at(tmp_path, b.clock) as engine:
        run = b.run
        await b.claim("a", lease=10)
        second = await b.claim("b", lease=20)
        await b.store.cancel_run(run)
        await until(lambda: b.clock.next_due() == b.clock.now() + 10_000_000)
        b.wait(10)
        await until(lambda: b.clock.next_due() == b.clock.now() + 10_000_000)
        assert await b.store.step_statuses(run) == {"a": "cancelled", "b": "running"}
        await b.store.heartbeat(second, 30)
        await until(lambda: b.clock.next_due() == b.clock.now() + 30_000_000)
        b.wait(30)
        await ended(engine, run, "cancelled")


async def test_a_claim_that_expired_is_left_to_whoever_takes_the_step_over(tmp_path: Path) -> None:
    """A late result still counts: throwing it away would mean to do the work again."""
    async with bench(tmp_path) as b, engine_at(tmp_path, b.clock):
        claim = await b.claim("a", lease=10)
        b.wait(100)
        assert (await b.store.complete_step(claim, 1)).recorded


@pytest.mark.spec("Q10", "Q19")
async def test_without_an_engine_it_is_said_what_is_missing(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        run, left, client = await timed(b), await b.store.start_run("left", ANY), b.store.client
        await b.store.begin_step(left, "a", lease=30)
        await b.store.cancel_run(left)
        b.wait(29)
        assert (await client.explain(run))["reason"] == "waiting_for_runner"
        assert (await client.explain(left))["reason"] == "cancelling"
        b.wait(31)
        for each, words in (
            (run, "Its time is over: it is timed_out"),
            (left, "a claim that it waits for has expired"),
        ):
            told = await client.explain(each)
            assert (told["reason"], told["next_actions"][0]["command"]) == ("out_of_time", "stepwell serve")
            assert words in told["summary"]
        (finding,) = [each for each in (await client.status())["findings"] if each["code"] == "out_of_time"]
        assert (finding["count"], finding["message"]) == (
            2,
            "2 open runs are out of time, and nobody ends them",
        )
        async with engine_at(tmp_path, b.clock) as engine:
            await ended(engine, run, "timed_out")
            await ended(engine, left, "cancelled")
            assert not [each for each in (await client.status())["findings"] if each["code"] == "out_of_time"]


@pytest.mark.parametrize("settings", [{"guest": True}, {"recover": False}], ids=str)
async def test_who_takes_up_no_other_runs_ends_none(tmp_path: Path, settings: dict[str, Any]) -> None:
    async with bench(tmp_path) as b:
        run = await timed(b)
        async with engine_at(tmp_path, b.clock, **settings) as engine:
            b.wait(61)
            await engine.engine.store.flush()
            assert await status(engine, run) == "running"
        async with engine_at(tmp_path, b.clock) as engine:
            await ended(engine, run, "timed_out")


async def test_of_two_engines_one_ends_it(tmp_path: Path) -> None:
    async with bench(tmp_path) as b, engine_at(tmp_path, b.clock) as one, engine_at(tmp_path, b.clock) as two:
        runs = [await timed(b) for _ in range(20)]
        b.wait(60)
        for run in runs:
            await ended(one, run, "timed_out")
            await ended(two, run, "timed_out")
            events = [event["type"] async for event in two.history(run)]
            assert events.count("run.timed_out") == 1


async def test_what_is_to_follow_is_started(tmp_path: Path) -> None:
    async with bench(tmp_path) as b, engine_at(tmp_path, b.clock) as engine:
        await engine.add_definition(ALERT)
        await b.store.start_run(HOOKED)
        await until(lambda: b.clock.next_due() is not None)
        b.wait(60)

        async def alerts() -> list[Any]:
            return list((await engine.list(name="alert"))["runs"])

        found: list[Any] = []
        while not found:
            found = await alerts()
        assert (await engine.result(found[0]["run_id"])) == {"heard": "timed_out"}


async def test_one_that_cannot_be_read_stops_no_other_and_is_left_for_a_while(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = FakeClock()
    async with open_at(tmp_path / "steps.db", clock, guest=True) as guest:
        store = AsyncStepStore(guest)
        bad, good = [await store.start_run("timed", ANY, timeout=60) for _ in range(2)]
    db = apsw.Connection(str(tmp_path / "steps.db"))
    db.execute("UPDATE journal SET hash = x'00' WHERE run_id = ?", (bad,))
    db.close()
    async with engine_at(tmp_path, clock) as engine:
        watched = engine.engine.store.driven = Watched(engine.engine.store.driven)
        clock.advance(60)
        await ended(engine, good, "timed_out")
        await until(lambda: clock.next_due() == clock.now() + 60_000_000)
        assert watched.calls["out_of_time"] <= 3, "it is not asked for again and again"
        clock.advance(60)
        await until(lambda: clock.next_due() == clock.now() + 60_000_000)
        assert sum("cannot be ended" in text for text in caplog.messages) == 2


async def test_where_there_is_nothing_to_end_nothing_is_asked(tmp_path: Path) -> None:
    clock = FakeClock()
    async with engine_at(tmp_path, clock) as engine:
        watched = engine.engine.store.driven = Watched(engine.engine.store.driven)
        await AsyncStepStore(engine).start_run("untimed", ANY)
        for _ in range(1_000):
            clock.advance(10)
            await until(lambda: True)
        assert sum(watched.calls.values()) <= 2


def from_before(db: apsw.Connection) -> None:
    """Take the step of the schema again."""
    for statement in (
        "DROP INDEX runs_by_end",
        "ALTER TABLE runs DROP COLUMN ends_at",
        next(step.script for step in migrations("sqlite") if step.name == "ends"),
    ):
        db.execute(statement)


async def test_a_file_from_before_knows_when_its_runs_end(tmp_path: Path) -> None:
    """The step of the schema makes of the journal what the engine would have written."""
    clock = FakeClock()
    async with open_at(tmp_path / "steps.db", clock, guest=True) as guest:
        store = AsyncStepStore(guest)
        timed, again, stopped, untimed, over = [
            await store.start_run(name, ANY, timeout=60 if name != "untimed" else None)
            for name in ("timed", "again", "stopped", "untimed", "over")
        ]
        await store.pause_run(timed)
        await store.complete_run(over)
        await store.fail_run(again, "no")
        clock.advance(5)
        await store.retry_run(again)
        await store.begin_step(stopped, "a", lease=10)
        await store.cancel_run(stopped)
    db = apsw.Connection(str(tmp_path / "steps.db"))
    ends = dict(db.execute("SELECT id, ends_at FROM runs").fetchall())
    begun = clock.now() - 5_000_000
    assert ends == {
        timed: begun + 60_000_000, again: begun + 65_000_000, stopped: begun + 15_000_000, untimed: None, over: None,
    }  # fmt: skip
    from_before(db)
    db.close()
    async with open_at(tmp_path / "steps.db", clock, guest=True) as guest:
        assert (await guest.doctor())["findings"] == []
    db = apsw.Connection(str(tmp_path / "steps.db"))
    assert dict(db.execute("SELECT id, ends_at FROM runs").fetchall()) == ends
    db.close()


async def test_a_file_from_before_with_numbers_that_are_none(tmp_path: Path) -> None:
    """`NaN` is no JSON to those who are strict: a run that was given it has an end like any other."""
    clock = FakeClock()
    async with open_at(tmp_path / "steps.db", clock, guest=True) as guest:
        given = {"nan": math.nan, "least": -math.inf, "big": 2**70}
        run = await AsyncStepStore(guest).start_run("timed", ANY, given, timeout=60)
    db = apsw.Connection(str(tmp_path / "steps.db"))
    assert "NaN" in str(db.execute("SELECT CAST(events AS TEXT) FROM journal").fetchall())
    from_before(db)
    assert db.execute("SELECT id, ends_at FROM runs").fetchall() == [(run, clock.now() + 60_000_000)]
    db.close()


class Moving:
    """The store's door to such runs, and who ends them. In the middle of looking for the next end, another run is
    moved."""

    def __init__(self) -> None:
        self.ends = {"first": 100}
        self.ended: list[str] = []
        self.meanwhile: Callable[[], None] | None = None

    async def out_of_time(self, now: int, limit: int, after: Ending | None = None) -> list[Ending]:
        found = sorted(Ending(at, run) for run, at in self.ends.items() if at <= now)
        return [one for one in found if after is None or one > after][:limit]

    async def next_end(self, after: int) -> int | None:
        found = min((at for at in self.ends.values() if at > after), default=None)
        if self.meanwhile is not None:
            self.meanwhile, meanwhile = None, self.meanwhile
            meanwhile()
        return found

    async def lapse(self, run_id: str) -> bool:
        del self.ends[run_id]
        self.ended.append(run_id)
        return True


async def test_a_run_that_is_moved_while_it_looks_is_not_overlooked() -> None:
    """Neither before it knows what it waits for, nor while what it waited for is past."""
    clock, moving = FakeClock(), Moving()
    start = clock.now()
    moving.ends["first"] = start + 100
    post: Any = SimpleNamespace(
        store=SimpleNamespace(driven=moving),
        clock=clock,
        driven=moving,
        follow_ups=SimpleNamespace(look=lambda: None),
    )
    keeper = Timekeeper(post)

    def begin() -> None:
        """Committed too late for what is being read."""
        moving.ends["second"] = start + 150
        keeper.about(Run("second", "default", "timed", "1.0.0", "", start, code=DRIVEN, deadline=start + 150))

    keeper.open()
    await until(lambda: clock.next_due() == start + 100)
    moving.meanwhile = begin
    clock.advance(100e-6)
    await until(lambda: moving.ended == ["first"] and moving.meanwhile is None)
    await until(lambda: clock.next_due() == start + 150)
    clock.advance(50e-6)
    await until(lambda: moving.ended == ["first", "second"])
    await keeper.close()


async def scenario(kit: Kit) -> Any:
    """One run is out of time, one was cancelled while its step was performed; nobody asks for either any more."""
    store = AsyncStepStore(kit.engine)
    await kit.engine.add_definition(ALERT)
    late = await store.start_run(HOOKED, key="late")
    left = await store.start_run("left", ANY, key="left")
    await store.begin_step(late, "a", lease=300)
    await store.begin_step(left, "b", lease=20)
    if await store.run_state(left) == "running":
        await store.cancel_run(left)
    await kit.advance(100)
    await kit.drain(advance=True)
    alerts = (await kit.engine.list(name="alert"))["runs"]
    return [await store.run_state(late), await store.run_state(left), [run["status"] for run in alerts]]


@pytest.mark.parametrize("again", [None, 2])
async def test_killed_at_every_commit_they_end_all_the_same(again: int | None) -> None:
    seen: Counter[str] = Counter()

    async def watched(kit: Kit) -> Any:
        found = await scenario(kit)
        seen[str(found)] += 1

    survey = await kill_everywhere(watched, again=again, same=False)
    assert survey.crashes >= 2 * survey.commits - 2
    assert list(seen) == [str(["timed_out", "cancelled", ["completed"]])]
