"""The process dies at every commit of Python workflows of each kind, before it and after it: nothing shows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest

from stepwell import TransitionRefused
from stepwell.code.workflow import Workflow
from stepwell.model import commands as c
from stepwell.testing import Kit, kill_everywhere
from tests.code import workflows as w

pytestmark = pytest.mark.spec("Q20", "B3", "B5")

Scenario = Callable[[Kit], Awaitable[Any]]


async def run(kit: Kit, workflow: Any, arguments: tuple[Any, ...]) -> Any:
    return await kit.run(workflow, *arguments)


async def signals(kit: Kit) -> Any:
    """Sent again after a crash, with the same ids: each is delivered once."""
    handle = await kit.start(w.signalled, 3)
    for number, correlation in enumerate(["a", "b"]):
        await send(kit, handle.run_id, c.SendSignal(f"s{number}", "go", number + 1, correlation))
        await kit.advance(1)
    return await kit.result(handle)


async def send(kit: Kit, run_id: str, signal: c.SendSignal) -> None:
    try:
        await kit.engine.engine.command(run_id, signal)
    except TransitionRefused:  # the run is over: the one before the crash was enough
        assert (await kit.engine.show(run_id))["status"] == "completed"


SCENARIOS: dict[str, Scenario] = {"signalled": signals}
for _workflow, _arguments in (
    (w.sequential, (2,)), (w.plain, (2,)), (w.looped, (4,)), (w.caught, (2,)), (w.recorded, (2,)),
    (w.gathered, (2,)), (w.grouped, (2,)), (w.group_broken, (3,)), (w.mapped, (2,)), (w.queue_between, (3,)),
    (w.raced, (2,)), (w.retried, (2,)), (w.asked_again, ()), (w.spent, ()), (w.parent, (2,)), (w.counted, (3,)),
    (w.undone, (1,)),
):  # fmt: skip
    SCENARIOS[_workflow.function.__name__] = partial(run, workflow=_workflow, arguments=_arguments)


@pytest.mark.parametrize("name", SCENARIOS)
async def test_killed_at_every_commit(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for found in vars(w).values():
        if isinstance(found, Workflow):
            monkeypatch.setattr(
                found, "strict_arguments", True
            )  # what is gone through again is the same to the value
    survey = await kill_everywhere(SCENARIOS[name])
    assert survey.crashes >= survey.commits > 1
