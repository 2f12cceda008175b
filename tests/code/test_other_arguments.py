"""Code that makes the same calls with other arguments: told, and with `strict_arguments` found to be other code."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable
from typing import Any

import pytest

from stepwell import Stepwell, flow, step, workflow
from stepwell.model.events import RunStalled
from stepwell.testing import Kit

pytestmark = pytest.mark.spec("B3", "Q16")


@step
async def pay(order: int, amount: float = 1.0, **more: Any) -> str:
    return f"{order} {amount}"


@workflow(name="other-child")
async def child(n: int) -> int:
    return n


def shop(amount: Any = 9.5, note: str = "a", n: int = 1, correlation: str = "x", **options: Any) -> Any:
    @workflow(name="other-shop", **options)
    async def shop() -> list[Any]:
        done: list[Any] = [await pay(7, amount), await pay(8, amount=2.0, note=note)]
        done.append(await child(n))
        done.append(await flow.wait_for_signal("go", correlation=correlation))
        return done

    return shop


OTHERS: dict[str, tuple[dict[str, Any], str, str, str]] = {
    "by place": ({"amount": 10.5}, "step pay", "argument 2", "10.5"),
    "by name": ({"note": "b"}, "step pay", "argument note", "'b'"),
    "of a child": ({"n": 2}, "workflow other-child", "argument n", "2"),
    "of a signal": ({"correlation": "y"}, "signal go", "argument correlation", "'y'"),
}


async def begun(kit: Kit, code: Any) -> str:
    handle = await kit.start(code)
    await kit.drain()
    assert (await kit.engine.show(handle.run_id))["status"] == "running"
    return handle.run_id


@pytest.mark.parametrize("name", OTHERS)
async def test_other_arguments_are_told_and_what_is_recorded_holds(
    name: str, caplog: pytest.LogCaptureFixture
) -> None:
    changed, what, place, value = OTHERS[name]
    async with Kit(workflows=[shop(), child]) as kit:
        run_id = await begun(kit, shop())
        before = await kit.engine.engine.store.turns(run_id)
        with caplog.at_level(logging.WARNING, "stepwell.code"):
            await kit.reopen(workflows=[shop(**changed), child])
            await kit.drain()
        (said,) = caplog.messages
        assert f"called {what} of run {run_id}" in said and f"with another {place} than is recorded" in said
        assert value not in said.replace(run_id, "").partition("called")[2].replace("(call 2)", "")
        assert list(await kit.engine.engine.store.turns(run_id)) == list(before)
        await kit.engine.signal(run_id, "go", "on", correlation="x")
        assert await kit.result(run_id) == ["7 9.5", "8 2.0", 1, "on"]
        await kit.check()


@pytest.mark.parametrize("name", OTHERS)
async def test_where_arguments_are_strict_the_run_waits_for_the_code_that_gave_them(name: str) -> None:
    changed, what, place, value = OTHERS[name]
    async with Kit(workflows=[shop(strict_arguments=True), child]) as kit:
        run_id = await begun(kit, shop(strict_arguments=True))
        await kit.reopen(workflows=[shop(**changed, strict_arguments=True), child])
        await kit.drain()
        last = (await kit.engine.engine.store.turns(run_id))[-1].events
        assert [type(event) for event in last] == [RunStalled]
        recorded, called = str(last[0].error.detail).splitlines()[1:3]
        assert recorded.startswith(f"  recorded: {what}, {place} ")
        assert called == f"  called:   {what}, {place} {value}"
        await kit.engine.signal(run_id, "go", "on", correlation="x")
        await kit.drain()
        assert (await kit.engine.show(run_id))["status"] == "running"

        await kit.reopen(workflows=[shop(strict_arguments=True), child])
        assert await kit.result(run_id) == ["7 9.5", "8 2.0", 1, "on"]
        await kit.check()


class Box:
    """No JSON, and never equal to another one."""


async def test_what_json_cannot_tell_apart_is_not_another_argument() -> None:
    @workflow(name="other-odd", strict_arguments=True)
    async def odd() -> None:
        await pay(1, math.nan, box=Box(), names={"a", "b", "c"}, pair=(1, [math.inf]), deep=[{"x": math.nan}])
        await flow.sleep(60)

    async with Kit(workflows=[odd]) as kit:
        handle = await kit.start(odd)
        await kit.advance(30)
        await kit.reopen()
        assert await kit.result(handle) is None


async def test_fewer_arguments_are_other_arguments() -> None:
    def made(code: Callable[[], Any]) -> Any:
        @workflow(name="other-many", strict_arguments=True)
        async def many() -> None:
            await code()
            await flow.sleep(60)

        return many

    async with Kit(workflows=[made(lambda: pay(1, 2.0))]) as kit:
        handle = await kit.start(made(lambda: pay(1, 2.0)))
        await kit.advance(30)
        await kit.reopen(workflows=[made(lambda: pay(1))])
        await kit.drain()
        (stalled,) = (await kit.engine.engine.store.turns(handle.run_id))[-1].events
        assert "recorded: step pay, number of arguments [1, 2.0]" in stalled.error.detail  # type: ignore[union-attr]


@pytest.mark.spec("Q10")
async def test_explain_tells_it_where_the_code_is_executed() -> None:
    async with Kit(workflows=[shop(), child]) as kit:
        run_id = await begun(kit, shop())

        async def told(stepwell: Any) -> str | None:
            found: str | None = (await stepwell.explain(run_id))["evidence"]["other_arguments"]
            return found

        assert await told(kit.engine) is None
        await kit.reopen(workflows=[shop(amount=10.5), child])
        await kit.drain()
        assert await told(kit.engine) == "call 0 (step pay) with another argument 2 than is recorded"
        async with Stepwell.open(kit.path, clock=kit.clock, guest=True) as guest:
            assert await told(guest) is None, "it executes no code"
        await kit.reopen(workflows=[shop(), child])
        await kit.drain()
        assert await told(kit.engine) is None
