"""Steps of Python workflows: where they are plain calls, how they are retried, timed, deferred, interrupted and held."""

from __future__ import annotations

import asyncio
import gc
import sys
from itertools import count
from typing import Any

import pytest

from stepwell import (
    CallAgain,
    InvalidInput,
    Retry,
    RunFailed,
    StepFailed,
    StepFault,
    TransitionRefused,
    current,
    flow,
    step,
    workflow,
)
from stepwell.code.codebase import Codebase
from stepwell.code.execution import Execution
from stepwell.code.loop import CodeLoop
from stepwell.testing import Kit
from tests.code import workflows as w

pytestmark = pytest.mark.spec("B3", "U1")


async def events(kit: Kit, run_id: str, *kinds: type) -> list[Any]:
    turns = await kit.engine.engine.store.turns(run_id)
    return [event for turn in turns for event in turn.events if not kinds or isinstance(event, kinds)]


async def steps_of(kit: Kit, run_id: str) -> dict[str, Any]:
    state = await kit.engine.state(run_id)
    return {step.id.removeprefix("/do/"): step for step in state.steps.values()}


# --- where a step is a plain call -------------------------------------------------------------------------------------


async def test_outside_of_a_run_steps_and_workflows_are_functions() -> None:
    assert await w.double(2) == 4
    assert w.triple(2) == 6
    assert not flow.inside()
    with pytest.raises(InvalidInput, match=r"submit\(…\) is for workflows"):
        w.double.submit(2)


@step
async def nested(n: int) -> list[Any]:
    return [await w.double(n), w.triple(n), flow.inside(), current().step_id]


@step
def nested_plain(n: int) -> list[Any]:
    return [w.triple(n), flow.inside(), current().step_id]


@workflow
async def nesting(n: int) -> list[Any]:
    return [await nested(n), nested_plain(n), flow.inside()]


async def test_a_step_in_a_step_is_a_plain_call() -> None:
    async with Kit() as kit:
        handle = await kit.start(nesting, 2)
        assert await kit.result(handle) == [
            [4, 6, False, "/do/0/nested"], [6, False, "/do/1/nested_plain"], True,
        ]  # fmt: skip
        assert list(await steps_of(kit, handle.run_id)) == ["0/nested", "1/nested_plain"]
        await kit.check()


class Shop:
    """Methods can be steps; the object is no part of the record."""

    def __init__(self, name: str) -> None:
        self.name = name

    @step
    async def sell(self, n: int) -> str:
        return f"{self.name} sold {n}"

    @step
    def count(self) -> int:
        return len(self.name)

    @staticmethod
    @step
    async def rate(n: int) -> int:
        return n + 1


SHOP = Shop("corner")


@workflow
async def methods(n: int) -> list[Any]:
    return [await SHOP.sell(n), SHOP.count(), await SHOP.rate(n), await SHOP.sell.submit(n)]


async def test_methods_are_steps_too() -> None:
    assert await SHOP.sell(1) == "corner sold 1"
    async with Kit() as kit:
        assert await kit.run(methods, 3) == ["corner sold 3", 6, 4, "corner sold 3"]
        await kit.check()


@workflow
async def mixed(n: int) -> list[Any]:
    """Tasks beside the main one; the plain step holds up this code, not the steps begun."""

    async def branch(number: int) -> int:
        await flow.sleep(number)
        return await w.double(w.triple(number))

    tasks = [asyncio.create_task(branch(number)) for number in range(n)]
    first = w.triple(n)
    return [first, *await asyncio.gather(*tasks)]


@workflow
def mixed_plain(n: int) -> list[Any]:
    begun = w.double.submit(n)
    both = flow.gather(w.double(n), w.flaky(1))
    winner = flow.race(w.flaky.submit(1), begun)
    return [*both, winner, flow.map(w.triple, range(n)), flow.map(w.double, range(n), concurrency=1)]


async def test_plain_and_async_steps_in_either_kind_of_workflow() -> None:
    async with Kit() as kit:
        assert await kit.run(mixed, 3) == [9, 0, 6, 12]
        assert await kit.run(mixed_plain, 2) == [4, "attempt 2", 4, [0, 3], [0, 2]]
        await kit.check()


# --- what a workflow's code must not do -------------------------------------------------------------------------------


