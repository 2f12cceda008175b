"""A step store on a real file, with a clock that the test moves."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

from stepwell.model.base import SECOND
from stepwell.steps import ANY, AsyncStepStore, Claim
from stepwell.steps.words import Steps
from tests.support.clock import FakeClock


class Bench:
    """An open store, one run of it, and its clock."""

    def __init__(self, store: AsyncStepStore, clock: FakeClock, run: str) -> None:
        self.store, self.clock, self.run = store, clock, run

    def wait(self, seconds: float) -> None:
        self.clock.set(self.clock.now() + int(seconds * SECOND))

    async def claim(self, step: str, **options: Any) -> Claim:
        """Begin a step that can be begun."""
        begun = await self.store.begin_step(self.run, step, **options)
        assert begun.claim is not None, begun
        return begun.claim

    async def done(self, step: str, output: Any = None) -> None:
        await self.store.complete_step(await self.claim(step), output)

    async def events(self) -> list[str]:
        return [event["type"] async for event in self.store.client.history(self.run)]


@asynccontextmanager
async def bench(folder: Path, steps: Steps = ANY, clock: FakeClock | None = None) -> AsyncIterator[Bench]:
    clock = clock or FakeClock()
    numbers = count(1)
    stepwell_store = await AsyncStepStore.opened(folder / "steps.db", clock=clock)
    store = AsyncStepStore(stepwell_store.client, tokens=lambda: f"token-{next(numbers)}")
    try:
        yield Bench(store, clock, await store.start_run("order", steps, {"order": 7}))
        await _sound(store)
    finally:
        await store.close()


async def _sound(store: AsyncStepStore) -> None:
    """What every test leaves behind is sound, and its indexes are those that its journal gives."""
    report = await store.client.doctor()
    assert not report["findings"], report["findings"]


async def journal_bytes(store: AsyncStepStore, run_id: str) -> str:
    """All that the journal says, for whoever looks for secrets in it."""
    return "\n".join([str(event) async for event in store.client.history(run_id)])
