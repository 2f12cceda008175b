"""The verbs of the Python door on a real file (SPEC X1 to X4, X11, U3, U14, Q15)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from stepwell import (
    InvalidInput,
    KeyConflict,
    NotFound,
    RunFailed,
    Stepwell,
    TransitionRefused,
    WaitTimeout,
    connect,
    current,
)
from tests.engine.helpers import FakeClock, flow, open_at, until

ADD = flow("""
do:
  - add: {call: python, with: {function: add, arguments: {a: '${ .a }', b: 2}}}
""")


async def add(a: int, b: int) -> dict[str, int]:
    return {"sum": a + b}


@pytest.mark.spec("B1", "U1", "U2", "X1")
async def test_a_run_is_on_record_with_steps_and_attempts(tmp_path: Path) -> None:
    async with open_at(tmp_path / "a.db", functions=[add]) as engine:
        handle = await engine.start(ADD, {"a": 1}, tags={"team": "x"}, priority=3, variables={"v": 1})
        assert await handle.result() == {"sum": 3}
        view = await engine.show(handle.run_id)
    assert (view["status"], view["input"], view["output"]) == ("completed", {"a": 1}, {"sum": 3})
    assert (view["tags"], view["priority"], view["variables"]) == ({"team": "x"}, 3, {"v": 1})
    assert view["change"] == 2 and view["ended_at"] and view["started_at"]
    (step,) = view["steps"]
    assert (step["path"], step["name"], step["status"], step["output"]) == (
        "/do/0/add",
        "add",
        "completed",
        {"sum": 3},
    )
    assert [(a["number"], a["runs"]) for a in step["attempts"]] == [(1, 1)]


@pytest.mark.spec("Q15", "X1")
async def test_a_key_gives_the_same_run_or_a_conflict(tmp_path: Path) -> None:
    async with open_at(tmp_path / "a.db", functions=[add]) as engine:
        first, second = await asyncio.gather(
            engine.start(ADD, {"a": 1}, key="k"), engine.start(ADD, {"a": 1}, key="k")
        )
        assert first.run_id == second.run_id
        assert [first.created, second.created].count(True) == 1
        with pytest.raises(KeyConflict, match="another definition or input"):
            await engine.start(ADD, {"a": 2}, key="k")
    async with open_at(tmp_path / "a.db", functions=[add]) as engine:
        third = await engine.start(ADD, {"a": 1}, key="k")
        assert (third.run_id, third.created) == (first.run_id, False)


@pytest.mark.spec("X2")
async def test_wait_sees_every_end_and_times_out(tmp_path: Path) -> None:
    async with open_at(tmp_path / "a.db") as engine:
        handle = await engine.start(flow("do: [{w: {wait: {hours: 1}}}]"))
        with pytest.raises(WaitTimeout, match="still running"):
            await handle.wait(timeout=0.01)
        waiting = asyncio.ensure_future(handle.wait())
        await engine.cancel(handle.run_id, "enough")
        assert (await waiting)["status"] == "cancelled"
        with pytest.raises(RunFailed, match="cancelled"):
            await handle.result()
        assert (await engine.show(handle.run_id))["cancel_reason"] == "enough"


async def test_a_failed_run_raises_with_its_problem(tmp_path: Path) -> None:
    async with open_at(tmp_path / "a.db") as engine:
        handle = await engine.start(
            flow("do: [{r: {raise: {error: {type: 'https://x.test/e', status: 418, title: T}}}}]")
        )
        with pytest.raises(RunFailed) as failed:
            await handle.result()
        assert failed.value.problem is not None and failed.value.problem["status"] == 418


@pytest.mark.spec("X2", "S6")
async def test_cancel_reaches_the_function(tmp_path: Path) -> None:
    seen: list[str] = []
    started = asyncio.Event()

    async def slow() -> None:
        started.set()
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            seen.append("interrupted")
            raise

    async with open_at(tmp_path / "a.db", functions=[slow]) as engine:
        handle = await engine.start(flow("do: [{s: {call: python, with: {function: slow}}}]"))
        await started.wait()
        await engine.cancel(handle.run_id)
        assert (await handle.wait())["status"] == "cancelled"
    assert seen == ["interrupted"]


@pytest.mark.spec("X2")
async def test_pause_drains_then_holds_then_resumes(tmp_path: Path) -> None:
    go = asyncio.Event()

    async def step() -> int:
        await go.wait()
        return 1

    two = flow(
        "do:\n  - a: {call: python, with: {function: step}}\n  - b: {call: python, with: {function: step}}"
    )
    async with open_at(tmp_path / "a.db", functions=[step]) as engine:
        handle = await engine.start(two)
        assert (await engine.pause(handle.run_id))["status"] == "pausing"
        go.set()
        actor = engine.engine.actors[handle.run_id]
        await until(lambda: actor.state.run.status == "paused" and actor.idle)
        view = await engine.show(handle.run_id)
        assert [s["status"] for s in view["steps"]] == ["completed", "scheduled"]
        await engine.resume(handle.run_id)
        assert await handle.result() == 1
        with pytest.raises(TransitionRefused):
            await engine.pause(handle.run_id)


@pytest.mark.spec("X2", "Q12", "U13")
async def test_retry_goes_on_and_rerun_begins_anew(tmp_path: Path) -> None:
    broken, calls = [True], []

    async def a() -> int:
        calls.append("a")
        return 1

    async def b() -> int:
        calls.append("b")
        if broken[0]:
            raise ValueError("not yet")
        return 2

    two = flow("do:\n  - a: {call: python, with: {function: a}}\n  - b: {call: python, with: {function: b}}")
    async with open_at(tmp_path / "a.db", functions=[a, b]) as engine:
        handle = await engine.start(two)
        assert (await handle.wait())["status"] == "failed"
        broken[0] = False
        await engine.retry(handle.run_id)
        assert await handle.result() == 2
        assert calls == ["a", "b", "b"]
        again = await engine.rerun(handle.run_id)
        assert again.run_id != handle.run_id
        assert await again.result() == 2
        assert (await engine.show(again.run_id))["rerun_of"] == handle.run_id
        assert calls == ["a", "b", "b", "a", "b"]


@pytest.mark.spec("X3", "X4", "X10")
async def test_functions_know_their_step_and_listeners_hear_variables(tmp_path: Path) -> None:
    heard: list[tuple[str, object, object]] = []
    conditions: list[tuple[str, bool]] = []

    async def work() -> dict[str, object]:
        step = current()
        await step.aset_variables(count=step.variable("count", 0) + 1)
        await step.areport({"half": True})
        return {"run": step.run_id, "step": step.step_id, "attempt": step.attempt, "key": step.key}

    async with open_at(tmp_path / "a.db", functions=[work]) as engine:
        engine.on_variable(lambda run, name, old, new: heard.append((name, old, new)))
        engine.on_condition(lambda run, step, expression, result: conditions.append((expression, result)))

        def fails(*_: object) -> None:
            raise RuntimeError("a listener cannot break a run")

        engine.on_event(fails)
        handle = await engine.start(
            flow("do:\n  - w: {if: .go, call: python, with: {function: work}}"),
            {"go": True},
            variables={"count": 4},
        )
        output = await handle.result()
        assert output == {
            "run": handle.run_id,
            "step": "/do/0/w",
            "attempt": 1,
            "key": f"{handle.run_id}:/do/0/w",
        }
        assert heard == [("count", 4, 5)]
        assert conditions == [(".go", True)]
        view = await engine.show(handle.run_id)
        assert view["steps"][0]["progress"] == {"half": True}
        assert view["variables"] == {"count": 5}


@pytest.mark.spec("X11")
async def test_progress_counts_steps_and_sub_runs(tmp_path: Path) -> None:
    seen = []
    async with open_at(tmp_path / "a.db") as engine:
        await engine.add_definition(flow("do:\n  - x: {set: {a: 1}}\n  - y: {set: {a: 2}}", "child"))
        parent = flow("""
        do:
          - c: {run: {workflow: {namespace: test, name: child, version: '1.0.0'}}}
          - d: {wait: {milliseconds: 1}}
        """)
        handle = await engine.start(parent)
        await engine.on_progress(handle.run_id, seen.append)
        await handle.result()
        progress = await engine.progress(handle.run_id)
    assert (progress.total, progress.completed, progress.failed, progress.running, progress.pending) == (
        4,
        4,
        0,
        0,
        0,
    )
    assert seen


@pytest.mark.spec("S8", "U7")
async def test_sub_workflows_return_fail_and_are_cancelled_with_their_parent(tmp_path: Path) -> None:
    async with open_at(tmp_path / "a.db") as engine:
        await engine.add_definition(flow("do: [{x: {set: {got: '${ .n * 2 }'}}}]", "double"))
        await engine.add_definition(
            flow("do: [{x: {raise: {error: {type: 'https://x.test/e', status: 409}}}}]", "fails")
        )
        await engine.add_definition(flow("do: [{x: {wait: {hours: 1}}}]", "sleeps"))

        def parent(name: str, extra: str = "") -> str:
            return flow(
                f"do: [{{c: {{run: {{workflow: {{namespace: test, name: {name}, version: '1.0.0'{extra}}}}}}}}}]"
            )

        assert await engine.run(parent("double", ", input: {n: '${ .m + 1 }'}"), {"m": 4}) == {"got": 10}
        with pytest.raises(RunFailed, match="409|fails|https"):
            await engine.run(parent("fails"))
        handle = await engine.start(parent("sleeps"))
        (child,) = await until_children(engine, handle.run_id)
        await engine.cancel(handle.run_id)
        assert (await handle.wait())["status"] == "cancelled"
        assert (await engine.wait(child))["status"] == "cancelled"


async def until_children(engine: Stepwell, run_id: str) -> list[str]:
    while True:
        found = (await engine.list(parent_id=run_id))["runs"]
        if found:
            return [run["run_id"] for run in found]
        await asyncio.sleep(0.001)


@pytest.mark.spec("U3")
async def test_priority_orders_what_waits_for_room(tmp_path: Path) -> None:
    order: list[str] = []
    gate = asyncio.Event()

    async def work(name: str) -> None:
        if name == "first":
            await gate.wait()
        order.append(name)

    def one(name: str) -> str:
        return flow(f"do: [{{w: {{call: python, with: {{function: work, arguments: {{name: {name}}}}}}}}}]")

    async with open_at(tmp_path / "a.db", functions=[work], max_concurrency=1) as engine:
        handles = [await engine.start(one("first"))]
        handles += [
            await engine.start(one(name), priority=p) for name, p in (("low", 0), ("high", 9), ("mid", 5))
        ]
        gate.set()
        for handle in handles:
            await handle.wait()
    assert order == ["first", "high", "mid", "low"]


async def test_timers_fire_by_the_injected_clock(tmp_path: Path) -> None:
    clock = FakeClock()
    async with open_at(tmp_path / "a.db", clock) as engine:
        handle = await engine.start(flow("do:\n  - w: {wait: {days: 400}}\n  - s: {set: {done: true}}"))
        clock.advance(400 * 86_400 - 1)
        with pytest.raises(WaitTimeout):
            await handle.wait(timeout=0.02)
        clock.advance(1)
        assert await handle.result() == {"done": True}


async def test_a_timer_survives_a_restart(tmp_path: Path) -> None:
    clock = FakeClock()
    async with open_at(tmp_path / "a.db", clock) as engine:
        handle = await engine.start(flow("do:\n  - w: {wait: {minutes: 5}}\n  - s: {set: {done: true}}"))
    clock.advance(600)
    async with open_at(tmp_path / "a.db", clock) as engine:
        assert await engine.result(handle.run_id) == {"done": True}


async def test_what_was_in_flight_is_performed_again_after_a_restart(tmp_path: Path) -> None:
    calls = []

    async def slow() -> int:
        calls.append(current().attempt)
        if len(calls) == 1:
            await asyncio.sleep(3600)
        return 7

    async with open_at(tmp_path / "a.db", functions=[slow]) as engine:
        handle = await engine.start(flow("do: [{s: {call: python, with: {function: slow}}}]"))
        await until(lambda: calls)
    async with open_at(tmp_path / "a.db", functions=[slow]) as engine:
        assert await engine.result(handle.run_id) == 7
        view = await engine.show(handle.run_id)
    assert calls == [1, 1]
    assert view["steps"][0]["attempts"][0]["runs"] == 2


@pytest.mark.spec("S4")
async def test_every_event_is_told_once_after_its_commit(tmp_path: Path) -> None:
    told: list[tuple[int, str]] = []
    async with open_at(tmp_path / "a.db", functions=[add]) as engine:
        engine.on_event(lambda run, seq, at, event: told.append((seq, type(event).__name__)))
        await engine.run(ADD, {"a": 1})
    assert told == [
        (1, "RunCreated"), (1, "RunStarted"), (1, "StepStarted"), (2, "StepCompleted"), (2, "RunCompleted"),
    ]  # fmt: skip


async def test_list_filters_and_pages(tmp_path: Path) -> None:
    async with open_at(tmp_path / "a.db") as engine:
        for number in range(5):
            await engine.run(flow("do: []"), {"n": number}, tags={"odd": str(number % 2)})
        page = await engine.list(limit=2)
        rest = await engine.list(limit=10, cursor=page["next"])
        assert len(page["runs"]) == 2 and len(rest["runs"]) == 3 and rest["next"] is None
        assert len((await engine.list(tags={"odd": "1"}))["runs"]) == 2
        assert (await engine.list(status=["failed"]))["runs"] == []
        with pytest.raises(NotFound):
            await engine.show("nothing")


def test_the_blocking_facade(tmp_path: Path) -> None:
    with connect(tmp_path / "a.db", functions=[add]) as engine:
        assert engine.run(ADD, {"a": 5}) == {"sum": 7}
        run_id = engine.start(flow("do: [{w: {wait: {hours: 1}}}]"))
        with pytest.raises(WaitTimeout):
            engine.wait(run_id, timeout=0.01)
        engine.cancel(run_id)
        assert engine.wait(run_id)["status"] == "cancelled"
        assert len(engine.list()["runs"]) == 2
        with pytest.raises(InvalidInput):
            engine.start(ADD, {"a": 1}, mode="other")


async def test_several_guarded_expressions_in_one_turn(tmp_path: Path) -> None:
    body = flow("""
    do:
      - a: {set: {x: '${ [range(3)] }'}}
      - b: {set: {y: '${ [limit(2; .x[])] }', z: '${ .x | first(range(5; 9)) }'}}
      - c: {if: '[.y[] | . + .] | any(. == 2)', set: {w: '${ reduce .y[] as $n (0; . + $n) }', at: '${ now | floor }'}}
    """)
    async with open_at(tmp_path / "a.db", FakeClock()) as engine:
        assert await engine.run(body) == {"w": 1, "at": 1_700_000_000}


async def test_closing_the_engine_leaves_sub_workflows_alone(tmp_path: Path) -> None:
    clock = FakeClock()
    async with open_at(tmp_path / "a.db", clock) as engine:
        await engine.add_definition(flow("do: [{w: {wait: {hours: 1}}}, {x: {set: {woke: true}}}]", "sleeps"))
        handle = await engine.start(
            flow("do: [{c: {run: {workflow: {namespace: test, name: sleeps, version: '1.0.0'}}}}]")
        )
        (child,) = await until_children(engine, handle.run_id)
    clock.advance(3600)
    async with open_at(tmp_path / "a.db", clock) as engine:
        assert await engine.result(handle.run_id) == {"woke": True}
        assert (await engine.show(child))["status"] == "completed"


@pytest.mark.spec("B4")
async def test_a_long_run_is_read_in_from_its_snapshot(tmp_path: Path) -> None:
    calls = []

    async def count(n: int) -> dict[str, int]:
        calls.append(n)
        if n == 39 and calls.count(39) == 1:
            await asyncio.sleep(3600)
        return {"n": n + 1}

    body = flow("""
    do:
      - step: {call: python, with: {function: count, arguments: {n: '${ .n }'}}}
      - again: {switch: [{more: {when: .n < 50, then: step}}, {enough: {then: end}}]}
    """)
    async with open_at(tmp_path / "a.db", functions=[count], snapshot_every=10) as engine:
        handle = await engine.start(body, {"n": 0})
        await until(lambda: 39 in calls)
        await until(lambda: not engine.engine._snapshots._tasks)
        loaded = await engine.engine.store.load(handle.run_id)
        assert loaded.snapshot is not None and loaded.snapshot.run.seq >= 10
        assert len(loaded.turns) < loaded.snapshot.run.seq + 30
    async with open_at(tmp_path / "a.db", functions=[count], snapshot_every=10) as engine:
        assert await engine.result(handle.run_id) == {"n": 50}
        assert (await engine.doctor())["ok"]
    assert [calls.count(n) for n in range(50)] == [1] * 39 + [2] + [1] * 10


@pytest.mark.spec("X1")
async def test_two_runs_are_compared_and_a_step_is_found(tmp_path: Path) -> None:
    async with open_at(tmp_path / "a.db", functions=[add]) as engine:
        first, second, third = [await engine.start(ADD, {"a": n}) for n in (1, 1, 2)]
        for handle in (first, second, third):
            await handle.wait()
        assert (await engine.compare(first.run_id, second.run_id))["same"]
        parted = await engine.compare(first.run_id, third.run_id)
        assert parted["run"]["output"] == {"a": {"sum": 3}, "b": {"sum": 4}}
        assert [step["path"] for step in parted["steps"]] == ["/do/0/add"]
        assert (await engine.step(first.run_id, "add"))["output"] == {"sum": 3}
        with pytest.raises(NotFound):
            await engine.step(first.run_id, "none")
