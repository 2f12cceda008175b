"""WorkerDispatch: routing, and surviving defects."""

from __future__ import annotations

import asyncio

import pytest

from stepwell.model.actions import ChildAction, Failed, HttpAction, PythonAction, ShellAction, Succeeded
from stepwell.model.problem import CONFIGURATION, RUNTIME
from stepwell.workers.dispatch import WorkerDispatch
from stepwell.workers.python import PythonRunner
from stepwell.workers.shell import ShellRunner
from tests.support.work_context import PlainContext


class Broken:
    """A runner with a defect."""

    def __init__(self) -> None:
        self.closed = 0

    async def perform(self, action, context):
        raise KeyError("defect")

    async def close(self) -> None:
        self.closed += 1
        raise OSError("cannot close")


async def test_actions_go_to_their_runners():
    runners = {ShellAction: ShellRunner(), PythonAction: PythonRunner({"one": lambda: 1})}
    dispatch = WorkerDispatch(runners)
    assert await dispatch.perform(ShellAction("echo 1"), PlainContext()) == Succeeded("1")
    assert await dispatch.perform(PythonAction("one"), PlainContext()) == Succeeded(1)
    outcome = await dispatch.perform(ChildAction("r", "n", "w", "1", None), PlainContext())
    assert isinstance(outcome, Failed)
    assert outcome.problem.type == CONFIGURATION
    await dispatch.close()


async def test_a_defect_of_a_runner_fails_the_step_only():
    dispatch = WorkerDispatch({HttpAction: Broken()})
    outcome = await dispatch.perform(HttpAction("GET", "http://x", {}, {}), PlainContext())
    assert isinstance(outcome, Failed)
    assert outcome.problem.type == RUNTIME
    assert "KeyError" in outcome.problem.detail


async def test_closing_closes_each_runner_once_even_if_one_fails():
    one, other = Broken(), Broken()
    await WorkerDispatch({HttpAction: one, ShellAction: one, PythonAction: other}).close()
    assert (one.closed, other.closed) == (1, 1)


@pytest.mark.spec("X10")
async def test_cancelling_goes_through():
    began = asyncio.Event()

    async def wait() -> None:
        began.set()
        await asyncio.Event().wait()

    dispatch = WorkerDispatch({PythonAction: PythonRunner({"wait": wait})})
    task = asyncio.create_task(dispatch.perform(PythonAction("wait"), PlainContext()))
    await began.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
