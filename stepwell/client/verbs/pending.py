"""Approvals that were asked for, and those that are open: nothing here changes anything."""

from __future__ import annotations

from collections.abc import Sequence

from stepwell.client.actors import Who, known_actor
from stepwell.client.approvals import approval_view, may_decide
from stepwell.client.verbs.look import LookVerbs
from stepwell.client.views import View
from stepwell.model.approvals import Approval
from stepwell.model.errors import InvalidInput, NotFound
from stepwell.model.people import WorkFilter
from stepwell.model.records import State


class PendingVerbs(LookVerbs):
    """Of a run that asks for one approval only, the step need not be named."""

    async def approval(self, run_id: str, step: str | None = None) -> View:
        """An approval: what is asked of whom, and who said what when. `earlier`: what was asked for the same step
        before. Raises `NotFound`."""
        state = await self.state(run_id)
        found = named(state, step)
        before = [state.approvals[f"{found.step}@{number}"] for number in range(1, found.number)]
        return {**approval_view(state, found), "earlier": [approval_view(state, each) for each in before]}

    async def pending_approvals(
        self, by: Who | None = None, *, groups: Sequence[str] = (), run: str | None = None, limit: int = 100
    ) -> list[View]:
        """Open approvals, the most urgent first: those that `by` may decide on, those of these groups, or all. Each as
        for `approval`."""
        if not 0 < limit <= 1_000:
            raise InvalidInput("limit must be between 1 and 1,000")
        where, actor = WorkFilter(run_id=run, kind="call:approval", groups=tuple(groups)), None
        if by is not None:
            actor = known_actor(by)
            where = where._replace(people=(actor.id,), groups=(*actor.groups, *groups), anybodys=True)
        found: list[View] = []
        cursor: str | None = None
        while True:
            page = await self.engine.store.work.items(where, limit, cursor)
            for item in page.items:
                state = await self.engine.reload(item.run_id)
                asked = state.approvals.get(item.step)
                if asked is not None and (actor is None or may_decide(state, asked, actor)):
                    found.append(approval_view(state, asked))
                if len(found) == limit:
                    return found
            cursor = page.cursor
            if cursor is None:
                return found


def named(state: State, name: str | None) -> Approval:
    """The approval of this step, by id or by the name of its task; the last one where none is named."""
    present = [each for key, each in state.approvals.items() if key == each.step]
    if name is not None:
        graph = state.graphs.get("/do")
        step = graph.steps.get(name, name) if graph is not None else name
        present = [each for each in present if step in (each.step, state.steps[each.step].name)]
    if not present:
        which = f"step {name}" if name is not None else "it"
        raise NotFound(f"run {state.run.id}: {which} has asked for no approval")
    return next((each for each in reversed(present) if each.open), present[-1])
