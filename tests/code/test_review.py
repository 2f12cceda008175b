"""What reviewers found: each of these lost, doubled or hung something once."""

from __future__ import annotations

from pathlib import Path

import pytest

from stepwell import Stepwell, flow, step, workflow
from stepwell.model.errors import InvalidInput
from stepwell.testing import Kit, kill_everywhere

charged: list[int] = []


@step(retry=3)
async def charge_once(amount: int) -> int:
    charged.append(amount)
    return amount


@workflow
async def says_what_cannot_be_stored(where: str) -> object:
    await charge_once(1)
    if where == "result":
        return "\ud800"
    if where == "number":
        return 10**5000
    flow.set_event("said", "\ud800")
    return None


@workflow
async def mailbox(taken: list[int]) -> list[int]:
    taken = [*taken, await flow.wait_for_signal("mail")]
    if len(taken) < 3:
        flow.continue_as_new(taken)
    return taken


@workflow
async def endless(round: int) -> None:
    await flow.sleep(1)
    flow.continue_as_new(round + 1)


@workflow
async def waits_for_endless() -> None:
    await flow.start_child(endless, 0).result()


@step(queue="nobody-made-it")
async def lost_in_no_queue() -> None:
    return None


@workflow
async def uses_no_queue() -> str:
    try:
        await lost_in_no_queue()
    except Exception as error:
        return str(error)
    return "?"


@pytest.mark.parametrize("where", ["result", "number", "event"])
async def test_what_the_code_says_is_not_the_steps_fault(tmp_path: Path, where: str) -> None:
    charged.clear()
    async with Stepwell.open(tmp_path / "x.db") as engine:
        handle = await engine.start(says_what_cannot_be_stored, where)
        view = await handle.wait(10)
        assert view["status"] == "failed"
        assert charged == [1]
        assert (await handle.steps())[0]["status"] == "completed"


async def test_signals_that_were_not_taken_go_on_with_the_run() -> None:
    async def scenario(kit: Kit) -> object:
        handle = await kit.start(mailbox, [], key="box")
        for number in range(3):
            await kit.engine.signal(handle.run_id, "mail", number, id=f"s{number}")
        return await kit.result(handle)

    async with Kit() as kit:
        assert await scenario(kit) == [0, 1, 2]
    await kill_everywhere(scenario)


async def test_the_same_signal_counts_once_along_a_chain(tmp_path: Path) -> None:
    async with Stepwell.open(tmp_path / "x.db") as engine:
        handle = await engine.start(mailbox, [])
        assert (await handle.signal("mail", 1, id="one"))["status"] == "delivered"
        assert (await handle.signal("mail", 1, id="one"))["status"] == "duplicate"
        await handle.signal("mail", 2)
        await handle.signal("mail", 3)
        assert await handle.result(10) == [1, 2, 3]


async def test_a_chain_is_cancelled_with_whoever_waits_for_it() -> None:
    async with Kit() as kit:
        handle = await kit.start(waits_for_endless)
        for _ in range(3):
            await kit.skip_to_next_timer()
        await handle.cancel("enough")
        view = await handle.wait(10)
        assert view["status"] == "cancelled"
        await kit.drain()
        assert {run["status"] for run in (await kit.engine.list())["runs"]} <= {"cancelled", "continued"}


async def test_cancelling_a_run_cancels_what_it_continued_as() -> None:
    async with Kit() as kit:
        handle = await kit.start(endless, 0)
        for _ in range(3):
            await kit.skip_to_next_timer()
        await handle.cancel("enough")
        assert (await handle.wait(10))["status"] == "cancelled"


async def test_a_step_in_a_queue_that_is_not_there_fails(tmp_path: Path) -> None:
    async with Stepwell.open(tmp_path / "x.db") as engine:
        handle = await engine.start(uses_no_queue)
        assert "no queue 'nobody-made-it'" in await handle.result(10)


async def test_a_method_does_not_go_through_a_queue() -> None:
    class Shop:
        @step(queue="default")
        async def sell(self) -> None:
            return None

    with pytest.raises(InvalidInput, match="method"):
        await Shop().sell()
