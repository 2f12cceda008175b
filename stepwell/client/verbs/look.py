"""Looking at runs: nothing here changes anything."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Unpack

from stepwell.client.compare import compare
from stepwell.client.deadlines import add_deadlines
from stepwell.client.detail import Detail, at_detail, check_detail, event_at_detail
from stepwell.client.explain import explain
from stepwell.client.filters import Filters, run_filter
from stepwell.client.pieces import event_views, find_step
from stepwell.client.queued import Queued
from stepwell.client.verbs.base import Looks
from stepwell.client.views import View, metadata_view, row_view, run_view
from stepwell.model.base import Instant, Json, Report
from stepwell.model.errors import StoreError
from stepwell.model.journal import RunFilter
from stepwell.model.records import State

if TYPE_CHECKING:
    from stepwell.client.progress import Progress


class LookVerbs(Looks):
    """Show, list, explain, progress, variables, history, doctor."""

    async def state(self, run_id: str) -> State:
        """The run's records, as its journal tells them."""
        with self.hints():
            await self.engine.row(run_id)
            return await self.engine.reload(run_id)

    async def show(self, run_id: str, *, detail: Detail = "full") -> View:
        """Everything about a run, its steps and attempts. `detail`: "summary" without payloads and attempts,
        "standard" with shapes and sizes for payloads, "full"."""
        state = await self.state(run_id)
        return at_detail(add_deadlines(run_view(state), state, self.engine.clock.now()), detail)

    async def step(self, run_id: str, step: str) -> View:
        """One step, by id, path or (where it is unique) name. Raises `NotFound`."""
        return find_step(await self.show(run_id), step)

    async def compare(self, run_id: str, other: str) -> View:
        """Where two runs part: their outcomes, and every step that went another way."""
        return compare(await self.state(run_id), await self.state(other))

    async def list(
        self,
        *,
        limit: int = 50,
        cursor: str | None = None,
        sort: str = "newest",
        detail: Detail = "summary",
        **filters: Unpack[Filters],
    ) -> View:
        """`{"runs": […], "next": cursor or None}`: newest first; `sort` "oldest" or "updated" (the last change of
        status) first. Pages have no gaps and no doubles while runs are added. Filters: see `filters.Filters`.

        `detail` "standard" adds change, counts, error_step, and shapes of input and output; "full" input and output.
        """
        check_detail(detail)
        page = await self.engine.store.list_runs(await self.filtered(filters, sort), limit, cursor)
        views = [row_view(row) for row in page.rows]
        if detail != "summary":
            views = [{**view, **await self._more(view["run_id"], detail)} for view in views]
        return {"runs": views, "next": page.next}

    async def _more(self, run_id: str, detail: Detail) -> View:
        """What a row does not say. A run that cannot be read has none of it."""
        try:
            view = at_detail(run_view(await self.engine.reload(run_id)), detail)
        except StoreError:
            return {}
        return {name: view[name] for name in ("change", "counts", "error_step", "input", "output")}

    async def count(self, **filters: Unpack[Filters]) -> dict[str, int]:
        """How many runs there are of each status; statuses of none are left out."""
        return dict(await self.engine.store.count_runs(await self.filtered(filters)))

    async def filtered(self, filters: Filters, sort: str = "newest") -> RunFilter:
        """The filters as the store takes them. Raises `InvalidInput`."""
        found = run_filter(filters, self.engine.clock.now(), sort)
        carried_on = filters.get("carried_on")
        if carried_on is None:
            return found
        alive = [row.id for row in await self.engine.store.engines() if row.alive and row.id is not None]
        if carried_on:
            return found._replace(open=True, owners=alive)
        return found._replace(open=True, not_owners=alive)

    async def explain(self, run_id: str) -> View:
        """Why the run stands where it stands, and what can be done: `reason`, `next_actions`, `evidence`. That its code
        was found to give other arguments than are recorded is known to the engine that executes it only."""
        state = await self.state(run_id)
        alive = await self.engine.store.owner_alive(run_id)
        now = self.engine.clock.now()
        actor = self.engine.carried(run_id)
        differs = None if actor is None else actor.differs
        return explain(state, now, alive, await self._queued(state, now), differs)

    async def _queued(self, state: State, now: Instant) -> Queued | None:
        """The queue in which the run waits, if it does."""
        store = self.engine.store
        place = await store.queues.find(state.run.id, now) if state.run.waits else None
        if place is None:
            return None
        return Queued(place, any(engine.alive for engine in await store.engines()))

    async def progress(self, run_id: str) -> Progress:
        """How far the run is, its sub-workflows included."""
        from stepwell.client.progress import progress_of

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

    async def variables(self, run_id: str) -> dict[str, Json]:
        """The run's variables, by name."""
        return dict((await self.state(run_id)).run.variables)

    async def variable(self, run_id: str, name: str, default: Json = None) -> Json:
        """One of them, or the default."""
        return (await self.variables(run_id)).get(name, default)

    async def attributes(self, run_id: str) -> dict[str, Json]:
        """The run's search attributes."""
        return dict((await self.engine.row(run_id)).attributes)

    async def metadata(self, run_id: str) -> View:
        """`{"title", "description", "labels", "properties", "author", "archived"}`."""
        await self.engine.row(run_id)
        return metadata_view((await self.engine.reload(run_id)).run)

    async def history(self, run_id: str, after: int = 0, *, detail: Detail = "full") -> AsyncIterator[View]:
        """The journal of a run, event by event, in order. `detail` as for `show`."""
        check_detail(detail)
        await self.engine.row(run_id)
        for turn in await self.engine.store.turns(run_id, after):
            for view in event_views(turn):
                yield event_at_detail(view, detail)

    async def doctor(self, *, rebuild: bool = False, progress: Report | None = None) -> View:
        """Read everything and check it, the files that runs name too; with `rebuild` make the indexes anew from the
        journal. `progress` is told what is being read (`indexes`, `journals`, `runs`, `files`), how many are
        through, and how many there are (0: not known)."""
        from stepwell.client import checkup

        return await checkup.doctor(self.engine, self.blobs, rebuild=rebuild, progress=progress)
