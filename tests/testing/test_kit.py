"""The kit by itself: time, rest, conflicts, refusals, crashes, and a check that finds what is wrong."""

from __future__ import annotations

import asyncio
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from stepwell import InvalidDefinition, RunFailed, Stepwell, StoreUnavailable
from stepwell.engine.actor import Actor
from stepwell.engine.mail import Mail
from stepwell.engine.recovery import Recovery
from stepwell.kernel.ruling import Decision
from stepwell.testing import CountingIds, Crashed, FrozenClock, Kit, Survey, kill_everywhere
from tests.testing.helpers import CHILD, FLOWS, FUNCTIONS, double, flow

pytestmark = pytest.mark.spec("Q20")

TWO_WAITS = flow("do:\n  - a: {wait: {days: 1}}\n  - b: {wait: {hours: 1}}\n  - c: {set: {at: '${ now }'}}")


async def names(kit: Kit, run_id: str, kind: str) -> list[str]:
    return [event["step"] async for event in kit.engine.history(run_id) if event["type"] == kind]


# --- time -----------------------------------------------------------------------------------------


async def test_time_stands_still_until_it_is_moved() -> None:
    async with Kit() as kit:
        started = kit.clock.time
        handle = await kit.start(TWO_WAITS)
        await kit.drain()
        assert (await kit.engine.show(handle.run_id))["status"] == "running"
        await kit.advance(timedelta(hours=23, minutes=59))
        assert await names(kit, handle.run_id, "step.completed") == []
        await kit.advance(60)
        assert await names(kit, handle.run_id, "step.completed") == ["/do/0/a"]
        assert await kit.skip_to_next_timer()
        assert kit.clock.time == started + timedelta(hours=25)
        assert (await kit.engine.show(handle.run_id))["status"] == "completed"
        assert not await kit.skip_to_next_timer()


async def test_what_is_due_on_the_way_happens_at_its_time() -> None:
    async with Kit(clock=FrozenClock(datetime(2026, 1, 1, tzinfo=UTC))) as kit:
        handle = await kit.start(TWO_WAITS)
        await kit.advance_to(datetime(2026, 3, 1, tzinfo=UTC))
        view = await kit.engine.show(handle.run_id)
        assert view["ended_at"] == "2026-01-02T01:00:00.000000Z"
        assert kit.clock.time == datetime(2026, 3, 1, tzinfo=UTC)


async def test_a_run_takes_the_time_it_needs_and_no_more() -> None:
    async with Kit() as kit:
        started = kit.clock.time
        assert await kit.run(FLOWS["wait"]) == {"done": True}
        assert kit.clock.time == started + timedelta(days=30)
        with pytest.raises(RunFailed):
            await kit.run(FLOWS["timeout"])
        assert kit.clock.time == started + timedelta(days=30, hours=1)


def test_a_clock_does_not_go_back() -> None:
    clock = FrozenClock()
    with pytest.raises(ValueError, match="cannot go back"):
        clock.set(clock.now() - 1)
    with pytest.raises(ValueError, match="time zone"):
        clock.set(datetime(2030, 1, 1))


# --- rest -----------------------------------------------------------------------------------------


async def test_drain_waits_for_threads_and_for_expressions_in_child_processes() -> None:
    called: list[str] = []

    def on_a_thread() -> str:
        called.append(threading.current_thread().name)
        return "done"

    source = flow("""
        do:
          - a: {call: python, with: {function: on_a_thread}}
          - b: {set: {n: '${ [range(3)] | map(. * 2) | add }', deep: '${ [limit(3; repeat(1))] | length }'}}
        """)
    async with Kit(functions=[on_a_thread]) as kit:
        handle = await kit.start(source)
        await kit.drain()
        assert (await kit.engine.show(handle.run_id))["output"] == {"n": 6, "deep": 3}
        assert called and called[0] != threading.main_thread().name


async def test_a_step_that_does_not_end_is_named() -> None:
    begun = asyncio.Event()

    async def endless() -> None:
        begun.set()
        await asyncio.Event().wait()

    async with Kit(functions=[endless]) as kit:
        await kit.start(flow("do:\n  - a: {call: python, with: {function: endless}}"))
        with pytest.raises(AssertionError, match="/do/0/a"):
            await kit.drain(timeout=0.05)
        assert begun.is_set()


async def test_a_run_that_waits_for_people_is_no_result() -> None:
    async with Kit() as kit:
        handle = await kit.start(flow("do:\n  - a: {set: {n: 1}, metadata: {debug: {pause: true}}}"))
        with pytest.raises(AssertionError, match=handle.run_id):
            await kit.result(handle)
        await kit.engine.resume(handle.run_id)
        assert await kit.result(handle) == {"n": 1}


# --- trouble --------------------------------------------------------------------------------------


