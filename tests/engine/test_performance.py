"""What an attempt's performance holds, and how long."""

from __future__ import annotations

import weakref
from types import SimpleNamespace

import pytest

from stepwell import StepFailed, step, workflow
from stepwell.engine.mail import Mail
from stepwell.engine.work import Performance
from stepwell.model.actions import CodeAction, Succeeded
from stepwell.model.commands import CompleteStep
from stepwell.model.effects import Perform
from stepwell.testing import Kit
from stepwell.workers.context import CallAgain


class Argument:
    """Something large, perhaps."""


class Told(list[Mail]):
    """Stands for an actor."""

    id = "r"
    state = SimpleNamespace(run=SimpleNamespace(id="r"))

    def tell(self, mail: Mail) -> None:
        self.append(mail)


def finished(told: Told) -> weakref.ref[Argument]:
    argument = Argument()
    action = CodeAction(print, (argument,), {}, True, str)
    performance = Performance(told, Perform("/do/0/a", 2, action, "key"), None, None, None)  # type: ignore[arg-type]
    performance.finish(Succeeded({"n": 1}))
    return weakref.ref(argument)


def test_a_result_on_its_way_holds_nothing_of_its_performance() -> None:
    told = Told()
    argument = finished(told)
    assert [mail.command for mail in told] == [CompleteStep("/do/0/a", 2, {"n": 1}, None)]
    assert argument() is None


@step
async def far_too_long() -> int:
    return 10**5000


@step(cache=60)
async def kept_for_later() -> int:
    return 10**5000


@workflow
async def counts_far(kept: bool) -> str:
    try:
        await (kept_for_later() if kept else far_too_long())
    except StepFailed as failure:
        return str(failure)
    return "stored"


@pytest.mark.parametrize("kept", [False, True])
async def test_a_result_that_cannot_be_stored_is_the_failure_of_its_step(kept: bool) -> None:
    async with Kit() as kit:
        handle = await kit.start(counts_far, kept)
        await kit.drain()
        assert "4300 digits" in await kit.result(handle.run_id)
        only = (await handle.steps())[0]
        assert (only["status"], only["attempt"]) == ("failed", 1)


@step(retry=2)
async def fails_with(what: str) -> None:
    DONE.append(what)
    if what == "half":
        raise ValueError("half a character: \udcff")
    if what == "long":
        raise ValueError(10**5000)
    raise CallAgain(1, {"seen": 10**5000})


DONE: list[str] = []


@workflow
async def fails_oddly(what: str) -> str:
    try:
        await fails_with(what)
    except StepFailed as failure:
        return str(failure)
    return "went well"


@pytest.mark.parametrize("what", ["half", "long", "again"])
async def test_a_failure_that_cannot_be_stored_is_one_of_its_step_all_the_same(what: str) -> None:
    DONE.clear()
    async with Kit() as kit:
        handle = await kit.start(fails_oddly, what)
        for _ in range(4):
            await kit.drain(advance=True)
        said = await kit.result(handle.run_id)
        assert {"half": "half a character", "long": "4300 digits", "again": "4300 digits"}[what] in said
        assert (await handle.steps())[0]["status"] == "failed"
        assert len(DONE) == 2
        await kit.check()
