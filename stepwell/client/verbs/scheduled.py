"""Schedules as they stand, what they will do and what they did: nothing here changes anything."""

from __future__ import annotations

from typing import Final

from stepwell.client.schedule_views import check_name, edit_view, explained, firing_view, schedule_view
from stepwell.client.verbs.base import Looks
from stepwell.client.views import View
from stepwell.model.base import Instant
from stepwell.model.errors import InvalidInput, NotFound
from stepwell.model.schedules import Schedule, slot_mark

MOST_AT_ONCE: Final = 1_000
"""slots of one backfill, unless more are allowed"""


class ScheduleLooks(Looks):
    """See the module."""

    async def schedules(self) -> list[View]:
        """All of them, by name."""
        return [schedule_view(found) for found in await self.engine.store.schedules.all()]

    async def schedule_view(self, name: str) -> View:
        """Everything about a schedule: how it stands and why, what goes on, what was changed. Raises `NotFound`."""
        from stepwell.client.schedule_checks import problem_of  # reads the definition that it starts

        found = await self._schedule(name)
        store = self.engine.store.schedules
        return {
            **schedule_view(found),
            **explained(found, await problem_of(self.engine.library, found.orders)),
            "running": list((await store.standing(name, "")).open),
            "edits": [edit_view(edit) for edit in await store.edits(name)],
        }

    async def upcoming(self, name: str, n: int = 10) -> list[str]:
        """The next slots, as RFC 3339 text; those of a paused schedule are what would come."""
        found = await self._schedule(name)
        if not 1 <= n <= MOST_AT_ONCE:
            raise InvalidInput(f"{n} slots cannot be listed", hint=f"ask for 1 to {MOST_AT_ONCE:,}")
        if found.orders.plan.after is not None:
            return [] if found.next_at is None else [slot_mark(found.next_at)]
        from stepwell.definition.timetable import next_slot

        coming: list[str] = []
        slot = next_slot(found.orders.plan, max(found.cursor, self.engine.clock.now()))
        while slot is not None and len(coming) < n:
            coming.append(slot_mark(slot))
            slot = next_slot(found.orders.plan, slot)
        return coming

    async def firings(self, name: str, *, limit: int = 50, cursor: str | None = None) -> View:
        """What became of its slots, newest first: `{"firings": […], "next": cursor or None}`. Those of a schedule that
        was deleted are still there."""
        if not 1 <= limit <= MOST_AT_ONCE:
            raise InvalidInput(
                f"a page of {limit} firings cannot be listed", hint=f"ask for 1 to {MOST_AT_ONCE:,}"
            )
        check_name(name)
        store = self.engine.store.schedules
        found = await store.firings(name, limit + 1, _before(cursor))
        if not found and await store.get(name) is None and not await store.edits(name):
            raise unknown(name)
        page = found[:limit]
        more = f"{page[-1].at}|{page[-1].mark}" if len(found) > limit else None
        return {"firings": [firing_view(firing) for firing in page], "next": more}

    async def _schedule(self, name: str) -> Schedule:
        return there(name, await self.engine.store.schedules.get(name))


def there(name: str, found: Schedule | None) -> Schedule:
    if found is None:
        raise unknown(name)
    return found


def unknown(name: str) -> NotFound:
    return NotFound(f"there is no schedule {name}", hint="list them with: stepwell schedules list")


def _before(cursor: str | None) -> tuple[Instant, str] | None:
    if cursor is None:
        return None
    at, bar, mark = cursor.partition("|")
    if not bar or not at.lstrip("-").isdigit():
        raise InvalidInput(f"{cursor!r} is not the cursor of a page", hint="use `next` of the page before")
    return int(at), mark
