"""Schedules: what starts runs by time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from stepwell.client.about import check_about, start_options
from stepwell.client.handle import Handle
from stepwell.client.schedule_checks import scheduled_definition
from stepwell.client.schedule_views import check_name, schedule_view
from stepwell.client.scheduling import Asked, Moment, Span, moment, orders_of, same_orders
from stepwell.client.starting import check_subworkflows
from stepwell.client.verbs.base import Source
from stepwell.client.verbs.scheduled import MOST_AT_ONCE, ScheduleLooks, there
from stepwell.client.verbs.start import StartVerbs, input_of
from stepwell.client.views import View, when
from stepwell.definition.model import Definition
from stepwell.definition.timetable import slots
from stepwell.kernel.schedules import next_at
from stepwell.model.base import Instant, Json
from stepwell.model.errors import Conflict, InvalidInput, KeyConflict
from stepwell.model.schedules import Orders, Reason, Schedule, firing_key, slot_mark, slot_of


class ScheduleVerbs(StartVerbs, ScheduleLooks):
    """Set, look at, pause, trigger and backfill schedules. An engine that serves the file fires them."""

    async def schedule(
        self,
        /,
        name: str,
        source: Source,
        *args: Any,
        kwargs: Mapping[str, Any] | None = None,
        input: Json = None,
        cron: str | None = None,
        every: Span | None = None,
        after: Span | None = None,
        zone: str = "UTC",
        anchor: Moment | None = None,
        start: Moment | None = None,
        end: Moment | None = None,
        overlap: str | None = None,
        catch_up: str = "latest",
        catch_up_limit: int = 100,
        tags: Mapping[str, str] | None = None,
        priority: int = 0,
        note: str = "",
        **options: Json,
    ) -> View:
        """Create the schedule, or replace it; the same again changes nothing. It is on record when this returns.

        Arguments as for `start`: the input of a definition, or those of a Python workflow's function.

        One of `cron` (five fields, in `zone`), `every` (absolute time, counted from `anchor`) and `after` (so long
        after the end of the last run); none: the definition's own `schedule`. `overlap`: `skip`, `allow`, `queue_one`
        or `cancel_running`. `catch_up`, for slots that passed while no engine was there: `latest`, `all` (the newest
        `catch_up_limit`) or `none`. A source `namespace/name` or `…:latest` stands for the newest version at each slot.
        `options` are passed on to `start`. An edit of the times counts from now on. Raises `InvalidInput` with all that
        is wrong, `InvalidDefinition`, `NotFound`.
        """
        check_name(name)
        check_about("schedule", source, options, _OPTIONS)
        definition = await self.definition(source)
        data = input_of(source, args if input is None else (*args, input), kwargs)
        await check_subworkflows(self.engine.library, definition)
        times = (cron, every, after, zone, anchor, start, end)
        asked = Asked(*times, overlap, catch_up, catch_up_limit, tags or {}, priority, options, note)
        orders = orders_of(asked, definition, _late_bound(source, definition), data)
        await self.engine.library.add(definition)
        return await self._write(name, lambda found: self._ordered(name, found, orders))

    def _ordered(self, name: str, found: Schedule | None, orders: Orders) -> tuple[Schedule, str] | None:
        """The schedule with these orders, and how to call the edit; None: it has them already."""
        now = self.engine.clock.now()
        if found is None:
            new = Schedule(name, 0, 0, orders, created_at=now, updated_at=now, cursor=now)
            return _timed(new), "created"
        if same_orders(found.orders, orders):
            return None
        # Other times count from now on: no slot that came before is looked at again.
        cursor = found.cursor if found.orders.plan == orders.plan else max(found.cursor, now)
        edited = found._replace(orders=orders, updated_at=now, cursor=cursor, last_error=None)
        return _timed(edited), "edited"

    async def pause_schedule(self, name: str, reason: str | None = None) -> View:
        """Fire no slot until it is resumed. Slots that pass meanwhile are not made up, except by a backfill."""
        now = self.engine.clock.now()

        def paused(found: Schedule | None) -> tuple[Schedule, str] | None:
            if (found := there(name, found)).paused:
                return None
            return found._replace(paused=True, pause_reason=reason, updated_at=now, next_at=None), "paused"

        return await self._write(name, paused)

    async def resume_schedule(self, name: str) -> View:
        """Fire the slots that come from now on; one that waited when it was paused starts as soon as it can."""
        now = self.engine.clock.now()

        def resumed(found: Schedule | None) -> tuple[Schedule, str] | None:
            if not (found := there(name, found)).paused:
                return None
            cursor = max(found.cursor, now)
            going_on = found._replace(paused=False, pause_reason=None, updated_at=now, cursor=cursor)
            return _timed(going_on), "resumed"

        return await self._write(name, resumed)

    async def delete_schedule(self, name: str) -> None:
        """Runs that it started go on, and its firings stay on record. Raises `NotFound`."""
        while not await self.engine.store.schedules.delete(
            await self._schedule(name), self.engine.clock.now()
        ):
            pass  # somebody wrote it meanwhile: look again

    async def trigger_schedule(self, name: str, *, key: str | None = None) -> Handle:
        """Start a run now, paused or not and whatever the overlap policy. The same `key` again gives the same run."""
        if key is not None and not 0 < len(key) <= 200:
            raise InvalidInput("a trigger's key has 1 to 200 characters")
        mark = f"trigger:{key or self.engine.ids.run_id()}"
        return await self._fire(await self._schedule(name), mark, Reason.TRIGGER)

    async def backfill_schedule(
        self, name: str, start: Moment, end: Moment, *, limit: int = MOST_AT_ONCE
    ) -> list[View]:
        """Start a run for every slot from `start` to `end` (both inside, in the past) that has none, oldest first,
        whatever the overlap policy. Each slot has one run, however often this is called."""
        found = await self._schedule(name)
        first, last = _window(start, end)
        if found.orders.plan.after is not None:
            raise InvalidInput("a schedule with `after` has no slots of its own to fill")
        if last > self.engine.clock.now():
            raise InvalidInput(
                "the end of a backfill is in the future", hint="slots to come are fired by themselves"
            )
        wanted: list[Instant] = []
        for slot in slots(found.orders.plan, first - 1, last):
            wanted.append(slot)
            if len(wanted) > limit:
                raise InvalidInput(
                    f"more than {limit} slots lie in that time",
                    hint="take a shorter time, or allow more with limit",
                )
        return [await self._filled(found, slot) for slot in wanted]

    async def _filled(self, schedule: Schedule, slot: Instant) -> View:
        handle = await self._fire(schedule, slot_mark(slot), Reason.BACKFILL)
        return {"slot": when(slot), "run_id": handle.run_id, "created": handle.created}

    # --- what the scheduler asks ------------------------------------------------------------------

    async def start_slot(self, schedule: Schedule, mark: str, reason: Reason) -> str:
        """Start the run of a slot, or find the one that is there; gives its id."""
        return (await self._fire(schedule, mark, reason)).run_id

    async def _fire(self, schedule: Schedule, mark: str, reason: Reason) -> Handle:
        key, slot = firing_key(schedule.name, mark), slot_of(mark)
        orders = schedule.orders
        told = {"name": schedule.name, "slot": when(slot), "reason": reason.value}
        try:
            return await self.start(
                await scheduled_definition(self.engine.library, orders),
                orders.input,
                key=key,
                tags={**orders.tags, "schedule": schedule.name, "fired_by": reason.value},
                priority=orders.priority,
                variables={"schedule": told},
                **orders.options,
            )
        except KeyConflict:  # it was fired before the schedule was edited
            claim = await self.engine.store.find_key(key)
            if claim is None:
                raise
            return self._handle(claim[0], created=False)

    # --- writing ----------------------------------------------------------------------------------

    async def _write(self, name: str, edit: Callable[[Schedule | None], tuple[Schedule, str] | None]) -> View:
        """Edit it as it stands, again where somebody else was faster."""
        store = self.engine.store.schedules
        for _ in range(MOST_AT_ONCE):
            found = await store.get(name)
            wanted = edit(found)
            if wanted is None and found is not None:
                return {**schedule_view(found), "changed": False}
            assert wanted is not None
            written = await store.edit(*wanted)
            if written is not None:
                self.engine.schedules.look()
                return {**schedule_view(written), "changed": True}
        raise Conflict(f"schedule {name} is written by others again and again", hint="try again")


def _timed(schedule: Schedule) -> Schedule:
    """With the time to look at it next; an `after` schedule is looked at soon in any case."""
    return schedule._replace(next_at=next_at(schedule))


def _late_bound(source: Source, definition: Definition) -> str | None:
    """`namespace/name` where the newest version is meant, whichever that is when the slot comes."""
    if not isinstance(source, str) or "\n" in source or ": " in source or source.lstrip().startswith("{"):
        return None
    pinned = source.rpartition(":")[2] == definition.version
    return None if pinned else f"{definition.namespace}/{definition.name}"


def _window(start: Moment, end: Moment) -> tuple[Instant, Instant]:
    try:
        first, last = moment(start), moment(end)
    except (ValueError, TypeError, OverflowError) as error:
        raise InvalidInput(f"not a time: {error}") from error
    if last < first:
        raise InvalidInput("the end of a backfill is before its start")
    return first, last


_NOT_OURS: Final = frozenset({"key", "id", "rerun_of", "variables"})
_OPTIONS: Final = start_options(ScheduleVerbs.schedule) | (start_options(StartVerbs.start) - _NOT_OURS)
"""its own, and those of a start that it passes on as they are"""
