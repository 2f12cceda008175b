"""Results that are kept, and rates over all processes (SPEC U12)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from stepwell import Cache, InvalidInput, Policy, RunFailed, flow, step, workflow
from stepwell.definition.parse import findings, parse
from stepwell.model import commands as c
from stepwell.model import problem
from stepwell.testing import Kit, kill_everywhere
from tests.engine.helpers import open_at, until
from tests.kernel.helpers import SECOND, Driver, definition
from tests.support.clock import FakeClock

pytestmark = pytest.mark.spec("U12")

CALLS: list[Any] = []
HEAD = "document: {dsl: '1.0.3', namespace: test, name: flow, version: '1.0.0'}\n"


@pytest.fixture(autouse=True)
def nothing_was_called() -> None:
    CALLS.clear()


async def undo(n: int, note: str = "") -> None:
    CALLS.append(("undo", n))


@step(cache=Cache(ttl=60, key=lambda n, note="": n), compensate=undo)
async def square(n: int, note: str = "") -> int:
    CALLS.append(n)
    if n < 0:
        raise ValueError("negative")
    return n * n


@workflow
async def squares(numbers: list[int], note: str = "", fails: bool = False) -> list[int]:
    found = [await square(n, note) for n in numbers]
    if fails:
        raise ValueError("at last")
    return found


@step(rate=(2, 10))
async def call(n: int) -> int:
    CALLS.append(n)
    return n


@step(rate=(2, 10), start_timeout=5)
async def impatient(n: int) -> int:
    return n


@step(rate=(1, 10, "shared"), on_error=Policy("retry", interval=1, count=2))
async def fails(n: int) -> None:
    CALLS.append(n)
    raise ValueError("no")


@workflow
async def calls(count: int) -> list[int]:
    return await flow.map(call, list(range(count)))


@workflow
async def impatiently() -> list[Any]:
    return await flow.gather(*[impatient(n) for n in range(3)], return_exceptions=True)


@workflow
async def failing() -> None:
    await fails(1)


# --- kept results ---------------------------------------------------------------------------------


async def test_a_result_is_kept_over_runs_for_so_long() -> None:
    async with Kit() as kit:
        assert await kit.run(squares, [2, 3, 2], "a") == [4, 9, 4]
        first = (await kit.engine.list())["runs"][0]["run_id"]
        handle = await kit.start(squares, [2], "another note")
        assert await kit.result(handle) == [4]
        assert CALLS == [2, 3]
        (taken,) = (await kit.engine.show(handle.run_id))["steps"]
        assert taken["source"] == f"{first}/do/0/square"
        completed = [event for event in await kit.history(handle) if event["type"] == "step.completed"]
        assert completed[0]["source"].endswith("/do/0/square")
        await kit.advance(60)
        assert await kit.run(squares, [2]) == [4]
        assert CALLS == [2, 3, 2]


async def test_it_survives_the_process_and_can_be_forgotten(tmp_path: Path) -> None:
    clock = FakeClock()
    async with open_at(tmp_path / "a.db", clock) as stepwell:
        await stepwell.run(squares, [2, 3])
    async with open_at(tmp_path / "a.db", clock) as stepwell:
        await stepwell.run(squares, [2, 3])
        assert CALLS == [2, 3]
        assert await stepwell.forget_cached(2, step="other:step") == 0
        assert await stepwell.forget_cached(2) == 1
        await stepwell.run(squares, [2, 3])
        assert CALLS == [2, 3, 2]


async def test_failures_are_not_kept() -> None:
    async with Kit() as kit:
        for _ in range(2):
            handle = await kit.start(squares, [-1])
            await kit.drain()
            assert (await kit.engine.show(handle.run_id))["status"] == "failed"
        assert CALLS == [-1, -1]


async def test_what_another_run_did_is_not_undone() -> None:
    async with Kit() as kit:
        await kit.run(squares, [2])
        await kit.start(squares, [2, 3], "", True)
        await kit.drain()
        assert CALLS == [2, 3, ("undo", 3)]


async def test_tasks_keep_results_too_by_an_expression() -> None:
    source = parse(
        HEAD
        + "do: [{a: {call: python, with: {function: work, arguments: {n: '${ .n }'}}, output: {as: '${ {got: .} }'},"
        " metadata: {cache: {key: '${ .n }', ttl: PT1M}}}}]"
    )
    calls: list[int] = []

    def work(n: int) -> int:
        calls.append(n)
        return n + 1

    async with Kit(functions={"work": work}) as kit:
        for n in (1, 1, 2):
            assert await kit.run(source, {"n": n, "other": len(calls)}) == {"got": n + 1}
        assert calls == [1, 2]
        assert await kit.engine.forget_cached(1, step="test/flow/a") == 1


async def test_no_secret_is_kept() -> None:
    source = parse(
        HEAD + "use: {secrets: [token]}\n"
        "do: [{a: {call: python, with: {function: work}, metadata: {cache: {key: '${ $secrets.token }', ttl: PT1M}}}}]"
    )
    async with Kit(functions={"work": lambda: "it is hunter2"}, secrets={"token": "hunter2"}) as kit:
        assert await kit.run(source) == "it is ***"
        path = kit.path
        assert await kit.run(source) == "it is ***"
        assert len((await kit.engine.list())["runs"]) == 2
        for file in path.parent.iterdir():
            assert not file.is_file() or b"hunter2" not in file.read_bytes(), file


async def test_a_crash_anywhere_gives_the_same() -> None:
    survey = await kill_everywhere(lambda kit: kit.run(squares, [2, 3, 2]))
    assert survey.crashes > 6


# --- rates ----------------------------------------------------------------------------------------


async def test_no_more_than_the_rate_allows_in_any_window() -> None:
    async with Kit() as kit:
        began = kit.clock.now()
        assert await kit.run(calls, 5) == list(range(5))
        assert kit.clock.now() - began == 20 * SECOND
        assert len(CALLS) == 5, "each was performed once"


async def test_explain_says_what_it_waits_for() -> None:
    async with Kit() as kit:
        handle = await kit.start(calls, 3)
        await kit.drain()
        said = await kit.engine.explain(handle.run_id)
        assert said["reason"] == "rate_limited"
        assert "in 10.0 s" in said["summary"]
        assert [one["status"] for one in said["details"]] == ["waiting"]


async def test_two_processes_share_a_rate(tmp_path: Path) -> None:
    clock = FakeClock()
    async with open_at(tmp_path / "a.db", clock) as one, open_at(tmp_path / "a.db", clock) as two:
        handles = [await one.start(calls, 2), await two.start(calls, 2)]
        await until(lambda: len(CALLS) == 2)
        for _ in range(20):
            await asyncio.sleep(0.01)
        assert len(CALLS) == 2
        clock.advance(10)
        assert [await handle.result(10) for handle in handles] == [[0, 1], [0, 1]]


async def test_each_attempt_takes_a_slot() -> None:
    async with Kit() as kit:
        began = kit.clock.now()
        await kit.start(failing)
        await kit.drain(advance=True)
        assert CALLS == [1, 1, 1]
        assert kit.clock.now() - began == 20 * SECOND


async def test_the_start_timeout_ends_the_wait_for_a_slot() -> None:
    async with Kit() as kit:
        handle = await kit.start(impatiently)
        await kit.drain(advance=True)
        steps = (await kit.engine.show(handle.run_id))["steps"]
        assert sorted(one["status"] for one in steps) == ["completed", "completed", "timed_out"]


async def test_a_crash_anywhere_keeps_within_the_rate() -> None:
    # A slot that was taken just before a crash is lost: then a step waits for another one.
    survey = await kill_everywhere(lambda kit: kit.run(calls, 3), same=False)
    assert survey.crashes > 6


def test_the_slot_is_for_one_attempt() -> None:
    d = Driver(
        definition(
            "do: [{a: {call: python, with: {function: a}, metadata: {rateLimit: {limit: 3, window: PT1S, name: api},"
            " errorPolicy: {error: {action: retry}}}}}]"
        )
    ).start()
    effect = d.take("a")
    assert effect.rate == ("api", 3, SECOND)
    d.send(c.DeferStep(effect.step, 1, 5 * SECOND, limited=True))
    assert (d.step("a").status, d.step("a").reason) == ("waiting", "rate_limited")
    d.advance(5)
    assert d.pending["/do/0/a"].rate is None, "it waited for its slot"
    d.fail("a", problem.runtime("no"))
    d.advance(1)
    assert d.pending["/do/0/a"].rate == ("api", 3, SECOND)
    assert d.step("a").attempt - d.step("a").spent == 2, "the wait was no attempt"


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("task", "says"),
    [
        ("{call: python, with: {function: a}, metadata: {cache: {key: .x}}}", "ttl"),
        ("{call: python, with: {function: a}, metadata: {cache: {key: '.x ||', ttl: PT1S}}}", "key"),
        ("{call: python, with: {function: a}, metadata: {cache: {key: .x, ttl: PT0S}}}", "longer"),
        ("{call: python, with: {function: a}, metadata: {rateLimit: {limit: 0, window: PT1S}}}", "limit"),
        ("{call: python, with: {function: a}, metadata: {rateLimit: {limit: 1, window: fast}}}", "window"),
        ("{set: {x: 1}, metadata: {cache: {key: .x, ttl: PT1S}}}", "option"),
        (
            "{run: {workflow: {namespace: a, name: b, version: '1.0.0'}}, metadata: {rateLimit: {limit: 1, window: PT1S}}}",
            "option",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_line(task: str, says: str) -> None:
    found = findings(HEAD + f"do: [{{a: {task}}}]")
    assert [(says in f"{one} {one.pointer}", one.line) for one in found] == [(True, 2)], found


@pytest.mark.parametrize("rate", [(0, 1), (1, 0), (1.5, 1), 3, (1, 1, ""), (1,)])
def test_a_rate_is_checked_when_the_step_is_made(rate: Any) -> None:
    with pytest.raises(InvalidInput):
        step(rate=rate)(lambda: None)


def test_a_cache_is_checked_when_it_is_made() -> None:
    with pytest.raises(InvalidInput):
        Cache(ttl=0)
    with pytest.raises(InvalidInput, match="no JSON"):
        Cache(ttl=1, key=object).of("step", (), {})


@dataclass
class Customer:
    number: int


@step(cache=60)
async def rating(customer: Customer) -> int:
    CALLS.append(customer.number)
    return customer.number


@step(cache=60)
async def together(items: Any) -> list[str]:
    return sorted(items)


@workflow
async def ratings() -> list[int]:
    return [await rating(Customer(1)), await rating(Customer(2)), await rating(Customer(1))]


@workflow
async def of_a_set() -> Any:
    return await together({"apple", "pear"})


async def test_arguments_are_the_key_if_they_say_all_there_is_to_say() -> None:
    async with Kit() as kit:
        assert await kit.result(await kit.start(ratings)) == [1, 2, 1]
        assert CALLS == [1, 2]
        with pytest.raises(RunFailed, match="the arguments are the cache key, and are no JSON"):
            await kit.result(await kit.start(of_a_set))
