"""What waits for people, and what they have done: nothing here changes anything."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

from stepwell.client.actors import Who, known_actor
from stepwell.client.inboxes import audit_view, item_view
from stepwell.client.verbs.look import LookVerbs
from stepwell.client.views import View, row_view
from stepwell.model.base import Instant
from stepwell.model.errors import InvalidInput
from stepwell.model.people import WorkFilter


class InboxVerbs(LookVerbs):
    """Inboxes, audits, and steps and procedures as people see them (which takes the language, and imports it then)."""

    async def inbox(
        self,
        by: Who | None = None,
        *,
        mine: bool = False,
        groups: Sequence[str] = (),
        run: str | None = None,
        kind: str | None = None,
        due_before: Instant | None = None,
        limit: int = 100,
        cursor: str | None = None,
    ) -> View:
        """What waits for people: `{items, cursor, total}`, by priority, then by when it is due, then oldest first.

        `by`: what this person may do: what is theirs, their groups', and nobody's in particular (with `mine` only the
        first), but no approval that they have decided or may not decide. `groups`: what is these groups'. Neither:
        all. `kind` is form, approval or condition, or a kind of step. `run_title`: what the run is called, if anything.
        """
        where = WorkFilter(run_id=run, kind=_kind(kind), due_before=due_before)
        if by is not None:
            actor = known_actor(by)
            own = () if mine else tuple(actor.groups)
            where = where._replace(people=(actor.id,), groups=own, anybodys=not mine, to=actor.id)
        if groups:
            where = where._replace(groups=tuple(groups))
        if not 0 < limit <= 1_000:
            raise InvalidInput("limit must be between 1 and 1,000")
        page = await self.engine.store.work.items(where, limit, cursor)
        now = self.engine.clock.now()
        titles = {item.run_id: (await self.engine.row(item.run_id)).title for item in page.items}
        return {
            "items": [item_view(item, titles[item.run_id], now) for item in page.items],
            "cursor": page.cursor,
            "total": await self.engine.store.work.count(where),
        }

    async def inbox_pages(self, /, by: Who | None = None, **where: Any) -> AsyncIterator[View]:
        """Every line of an inbox, page by page."""
        cursor = None
        while True:
            page = await self.inbox(by, cursor=cursor, **where)
            for item in page["items"]:
                yield item
            cursor = page["cursor"]
            if cursor is None:
                return

    async def show_step(self, run_id: str, step: str) -> View:
        """All about a step that people do: its form with rules and values, who did what when, what it waits for, and
        what can be asked of it now. Raises `NotFound`."""
        from stepwell.client.work import step_of, step_view_of
        from stepwell.workers.copies import own_copy

        definition = await self.engine.library.get((await self.engine.row(run_id)).definition_hash)
        with self.hints():
            state = await self.engine.present(run_id)
            view: View = own_copy(step_view_of(definition, state, step_of(state, step)))
            return view

    async def procedure(self, run_id: str) -> View:
        """A procedure as people see it: fields, sections, steps in order, who did what."""
        from stepwell.client.work import procedure_view
        from stepwell.workers.copies import own_copy

        row = await self.engine.row(run_id)
        definition = await self.engine.library.get(row.definition_hash)
        state = await self.engine.present(run_id)
        view: View = own_copy({**row_view(row), **procedure_view(definition, state)})
        return view

    async def audit(self, run_id: str) -> list[View]:
        """Who did what to a run and its steps, and when, oldest first: `{seq, at, by, kind, what, step, …}`."""
        row = await self.engine.row(run_id)
        return [line for turn in await self.engine.store.turns(row.id) for line in audit_view(turn)]


def _kind(kind: str | None) -> str | None:
    return f"call:{kind}" if kind in ("form", "approval", "condition") else kind
