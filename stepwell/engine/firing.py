"""Firing the slots of one schedule: start its run, then take down that the slot is dealt with."""

from __future__ import annotations

import logging
from typing import Final, Protocol

from stepwell.kernel import schedules as rules
from stepwell.kernel.schedules import Ruling
from stepwell.model import commands as c
from stepwell.model.base import Instant
from stepwell.model.errors import StepwellError, StoreUnavailable
from stepwell.model.schedules import Firing, Outcome, Overlap, Reason, Schedule, Standing, slot_mark
from stepwell.ports import Store

log = logging.getLogger("stepwell.schedules")

LONGEST_NOTE: Final = 2_000


class Starter(Protocol):
    """Starts the run of a slot, or finds the one that is there; gives its id. Raises `StepwellError`."""

    async def __call__(self, schedule: Schedule, mark: str, reason: Reason) -> str: ...


class Desk(Protocol):
    """What this needs of the engine."""

    store: Store

    async def command(self, run_id: str, command: c.Command) -> None: ...


class Lost(Exception):
    """The schedule was written by somebody else meanwhile: read it again."""


async def serve(desk: Desk, schedule: Schedule, now: Instant, start: Starter) -> str | None:
    """Deal with all that is due. The run whose end the schedule awaits now, if any. Raises `Lost`,
    `StoreUnavailable`."""
    if schedule.orders.plan.after is not None:
        return await _serve_after(desk, schedule, now, start)
    awaited = None
    if schedule.waiting is not None:
        schedule, awaited = await _serve_waiting(desk, schedule, schedule.waiting, now, start)
    due = rules.due(schedule, now)
    before = await _missed(desk, schedule, due.missed, now)
    for slot in due.slots:
        schedule, before = await _fire(desk, schedule, slot, before, now, start), []
    if before or schedule.next_at != rules.next_at(schedule):
        cursor = due.missed.last if due.missed is not None else schedule.cursor
        schedule = await _settle(desk, schedule._replace(cursor=max(schedule.cursor, cursor)), before)
    if schedule.waiting is not None and awaited is None:
        awaited = await _goes_on(desk, schedule, schedule.waiting)
    return awaited


async def _missed(desk: Desk, schedule: Schedule, missed: rules.Missed | None, now: Instant) -> list[Firing]:
    """What was missed, as one line; a slot that was fired before a crash was not."""
    if missed is None:
        return []
    mark = slot_mark(missed.last)
    fired = await desk.store.schedules.started_between(schedule.name, slot_mark(schedule.cursor), mark)
    if fired >= missed.slots:
        return []
    more = " or more" if missed.slots >= rules.MOST_COUNTED else ""
    note = f"{missed.slots - fired}{more} passed while no engine was there (catch-up: {schedule.orders.catch_up})"
    line = Firing(
        schedule.name, mark, Outcome.MISSED, Reason.SLOT, now, slots=missed.slots - fired, note=note
    )
    return [line]


async def _fire(
    desk: Desk, schedule: Schedule, slot: Instant, before: list[Firing], now: Instant, start: Starter
) -> Schedule:
    """Deal with one slot, and take that down together with what is to be said of slots before it."""
    mark = slot_mark(slot)
    standing = await desk.store.schedules.standing(schedule.name, mark)
    ruling = rules.ruling(schedule, standing)
    told = schedule._replace(cursor=max(schedule.cursor, slot))
    lines = list(before)
    if ruling is Ruling.START:
        error = await _start(start, schedule, mark)
        told = told._replace(last_error=error)
        lines += _failed(schedule, mark, error, now)
    elif ruling is Ruling.SKIP:
        lines.append(_line(schedule, mark, Outcome.SKIPPED, now, _still(standing, schedule)))
    elif ruling is not Ruling.NOTHING:
        if ruling is Ruling.CANCEL_AND_WAIT:
            await _cancel(desk, standing, schedule, mark)
            lines += _superseded(schedule, mark, now)
        told = told._replace(waiting=slot)
        lines.append(_line(schedule, mark, Outcome.WAITING, now, _still(standing, schedule)))
    return await _settle(desk, told, lines)


async def _serve_waiting(
    desk: Desk, schedule: Schedule, slot: Instant, now: Instant, start: Starter
) -> tuple[Schedule, str | None]:
    """Start the slot that waits, if nothing goes on any more; else the run that it waits for."""
    mark = slot_mark(slot)
    standing = await desk.store.schedules.standing(schedule.name, mark)
    if standing.fired is None and standing.open and schedule.orders.overlap is not Overlap.ALLOW:
        if schedule.orders.overlap is Overlap.CANCEL_RUNNING:
            await _cancel(desk, standing, schedule, mark)
        return schedule, standing.open[0]
    error = None if standing.fired is not None else await _start(start, schedule, mark)
    told = schedule._replace(waiting=None, last_error=error)
    return await _settle(desk, told, _failed(schedule, mark, error, now)), None


