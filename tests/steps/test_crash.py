"""A runner that dies at every commit of its run: it recovers in the documented order, and each step counts once."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from stepwell.steps import AsyncStepStore, Plan, StepRun
from stepwell.testing.killing import kill_everywhere
from stepwell.testing.kit import Kit

STEPS = ["reserve", "charge", "pack", "ship"]
JOIN = Plan("ship", {"by": "boat"}, needs=("charge", "pack"))
NEXT: dict[str, list[str | Plan]] = {
    "reserve": ["charge", "pack"],
    "charge": [JOIN],
    "pack": [JOIN],
    "ship": [],
}


class Runner:
    """Begins what is planned until the run has ended. `together`: plans successors in the commit of the result."""

    def __init__(self, kit: Kit, *, together: bool) -> None:
        self.kit, self.store, self.together = kit, AsyncStepStore(kit.engine), together

    async def run(self) -> Any:
        store = self.store
        run = await store.start_run("order", STEPS, {"order": 7}, key="order-7")
        while await store.run_state(run) == "running":
            todo = await store.recovery(run)
            for step in [*todo.planned, *todo.expired]:
                await self.execute(run, step.step)
            await self.go_on(run, todo.finished)
            if not (todo.planned or todo.expired or todo.finished):
                if (
                    not await store.completed_steps(run)
                    and (await store.step_statuses(run))["reserve"] is None
                ):
                    await store.schedule_step(run, "reserve", {"order": 7})
                else:  # somebody who is gone has claimed what is left
                    await self.kit.advance(10)
        return [await store.completed_outputs(run), await store.client.result(run)]

    async def execute(self, run: str, step: str) -> None:
        begun = await self.store.begin_step(run, step, owner="runner", lease=10)
        if begun.claim is None:
            return
        if step == "pack" and begun.attempt == 1:
            await self.store.fail_step(begun.claim, "no box", retry_after=3)
            await self.kit.advance(3)
            return
        last = {"run_output": "sent"} if step == "ship" and self.together else {}
        schedule = NEXT[step] if self.together else []
        done = await self.store.complete_step(begun.claim, step.upper(), schedule=schedule, **last)
        again = await self.store.complete_step(begun.claim, step.upper(), schedule=schedule, **last)
        assert done.recorded and not again.recorded and not again.scheduled

    async def go_on(self, run: str, finished: tuple[StepRun, ...]) -> None:
        """Plan what should have followed."""
        for step in finished[-1:]:
            last = {"run_output": "sent"} if step.step == "ship" else {}
            await self.store.reconcile_step(run, step.step, schedule=NEXT[step.step], **last)


@pytest.mark.spec("Q5", "Q6", "Q20")
@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("again", [None, 3])
async def test_killed_at_every_commit_each_step_counts_once(together: bool, again: int | None) -> None:
    """`again`: the one that recovers dies too."""
    seen: Counter[str] = Counter()

    async def scenario(kit: Kit) -> Any:
        outputs, result = await Runner(kit, together=together).run()
        seen[str([sorted(outputs.items()), result])] += 1

    survey = await kill_everywhere(scenario, again=again, same=False)  # how many attempts it took may differ
    assert survey.commits >= 10 and survey.crashes >= 2 * survey.commits - 2
    done = [(name, name.upper()) for name in sorted(STEPS)]
    assert list(seen) == [str([done, "sent"])]