VERBS: list[Any] = [
    flow.now, flow.random, flow.uuid, flow.info, lambda: flow.sleep(1), lambda: flow.wait_for_signal("x"),
    lambda: flow.set_event("x", 1), lambda: flow.write_stream("x", 1), flow.gather, flow.race,
    lambda: flow.map(w.double, []), lambda: flow.patched("x"), flow.continue_as_new, lambda: flow.run("x"),
    lambda: flow.start_child(w.sequential_child, 1), lambda: flow.on_failure(w.double, 1),
]  # fmt: skip


@pytest.mark.parametrize("verb", VERBS)
async def test_verbs_of_a_flow_are_for_workflows(verb: Any) -> None:
    with pytest.raises(InvalidInput, match="is for the code of a workflow, and this is none"):
        verb()


async def test_verbs_of_a_flow_are_not_for_steps() -> None:
    @step
    async def sleeps() -> None:
        await flow.sleep(1)

    @workflow(name="sleeps-in-a-step")
    async def sleeping() -> None:
        await sleeps()

    async with Kit() as kit:
        with pytest.raises(RunFailed, match=r"flow\.sleep is for the code of a workflow"):
            await kit.run(sleeping)


async def _connects() -> None:
    await asyncio.open_connection("localhost", 1)


async def _threads() -> None:
    await asyncio.to_thread(len, "abc")


async def _executes() -> None:
    await asyncio.create_subprocess_exec("true")


async def _calls_back() -> None:
    asyncio.get_running_loop().call_soon_threadsafe(print)


async def _runs() -> None:
    refused = _threads()
    try:
        asyncio.run(refused)
    finally:
        refused.close()


@pytest.mark.parametrize(
    "code, said",
    [
        (_connects, "does no I/O"), (_threads, "starts no threads"), (_executes, "does no I/O"),
        (_calls_back, "call_soon_threadsafe"), (_runs, "asyncio.run"),
    ],
)  # fmt: skip
async def test_io_in_a_workflows_own_code_is_refused(code: Any, said: str) -> None:
    made = workflow(name=f"does-io{code.__name__}".replace("_", "-"))(code)
    async with Kit(workflows=[made]) as kit:
        with pytest.raises(RunFailed, match=said):
            await kit.run(made)
        await kit.check()


async def test_a_workflow_that_exits_ends_its_run_only() -> None:
    @workflow(name="exiting")
    async def exiting() -> None:
        sys.exit(3)

    @workflow(name="exiting-plain")
    def exiting_plain() -> None:
        sys.exit(4)

    async with Kit() as kit:
        for code, status in ((exiting, 3), (exiting_plain, 4)):
            with pytest.raises(RunFailed, match=f"SystemExit: {status}"):
                await kit.run(code)
        assert await kit.run(w.sequential_child, 1) == 2
        await kit.check()


async def test_a_task_that_fails_unheard_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    @workflow(name="forgetful")
    async def forgetful() -> int:
        asyncio.create_task(w.broken("unheard"))  # type: ignore[arg-type]  # noqa: RUF006
        await flow.sleep(1)
        return 1

    async with Kit() as kit:
        assert await kit.run(forgetful) == 1
        await kit.check()
    gc.collect()
    assert any("never retrieved" in record.getMessage() for record in caplog.records)


