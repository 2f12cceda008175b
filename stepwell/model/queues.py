"""The nouns of queues: how a queue is set up, where a run stands in it, and what an engine is given to begin."""

from __future__ import annotations

from enum import IntEnum
from typing import Final, NamedTuple

from stepwell.model.base import Instant

DEFAULT: Final = "default"
"""The queue that is always there, without limits."""


class Queue(NamedTuple):
    """A queue and its limits; None: there is none.

    `concurrency`: runs that are carried on at once, by all processes together. `worker_concurrency`: by one process.
    `partition_concurrency`: of one partition. `rate`: (n, seconds): in any so many seconds no more than n runs begin.
    `paused`: nothing begins; None leaves that as it is (what an operator paused stays paused).
    """

    name: str
    concurrency: int | None = None
    worker_concurrency: int | None = None
    partition_concurrency: int | None = None
    rate: tuple[int, float] | None = None
    paused: bool | None = None


class Standing(IntEnum):
    """Where a run stands in its queue. A run that has ended is not in it any more."""

    WAITING = 0
    """it may begin when the queue's limits allow it"""
    BEGUN = 1
    """an engine has taken it: it counts against the limits until it ends"""
    HELD = 2
    """paused before it began"""
    DELAYED = 3
    """its time has not come"""


class QueueEntry(NamedTuple):
    """A run in its queue. Rebuildable from the journal, but for the moment between an engine's claim and the run's
    beginning. `round` counts how often it went back into the queue: a claim of an earlier round is void."""

    run_id: str
    queue: str
    standing: Standing
    priority: int
    partition: str
    due: Instant
    deadline: Instant | None = None
    unique: str | None = None
    until_begun: bool = False
    """`unique` is free again once the run has begun"""
    round: int = 0
    code: str | None = None
    heir_of: str | None = None
    """the run that has `unique` until this one is written, and then no more. (It is not kept.)"""


class Claimed(NamedTuple):
    """A run that this engine is to begin."""

    run_id: str
    definition_hash: str
    round: int


class Claim(NamedTuple):
    """What an engine got from the queues.

    `expired`: runs whose deadline passed before they began. `next`: when to ask again if nothing else happens, None:
    nothing is due. `left`: there are runs that this engine had no room for, and that others might begin.
    """

    runs: tuple[Claimed, ...] = ()
    expired: tuple[str, ...] = ()
    next: Instant | None = None
    left: bool = False


class QueueDepth(NamedTuple):
    """A queue with what is in it. `oldest`: since when the run waits that is first to begin; `recent`: runs that began
    within the rate's window."""

    queue: Queue
    waiting: int = 0
    delayed: int = 0
    held: int = 0
    running: int = 0
    oldest: Instant | None = None
    recent: int = 0


class QueuePlace(NamedTuple):
    """A run's place in its queue, for people. `ahead`: runs that begin before it, its partition alone counted."""

    entry: QueueEntry
    depth: QueueDepth
    ahead: int = 0
    partition_running: int = 0
