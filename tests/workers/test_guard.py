"""JqGuard: expressions that do not end, explode or break jq fail alone."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time

import pytest

from stepwell.definition.expression import ExpressionError
from stepwell.model.base import MILLISECOND, SECOND
from stepwell.workers.children import ChildPool
from stepwell.workers.guard import JqGuard
from tests.workers.processes import alive, lines_of, until_dead

LIMIT = 5 * SECOND
SHORT = 100 * MILLISECOND


@pytest.fixture
async def children():
    pool = ChildPool("jq", keep=2)
    yield pool
    await pool.close()


@pytest.fixture
def guard(children):
    return JqGuard(children)


async def value(guard: JqGuard, source: str, data=None, variables=None, limit: int = LIMIT):
    return await guard.evaluate(source, data, variables or {}, 1_700_000_000_000_000, limit)


async def refused(guard: JqGuard, source: str, limit: int = LIMIT, data=None) -> str:
    with pytest.raises(ExpressionError) as caught:
        await value(guard, source, data, limit=limit)
    return str(caught.value)


async def test_values(guard):
    assert await value(guard, ".a + $b", {"a": 1}, {"b": 2}) == 3
    assert await value(guard, "empty") is None
    assert await value(guard, ".[]", [1, 2]) == [1, 2]
    assert await value(guard, ".", {"text": "ä\u2028", "none": None}) == {"text": "ä\u2028", "none": None}


async def test_big_integers_are_exact_or_refused(guard):
    try:
        assert await value(guard, ".n", {"n": 2**80}) == 2**80
    except ExpressionError as error:
        assert "integer" in str(error) or "exact" in str(error)


async def test_errors_of_the_expression(guard, children):
    assert "wrong" in await refused(guard, 'error("wrong")')
    before = children.pids
    await refused(guard, "{")
    assert children.pids == before
    assert await value(guard, "1") == 1


@pytest.mark.parametrize("source", ["repeat(.)", "def f: f; f", "last(range(infinite))", "until(false; .)"])
async def test_what_does_not_end_is_stopped(guard, children, source):
    await value(guard, "1")
    (pid,) = children.pids
    message = await refused(guard, source, SHORT)
    assert "did not end within 0.1 s" in message
    assert source in message
    assert not alive(pid)
    assert await value(guard, "1") == 1


@pytest.mark.parametrize(
    "source",
    ['"x" * 3000000000', 'reduce range(100) as $i ("x"; . + .)', "[range(1e9)]", "def f: [f]; f"],
)
async def test_what_explodes_is_stopped(guard, source):
    await refused(guard, source, SECOND)
    assert await value(guard, "1") == 1


async def test_running_out_of_memory_has_its_own_message(guard):
    for _ in range(2):
        message = await refused(guard, '[range(4) | "ab" * (70000000 + .)] | add | length')
        assert "took more than its memory" in message
        assert await value(guard, "1") == 1


async def test_values_that_are_too_large_are_refused(guard, children):
    assert "16 MB" in await refused(guard, '"x" * 17000000')
    assert len(await value(guard, '"x" * 1000000')) == 1_000_000
    assert len(children.pids) == 1


async def test_deep_values_do_not_hurt(guard):
    source = "last(limit(100000; recurse([.])))"
    await refused(guard, source)
    assert await value(guard, "1") == 1


async def test_data_and_values_that_cannot_be_sent(guard):
    deep = []
    for _ in range(250):
        deep = [deep]
    assert "data" in await refused(guard, ".", data={"x": "\ud800"})
    assert "data" in await refused(guard, ".", data=deep)
    await refused(guard, "last(limit(220; recurse([.])))")
    assert await value(guard, "1") == 1


async def test_several_at_once_use_several_children(guard, children):
    outcomes = await asyncio.gather(
        refused(guard, "repeat(.)", 3 * SHORT),
        refused(guard, "def f: f; f", 3 * SHORT),
        value(guard, "1 + 1"),
    )
    assert outcomes[2] == 2
    results = await asyncio.gather(*(value(guard, ". * 2", n) for n in range(50)))
    assert results == [2 * n for n in range(50)]
    async with asyncio.timeout(5):
        while len(children.pids) > 2:  # the spare ones end
            await asyncio.sleep(0.005)
    assert all(map(alive, children.pids))


async def test_no_more_children_than_allowed():
    children = ChildPool("jq", most=1)
    guard = JqGuard(children)
    assert await asyncio.gather(*(value(guard, ".", n) for n in range(5))) == list(range(5))
    assert len(children.pids) == 1
    await guard.close()
    assert not children.pids


async def test_cancelling_stops_the_expression(guard, children):
    await value(guard, "1")
    (pid,) = children.pids
    task = asyncio.create_task(value(guard, "repeat(.)"))
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not alive(pid)
    assert await value(guard, "1") == 1


async def test_a_child_that_died_idle_is_replaced(guard, children):
    await value(guard, "1")
    (pid,) = children.pids
    os.kill(pid, signal.SIGKILL)
    async with asyncio.timeout(5):
        while children._idle[0].alive:  # until the loop has been told
            await asyncio.sleep(0.002)
    assert await value(guard, "1") == 1
    assert pid not in children.pids


async def test_children_know_no_secrets(children, guard, monkeypatch):
    monkeypatch.setenv("DATABASE_PASSWORD", "s3cret")
    await value(guard, "1")
    (pid,) = children.pids
    with open(f"/proc/{pid}/environ") as environment:
        assert "s3cret" not in environment.read()


def test_children_end_with_their_parent(tmp_path):
    """Even in the middle of an expression that never ends."""
    script = f"""
import asyncio
from stepwell.workers.children import ChildPool
from stepwell.workers.guard import JqGuard

async def main():
    children = ChildPool("jq")
    guard = JqGuard(children)
    await guard.evaluate("1", None, {{}}, 0, 1_000_000)
    task = asyncio.create_task(guard.evaluate("repeat(.)", None, {{}}, 0, 100_000))
    await asyncio.sleep(0.02)
    with open({str(tmp_path / "pid")!r}, "w") as file:
        file.write(f"{{list(children.pids)[0]}}\\n")
    import os
    os.kill(os.getpid(), 9)

asyncio.run(main())
"""
    subprocess.run([sys.executable, "-c", script], check=False, env={**os.environ, "PYTHONPATH": os.getcwd()})
    (pid,) = asyncio.run(lines_of(tmp_path / "pid", 1))
    asyncio.run(until_dead(int(pid)))


async def test_a_warm_evaluation_is_fast(guard):
    await value(guard, ".a", {"a": 1})
    best = 1.0
    for _ in range(5):
        began = time.perf_counter()
        for _ in range(50):
            await value(guard, ".a", {"a": 1})
        best = min(best, (time.perf_counter() - began) / 50)
    assert best < 2e-3  # about 150 µs on a machine that is not busy
