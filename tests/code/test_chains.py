"""Runs that go on as other runs, or once more: what goes along, and whose id a child has."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest

from stepwell import InvalidInput, NotFound, RunFailed, Stepwell, WaitTimeout, flow, step, workflow
from stepwell.model.queues import Queue
from stepwell.testing import Kit, kill_everywhere

pytestmark = pytest.mark.spec("B3", "Q6")

NARROW = [Queue("narrow", partition_concurrency=1)]


@workflow(name="chains-on", timeout=100)
async def chained(n: int) -> int:
    await flow.sleep(10)
    if n > 0:
        flow.continue_as_new(n - 1)
    return n


async def chain(kit: Kit, run_id: str | None) -> list[Any]:
    runs: list[Any] = []
    while run_id is not None:
        runs.append((await kit.engine.state(run_id)).run)
        run_id = runs[-1].continued_to
    return runs


async def test_what_a_start_was_told_holds_for_the_whole_chain() -> None:
    async with Kit(queues=NARROW) as kit:
        handle = await kit.start(
            chained, 2, key="k", queue="narrow", partition="p", priority=3, tags={"a": "b"}, deadline=35
        )
        assert await kit.result(handle) == 0
        runs = await chain(kit, handle.run_id)
        assert len(runs) == 3
        for run in runs:
            assert (run.queue, run.partition, run.priority, run.tags, run.key) == (
                "narrow",
                "p",
                3,
                {"a": "b"},
                "k",
            )
            assert run.deadline == runs[0].created_at + 35_000_000
        again = await kit.engine.start(chained, 2, key="k", queue="narrow")
        assert (again.run_id, again.created) == (handle.run_id, False)
        await kit.check()
        assert (await kit.engine.doctor(rebuild=True))["ok"]
        await kit.check()


async def test_the_deadline_of_a_start_ends_the_chain_and_a_timeout_only_one_run_of_it() -> None:
    async with Kit() as kit:
        late = await kit.start(chained, 5, deadline=35)
        long = await kit.start(chained, 12)
        await kit.advance(timedelta(seconds=200))
        assert [run.status.value for run in await chain(kit, late.run_id)] == ["continued"] * 3 + [
            "timed_out"
        ]
        assert await kit.result(long) == 0
        await kit.check()


async def test_two_chains_in_a_narrow_queue_take_turns() -> None:
    async with Kit(queues=NARROW) as kit:
        for _ in range(2):
            await kit.start(chained, 2, queue="narrow", partition="p")
        for _ in range(6):
            counted = [run["status"] for run in (await kit.engine.list(limit=100))["runs"]]
            assert counted.count("running") == 1
            await kit.advance(timedelta(seconds=10))
        await kit.check()


@pytest.mark.spec("Q20", "B5")
async def test_a_queued_chain_killed_at_every_commit() -> None:
    async def scenario(kit: Kit) -> Any:
        return await kit.result(await kit.start(chained, 1, key="k", queue="narrow", partition="p"))

    survey = await kill_everywhere(scenario, queues=NARROW)
    assert survey.crashes >= survey.commits


# --- a unique key ---------------------------------------------------------------------------------------------------


async def test_a_unique_key_is_the_whole_chain_s() -> None:
    async with Kit(queues=NARROW) as kit:
        first = await kit.start(chained, 2, queue="narrow", unique="u")
        met = []
        for _ in range(3):
            again = await kit.engine.start(chained, 9, queue="narrow", unique="u")
            met.append((again.run_id, again.created))
            await kit.advance(10)
        assert met == [(run.id, False) for run in await chain(kit, first.run_id)]
        other = await kit.engine.start(chained, 0, queue="narrow", unique="u")
        assert other.created
        await kit.check()


async def test_a_key_that_was_let_go_is_not_taken_over() -> None:
    """Of a run that was debounced, and of one that a person went on with."""
    async with Kit(queues=[Queue("wide")]) as kit:
        await kit.start(chained, 1, queue="wide", unique="u", debounce=1)
        await kit.advance(5)
        assert (await kit.engine.start(chained, 1, queue="wide", unique="u")).created
        cancelled = await kit.start(chained, 1, queue="wide", unique="v")
        await kit.drain()
        await kit.engine.cancel(cancelled.run_id)
        await kit.engine.retry(cancelled.run_id)
        assert (await kit.engine.start(chained, 1, queue="wide", unique="v")).created
        await kit.drain(advance=True)
        found = (await kit.engine.list(limit=100))["runs"]
        assert sorted(run["status"] for run in found) == ["completed"] * 4 + ["continued"] * 4
        await kit.check()


async def test_between_the_two_commits_the_key_is_the_successor_s() -> None:
    """It is there, and its predecessor has not ended: both are open, and one of them has the key."""
    async with Kit(queues=NARROW) as kit:
        first = await kit.start(chained, 1, queue="narrow", unique="u")
        kit.engine.on_event(  # a look into the queue, and the end of the first run
            lambda run_id, seq, at, event: (
                kit.fail_commits(2) if getattr(event, "continued_from", None) else None
            )
        )
        await kit.advance(10)
        assert (await kit.engine.show(first.run_id))["status"] == "running"
        again = await kit.engine.start(chained, 9, queue="narrow", unique="u")
        assert (again.created, again.run_id != first.run_id) == (False, True)
        entries = {entry.run_id: entry.unique for entry in await kit.engine.engine.store.queues.entries()}
        assert entries == {first.run_id: None, again.run_id: "u"}
        assert (await kit.engine.doctor(rebuild=True))["ok"]
        rebuilt = {entry.run_id: entry.unique for entry in await kit.engine.engine.store.queues.entries()}
        assert rebuilt == entries
        await kit.advance(5)
        assert [run.id for run in await chain(kit, first.run_id)] == [first.run_id, again.run_id]
        assert not (await kit.engine.start(chained, 9, queue="narrow", unique="u")).created
        await kit.check()


@pytest.mark.parametrize("begun", [False, True])
async def test_a_debounced_start_leaves_a_run_alone_that_is_not_debounced(*, begun: bool) -> None:
    """Neither a chain's next run, which waits with what the one before gave it, nor one that was started just so; begun
    or not."""
    async with Kit(queues=NARROW) as kit:
        first = await kit.start(chained, 2, queue="narrow", unique="u")
        if not begun:
            await kit.drain()
            await kit.engine.pause_queue("narrow")
            await kit.advance(10)
        open_one = (await chain(kit, first.run_id))[-1]
        assert open_one.waits is not begun
        again = await asyncio.wait_for(
            kit.engine.start(chained, 9, queue="narrow", unique="u", debounce=5), 10
        )
        assert (again.run_id, again.created) == (open_one.id, False)
        assert (await kit.engine.show(open_one.id))["input"] == open_one.input
        await kit.engine.resume_queue("narrow")
        assert await kit.result(first) == 0
        await kit.check()


async def test_another_process_is_given_the_run_that_the_chain_is_now() -> None:
    async with Kit(queues=NARROW) as kit:
        first = await kit.start(chained, 2, queue="narrow", unique="u")
        async with Kit(kit.path, clock=kit.clock, ids=kit.ids, guest=True) as guest:
            met = set()
            for _ in range(3):
                again = await guest.engine.start(chained, 9, queue="narrow", unique="u")
                assert not again.created
                met.add(again.run_id)
                await kit.advance(10)
        assert met == {run.id for run in await chain(kit, first.run_id)}


@pytest.mark.spec("Q20", "B5")
async def test_chains_of_one_key_killed_at_every_commit_never_overlap() -> None:
    async def scenario(kit: Kit) -> Any:
        for _ in range(4):
            await kit.start(chained, 1, queue="narrow", unique="u")
            await kit.advance(7)
        await kit.drain(advance=True)
        chains = [
            await chain(kit, run["run_id"])
            for run in (await kit.engine.list(limit=100, sort="oldest"))["runs"]
            if (await kit.engine.state(run["run_id"])).run.continued_from is None
        ]
        spans = sorted((runs[0].created_at, runs[-1].ended_at) for runs in chains)
        for (_, ended), (began, _) in pairwise(spans):
            assert ended <= began, spans
        return "apart"

    survey = await kill_everywhere(scenario, same=False, queues=NARROW)
    assert survey.crashes >= survey.commits


# --- once more --------------------------------------------------------------------------------------------------------


async def test_a_rerun_waits_where_the_run_waited() -> None:
    async with Kit(queues=NARROW) as kit:
        first = await kit.start(chained, 0, queue="narrow", partition="p", priority=3)
        await kit.result(first)
        again = await kit.engine.rerun(first.run_id)
        run = (await kit.engine.state(again.run_id)).run
        assert (run.queue, run.partition, run.priority, run.rerun_of) == ("narrow", "p", 3, first.run_id)
        at_once = await kit.engine.rerun(first.run_id, queue=None)
        run = (await kit.engine.state(at_once.run_id)).run
        assert (run.queue, run.partition, run.priority) == (None, None, 3)
        with pytest.raises(NotFound, match="nowhere"):
            await kit.engine.rerun(first.run_id, queue="nowhere")
        assert await kit.result(again) == await kit.result(at_once) == 0
        await kit.check()


# --- children ---------------------------------------------------------------------------------------------------------


class Broken(Exception): ...


BROKEN = [True]


@step
async def breaks() -> str:
    if BROKEN[0]:
        raise Broken("not yet")
    return "mended"


@workflow(name="chains-child")
async def child(n: int) -> Any:
    if n != 1:
        return n
    await flow.sleep(1)  # until all that was begun before has
    return await breaks()


@workflow(name="chains-waiting-child")
async def waiting_child() -> None:
    await flow.sleep(1_000)


@workflow(name="chains-parent")
async def parent() -> list[Any]:
    done = flow.start_child(child, 0)
    await done.result()
    waiting = flow.start_child(waiting_child)
    broken = flow.start_child(child, 1)
    result = await broken.result()
    return [done.run_id, waiting.run_id, broken.run_id, result]


@pytest.mark.parametrize("reopened", [False, True])
async def test_a_child_is_known_by_the_run_that_it_is_now(*, reopened: bool) -> None:
    BROKEN[0] = True
    async with Kit() as kit:
        handle = await kit.start(parent)
        with pytest.raises(RunFailed):
            await kit.result(handle)
        BROKEN[0] = False
        if reopened:
            await kit.reopen()
        await kit.engine.retry(handle.run_id)
        if reopened:
            await kit.drain()
            await kit.reopen()
        *ids, result = await kit.result(handle)
        assert result == "mended"
        status = {run_id: (await kit.engine.show(run_id))["status"] for run_id in ids}
        assert list(status.values()) == ["completed", "cancelled", "completed"]
        # Those of the first go are others, but for the one that was done.
        assert set(ids) < set(await children(kit.engine, handle.run_id))
        await kit.check()


@workflow(name="chains-outliving")
async def outliving(then: str) -> str | None:
    begun = flow.start_child(child, 7, detached=True)
    flow.start_child("default/chains-nowhere", detached=True)
    if then == "raises":
        raise Broken(begun.run_id)
    if then == "continues":
        flow.continue_as_new("returns")
    return begun.run_id


@pytest.mark.parametrize("then", ["returns", "raises", "continues"])
async def test_what_outlives_a_run_begins_though_that_ends_at_once(then: str) -> None:
    """Nor does a start that fails, and was not waited for, fail the run."""
    async with Kit() as kit:
        handle = await kit.start(outliving, then)
        await kit.drain()
        runs = await chain(kit, handle.run_id)
        ends = {"returns": ["completed"], "raises": ["failed"], "continues": ["continued", "completed"]}
        assert [run.status.value for run in runs] == ends[then]
        for run in runs:
            begun = await children(kit.engine, run.id)
            assert [(await kit.engine.show(each))["output"] for each in begun] == [7]
        assert begun[0] in f"{runs[-1].output} {runs[-1].error}"
        await kit.check()


@pytest.mark.spec("Q20")
async def test_what_outlives_a_run_begins_once_wherever_it_was_killed() -> None:
    async def scenario(kit: Kit) -> Any:
        run = (await kit.start(outliving, "continues", key="once")).run_id
        await kit.result(run)
        found = [await children(kit.engine, each.id) for each in await chain(kit, run)]
        outputs = [[(await kit.engine.show(each))["output"] for each in begun] for begun in found]
        assert outputs == [[7], [7]]
        return outputs

    survey = await kill_everywhere(scenario)
    assert survey.crashes >= survey.commits


async def children(engine: Stepwell, run_id: str) -> list[str]:
    return [run["run_id"] for run in (await engine.list(parent_id=run_id))["runs"]]


async def test_waiting_for_a_run_is_not_waiting_for_what_it_continued_as() -> None:
    """A schedule wants to hear of the end of the very run that it began; whoever wants a result, of the chain's."""
    async with Kit() as kit:
        handle = await kit.start(chained, 2)
        assert await kit.result(handle) == 0
        first = await kit.engine.engine.wait(handle.run_id)
        last = await kit.engine.engine.wait(handle.run_id, follow=True)
        assert (first.id, first.status, last.status) == (handle.run_id, "continued", "completed")
        assert last.id != first.id


@workflow(name="chains-that-sleep")
async def sleepy(n: int) -> None:
    if n:
        flow.continue_as_new(n - 1)
    await flow.sleep(1_000)


async def test_who_waits_in_vain_hears_of_the_run_that_it_is_now() -> None:
    async with Kit() as kit:
        handle = await kit.start(sleepy, 1)
        await kit.drain()
        with pytest.raises(
            WaitTimeout, match=r"went on as run \S+, which is still running after 0 s"
        ) as timeout:
            await kit.engine.result(handle.run_id, timeout=0)
        assert handle.run_id not in (timeout.value.hint or "")
        with pytest.raises(InvalidInput, match="seconds, not '5'"):
            await kit.engine.result(handle.run_id, timeout="5")  # type: ignore[arg-type]
