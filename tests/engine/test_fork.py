"""Forks and reruns: what is taken over, what is done again, what is refused (SPEC Q12)."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from stepwell import Stepwell, flow, step, workflow
from stepwell.model.errors import Conflict, InvalidInput, NotFound
from stepwell.testing import Kit

did: list[str] = []


@pytest.fixture(autouse=True)
def nothing_done() -> None:
    did.clear()


@step
async def take(order: int) -> int:
    did.append("take")
    return order + 1


@step(irreversible=True)
async def pay(amount: int) -> int:
    did.append("pay")
    return amount * 10


@step
async def ship(paid: int) -> str:
    did.append("ship")
    return f"parcel {paid}"


@workflow(version="1")
async def sell(order: int) -> str:
    return await ship(await pay(await take(order)))


@workflow(name="sell", version="2")
async def sell_dearer(order: int) -> str:
    return (await ship(await pay(await take(order)))) + "!"


@workflow
async def many(count: int) -> list[int]:
    return await flow.map(take, range(count), concurrency=2)


def double(x: int) -> int:
    did.append("double")
    return x * 2


@workflow(name="fork-child")
async def child(n: int) -> int:
    return n


@workflow(name="fork-lasting-child")
async def lasting() -> None:
    await flow.sleep(5_000)


@workflow(name="fork-parent")
async def parent() -> dict[str, str]:
    done, kept = flow.start_child(child, 1), flow.start_child(lasting, detached=True)
    await done.result()
    open_ = flow.start_child(lasting)
    await flow.sleep(10)
    await take(1)
    late = flow.start_child(child, 2)
    await late.result()
    await take(2)
    return {"done": done.run_id, "kept": kept.run_id, "open": open_.run_id, "late": late.run_id}


MENDED: list[bool] = []


@workflow(name="fork-breaking-child")
async def breaking() -> str:
    if not MENDED:
        raise ValueError("not yet")
    await flow.sleep(50)
    return "at last"


@workflow(name="fork-retried-parent")
async def retried() -> list[Any]:
    begun = flow.start_child(breaking)
    _, said = await asyncio.gather(beside(), begun.result())
    await take(3)
    return [begun.run_id, said]


async def beside() -> None:
    await flow.sleep(10)
    await take(2)


DOCUMENT = """
document: {dsl: 1.0.3, namespace: test, name: line, version: 1.0.0}
do:
  - first: {set: {x: 1}}
  - loop:
      for: {each: n, in: "${ [1, 2, 3] }"}
      do:
        - add: {set: {x: "${ .x + $n }"}}
  - last: {call: python, with: {function: double, arguments: ["${ .x }"]}}
