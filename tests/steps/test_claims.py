"""Claims: a token that is kept as a hash, a lease, signs of life, and what becomes of a step whose performer is gone
(SPEC Q6)."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from stepwell.model.errors import InvalidInput
from stepwell.steps import AsyncStepStore, StaleAttempt, StaleStep
from stepwell.steps.words import token_hash
from tests.steps.helpers import bench, journal_bytes


@pytest.mark.spec("Q6")
async def test_only_the_hash_of_a_token_is_kept(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        claim = await b.claim("a", owner="worker-1", lease=30)
        said = await journal_bytes(b.store, b.run)
        assert claim.token not in said and claim.token not in repr(claim)
        assert token_hash(claim.token) in said
        await b.store.client.engine.store.flush()
        for file in filter(Path.is_file, tmp_path.iterdir()):
            assert claim.token.encode() not in file.read_bytes(), file


@pytest.mark.spec("Q6")
async def test_an_expired_claim_is_seen_and_taken_over_as_the_next_attempt(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        old = await b.claim("a", input={"n": 1}, owner="worker-1", lease=30)
        b.wait(29.9)
        assert not (await b.store.begin_step(b.run, "a")).execute
        assert await b.store.expired_claims() == []
        b.wait(0.1)
        (lost,) = await b.store.expired_claims()
        assert (lost.run_id, lost.step, lost.owner, lost.attempt) == (b.run, "a", "worker-1", 1)
        assert lost.expired
        new = await b.store.begin_step(b.run, "a", owner="worker-2", lease=30)
        assert (new.decision, new.state, new.attempt, new.input) == ("execute", "failed", 2, {"n": 1})
        for late in (b.store.complete_step, b.store.fail_step):
            with pytest.raises(StaleAttempt):
                await late(old, "late")
        with pytest.raises(StaleAttempt):
            await b.store.heartbeat(old, 30)
        assert await b.store.expired_claims() == []
        assert new.claim is not None
        await b.store.complete_step(new.claim, "done")
        shown = await b.store.client.show(b.run)
        first, second = shown["steps"][0]["attempts"]
        assert first["error"]["title"] == "Claim Expired" and first["executor"] == "worker-1"
        assert second["error"] is None and second["executor"] == "worker-2"


@pytest.mark.spec("Q6")
async def test_a_sign_of_life_extends_the_lease(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        claim = await b.claim("a", lease=10)
        for _ in range(5):
            b.wait(8)
            pulse = await b.store.heartbeat(claim, 10, progress={"half": True})
            assert pulse.lease_until == b.clock.time + timedelta(seconds=10) and not pulse.cancelling
            assert await b.store.expired_claims() == []
        step = await b.store.get_step_run(b.run, "a")
        assert (step.progress, step.lease_until) == ({"half": True}, pulse.lease_until)
        b.wait(10)
        assert [step.step for step in await b.store.expired_claims()] == ["a"]
        await b.store.heartbeat(claim, 10)  # late, and nobody has taken it over
        assert await b.store.expired_claims() == []


@pytest.mark.spec("Q6")
async def test_a_late_result_counts_unless_somebody_took_the_step_over(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        claim = await b.claim("a", lease=10)
        b.wait(60)
        row = await b.store.client.engine.row(b.run)
        assert row.lease_until is not None
        assert (await b.store.complete_step(claim, 1)).recorded
        assert await b.store.expired_claims() == []
        row = await b.store.client.engine.row(b.run)
        assert row.lease_until is None, "the index forgets a claim with the end of the step"


@pytest.mark.spec("Q6")
async def test_a_claim_without_a_lease_does_not_expire(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        claim = await b.claim("a")
        b.wait(10_000_000)
        assert await b.store.expired_claims() == []
        assert not (await b.store.begin_step(b.run, "a")).execute
        assert (await b.store.heartbeat(claim)).lease_until is None
        with pytest.raises(InvalidInput):
            await b.store.heartbeat(claim, 0)


@pytest.mark.spec("Q6")
async def test_expired_claims_of_many_runs_are_found_by_an_index_that_can_be_rebuilt(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        runs = [await b.store.start_run("many", ["a", "b"]) for _ in range(20)]
        for number, run in enumerate(runs):
            await b.store.begin_step(run, "a", lease=10 + number)
            await b.store.begin_step(run, "b", lease=1_000)
        b.wait(14)
        assert {step.run_id for step in await b.store.expired_claims()} == set(runs[:5])
        assert (await b.store.client.doctor(rebuild=True))["findings"] == []
        assert {step.run_id for step in await b.store.expired_claims()} == set(runs[:5])
        for run in runs[:5]:
            assert await b.store.release_expired(run) == ("a",)
            assert await b.store.release_expired(run) == ()
        assert await b.store.expired_claims() == []
        assert (await b.store.get_step_run(runs[0], "a")).state == "failed"


@pytest.mark.spec("Q6")
async def test_the_order_of_recovery(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        await b.done("first", 1)
        stuck = await b.store.recovery(b.run)
        assert [[s.step for s in group] for group in (stuck.planned, stuck.finished, stuck.expired)] == [
            [], ["first"], [],
        ]  # fmt: skip
        await b.store.reconcile_step(b.run, "first", schedule=["second", "third"])
        await b.claim("third", lease=5)
        b.wait(6)
        after = await b.store.recovery(b.run)
        assert [[s.step for s in group] for group in (after.planned, after.finished, after.expired)] == [
            ["second"], [], ["third"],
        ]  # fmt: skip


@pytest.mark.spec("Q6")
async def test_a_claim_outlives_the_store_that_gave_it(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        claim = await b.claim("a", lease=30)
        async with AsyncStepStore.open(tmp_path / "steps.db", clock=b.clock) as other:
            assert not (await other.begin_step(b.run, "a")).execute
            await other.heartbeat(claim, 60)
            await other.complete_step(claim, 1)
        with pytest.raises(StaleStep):
            await b.store.complete_step(claim, 2)


@pytest.mark.spec("Q6", "Q7")
async def test_a_step_is_put_off_without_having_failed(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        claim = await b.claim("a", lease=30)
        put_off = await b.store.defer_step(claim, 20, progress={"at": 3})
        assert put_off.state == "waiting"
        early = await b.store.begin_step(b.run, "a")
        assert (early.decision, early.due) == ("skip", b.clock.time + timedelta(seconds=20))
        with pytest.raises(StaleStep):
            await b.store.complete_step(claim, 1)
        b.wait(20)
        again = await b.store.begin_step(b.run, "a")
        assert (again.decision, again.attempt) == ("execute", 2)
        assert (await b.store.get_step_run(b.run, "a")).progress == {"at": 3}


@pytest.mark.spec("Q1", "Q7")
async def test_a_failed_step_may_have_to_wait_for_its_next_attempt(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        claim = await b.claim("a", input=1)
        failed = await b.store.fail_step(claim, ValueError("no"), retry_after=60)
        assert failed.state == "waiting"
        assert not (await b.store.begin_step(b.run, "a")).execute
        b.wait(60)
        again = await b.store.begin_step(b.run, "a", 2)
        assert (again.decision, again.attempt, again.input) == ("execute", 2, 2)


@pytest.mark.spec("Q2")
async def test_a_planned_step_may_have_its_time(tmp_path: Path) -> None:
    async with bench(tmp_path) as b:
        assert await b.store.schedule_step(b.run, "a", 1, after=60)
        assert not (await b.store.begin_step(b.run, "a")).execute
        b.wait(60)
        assert (await b.store.begin_step(b.run, "a")).execute
