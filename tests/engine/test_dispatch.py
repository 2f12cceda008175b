"""Jobs share a task until one of them waits: none may notice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import ContextVar
from typing import Any

import pytest

from stepwell.engine.dispatch import IN_A_ROW, Dispatch
from stepwell.model.actions import Interrupted, Outcome, Succeeded

MARK: ContextVar[str] = ContextVar("mark", default="none")


class Job:
    waits = False
    priority = 0

    def __init__(
        self, name: str, work: Callable[[], Awaitable[Any]], told: list[tuple[str, Outcome]]
    ) -> None:
        self.identity = ("run", name, 1)
        self._work, self._told = work, told

    def perform(self) -> Coroutine[Any, Any, Outcome]:
        return self._perform()

    async def _perform(self) -> Outcome:
        return Succeeded(await self._work())

    def finish(self, outcome: Outcome) -> None:
        self._told.append((self.identity[1], outcome))


async def until(wanted: Callable[[], object]) -> None:
    for _ in range(1_000):
        if wanted():
            return
        await asyncio.sleep(0)
    raise AssertionError("it does not happen")


async def test_what_a_job_sets_in_context_variables_stays_its_own() -> None:
    told: list[tuple[str, Outcome]] = []
    dispatch = Dispatch(10)

    async def mark(name: str, wait: bool) -> str:
        before = MARK.get()
        MARK.set(name)
        if wait:
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        return f"{before}, {MARK.get()}"

    for number, wait in enumerate((False, True, False, True, False)):
        dispatch.submit(Job(f"j{number}", lambda n=number, w=wait: mark(f"j{n}", w), told))  # type: ignore[misc]
    await until(lambda: len(told) == 5)
    assert dict(told) == {f"j{n}": Succeeded(f"none, j{n}") for n in range(5)}
    await dispatch.close()


async def test_a_job_that_waits_keeps_its_task_and_holds_nobody_up() -> None:
    told: list[tuple[str, Outcome]] = []
    tasks: dict[str, Any] = {}
    dispatch = Dispatch(10)
    gate = asyncio.Event()

    async def work(name: str, wait: bool) -> str:
        tasks[name] = asyncio.current_task()
        async with asyncio.timeout(60):
            if wait:
                await gate.wait()
        assert asyncio.current_task() is tasks[name]
        return name

    for name, wait in (("a", False), ("b", True), ("c", False)):
        dispatch.submit(Job(name, lambda n=name, w=wait: work(n, w), told))  # type: ignore[misc]
    await until(lambda: len(told) == 2)
    assert [name for name, _ in told] == ["a", "c"]
    assert tasks["b"] is not tasks["c"]
    gate.set()
    await until(lambda: len(told) == 3)
    await dispatch.close()


async def test_each_job_is_interrupted_alone() -> None:
    told: list[tuple[str, Outcome]] = []
    dispatch = Dispatch(10)
    for name in ("a", "b", "c"):
        dispatch.submit(Job(name, lambda: asyncio.sleep(3_600), told))
    assert dispatch.interrupt(("run", "c", 1))  # before its turn came
    assert told == [("c", Interrupted())]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert dispatch.interrupt(("run", "a", 1))
    await until(lambda: len(told) == 2)
    assert told[1] == ("a", Interrupted())
    assert dispatch.of_run("run") == [("run", "b", 1)]
    assert not dispatch.interrupt(("run", "a", 1))
    await dispatch.close()
    assert len(told) == 2


async def test_a_job_that_cancels_its_own_task_cancels_no_other() -> None:
    told: list[tuple[str, Outcome]] = []
    dispatch = Dispatch(10)

    async def suicide() -> str:
        task = asyncio.current_task()
        assert task is not None
        task.cancel()
        return "went on"

    async def two_turns() -> str:
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        return "through"

    dispatch.submit(Job("a", suicide, told))
    dispatch.submit(Job("b", two_turns, told))
    await until(lambda: len(told) == 2)
    assert told == [("a", Succeeded("went on")), ("b", Succeeded("through"))]
    await dispatch.close()


async def test_a_long_queue_lets_the_loop_have_its_turn() -> None:
    told: list[tuple[str, Outcome]] = []
    dispatch = Dispatch(3)
    turns: list[int] = []

    async def nothing() -> None:
        return None

    def turn() -> None:
        turns.append(len(told))
        if len(told) < 300:
            asyncio.get_running_loop().call_soon(turn)

    for number in range(300):
        dispatch.submit(Job(f"{number:03}", nothing, told))
    turn()
    await until(lambda: len(told) == 300)
    assert [name for name, _ in told] == sorted(name for name, _ in told)
    assert len(turns) >= 50, "so many jobs were performed without a turn of the loop in between"
    await dispatch.close()


@pytest.mark.parametrize("waits", [False, True])
async def test_an_error_of_one_job_is_its_own(waits: bool) -> None:
    told: list[tuple[str, Outcome]] = []
    dispatch = Dispatch(10)

    async def broken() -> None:
        if waits:
            await asyncio.sleep(0)
        raise ValueError("no")

    async def fine() -> str:
        return "fine"

    dispatch.submit(Job("a", broken, told))
    dispatch.submit(Job("b", fine, told))
    await until(lambda: len(told) == 2)
    assert dict(told)["b"] == Succeeded("fine")
    assert "ValueError: no" in str(dict(told)["a"])
    await dispatch.close()


async def test_one_lone_job_after_the_other_leaves_the_loop_its_turns() -> None:
    """Each job is begun by the commit of the one before it."""
    told: list[tuple[str, Outcome]] = []
    turns: list[int] = []

    async def work() -> int:
        return len(turns)

    def next_one() -> None:
        if len(told) < 100:
            dispatch.submit(Job(f"j{len(told)}", work, told))

    dispatch = Dispatch(10, next_one)

    async def others() -> None:
        while len(told) < 100:
            turns.append(len(told))
            if not dispatch.in_flight:  # the last one of a row: the loop's own commit begins the next
                next_one()
            await asyncio.sleep(0)

    next_one()
    await asyncio.wait_for(others(), 10)
    assert 100 // IN_A_ROW - 1 <= len(turns) <= 60
    await dispatch.close()


@pytest.mark.parametrize("waits", [False, True])
async def test_a_job_that_has_itself_interrupted_is(waits: bool) -> None:
    told: list[tuple[str, Outcome]] = []
    dispatch = Dispatch(10)

    async def gives_up() -> str:
        assert dispatch.interrupt(("run", "a", 1))
        assert dispatch.interrupt(("run", "a", 1))
        if waits:
            await asyncio.sleep(0)
        return "kept it to itself"

    async def fine() -> str:
        await asyncio.sleep(0)
        return "fine"

    dispatch.submit(Job("a", gives_up, told))
    dispatch.submit(Job("b", fine, told))
    await until(lambda: len(told) == 2)
    assert told == [("a", Interrupted()), ("b", Succeeded("fine"))]
    assert dispatch.in_flight == 0
    await dispatch.close()


async def test_what_is_submitted_again_before_its_turn_is_performed_once() -> None:
    told: list[tuple[str, Outcome]] = []
    dispatch = Dispatch(10)

    async def work(name: str) -> str:
        return name

    dispatch.submit(Job("a", lambda: work("first"), told))
    dispatch.submit(Job("a", lambda: work("twice"), told))
    assert dispatch.interrupt(("run", "a", 1))
    dispatch.submit(Job("a", lambda: work("second"), told))
    await until(lambda: len(told) == 2)
    await asyncio.sleep(0)
    assert told == [("a", Interrupted()), ("a", Succeeded("second"))]
    await dispatch.close()