@pytest.mark.spec("S5", "B4")
@pytest.mark.parametrize("kind", ["calls", "fork", "concurrent for", "retry", "child", "switch"])
async def test_whoever_loses_a_turn_decides_again(kind: str) -> None:
    async with Kit(functions=FUNCTIONS) as calm:
        await calm.engine.add_definition(CHILD)
        expected = await calm.run(FLOWS[kind])
    async with Kit(functions=FUNCTIONS) as kit:
        await kit.engine.add_definition(CHILD)
        kit.inject_conflict(times=2)
        assert await kit.run(FLOWS[kind]) == expected
        assert kit.conflicts_left == 0
        await kit.check()


async def test_a_conflict_for_one_run_leaves_others_alone() -> None:
    async with Kit(functions=[double]) as kit:
        first = await kit.start(FLOWS["wait"])
        kit.inject_conflict(first.run_id)
        await kit.run(FLOWS["calls"])
        assert kit.conflicts_left == 0  # the time of the first run has passed too
        kit.inject_conflict("of nobody")
        await kit.run(FLOWS["calls"])
        assert kit.conflicts_left == 1


@pytest.mark.spec("B5")
async def test_refused_commits_are_told_and_nothing_is_lost() -> None:
    async with Kit(functions=FUNCTIONS) as kit:
        kit.fail_commits()
        with pytest.raises(StoreUnavailable):
            await kit.start(FLOWS["calls"])
        assert (await kit.engine.list())["runs"] == []
        handle = await kit.start(FLOWS["calls"])
        kit.fail_commits(2)
        assert await kit.result(handle) == {"b": 4, "c": 4}
        await kit.check()


@pytest.mark.spec("B5")
@pytest.mark.parametrize("before", [True, False])
async def test_a_start_that_dies_is_there_only_if_its_commit_was_durable(before: bool) -> None:
    async with Kit(functions=FUNCTIONS) as kit:
        kit.crash_at(1, before=before)
        with pytest.raises(Crashed):
            await kit.start(FLOWS["calls"])
        assert kit.crashed
        with pytest.raises(Crashed):
            await kit.drain()
        await kit.reopen()
        await kit.drain()
        listed = (await kit.engine.list())["runs"]
        assert [run["status"] for run in listed] == ([] if before else ["completed"])
        await kit.check()


@pytest.mark.spec("B5", "S5")
async def test_a_step_whose_result_was_not_durable_is_performed_again_and_recorded_once() -> None:
    called: list[int] = []

    async def count() -> int:
        called.append(1)
        return 7

    source = flow("do:\n  - a: {call: python, with: {function: count}}\n  - b: {wait: {days: 1}}")
    for before, times in ((True, 2), (False, 1)):
        called.clear()
        async with Kit(functions=[count]) as kit:
            kit.crash_at(2, before=before)
            with pytest.raises(Crashed):
                await kit.run(source)
            await kit.reopen()
            (run,) = (await kit.engine.list())["runs"]
            assert await kit.result(run["run_id"]) == 7
            assert len(called) == times
            assert (await names(kit, run["run_id"], "step.completed")).count("/do/0/a") == 1
            await kit.check()


async def test_a_crash_ends_what_is_performed_and_another_engine_takes_over(tmp_path: Path) -> None:
    begun, ended = asyncio.Event(), asyncio.Event()

    async def long() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    async def short() -> str:
        return "taken over"

    source = flow("do:\n  - a: {call: python, with: {function: step}}")
    async with Kit(tmp_path / "a.db", functions={"step": long}) as kit:
        handle = await kit.start(source)
        await begun.wait()
        kit.crash()
        async with Stepwell.open(tmp_path / "a.db", functions={"step": short}) as other:
            assert handle.run_id not in other.engine.actors, "the dead were declared dead too early"
        await kit.reopen(functions={"step": short})
        assert ended.is_set()
        assert await kit.result(handle.run_id) == "taken over"


# --- proof ----------------------------------------------------------------------------------------


async def test_the_check_finds_a_state_that_is_not_the_journals() -> None:
    async with Kit() as kit:
        handle = await kit.start(FLOWS["wait"])
        await kit.check()
        kit.engine.engine.actors[handle.run_id].state.run.context = {"wrong": True}
        with pytest.raises(AssertionError, match=r"run in memory differ|context"):
            await kit.check()


async def test_the_check_finds_an_index_that_is_not_the_journals() -> None:
    async with Kit() as kit:
        await kit.run(FLOWS["set"])
        store = kit.engine.engine.store
        rows = (await store.list_runs(_everything(), 10)).rows
        await store.rebuild([rows[0]._replace(status="failed")], {})
        with pytest.raises(AssertionError, match="status"):
            await kit.check()


def _everything() -> Any:
    from stepwell.model.journal import RunFilter

    return RunFilter()