async def _goes_on(desk: Desk, schedule: Schedule, slot: Instant) -> str | None:
    """The run that the waiting slot waits for. Where it has ended just now, its own: that has to be looked at too."""
    standing = await desk.store.schedules.standing(schedule.name, slot_mark(slot))
    if standing.open:
        return standing.open[0]
    raise Lost(schedule.name)


async def _serve_after(desk: Desk, schedule: Schedule, now: Instant, start: Starter) -> str | None:
    """An `after` schedule: its slot comes so long after the end of its last run."""
    after = schedule.orders.plan.after
    assert after is not None
    store = desk.store.schedules
    going_on = await store.standing(schedule.name, "")
    if going_on.open:
        await _note_next(desk, schedule, None)
        return going_on.open[0]
    slot = rules.after_slot(schedule, await _last_ended(desk, schedule.name))
    if slot is None or slot > now:
        await _note_next(desk, schedule, slot)
        return None
    mark = slot_mark(slot)
    fired = (await store.standing(schedule.name, mark)).fired
    if fired is not None:  # the clock went back
        await _write(desk, schedule._replace(cursor=now + after, next_at=now + after), [])
        return None
    error = await _start(start, schedule, mark)
    cursor = slot if error is None else now + after
    told = schedule._replace(cursor=cursor, last_error=error, next_at=None if error is None else cursor)
    await _write(desk, told, _failed(schedule, mark, error, now))
    return (await store.standing(schedule.name, mark)).fired


async def _last_ended(desk: Desk, name: str) -> Instant | None:
    run_id = await desk.store.schedules.last_fired(name)
    row = await desk.store.row(run_id) if run_id is not None else None
    return row.ended_at if row is not None else None


async def _note_next(desk: Desk, schedule: Schedule, slot: Instant | None) -> None:
    if schedule.next_at != slot:
        await _write(desk, schedule._replace(next_at=slot), [])


async def _start(start: Starter, schedule: Schedule, mark: str) -> str | None:
    """Why it could not be started; None: it was. Raises `StoreUnavailable`."""
    try:
        run_id = await start(schedule, mark, Reason.SLOT)
    except StoreUnavailable:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the schedule says so and goes on
        log.warning("schedule %s: slot %s cannot be started: %s", schedule.name, mark, error)
        said = str(error) if isinstance(error, StepwellError) else f"{type(error).__name__}: {error}"
        return said[:LONGEST_NOTE]
    log.info("schedule %s: slot %s is run %s", schedule.name, mark, run_id)
    return None


async def _cancel(desk: Desk, standing: Standing, schedule: Schedule, mark: str) -> None:
    """One that goes on as another run just now cannot be: that one is, when the slot that waits is looked at again."""
    for run_id in standing.open:
        abandoned = not await desk.store.owner_alive(run_id)
        reason = f"slot {mark} of schedule {schedule.name} takes its place"
        try:
            await desk.command(run_id, c.CancelRun(reason, abandoned))
        except StoreUnavailable:
            raise
        except StepwellError as error:  # it has ended, is being cancelled already, or goes on as another one
            log.debug("run %s is not cancelled: %s", run_id, error)


def _line(schedule: Schedule, mark: str, outcome: Outcome, now: Instant, note: str) -> Firing:
    return Firing(schedule.name, mark, outcome, Reason.SLOT, now, note=note)


def _failed(schedule: Schedule, mark: str, error: str | None, now: Instant) -> list[Firing]:
    return [] if error is None else [_line(schedule, mark, Outcome.FAILED, now, error)]


def _superseded(schedule: Schedule, mark: str, now: Instant) -> list[Firing]:
    """The slot that waited so far is let go: a later one took its place."""
    if schedule.waiting is None:
        return []
    note = f"slot {mark} took its place before it could start"
    return [_line(schedule, slot_mark(schedule.waiting), Outcome.SKIPPED, now, note)]


def _still(standing: Standing, schedule: Schedule) -> str:
    if standing.open:
        return f"run {standing.open[0]} was still going on (overlap: {schedule.orders.overlap})"
    return f"another slot waits already (overlap: {schedule.orders.overlap})"


async def _settle(desk: Desk, schedule: Schedule, lines: list[Firing]) -> Schedule:
    """Write where it stands now, and when to look at it next."""
    return await _write(desk, schedule._replace(next_at=rules.next_at(schedule)), lines)


async def _write(desk: Desk, schedule: Schedule, lines: list[Firing]) -> Schedule:
    settled = await desk.store.schedules.settle(schedule, lines)
    if settled is None:
        raise Lost(schedule.name)
    return settled
