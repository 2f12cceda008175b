"""Several engines on one file, and a file that cannot be written: the primary key decides, nothing is lost (S5, D3, D5)."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import apsw
import pytest

from stepwell import Stepwell, StoreUnavailable, TransitionRefused
from tests.engine.helpers import FakeClock, flow, open_at, until
from tests.stores.disk import Disk, Failure, disk

GATED = flow("do:\n  - a: {call: python, with: {function: gated}}\n  - b: {set: {seen: '${ $variables.n }'}}")


class Gate:
    """A step that is through when the test says so."""

    def __init__(self) -> None:
        self.open, self.begun, self.interrupted = asyncio.Event(), asyncio.Event(), False

    async def gated(self) -> str:
        self.begun.set()
        try:
            await self.open.wait()
        except asyncio.CancelledError:
            self.interrupted = True
            raise
        return "done"


@pytest.mark.spec("S5", "B4")
async def test_whoever_loses_a_race_reads_again_and_decides_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    gate = Gate()
    path = tmp_path / "a.db"
    with caplog.at_level(logging.INFO, "stepwell.engine"):
        async with open_at(path, functions=[gate.gated]) as owner, Stepwell.open(path, guest=True) as guest:
            handle = await owner.start(GATED)
            await gate.begun.wait()
            await guest.set_variables(handle.run_id, n=7)  # takes the turn that the owner would write next
            gate.open.set()
            assert await handle.result() == {"seen": 7}
            turns = [event["seq"] async for event in owner.history(handle.run_id)]
    assert sorted(set(turns)) == [1, 2, 3]
    (lost,) = [record for record in caplog.records if "turn 2 was taken by another engine" in record.message]
    assert lost.wrote == "variables.set"
    assert lost.owner == owner.engine.engine_id
    assert f"the run belongs to {lost.owner}" in lost.message


@pytest.mark.spec("S6", "X2")
async def test_a_guest_cancels_what_another_engine_performs(tmp_path: Path) -> None:
    gate = Gate()
    path = tmp_path / "a.db"
    async with open_at(path, functions=[gate.gated]) as owner, Stepwell.open(path, guest=True) as guest:
        handle = await owner.start(GATED)
        await gate.begun.wait()
        assert (await guest.cancel(handle.run_id, "stop"))["status"] == "cancelling"
        assert (await guest.wait(handle.run_id, timeout=10))["status"] == "cancelled"
        assert gate.interrupted
        assert (await owner.wait(handle.run_id))["status"] == "cancelled"


async def test_a_guest_terminates_and_a_late_result_revives_nothing(tmp_path: Path) -> None:
    gate = Gate()
    path = tmp_path / "a.db"
    async with open_at(path, functions=[gate.gated]) as owner, Stepwell.open(path, guest=True) as guest:
        handle = await owner.start(GATED)
        await gate.begun.wait()
        await guest.terminate(handle.run_id)
        gate.open.set()
        assert (await owner.wait(handle.run_id, timeout=10))["status"] == "terminated"
        with pytest.raises(TransitionRefused):
            await owner.cancel(handle.run_id)


@pytest.mark.spec("X2")
async def test_a_guest_pauses_resumes_and_retries_what_another_engine_carries_on(tmp_path: Path) -> None:
    gate, broken = Gate(), [True]
    path = tmp_path / "a.db"

    async def fragile() -> str:
        if broken[0]:
            raise ValueError("broken")
        return "mended"

    body = flow(
        "do:\n  - a: {call: python, with: {function: gated}}\n  - b: {call: python, with: {function: fragile}}"
    )
    async with (
        open_at(path, functions=[gate.gated, fragile]) as owner,
        Stepwell.open(path, guest=True) as guest,
    ):
        handle = await owner.start(body)
        await gate.begun.wait()
        await guest.pause(handle.run_id)
        gate.open.set()
        actor = owner.engine.actors[handle.run_id]
        await until(lambda: actor.state.run.status == "paused" and actor.idle)
        assert (await guest.show(handle.run_id))["steps"][1]["status"] == "scheduled"
        await guest.resume(handle.run_id)
        assert (await guest.wait(handle.run_id, timeout=10))["status"] == "failed"
        broken[0] = False
        await guest.retry(handle.run_id)
        assert (await guest.wait(handle.run_id, timeout=10))["output"] == "mended"


async def test_two_engines_never_carry_on_the_same_run(tmp_path: Path) -> None:
    gate = Gate()
    path = tmp_path / "a.db"
    async with open_at(path, functions=[gate.gated]) as first:
        handle = await first.start(GATED)
        await gate.begun.wait()
        async with open_at(path, functions=[gate.gated]) as second:
            assert not second.engine.actors
            gate.open.set()
            assert (await second.wait(handle.run_id, timeout=10))["status"] == "completed"


async def test_a_run_of_a_dead_engine_is_cancelled_at_once_by_a_guest(tmp_path: Path) -> None:
    gate = Gate()
    path = tmp_path / "a.db"
    async with open_at(path, functions=[gate.gated]) as owner:
        handle = await owner.start(GATED)
        await gate.begun.wait()
    async with Stepwell.open(path, guest=True) as guest:
        assert (await guest.cancel(handle.run_id))["status"] == "cancelled"


@pytest.fixture
def sick() -> object:
    with disk() as found:
        yield found


async def test_a_full_disk_acknowledges_nothing_and_loses_no_result(tmp_path: Path, sick: Disk) -> None:
    gate = Gate()
    async with open_at(tmp_path / "a.db", functions=[gate.gated], vfs=sick.name) as engine:
        handle = await engine.start(GATED)
        await gate.begun.wait()
        failure = sick.failure = Failure(1, error=apsw.FullError, lasting=True)
        with pytest.raises(StoreUnavailable):
            await engine.start(flow("do: []", "other"))
        gate.open.set()  # the step is through, and its result cannot be written
        await until(lambda: engine.engine.actors[handle.run_id].busy)
        failure.end()
        assert await handle.result(timeout=20) == {"seen": None}
        assert len((await engine.list())["runs"]) == 1


async def test_one_damaged_run_stops_no_other(tmp_path: Path) -> None:
    gate = Gate()
    path = tmp_path / "a.db"
    async with open_at(path, functions=[gate.gated]) as engine:
        bad = await engine.start(GATED)
        good = await engine.start(GATED)
        await gate.begun.wait()
    db = apsw.Connection(str(path))
    db.execute(
        "UPDATE journal SET events = CAST(replace(events, 'step.started', 'step.stopped') AS BLOB) WHERE run_id = ?",
        (bad.run_id,),
    )
    db.close()
    gate.open.set()
    async with open_at(path, functions=[gate.gated]) as engine:
        assert await engine.result(good.run_id) == {"seen": None}
        assert bad.run_id in engine.engine.quarantined
        with pytest.raises(Exception, match="damaged|hash"):
            await engine.wait(bad.run_id, timeout=5)
        report = await engine.doctor()
        assert not report["ok"]
        assert {finding["run_id"] for finding in report["findings"]} == {bad.run_id}


async def test_a_step_that_times_out_cancels_the_workflow_it_runs(tmp_path: Path) -> None:
    async with open_at(tmp_path / "a.db") as engine:
        await engine.add_definition(flow("do: [{w: {wait: {hours: 1}}}]", "sleeps"))
        handle = await engine.start(
            flow("""
            do:
              - c:
                  run: {workflow: {namespace: test, name: sleeps, version: '1.0.0'}}
                  timeout: {after: {milliseconds: 50}}
            """)
        )
        assert (await handle.wait(timeout=10))["status"] == "failed"
        (child,) = (await engine.list(parent_id=handle.run_id))["runs"]
        assert (await engine.wait(child["run_id"], timeout=10))["status"] == "cancelled"


async def test_a_start_whose_caller_gives_up_is_carried_on_all_the_same(tmp_path: Path) -> None:
    async with open_at(tmp_path / "a.db") as engine:
        starting = asyncio.ensure_future(
            engine.start(flow("do:\n  - w: {wait: {milliseconds: 10}}\n  - s: {set: {x: 1}}"))
        )
        await asyncio.sleep(0)
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        for run in (await engine.list())["runs"]:
            assert (await engine.wait(run["run_id"], timeout=10))["status"] == "completed"


async def test_the_runs_of_an_engine_that_dies_are_taken_up_by_another(tmp_path: Path) -> None:
    gate, clock = Gate(), FakeClock()
    first = await open_at(tmp_path / "a.db", functions=[gate.gated])
    handle = await first.start(GATED)
    await gate.begun.wait()
    async with open_at(tmp_path / "a.db", clock, functions=[gate.gated]) as second:
        assert not second.engine.actors
        await first.close()  # its lock is gone, as after kill -9
        gate.open.set()
        waiting = asyncio.ensure_future(second.wait(handle.run_id))
        while not waiting.done():
            clock.advance(0.2)
            await asyncio.sleep(0.001)
        assert (await waiting)["status"] == "completed"


@pytest.mark.spec("S6")
async def test_a_cancelled_parent_takes_its_children_along_even_after_a_crash(tmp_path: Path) -> None:
    async with open_at(tmp_path / "a.db") as engine:
        await engine.add_definition(flow("do: [{w: {wait: {hours: 1}}}]", "sleeps"))
        handle = await engine.start(
            flow("do: [{c: {run: {workflow: {namespace: test, name: sleeps, version: '1.0.0'}}}}]")
        )
        await until(lambda: len(engine.engine.actors) == 2)
    async with Stepwell.open(tmp_path / "a.db", guest=True) as guest:
        assert (await guest.cancel(handle.run_id))["status"] == "cancelled"
    async with open_at(tmp_path / "a.db") as engine:
        (child,) = (await engine.list(parent_id=handle.run_id))["runs"]
        assert (await engine.wait(child["run_id"], timeout=10))["status"] == "cancelled"


async def test_a_child_that_nobody_waits_for_outlives_its_parent(tmp_path: Path) -> None:
    clock = FakeClock()
    async with open_at(tmp_path / "a.db", clock) as engine:
        await engine.add_definition(flow("do: [{w: {wait: {hours: 1}}}, {s: {set: {x: 1}}}]", "sleeps"))
        handle = await engine.start(
            flow(
                "do: [{c: {run: {workflow: {namespace: test, name: sleeps, version: '1.0.0'}, await: false}}}]"
            )
        )
        await handle.wait()
    clock.advance(3600)
    async with open_at(tmp_path / "a.db", clock) as engine:
        (child,) = (await engine.list(parent_id=handle.run_id))["runs"]
        assert await engine.result(child["run_id"], timeout=10) == {"x": 1}


async def test_closing_leaves_nobody_waiting(tmp_path: Path) -> None:
    engine = await open_at(tmp_path / "a.db")
    handle = await engine.start(flow("do: [{w: {wait: {hours: 1}}}]"))
    waiting = asyncio.ensure_future(handle.wait())
    computing = asyncio.ensure_future(
        engine.start(flow("do: [{s: {set: {x: '${ [repeat(1)] }'}}}]", "other"))
    )
    await until(lambda: len(engine.engine.actors) == 2)
    await engine.close()
    for task in (waiting, computing):
        with pytest.raises(StoreUnavailable, match="closed"):
            await asyncio.wait_for(task, 5)


async def test_waits_that_are_given_up_leave_nothing_behind(tmp_path: Path) -> None:
    async with open_at(tmp_path / "a.db", FakeClock()) as engine:
        handle = await engine.start(flow("do: [{w: {wait: {hours: 1}}}]"))
        for _ in range(20):
            task = asyncio.ensure_future(engine.engine.wait(handle.run_id))
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        assert not engine.engine._waiters


@pytest.mark.spec("X10")
async def test_a_secret_that_is_handed_to_a_child_is_masked_there_too(tmp_path: Path) -> None:
    async with open_at(tmp_path / "a.db", secrets={"tok": "S3CR3T-canary"}) as engine:
        await engine.add_definition(flow("do: [{s: {set: {got: '${ .t }'}}}]", "child"))
        body = flow("""
        use: {secrets: [tok]}
        do:
          - c: {run: {workflow: {namespace: test, name: child, version: '1.0.0', input: {t: '${ $secrets.tok }'}}}}
        """)
        assert await engine.run(body) == {"got": "***"}
    for file in tmp_path.iterdir():
        assert b"S3CR3T-canary" not in file.read_bytes()


async def test_a_turn_that_is_lost_while_a_value_is_computed_leaves_no_hole(tmp_path: Path) -> None:
    """The computation belongs to a state that never came to be: its command is decided anew."""
    path = tmp_path / "a.db"
    gate = Gate()
    body = flow("""
    do:
      - both:
          fork:
            branches:
              - a: {call: python, with: {function: gated}}
              - b:
                  do:
                    - w: {wait: {milliseconds: 20}}
                    - s: {set: {seen: '${ [limit(2; repeat($variables.n))] }'}}
    """)
    async with open_at(path, functions=[gate.gated]) as owner, Stepwell.open(path, guest=True) as guest:
        handle = await owner.start(body, variables={"n": "old"})
        await gate.begun.wait()
        await guest.set_variables(handle.run_id, n="new")
        gate.open.set()
        output = (await handle.wait(timeout=20))["output"]
        assert output == ["done", {"seen": ["new", "new"]}]
        assert (await owner.doctor())["ok"]


async def test_an_unexpected_fault_while_performing_fails_the_step(tmp_path: Path) -> None:
    async with open_at(tmp_path / "a.db") as engine:

        class Broken:
            async def perform(self, action: object, context: object) -> object:
                raise RuntimeError("a defect of a runner")

            async def close(self) -> None: ...

        engine.engine.runner = Broken()
        view = await (await engine.start(flow("do: [{s: {run: {shell: {command: 'true'}}}}]"))).wait(
            timeout=10
        )
        assert (view["status"], view["error"]["status"]) == ("failed", 500)


async def test_a_retry_that_fails_at_once_keeps_the_index_right(tmp_path: Path) -> None:
    async with open_at(tmp_path / "a.db") as engine:
        handle = await engine.start(
            flow("do: [{r: {raise: {error: {type: 'https://x.test/e', status: 400}}}}]")
        )
        await handle.wait()
        await engine.retry(handle.run_id)
        assert (await handle.wait())["status"] == "failed"
        report = await engine.doctor()
        assert report["ok"], report


async def test_a_guest_puts_a_run_on_record_and_an_engine_takes_it_up(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    async with open_at(path) as owner, Stepwell.open(path, guest=True) as guest:
        handle = await guest.start(flow("do: [{s: {set: {x: 1}}}]"))
        assert (await guest.wait(handle.run_id, timeout=10))["output"] == {"x": 1}
        assert not owner.engine.actors


async def test_work_that_is_cancelled_before_it_begins_has_settled(tmp_path: Path) -> None:
    async def quick() -> int:
        return 1

    body = flow(
        "do:\n  - a: {call: python, with: {function: gated}}\n  - b: {call: python, with: {function: quick}}"
    )
    gate = Gate()
    async with open_at(tmp_path / "a.db", functions=[gate.gated, quick], max_concurrency=1) as engine:
        handle = await engine.start(body)
        await gate.begun.wait()
        await engine.pause(handle.run_id)
        gate.open.set()
        actor = engine.engine.actors[handle.run_id]
        await until(lambda: actor.state.run.status == "paused" and actor.idle)
        await asyncio.gather(engine.resume(handle.run_id), engine.cancel(handle.run_id))
        assert (await handle.wait(timeout=10))["status"] == "cancelled"
        assert await engine.run(flow("do: [{b: {call: python, with: {function: quick}}}]", "next")) == 1


async def test_runs_that_wait_for_others_take_no_room(tmp_path: Path) -> None:
    async def work() -> int:
        return 1

    async with open_at(tmp_path / "a.db", functions=[work], max_concurrency=1) as engine:
        await engine.add_definition(flow("do: [{w: {call: python, with: {function: work}}}]", "child"))
        parent = flow("do: [{c: {run: {workflow: {namespace: test, name: child, version: '1.0.0'}}}}]")
        handles = [await engine.start(parent) for _ in range(3)]
        assert [(await handle.wait(timeout=10))["output"] for handle in handles] == [1, 1, 1]


async def test_a_start_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    async with open_at(tmp_path / "a.db") as engine:
        await engine.start(flow("do: []"), key="k")
        for _ in range(3):
            await engine.start(flow("do: []"), key="k")
        assert not engine.engine.quarantined and not engine.engine.actors


async def test_a_value_that_cannot_be_stored_never_holds_a_run_up_in_silence(tmp_path: Path) -> None:
    body = flow("""
    do:
      - deep: {for: {each: i, in: '[range(499)]'}, do: [{s: {set: {y: '${ . }'}}}]}
      - w: {wait: {milliseconds: 1}}
      - deeper: {set: {a: {b: {c: '${ . }'}}}}
    """)
    async with open_at(tmp_path / "a.db") as engine:
        handle = await engine.start(body, {"x": 1})
        view = await handle.wait(timeout=20)
        assert view["status"] == "failed"
        assert "deep" in view["error"]["detail"]


@pytest.mark.spec("X10")
@pytest.mark.parametrize("member", ["instance: '${ \"/\" + $secrets.tok }'", "detail: '${ $secrets.tok }'"])
async def test_secrets_in_raised_errors_are_masked(tmp_path: Path, member: str) -> None:
    async with open_at(tmp_path / "a.db", secrets={"tok": "S3CR3T-canary"}) as engine:
        body = f"use: {{secrets: [tok]}}\ndo:\n  - r: {{raise: {{error: {{type: 'https://x.test/e', status: 400, {member}}}}}}}"
        view = await (await engine.start(flow(body))).wait()
        assert view["status"] == "failed" and "***" in str(view["error"])
    for file in tmp_path.iterdir():
        assert b"S3CR3T-canary" not in file.read_bytes()