async def test_what_does_not_survive_a_crash_is_found() -> None:
    """A function whose result depends on how often it was called is not safe to repeat."""
    calls: list[int] = []

    async def unsafe() -> bool:
        calls.append(1)
        return len(calls) > 1

    async def scenario(kit: Kit) -> Any:
        if not (await kit.engine.list())["runs"]:
            calls.clear()
        return await kit.run(flow("do:\n  - a: {call: python, with: {function: unsafe}}"))

    with pytest.raises(AssertionError, match="killed before commit 2: the scenario gave True, not False"):
        await kill_everywhere(scenario, functions=[unsafe])


async def test_a_scenario_that_starts_twice_is_found() -> None:
    async def scenario(kit: Kit) -> Any:
        handle = await kit.engine.start(FLOWS["set"])  # around the kit: without a key
        return await kit.result(handle.run_id)

    with pytest.raises(AssertionError, match="there are 2 runs, not 1"):
        await kill_everywhere(scenario)


async def test_how_a_run_failed_must_be_the_same_too() -> None:
    survey = await kill_everywhere(lambda kit: kit.run(FLOWS["failed"]), functions=FUNCTIONS)
    assert survey == Survey(2, 4)


async def test_a_definition_that_is_wrong_is_no_outcome() -> None:
    with pytest.raises(InvalidDefinition):
        await kill_everywhere(lambda kit: kit.run("do: []"))


async def test_what_is_performed_before_it_is_on_record_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine, broken on purpose: it carries effects out before they are durable."""
    commit = Actor._commit

    def hasty(self: Actor, mail: Mail, decision: Decision, now: int) -> None:
        commit(self, mail, decision, now)
        self.host.carry_out(self, decision.effects)

    monkeypatch.setattr(Actor, "_commit", hasty)
    with pytest.raises(AssertionError, match="was begun and is not on record"):
        await kill_everywhere(lambda kit: kit.run(FLOWS["calls"]), functions=FUNCTIONS)


async def test_what_is_told_before_it_is_durable_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    commit = Actor._commit

    def hasty(self: Actor, mail: Mail, decision: Decision, now: int) -> None:
        commit(self, mail, decision, now)
        if mail.reply is not None:
            asyncio.get_running_loop().call_soon(mail.reply, None)

    monkeypatch.setattr(Actor, "_commit", hasty)
    with pytest.raises(AssertionError, match="is not on record|there is no run"):
        await kill_everywhere(lambda kit: kit.run(FLOWS["calls"]), functions=FUNCTIONS)


async def test_what_is_not_taken_up_again_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Recovery, "carry_on", lambda self, actor, *, orphaned=False: None)
    with pytest.raises(AssertionError, match="killed before commit"):
        await kill_everywhere(lambda kit: kit.run(FLOWS["calls"]), functions=FUNCTIONS)


@pytest.mark.spec("B5", "S5")
@pytest.mark.parametrize("before", [True, False])
async def test_another_engine_takes_over_by_itself(tmp_path: Path, before: bool) -> None:
    clock, ids, path = FrozenClock(), CountingIds(), tmp_path / "shared.db"
    async with Kit(path, clock=clock, ids=ids, functions=FUNCTIONS) as survivor:
        async with Kit(path, clock=clock, ids=ids, functions=FUNCTIONS) as victim:
            handle = await victim.start(FLOWS["retry"])
            victim.crash_at(2, before=before)
            with pytest.raises(Crashed):
                await victim.drain(advance=True)
        await survivor.look()
        assert await survivor.result(handle.run_id) == "try 2"
        await survivor.check()


# --- histories ------------------------------------------------------------------------------------


async def test_a_history_is_the_same_whenever_and_after_whatever_it_happened(tmp_path: Path) -> None:
    histories = []
    for year, others in ((2026, 0), (2031, 3)):
        async with Kit(functions=FUNCTIONS, clock=FrozenClock(datetime(year, 6, 1, tzinfo=UTC))) as kit:
            await kit.engine.add_definition(CHILD)
            for _ in range(others):
                await kit.run(FLOWS["calls"])
            parent = await kit.start(FLOWS["child"], tags={"a": "b"})
            await kit.result(parent)
            (child,) = (await kit.engine.list(parent_id=parent.run_id))["runs"]
            histories.append([await kit.history(run) for run in (parent, child["run_id"])])
    assert histories[0] == histories[1]
    begun = histories[0][1][0]
    assert begun["run_id"] == "<run 1>" and begun["parent_id"] == "<run 2>"
    assert "definition_hash" not in begun and "mode" not in begun


async def test_a_history_does_not_say_in_which_line_a_function_failed() -> None:
    async with Kit(functions=FUNCTIONS) as kit:
        handle = await kit.start(FLOWS["failed"])
        await kit.drain()
        (failed,) = [event for event in await kit.history(handle) if event["type"] == "step.failed"]
        assert failed["error"]["detail"] == "ValueError: broken for good (helpers.py, in broken)"
