"""Results, successors and ends in one commit; repeated deliveries; pause, hold and cancel (SPEC Q5, Q9 to Q11)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from stepwell import Stepwell, workflow
from stepwell.model.errors import InvalidInput, TransitionRefused
from stepwell.steps import NotFound, Plan, StaleStep
from tests.steps.helpers import bench


@pytest.mark.spec("Q5")
async def test_result_successors_and_end_are_one_commit(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        done = await b.store.complete_step(await b.claim("a"), 1, schedule={"b": {"n": 1}, "c": None})
        assert (done.recorded, done.scheduled) == (True, ("b", "c"))
        last = [event async for event in b.store.client.history(b.run)][-3:]
        assert {event["seq"] for event in last} == {3}
        await b.done("b")
        ended = await b.store.complete_step(await b.claim("c"), 3, run_output={"sum": 4})
        assert ended.run_state == "completed"
        assert await b.store.client.result(b.run) == {"sum": 4}


@pytest.mark.spec("Q5")
async def test_a_repeated_result_mends_what_is_missing_and_no_more(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        claim = await b.claim("a")
        await b.store.complete_step(claim, {"n": 1})
        stuck = await b.events()
        again = await b.store.complete_step(claim, {"n": 1})
        assert not again.recorded and await b.events() == stuck
        mended = await b.store.complete_step(claim, {"n": 1}, schedule=["b"])
        assert (mended.recorded, mended.scheduled) == (False, ("b",))
        assert (await b.store.complete_step(claim, {"n": 1}, schedule=["b"])).scheduled == ()
        for other in ({"n": 2}, {"n": True}, None):
            if other == {"n": True}:
                continue  # equal to 1, as Python and JSON Schema count
            with pytest.raises(StaleStep):
                await b.store.complete_step(claim, other)


@pytest.mark.spec("Q5")
async def test_a_redelivered_completed_step_repairs_a_stuck_run(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        await b.done("a", 7)
        delivered = await b.store.begin_step(b.run, "a")
        assert (delivered.decision, delivered.state, delivered.output) == ("skip", "completed", 7)
        assert (await b.store.reconcile_step(b.run, "a", schedule=["b"])).scheduled == ("b",)
        with pytest.raises(StaleStep):
            await b.store.reconcile_step(b.run, "b", schedule=["c"])
        await b.done("b")
        for _ in range(2):
            ended = await b.store.reconcile_step(b.run, "b", run_output="all")
            assert ended.run_state == "completed"
        assert await b.store.client.result(b.run) == "all"


@pytest.mark.spec("Q5")
async def test_a_join_is_planned_by_the_last_of_those_it_needs(tmp_path: Path) -> None:
    async with bench(tmp_path, ["a", "b", "c", "join"]) as b:
        join = Plan("join", 1, needs=("a", "b", "c"))
        assert await b.store.schedule_steps(b.run, [join]) == ()
        ends = [b.store.complete_step(await b.claim(name), 1, schedule=[join]) for name in "abc"]
        scheduled = [done.scheduled for done in await asyncio.gather(*ends)]
        assert sorted(scheduled) == [(), (), ("join",)]
        with pytest.raises(NotFound):
            await b.store.schedule_steps(b.run, [Plan("join", needs=["nope"])])
        with pytest.raises(InvalidInput):
            await b.store.schedule_steps(b.run, [Plan("join", needs="abc")])


@pytest.mark.spec("Q5")
async def test_events_are_told_after_their_commit_only(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        engine = b.store.client.engine
        told: list[tuple[str, bool]] = []

        async def durable(seq: int) -> bool:
            return bool(await engine.store.turns(b.run, seq - 1, 1))

        seen: list[Any] = []
        b.store.client.engine.observers.on_event(lambda run, seq, at, event: seen.append((seq, event)))
        claim = await b.claim("a")
        await b.store.complete_step(claim, 1, schedule=["b"])
        for seq, event in seen:
            told.append((type(event).__name__, await durable(seq)))
        assert [name for name, _ in told] == ["StepStarted", "StepClaimed", "StepCompleted", "StepScheduled"]
        assert all(there for _, there in told)


@pytest.mark.spec("Q5")
async def test_a_failure_can_end_the_run_and_a_retry_goes_on(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        await b.done("a", 1)
        failed = await b.store.fail_step(await b.claim("b"), "no stock", fail_run=True)
        assert (failed.state, failed.run_state) == ("failed", "failed")
        assert not (await b.store.begin_step(b.run, "b")).execute
        with pytest.raises(TransitionRefused):
            await b.store.schedule_step(b.run, "c")
        assert (await b.store.client.explain(b.run))["reason"] == "failed"
        assert await b.store.retry_run(b.run) == "running"
        again = await b.store.begin_step(b.run, "b")
        assert (again.decision, again.attempt) == ("execute", 2)
        assert again.claim is not None
        await b.store.complete_step(again.claim, 2, run_output="ok")
        assert list(await b.store.completed_outputs(b.run)) == ["a", "b"]


@pytest.mark.spec("Q5")
async def test_ending_a_run_again_changes_nothing_and_otherwise_is_refused(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        claim = await b.claim("a")
        assert await b.store.complete_run(b.run, {"n": 1}) == "completed"
        assert await b.store.complete_run(b.run, {"n": 1}) == "completed"
        with pytest.raises(TransitionRefused):
            await b.store.complete_run(b.run, {"n": 2})
        with pytest.raises(TransitionRefused):
            await b.store.fail_run(b.run, "no")
        with pytest.raises(StaleStep) as stale:
            await b.store.complete_step(claim, 1)
        assert stale.value.state == "cancelled"


@pytest.mark.spec("Q9")
async def test_a_cancel_waits_until_the_runner_has_stopped(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        first, second = await b.claim("a", lease=60), await b.claim("b", lease=60)
        await b.store.schedule_step(b.run, "c")
        assert await b.store.cancel_run(b.run, "changed my mind") == "cancelling"
        assert (await b.store.heartbeat(first, 60)).cancelling
        assert (await b.store.begin_step(b.run, "c")).reason == "the run is cancelling"
        with pytest.raises(TransitionRefused):
            await b.store.schedule_step(b.run, "d")
        done = await b.store.complete_step(first, 1, schedule=["d"], run_output=2)
        assert (done.state, done.run_state, done.scheduled) == ("completed", "cancelling", ())
        assert (await b.store.client.explain(b.run))["reason"] == "cancelling"
        stopped = await b.store.defer_step(second)
        assert (stopped.state, stopped.run_state) == ("cancelled", "cancelled")
        assert await b.store.step_statuses(b.run) == {"a": "completed", "b": "cancelled", "c": "cancelled"}


@pytest.mark.spec("Q9", "Q6")
async def test_a_cancel_ends_when_the_runner_is_gone(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        await b.claim("a", lease=60)
        await b.store.cancel_run(b.run)
        assert await b.store.release_expired(b.run) == ()
        b.wait(60)
        skipped = await b.store.begin_step(b.run, "a")
        assert (skipped.decision, skipped.run_state) == ("skip", "cancelled")
    async with bench(tmp_path) as b:
        await b.claim("a", lease=60)
        b.wait(60)
        assert await b.store.cancel_run(b.run) == "cancelled"


@pytest.mark.spec("Q9", "Q8")
async def test_a_cancel_of_a_paused_run_fails_its_open_step(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        held = await b.store.hold_step(await b.claim("approve"), "needs a signature")
        await b.store.schedule_step(b.run, "ship")
        assert (held.state, held.run_state) == ("waiting", "paused")
        assert (await b.store.client.explain(b.run))["reason"] == "paused"
        assert await b.store.cancel_run(b.run) == "cancelled"
        step = await b.store.get_step_run(b.run, "approve")
        assert step.state == "failed" and step.error is not None and "paused" in str(step.error["detail"])
        assert (await b.store.get_step_run(b.run, "ship")).state == "cancelled"


@pytest.mark.spec("Q9", "Q8")
async def test_a_held_step_is_ended_by_its_claim_and_the_run_resumed(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        claim = await b.claim("approve", lease=5)
        await b.store.hold_step(claim)
        b.wait(1_000)
        assert await b.store.expired_claims() == []
        assert not (await b.store.begin_step(b.run, "approve")).execute
        await b.store.complete_step(claim, "yes", schedule=["ship"])
        assert not (await b.store.begin_step(b.run, "ship")).execute
        assert await b.store.resume_run(b.run) == "running"
        assert (await b.store.begin_step(b.run, "ship")).execute


@pytest.mark.spec("Q9")
async def test_a_pause_drains_and_holds_back(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        claim = await b.claim("a")
        assert await b.store.pause_run(b.run) == "pausing"
        assert (await b.store.begin_step(b.run, "b")).reason == "the run is pausing"
        assert (await b.store.complete_step(claim, 1, schedule=["b"])).run_state == "paused"
        assert await b.store.resume_run(b.run) == "running"
        assert (await b.store.begin_step(b.run, "b")).execute


@pytest.mark.spec("Q10")
async def test_explain_names_what_the_run_waits_for(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:

        async def reason() -> str:
            told = await b.store.client.explain(b.run)
            assert told["next_actions"] and told["summary"]
            return str(told["reason"])

        assert await reason() == "waiting_for_runner"
        await b.store.schedule_step(b.run, "a")
        assert await reason() == "step_scheduled"
        claim = await b.claim("a", owner="w1", lease=60)
        assert await reason() == "step_running"
        b.wait(61)
        assert await reason() == "expired_claim"
        await b.store.fail_step(claim, "no", retry_after=5)
        assert await reason() == "waiting_for_retry"


@pytest.mark.spec("Q11", "Q19")
async def test_such_runs_are_drawn_timed_listed_and_counted_like_others(tmp_path: Path) -> None:
    async with bench(tmp_path, ["a", "b", "c"]) as b:
        await b.done("a", 1)
        b.wait(1)
        await b.claim("b", lease=60)
        client = b.store.client
        graph = await client.graph(run_id=b.run)
        assert "a" in str(graph) and "b" in str(graph)
        assert await client.timeline(b.run)
        (row,) = (await client.list(name="order"))["runs"]
        assert row["status"] == "running"
        status = await client.status()
        assert status["ok"] and not status["findings"], "nobody has to carry it on"
        progress = await client.progress(b.run)
        assert (progress.completed, progress.running, progress.pending, progress.total) == (1, 1, 1, 3)


@pytest.mark.spec("Q5", "Q6")
async def test_engines_leave_such_runs_alone(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        claim = await b.claim("a", lease=60)
        async with Stepwell.open(tmp_path / "steps.db", clock=b.clock) as engine:
            assert await engine.engine.recover() == 0
            assert not engine.engine.actors
            assert (await engine.pause(b.run))["status"] == "pausing"
            assert (await engine.resume(b.run))["status"] == "running"
            row = await engine.engine.row(b.run)
            assert row.owner is None
            await b.store.complete_step(claim, 1, schedule=["b"])
            await engine.engine.recover()
            assert (await engine.show(b.run))["steps"][1]["status"] == "scheduled"
            rerun = await engine.rerun(b.run)
            assert (await engine.engine.row(rerun.run_id)).owner is None
        await b.claim("b")


def namesake(count: int) -> dict[int, int]:
    """A Python workflow that bears the name of a run that is driven from outside."""
    return {count: count}


@pytest.mark.spec("Q5", "Q6")
async def test_a_python_workflow_of_the_same_name_is_another_thing(tmp_path: Path) -> None:
    workflow(namesake)
    async with bench(tmp_path) as b:
        run = await b.store.start_run("namesake", ["a"], {"some": "input"})
        async with Stepwell.open(tmp_path / "steps.db", clock=b.clock) as engine:
            assert await engine.engine.recover() == 0 and not engine.engine.actors
        claim = (await b.store.begin_step(run, "a")).claim
        assert claim is not None
        await b.store.complete_step(claim, 1, run_output={"n": 1})
        assert await b.store.client.result(run) == {"n": 1}


@pytest.mark.spec("Q5")
async def test_a_snapshot_holds_claims_too(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        claim = await b.claim("a", lease=60, owner="w")
        state = await b.store.client.state(b.run)
        await b.store.client.engine.store.save_snapshot(state)
        again = await b.store.client.state(b.run)
        assert again.steps["/do/a"].claim == state.steps["/do/a"].claim
        assert state.run.leases and again.run.leases == state.run.leases
        assert (await b.store.complete_step(claim, 1)).recorded