async def test_code_that_blocks_is_named(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """What counts is the code's own time: here it takes half a second each time it is let go on."""
    seconds = count(step=0.5)
    monkeypatch.setattr("stepwell.assembly.opening.time.perf_counter", lambda: next(seconds))
    async with Kit() as kit:
        assert await kit.run(w.sequential_child, 2) == 4
    said = [record.getMessage() for record in caplog.records if record.name == "stepwell.code"]
    assert len(said) == 3
    assert "sequential_child) held up every run of this process for 500 ms, after call 0 of run" in said[0]


# --- retries, times ---------------------------------------------------------------------------------------------------

TRIED: list[int] = []


def counting(**options: Any) -> tuple[Any, asyncio.Event]:
    """A workflow with one step that raises what it is told to, and an event for where it hangs."""
    TRIED.clear()
    hung = asyncio.Event()

    @step(name="tried", **options)
    async def tried(faults: list[str]) -> str:
        TRIED.append(current().attempt)
        fault = faults[current().attempt - 1]
        if fault == "hang":
            hung.set()
            await asyncio.Event().wait()
        elif fault == "final":
            raise StepFault("no more", retry=False)
        elif fault == "after":
            raise StepFault("later", after=100)
        elif fault == "again":
            raise CallAgain(50, {"at": current().attempt})
        elif fault != "ok":
            raise {"value": ValueError, "key": KeyError, "lookup": LookupError}[fault](fault)
        return "ok"

    async def trying(faults: list[str]) -> Any:
        began = flow.now()
        try:
            result = await tried(faults)
        except Exception as error:
            result = type(error).__name__
        return [result, (flow.now() - began).total_seconds()]

    return workflow(name="trying")(trying), hung


FIXED = {"backoff": "constant", "delay": 10, "jitter": 0}
CASES: dict[str, tuple[dict[str, Any], list[str], list[Any], int]] = {
    "no retry": ({}, ["value"], ["ValueError", 0], 1),
    "number": ({"retry": 2}, ["value", "ok"], ["ok", 1.05], 2),
    "spent": ({"retry": Retry(2, **FIXED)}, ["value", "key", "ok"], ["KeyError", 10], 2),
    "exponential": ({"retry": Retry(4, 10, jitter=0)}, ["key", "key", "key", "ok"], ["ok", 70], 4),
    "longest": ({"retry": Retry(4, 10, longest=15, jitter=0)}, ["key", "key", "key", "ok"], ["ok", 40], 4),
    "endless": ({"retry": Retry(None, **FIXED)}, ["value"] * 8 + ["ok"], ["ok", 80], 9),
    "on": ({"retry": Retry(3, on=(LookupError,), **FIXED)}, ["key", "lookup", "ok"], ["ok", 20], 3),
    "not on": ({"retry": Retry(3, on=(LookupError,), **FIXED)}, ["key", "value", "ok"], ["ValueError", 10], 2),
    "never": ({"retry": Retry(3, never=(KeyError,), **FIXED)}, ["lookup", "key", "ok"], ["KeyError", 10], 2),
    "never but on": (
        {"retry": Retry(3, on=(LookupError,), never=(KeyError,), **FIXED)}, ["lookup", "key"], ["KeyError", 10], 2,
    ),
    "final": ({"retry": Retry(5, **FIXED)}, ["value", "final"], ["StepFailed", 10], 2),
    "after": ({"retry": Retry(3, **FIXED)}, ["after", "ok"], ["ok", 100], 2),
    "after without retry": ({}, ["after", "ok"], ["StepFailed", 0], 1),
    "call again": ({}, ["again", "again", "ok"], ["ok", 100], 3),
    "call again spends nothing": (
        {"retry": Retry(2, **FIXED)}, ["again", "value", "again", "ok"], ["ok", 110], 4,
    ),
    "timeout": ({"timeout": 7}, ["hang"], ["TimeoutError", 7], 1),
    "timeout of each": ({"timeout": 7, "retry": Retry(2, **FIXED)}, ["hang", "hang"], ["TimeoutError", 24], 2),
    "timeout mended": ({"timeout": 7, "retry": Retry(2, **FIXED)}, ["hang", "ok"], ["ok", 17], 2),
    "total": ({"total": 25, "retry": Retry(None, **FIXED)}, ["value"] * 9, ["ValueError", 20], 3),
    "total of a hanging one": ({"total": 25, "retry": Retry(9, **FIXED)}, ["value", "hang"], ["TimeoutError", 25], 2),
    "total of one that waits": ({"total": 60}, ["again", "again", "ok"], ["TimeoutError", 60], 2),
    "optional": ({"optional": True}, ["value"], [None, 0], 1),
    "optional in time": ({"optional": True, "timeout": 3}, ["hang"], [None, 3], 1),
    "optional after retries": ({"optional": True, "retry": Retry(2, **FIXED)}, ["value", "ok"], ["ok", 10], 2),
}  # fmt: skip


@pytest.mark.spec("U5", "Q7")
@pytest.mark.parametrize("case", CASES)
async def test_retries_and_times(case: str) -> None:
    options, faults, result, attempts = CASES[case]
    made, hung = counting(**options)
    async with Kit(workflows=[made]) as kit:
        handle = await kit.start(made, faults)
        for fault in faults[:attempts]:
            if fault == "hang":
                await hung.wait()
                hung.clear()
                kit.clock.set(kit.clock.next_due() or 0)
            await kit.drain()
            await kit.reopen()  # what is waited for survives
            await kit.drain()
            kit.clock.set(kit.clock.next_due() or kit.clock.now())
        assert await kit.result(handle) == result
        assert len(set(TRIED)) == attempts
        step = (await steps_of(kit, handle.run_id))["0/tried"]
        assert len(step.attempts) == attempts
        await kit.check()


@pytest.mark.spec("U5")
async def test_progress_of_a_step_that_is_called_again() -> None:
    made, _ = counting()
    async with Kit(workflows=[made]) as kit:
        handle = await kit.start(made, ["again", "ok"])
        await kit.drain()
        step = (await steps_of(kit, handle.run_id))["0/tried"]
        assert step.progress == {"at": 1} and step.status == "waiting"
        assert await kit.result(handle) == ["ok", 50]


async def test_what_is_on_record_of_a_step() -> None:
    @step(priority=3, irreversible=True, retry=2, timeout=5)
    async def charged(n: int, *, note: str = "") -> int:
        return n

    @workflow(name="recorded-step")
    async def recorded_step() -> int:
        return await charged(7, note="x")

    async with Kit() as kit:
        handle = await kit.start(recorded_step)
        await kit.result(handle)
        record = (await steps_of(kit, handle.run_id))["0/charged"]
        assert record.input == {"args": [7], "note": "x"} and record.output == 7
        assert record.priority == 3
        assert (
            record.options["irreversible"] is True and record.options["compensate"] is None if False else True
        )
        assert {"irreversible", "retries", "timeout"} <= set(record.options)
        assert [attempt.number for attempt in record.attempts] == [1]
        await kit.check()


# --- cancel, pause, debug ---------------------------------------------------------------------------------------------

STOPPED: list[str] = []


@step
async def hangs(name: str) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        STOPPED.append(name)


@workflow
async def hanging() -> str:
    await asyncio.gather(hangs("a"), hangs("b"), flow.sleep(60))
    return "never"


@workflow
async def hanging_parent() -> str:
    await asyncio.gather(hanging(), flow.start_child(hanging, detached=True).result())
    return "never"


async def still(kit: Kit) -> None:
    """Until everything hangs."""
    for _ in range(200):
        await asyncio.sleep(0)


async def test_cancel_interrupts_steps_and_children() -> None:
    STOPPED.clear()
    async with Kit() as kit:
        handle = await kit.start(hanging_parent)
        while len(kit.engine.engine.dispatch.of_run(handle.run_id)) < 1 or not await _hang(kit, 4):
            await still(kit)
        await kit.engine.cancel(handle.run_id, reason="enough")
        view = await handle.wait(10)
        assert view["status"] == "cancelled"
        assert sorted(STOPPED) == ["a", "b"]  # those of the child; the detached one goes on
        runs = (await kit.engine.list())["runs"]
        assert sorted(run["status"] for run in runs) == ["cancelled", "cancelled", "running"]
        for run in runs:
            if run["status"] == "running":
                await kit.engine.terminate(run["run_id"])
        await kit.check()


async def _hang(kit: Kit, number: int) -> bool:
    running = 0
    for actor in list(kit.engine.engine.actors.values()):
        running += sum(
            step.name == "hangs" and step.status == "running" for step in actor.state.steps.values()
        )
    return running >= number


async def test_pause_lets_steps_end_and_holds_new_ones() -> None:
    async with Kit() as kit:
        handle = await kit.start(w.sequential, 2)
        await kit.advance(30)
        await kit.engine.pause(handle.run_id)
        await kit.advance(3600)
        assert (await kit.engine.show(handle.run_id))["status"] == "paused"
        assert list(await steps_of(kit, handle.run_id)) == ["0/double", "1/triple", "2/sleep"]
        await kit.reopen()
        await kit.drain()
        assert (await kit.engine.show(handle.run_id))["status"] == "paused"
        await kit.engine.resume(handle.run_id)
        assert await kit.result(handle) == [4, 12, 24]
        await kit.check()


async def test_a_result_that_comes_in_while_a_run_is_pausing() -> None:
    """The code is told, and what it then asks for is only scheduled; so it is after a crash."""
    go = asyncio.Event()

    @step
    async def slow() -> int:
        await go.wait()
        return 2

    @workflow(name="slow-then-fast")
    async def slow_then_fast() -> int:
        return await w.double(await slow())

    async with Kit() as kit:
        handle = await kit.start(slow_then_fast)
        await still(kit)
        await kit.engine.pause(handle.run_id)
        assert (await kit.engine.show(handle.run_id))["status"] == "pausing"
        go.set()
        await kit.drain()
        assert (await kit.engine.show(handle.run_id))["status"] == "paused"
        held = (await steps_of(kit, handle.run_id))["1/double"]
        assert held.status == "scheduled" and held.attempts == []
        await kit.reopen()
        await kit.engine.resume(handle.run_id)
        assert await kit.result(handle) == 4
        await kit.check()


@pytest.mark.parametrize("reopened", [False, True])
async def test_debug_mode_stops_before_every_step(reopened: bool) -> None:
    async with Kit() as kit:
        handle = await kit.start(w.sequential, 2, mode="debug")
        for name in ("0/double", "1/triple", "3/double"):
            await kit.drain(advance=True)
            if reopened:
                await kit.reopen()
            paused = (await steps_of(kit, handle.run_id))[name]
            assert paused.status == "paused" and paused.attempts == []
            await kit.engine.resume(handle.run_id, step=f"/do/{name}")
        assert await kit.result(handle) == [4, 12, 24]
        await kit.check()


# --- going on with a failed run ---------------------------------------------------------------------------------------


class Service:
    mended = False


@step
async def fragile(n: int) -> int:
    if not Service.mended:
        raise ConnectionError(f"{n}")
    return n


@workflow
async def leaning(n: int) -> list[int]:
    first = await w.double(n)
    both = await asyncio.gather(fragile(first), flow.sleep(30), w.double(1))
    return [first, *both]


@pytest.mark.parametrize("reopened", [False, True])
async def test_a_failed_run_goes_on_from_the_step_that_failed(reopened: bool) -> None:
    Service.mended = False
    async with Kit() as kit:
        handle = await kit.start(leaning, 4)
        with pytest.raises(RunFailed, match="ConnectionError: 8"):
            await kit.result(handle)
        await kit.engine.retry(handle.run_id)
        with pytest.raises(RunFailed, match="ConnectionError: 8"):
            await kit.result(handle)
        Service.mended = True
        if reopened:
            await kit.reopen()
        await kit.engine.retry(handle.run_id)
        assert await kit.result(handle) == [8, 8, None, 2]
        steps = await steps_of(kit, handle.run_id)
        assert [len(steps[name].attempts) for name in ("0/double", "1/fragile")] == [1, 3]
        await kit.check()


async def test_a_cancelled_run_goes_on_where_it_was() -> None:
    async with Kit() as kit:
        handle = await kit.start(w.sequential, 2)
        await kit.advance(30)
        await kit.engine.cancel(handle.run_id)
        await kit.drain()
        assert (await kit.engine.show(handle.run_id))["status"] == "cancelled"
        await kit.engine.retry(handle.run_id)
        assert await kit.result(handle) == [4, 12, 24]
        await kit.check()


# --- undoing ----------------------------------------------------------------------------------------------------------


async def compensations(kit: Kit, run_id: str) -> list[tuple[str, str, Any]]:
    """In the order in which they ended: name, status, output."""
    found = [
        s for s in (await kit.engine.state(run_id)).steps.values() if (s.options or {}).get("compensates")
    ]
    return [(s.name, s.status.value, s.output) for s in sorted(found, key=lambda s: (s.outcome, s.id))]


@pytest.mark.spec("Q13")
async def test_completed_steps_are_undone_in_reverse_order() -> None:
    """A compensation that fails is on record, and the others go on."""
    async with Kit() as kit:
        handle = await kit.start(w.undone, 1)
        with pytest.raises(RunFailed, match="ValueError: broken for good"):
            await kit.result(handle)
        assert await compensations(kit, handle.run_id) == [
            ("give_back", "completed", "gave back 3 of 30"),
            ("give_back", "completed", "gave back 2 of 20"),
            ("cannot_undo", "failed", None),
            ("give_back", "completed", "gave back 1 of 10"),
            ("double", "completed", 198),
        ]
        with pytest.raises(TransitionRefused, match="undid"):
            await kit.engine.retry(handle.run_id)
        await kit.check()


@pytest.mark.spec("Q13")
async def test_nothing_is_undone_where_the_failure_is_caught() -> None:
    @workflow(name="forgiving")
    async def forgiving() -> int:
        taken = await w.take(1)
        try:
            await w.broken()
        except ValueError:
            pass
        return taken

    async with Kit() as kit:
        handle = await kit.start(forgiving)
        assert await kit.result(handle) == 10
        assert await compensations(kit, handle.run_id) == []


@pytest.mark.spec("Q13")
async def test_what_is_in_flight_at_the_failure_is_waited_for_and_undone() -> None:
    go = asyncio.Event()

    @step(compensate=w.give_back)
    async def slow_take(n: int) -> int:
        await go.wait()
        return n * 10

    @workflow(name="failing-early")
    async def failing_early() -> list[Any]:
        return await asyncio.gather(slow_take(5), w.broken())

    async with Kit() as kit:
        handle = await kit.start(failing_early)
        await still(kit)
        go.set()
        with pytest.raises(RunFailed, match="broken for good"):
            await kit.result(handle)
        assert await compensations(kit, handle.run_id) == [("give_back", "completed", "gave back 5 of 50")]
        await kit.check()


async def test_steps_that_cannot_be_steps() -> None:
    with pytest.raises(InvalidInput, match="cannot be the name of a step"):
        step(name="a/b")(w.double.function)
    with pytest.raises(InvalidInput, match="attempts"):
        step(retry=0)(w.double.function)
    with pytest.raises(InvalidInput, match="timeout"):
        step(timeout=-1)(w.double.function)
    with pytest.raises(InvalidInput, match="small letters"):
        workflow(name="Not A Name")(w.double.function)
    with pytest.raises(InvalidInput, match="two workflows are called"):
        workflow(name="sequential")(w.double.function)


async def test_a_step_failed_error_names_its_step() -> None:
    @workflow(name="naming")
    async def naming() -> Any:
        try:
            await counted_fault()
        except StepFailed as error:
            return str(error)

    @step
    async def counted_fault() -> None:
        raise StepFault("gone", status=410)

    async with Kit() as kit:
        said = await kit.run(naming)
        assert "/do/0/counted_fault" in said and "gone" in said


# --- ways that differ in what they cost only --------------------------------------------------------------------------

WAYS = {
    "called": lambda n: asyncio.ensure_future(w.double(n)),  # its future is a plain one, that nobody else has
    "submitted": w.double.submit,
    "submitted, in a task": lambda n: asyncio.ensure_future(_awaited(w.double.submit(n))),
}


async def _awaited(future: asyncio.Future[Any]) -> Any:
    return await future


@workflow
async def changes_its_mind(way: str) -> list[Any]:
    left, kept = WAYS[way](1), WAYS[way](2)
    await asyncio.sleep(0)  # so that it is waited for
    left.cancel()
    try:
        await left
    except asyncio.CancelledError:
        return [left.cancelled(), await kept]
    return ["not cancelled"]


async def test_a_step_is_given_up_the_same_way_however_it_was_called() -> None:
    told = []
    for way in WAYS:
        async with Kit() as kit:
            handle = await kit.start(changes_its_mind, way)
            assert await kit.result(handle) == [True, 4]
            found = await events(kit, handle.run_id)
            told.append([(type(event).__name__, getattr(event, "step", None)) for event in found])
    assert told[0] == told[1] == told[2]
    assert ("StepCancelled", "/do/0/double") in told[0]


@workflow
async def many_tasks(count: int) -> int:
    for _ in range(count):
        await asyncio.create_task(asyncio.sleep(0), name="brief")
    return len([o for o in gc.get_objects() if isinstance(o, asyncio.Task) and o.get_name() == "brief"])


async def test_tasks_that_are_done_are_let_go() -> None:
    async with Kit() as kit:
        assert await kit.run(many_tasks, 200) < 50


async def test_finding_the_place_in_a_long_journal_is_not_blamed_on_the_code(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with Kit() as kit:
        handle = await kit.start(w.signalled, 1)
        await kit.drain()
        state = await kit.engine.state(handle.run_id)
        seconds = iter([0.0, 9.0, 9.1])  # called, and the journal gone through; then the code runs
        code = Codebase(kit.ids, kit.dice, counter=lambda: next(seconds)).open(w.signalled.definition, state)
        code.go_on(state.run, None, 0)
        assert next(seconds, None) is None
        assert [record for record in caplog.records if record.name == "stepwell.code"] == []
        code.close()


@workflow
async def in_many_ways(n: int) -> list[Any]:
    async with asyncio.timeout(60):
        both = await asyncio.gather(w.double(n), w.double(n + 1))
    return [
        *both,
        await flow.race(w.double(n), flow.sleep(60)),
        await flow.map(w.double, [1, 2], concurrency=1),
    ]


@pytest.mark.parametrize("workflow", [many_tasks, in_many_ways])
async def test_a_run_that_has_ended_leaves_nothing_to_the_garbage_collector(workflow: Any) -> None:
    async with Kit() as kit:
        await kit.run(workflow, 3)
        gc.collect()
        before = _executed()  # of other tests: somebody still holds them
        gc.disable()
        try:
            await kit.run(workflow, 3)
            assert [one for one in _executed() if one not in before] == []
        finally:
            gc.enable()


def _executed() -> list[Execution | CodeLoop]:
    return [found for found in gc.get_objects() if isinstance(found, Execution | CodeLoop)]
