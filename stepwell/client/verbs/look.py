"""Looking at runs: nothing here changes anything."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

from stepwell.client import checkup
from stepwell.client.compare import compare
from stepwell.client.explain import explain
from stepwell.client.progress import Progress, progress_of
from stepwell.client.verbs.base import Verbs
from stepwell.client.views import View, row_view, run_view
from stepwell.client.where import read_where
from stepwell.model.journal import RunFilter
from stepwell.model.records import State


class LookVerbs(Verbs):
    """Show, list, explain, progress, history, doctor."""

    async def state(self, run_id: str) -> State:
        """The run's records, as its journal tells them."""
        await self.engine.row(run_id)
        return await self.engine.reload(run_id)

    async def show(self, run_id: str) -> View:
        """Everything about a run, its steps and attempts."""
        return run_view(await self.state(run_id))

    async def step(self, run_id: str, step: str) -> View:
        """One step, by id, path or (where it is unique) name. Raises `NotFound`."""
        return checkup.find_step(await self.show(run_id), step)

    async def compare(self, run_id: str, other: str) -> View:
        """Where two runs part: their outcomes, and every step that went another way."""
        return compare(await self.state(run_id), await self.state(other))

    async def list(
        self,
        *,
        status: Sequence[str] = (),
        name: str | None = None,
        namespace: str | None = None,
        tags: Mapping[str, str] | None = None,
        parent_id: str | None = None,
        where: str | Mapping[str, Any] | None = None,
        limit: int = 50,
        cursor: str | None = None,
    ) -> View:
        """`{"runs": […], "next": cursor or None}`, newest first. `where` asks for attributes, as text
        (`amount > 100 and region = "eu"`) or as data (see `client.where`). Raises `InvalidInput`."""
        asked = read_where(where) if where is not None else None
        chosen = RunFilter(tuple(status), name, namespace, dict(tags or {}), parent_id, where=asked)
        page = await self.engine.store.list_runs(chosen, limit, cursor)
        return {"runs": [row_view(row) for row in page.rows], "next": page.next}

    async def explain(self, run_id: str) -> View:
        """Why the run stands where it stands, and what can be done: `reason`, `next_actions`, `evidence`."""
        state = await self.state(run_id)
        alive = await self.engine.store.owner_alive(run_id)
        return explain(state, self.engine.clock.now(), carried_on=alive)

    async def progress(self, run_id: str) -> Progress:
        """How far the run is, its sub-workflows included."""
        state = await self.state(run_id)
        total = progress_of(state, await self.engine.library.get(state.run.definition_hash))
        cursor: str | None = None
        while True:
            page = await self.engine.store.list_runs(RunFilter(parent_id=run_id), 1_000, cursor)
            for row in page.rows:
                total += await self.progress(row.id)
            cursor = page.next
            if cursor is None:
                return total

    async def on_progress(self, run_id: str, hook: Callable[[Progress], None]) -> Callable[[], None]:
        """Call the hook whenever the run's progress changes; returns a function that ends it."""
        tasks: set[asyncio.Task[None]] = set()
        last: list[Progress] = []

        async def tell() -> None:
            progress = await self.progress(run_id)
            if last[-1:] != [progress]:
                last[:] = [progress]
                hook(progress)

        def observe(run: str, seq: int, at: int, event: object) -> None:
            task = asyncio.ensure_future(tell())
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        await tell()
        return self.engine.observers.on_event(observe)

    async def history(self, run_id: str, after: int = 0) -> AsyncIterator[View]:
        """The journal of a run, event by event, in order."""
        await self.engine.row(run_id)
        for turn in await self.engine.store.turns(run_id, after):
            for view in checkup.event_views(turn):
                yield view

    async def doctor(self, *, rebuild: bool = False) -> View:
        """Read everything and check it; with `rebuild` make the indexes anew from the journal."""
        return await checkup.doctor(self.engine, rebuild=rebuild)
