"""What starts runs by time: schedules, their slots, and what became of each.

A schedule is a setting that a user made; each edit makes a new revision. That a slot was fired is a fact of the run
that it started: the run's idempotency key names schedule and slot, and so the journal's key is the lock.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final, NamedTuple

from stepwell.model.base import EPOCH, Duration, Instant, Json, iso

KEY_PREFIX: Final = "schedule:"
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
LONGEST_CATCH_UP: Final = 1_000


class Overlap(StrEnum):
    """What to do with a slot whose schedule still has a run going on."""

    ALLOW = "allow"
    SKIP = "skip"
    QUEUE_ONE = "queue_one"
    CANCEL_RUNNING = "cancel_running"


class CatchUp(StrEnum):
    """What to do with slots that passed while no engine was there."""

    NONE = "none"
    LATEST = "latest"
    ALL = "all"


class Reason(StrEnum):
    """Why a run was started."""

    SLOT = "slot"
    BACKFILL = "backfill"
    TRIGGER = "trigger"


class Outcome(StrEnum):
    """What became of a slot."""

    STARTED = "started"
    WAITING = "waiting"
    SKIPPED = "skipped"
    MISSED = "missed"
    FAILED = "failed"


class Plan(NamedTuple):
    """When: exactly one of `cron`, `every` and `after` is there. `start` and `end` bound the slots, both inclusive."""

    cron: str | None = None
    every: Duration | None = None
    after: Duration | None = None
    zone: str = "UTC"
    anchor: Instant = 0
    start: Instant | None = None
    end: Instant | None = None


class Orders(NamedTuple):
    """What a user asked for: the part of a schedule that an edit replaces.

    `definition` is a hash; None: `reference` names the definition, the newest one when the slot comes. `options` are
    passed on to `start` as they are.
    """

    plan: Plan
    definition: str | None
    reference: str = ""
    input: Json = None
    overlap: Overlap = Overlap.SKIP
    catch_up: CatchUp = CatchUp.LATEST
    catch_up_limit: int = 100
    tags: Mapping[str, str] = {}
    priority: int = 0
    options: Mapping[str, Json] = {}
    note: str = ""


class Schedule(NamedTuple):
    """A schedule as it is stored.

    `revision` counts the user's edits (over deletions too), `version` every write (0: not stored yet). `cursor`: every
    slot up to it is dealt with. `waiting`: the slot that starts once the run before it has ended. `next_at`: when to
    look at it next. `last_error`: why the last start failed.
    """

    name: str
    revision: int
    version: int
    orders: Orders
    created_at: Instant
    updated_at: Instant
    cursor: Instant
    paused: bool = False
    pause_reason: str | None = None
    waiting: Instant | None = None
    next_at: Instant | None = None
    last_error: str | None = None

    @property
    def awaits_a_run(self) -> bool:
        """Whether what comes next depends on the end of a run, not (only) on the time."""
        return not self.paused and (self.waiting is not None or self.orders.plan.after is not None)


class Firing(NamedTuple):
    """What became of a slot. `mark` is the slot as text (`slot_mark`), or `trigger:ID`. `slots`: how many slots
    this stands for, where they were missed together; `mark` is then the last of them. `open`: the run goes on."""

    schedule: str
    mark: str
    outcome: Outcome
    reason: Reason
    at: Instant
    run_id: str | None = None
    open: bool = False
    slots: int = 1
    note: str | None = None
    status: str | None = None
    """the state of the run"""


class Standing(NamedTuple):
    """What goes on when a slot comes: the runs of its schedule that are open (its own apart), and its own if it was
    fired already. Both as of one moment."""

    open: tuple[str, ...]
    fired: str | None


class Edit(NamedTuple):
    """A change that a user made: created, edited, paused, resumed or deleted."""

    revision: int
    at: Instant
    change: str
    orders: Orders


def slot_mark(slot: Instant) -> str:
    """The slot as text that sorts by time."""
    return iso(slot)


def slot_of(mark: str) -> Instant | None:
    """The slot that a mark names; None for a trigger."""
    if not mark[:1].isdigit():
        return None
    passed = datetime.fromisoformat(mark) - EPOCH
    return (passed.days * 86_400 + passed.seconds) * 1_000_000 + passed.microseconds


def firing_key(name: str, mark: str) -> str:
    """The idempotency key of the run that a slot or a trigger starts."""
    return f"{KEY_PREFIX}{name}:{mark}"