"""


@pytest.mark.spec("Q12")
async def test_a_fork_does_again_only_what_came_after(tmp_path: Path) -> None:
    async with Stepwell.open(tmp_path / "x.db") as engine:
        first = await engine.start(sell, 1)
        assert await first.result(10) == "parcel 20"
        fork = await first.fork("ship")
        assert await fork.result(10) == "parcel 20"
        assert did == ["take", "pay", "ship", "ship"]
        shown = await engine.show(fork.run_id)
        assert [s["status"] for s in shown["steps"]] == ["completed"] * 3
        assert shown["forked_from"] == first.run_id
        assert (await engine.doctor())["ok"]


@pytest.mark.spec("Q12")
async def test_what_cannot_be_taken_back_is_not_done_again_unless_it_is_meant(tmp_path: Path) -> None:
    async with Stepwell.open(tmp_path / "x.db") as engine:
        first = await engine.start(sell, 1)
        await first.result(10)
        for again in (
            lambda: first.fork("pay"),
            lambda: first.fork("take"),
            lambda: engine.rerun(first.run_id),
        ):
            with pytest.raises(Conflict, match="/do/1/pay"):
                await again()
        assert did == ["take", "pay", "ship"]
        assert len((await engine.list())["runs"]) == 1
        fork = await first.fork("pay", allow_irreversible=True)
        assert await fork.result(10) == "parcel 20"
        rerun = await engine.rerun(first.run_id, allow_irreversible=True)
        assert await rerun.result(10) == "parcel 20"
        assert did.count("take") == 2


@pytest.mark.spec("Q12")
async def test_another_version_takes_over_what_was_done(tmp_path: Path) -> None:
    async with Stepwell.open(tmp_path / "x.db") as engine:
        first = await engine.start(sell, 1)
        await first.result(10)
        fork = await first.fork("ship", version="2.0.0")
        assert await fork.result(10) == "parcel 20!"
        rerun = await engine.rerun(first.run_id, version="latest", allow_irreversible=True)
        assert await rerun.result(10) == "parcel 20!"
        with pytest.raises(NotFound):
            await first.fork("ship", version="9.0.0")


@pytest.mark.spec("Q12")
async def test_a_declarative_run_forks_inside_a_loop(tmp_path: Path) -> None:
    async with Stepwell.open(tmp_path / "x.db", functions=[double]) as engine:
        first = await engine.start(DOCUMENT)
        assert await first.result(10) == 14
        fork = await first.fork("/do/1/loop/do[2]/0/add")
        assert await fork.result(10) == 14
        assert did == ["double", "double"]
        assert (await engine.doctor())["ok"]


@pytest.mark.spec("Q12")
async def test_what_ran_beside_the_step_is_performed_again(tmp_path: Path) -> None:
    async with Stepwell.open(tmp_path / "x.db") as engine:
        first = await engine.start(many, 6)
        assert await first.result(10) == [1, 2, 3, 4, 5, 6]
        steps: list[dict[str, Any]] = await first.steps()
        fork = await first.fork(steps[3]["id"])
        assert await fork.result(10) == [1, 2, 3, 4, 5, 6]
        assert (await engine.doctor())["ok"]


async def test_a_step_that_is_not_there(tmp_path: Path) -> None:
    async with Stepwell.open(tmp_path / "x.db") as engine:
        first = await engine.start(sell, 1)
        await first.result(10)
        with pytest.raises((NotFound, InvalidInput)):
            await first.fork("nothing")


async def test_arguments_that_do_not_fit_start_nothing(tmp_path: Path) -> None:
    async with Stepwell.open(tmp_path / "x.db") as engine:
        for wrong in ((), (1, 2)):
            with pytest.raises(InvalidInput):
                await engine.start(sell, *wrong)
        with pytest.raises(InvalidInput, match="no parameter 'ordr'"):
            await engine.start("sell:1.0.0", {"ordr": 1})
        assert (await engine.list())["runs"] == []
        assert await engine.run("sell:1.0.0", {"order": 1}) == "parcel 20"


@pytest.mark.parametrize("begins", [1, 256])
@pytest.mark.parametrize("crash", [False, True])
async def test_a_fork_knows_whose_run_a_child_is(
    *, crash: bool, begins: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What had ended before it was begun by the run that it is a fork of, at whatever remove; all else it begins."""
    monkeypatch.setattr("stepwell.engine.environment.BEGINS_PER_TURN", begins)
    async with Kit() as kit:
        origin = await kit.start(parent)
        await kit.advance(20)
        first = await kit.engine.result(origin.run_id)
        early = await kit.engine.fork(origin.run_id, "/do/4/take")
        await kit.advance(5)
        if crash:
            kit.crash()
            await kit.reopen()
        await kit.advance(15)
        second = await kit.engine.result(early.run_id)
        assert {name for name in first if first[name] == second[name]} == {"done", "kept"}
        again = await kit.engine.fork(early.run_id, "/do/6/take")
        await kit.advance(20)
        third = await kit.engine.result(again.run_id)
        assert {name for name in first if first[name] == third[name]} == {"done", "kept"}
        assert {name for name in second if second[name] == third[name]} == {"done", "kept", "late"}
        for ids in (first, second):
            found = {name: (await kit.engine.show(run_id))["status"] for name, run_id in ids.items()}
            assert found == {"done": "completed", "kept": "running", "open": "cancelled", "late": "completed"}
        await kit.check()


@pytest.mark.parametrize("crash", [False, True])
async def test_a_fork_begins_the_child_that_was_in_flight_again_though_one_had_failed(*, crash: bool) -> None:
    """The parent was retried: the second child is in flight at the first fork, and over at the second."""
    MENDED.clear()
    async with Kit() as kit:
        engine = kit.engine
        origin = await kit.start(retried)
        await kit.drain()
        assert (await engine.show(origin.run_id))["status"] == "failed"
        MENDED.append(True)
        await engine.retry(origin.run_id)
        await kit.advance(20)
        early = await engine.fork(origin.run_id, "/do/2/take")
        if crash:
            kit.crash()
            engine = await kit.reopen()
        theirs, _ = await kit.result(origin)
        own, said = await kit.result(early.run_id)
        assert (said, (await engine.show(own))["parent_id"]) == ("at last", early.run_id)
        assert (await engine.show(theirs))["parent_id"] == origin.run_id
        for fork_of, known in ((origin.run_id, theirs), (early.run_id, own)):
            late = await engine.fork(fork_of, "/do/3/take")
            assert await kit.result(late.run_id) == [known, "at last"]
        await kit.check()
