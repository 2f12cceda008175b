"""What is asked of a run that stands otherwise is refused in words for people, and changes nothing."""

from __future__ import annotations

import pytest

from stepwell import TransitionRefused, flow, workflow
from stepwell.testing import Kit

pytestmark = pytest.mark.spec("Q9")


@workflow(name="refusals")
async def waits(*, ends: bool = False) -> None:
    if not ends:
        await flow.sleep(1_000)


SAID = {
    ("completed", "cancel"): "is completed: it cannot be cancelled any more",
    ("completed", "pause"): "is completed: it cannot be paused any more",
    ("completed", "terminate"): "is completed: it cannot be terminated any more",
    ("completed", "retry"): "is completed: only what failed, timed out or was cancelled can be retried",
    ("completed", "resume"): "is completed: there is no pause to resume from",
    ("cancelled", "cancel"): "is cancelled already",
    ("terminated", "terminate"): "is terminated already",
    ("terminated", "cancel"): "is terminated: it cannot be cancelled any more",
    ("terminated", "retry"): "is terminated: only what failed, timed out or was cancelled can be retried",
    ("paused", "pause"): "is paused already",
    ("paused", "retry"): "is paused: only what failed, timed out or was cancelled can be retried",
    ("running", "retry"): "is running: only what failed, timed out or was cancelled can be retried",
}


@pytest.mark.parametrize(("status", "verb"), SAID)
async def test_it_says_how_the_run_stands(status: str, verb: str) -> None:
    async with Kit() as kit:
        handle = await kit.start(waits, kwargs={"ends": status == "completed"})
        await kit.drain()
        steer = {"cancelled": "cancel", "terminated": "terminate", "paused": "pause"}.get(status)
        if steer is not None:
            await getattr(kit.engine, steer)(handle.run_id)
            await kit.drain()
        before = await kit.engine.engine.store.turns(handle.run_id)
        with pytest.raises(TransitionRefused, match=f"run {handle.run_id} {SAID[status, verb]}\n"):
            await getattr(kit.engine, verb)(handle.run_id)
        assert list(await kit.engine.engine.store.turns(handle.run_id)) == list(before)
