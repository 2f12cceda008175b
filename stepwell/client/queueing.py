"""How a start is queued: its options checked and turned into what the rules know, and how a queue is shown."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from stepwell.client.views import View, when
from stepwell.model import starting
from stepwell.model.base import EPOCH, SECOND, Duration, Instant
from stepwell.model.errors import InvalidInput
from stepwell.model.queues import DEFAULT, Queue, QueueDepth

Span = float | timedelta
"""A length of time: seconds, or a `timedelta`."""

_LONGEST: Final = 100 * 366 * 86_400
_NAME: Final = 200


class Queueing(NamedTuple):
    """The options of a start that concern when and where it begins, as in `StartRun`."""

    queue: str | None
    due: Instant | None
    deadline: Instant | None
    partition: str | None
    unique: str | None
    debounced: bool


def queueing(
    now: Instant,
    *,
    queue: str | None,
    delay: Span | None,
    deadline: Span | datetime | None,
    partition: str | None,
    unique: str | None,
    debounce: Span | None,
    key: str | None,
) -> Queueing:
    """Raises `InvalidInput` for what does not go together."""
    if debounce is not None and (unique is None or delay is not None):
        raise InvalidInput(
            "debounce needs unique, and no delay", hint="unique says which starts belong together"
        )
    if debounce is not None and key is not None:
        raise InvalidInput("a key stands for one input, and debounce changes it", hint="leave the key out")
    wait = debounce if debounce is not None else delay
    if queue is None and (wait is not None or partition is not None or unique is not None):
        queue = DEFAULT
    for name, text in (("queue", queue), ("partition", partition), ("unique", unique)):
        starting.name(name, text)
    due = None if queue is None else now + (span("delay", wait) if wait is not None else 0)
    until = _until(now, deadline)
    if until is not None and until <= max(now, due or now):
        raise InvalidInput("the deadline is before the run may begin")
    return Queueing(queue, due, until, partition, unique, debounce is not None)


def span(name: str, value: Span) -> Duration:
    """In microseconds. Raises `InvalidInput`."""
    seconds = value.total_seconds() if isinstance(value, timedelta) else value
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not math.isfinite(seconds):
        raise InvalidInput(f"{name} is a number of seconds or a timedelta, not {value!r}")
    if not 0 <= seconds <= _LONGEST:
        raise InvalidInput(f"{name} is between 0 and 100 years, not {seconds:g} s")
    return round(seconds * SECOND)


def _until(now: Instant, deadline: Span | datetime | None) -> Instant | None:
    if deadline is None:
        return None
    if not isinstance(deadline, datetime):
        return now + span("deadline", deadline)
    if deadline.tzinfo is None:
        raise InvalidInput("a deadline that is a datetime needs a time zone", hint="datetime.now(UTC) + …")
    return (deadline - EPOCH) // timedelta(microseconds=1)


def checked(queue: Queue) -> Queue:
    """Raises `InvalidInput` where a limit is none."""
    if not 0 < len(queue.name) <= _NAME or not queue.name.isprintable():
        raise InvalidInput(f"the name of a queue has 1 to {_NAME} printable characters, not {queue.name!r}")
    for name in ("concurrency", "worker_concurrency", "partition_concurrency"):
        limit = getattr(queue, name)
        if limit is not None and (isinstance(limit, bool) or not isinstance(limit, int) or limit < 1):
            raise InvalidInput(f"queue {queue.name}: {name} is a number from 1, not {limit!r}")
    if queue.rate is not None:
        count, window = queue.rate
        if isinstance(count, bool) or not isinstance(count, int) or count < 1 or span("rate", window) < 1:
            raise InvalidInput(
                f"queue {queue.name}: rate is (number, seconds), both above 0, not {queue.rate!r}"
            )
    return queue


def queue_view(depth: QueueDepth) -> View:
    """A queue, as every door shows it."""
    queue = depth.queue
    return {
        "name": queue.name,
        "paused": bool(queue.paused),
        "concurrency": queue.concurrency,
        "worker_concurrency": queue.worker_concurrency,
        "partition_concurrency": queue.partition_concurrency,
        "rate": list(queue.rate) if queue.rate is not None else None,
        "waiting": depth.waiting,
        "delayed": depth.delayed,
        "held": depth.held,
        "running": depth.running,
        "oldest_waiting": when(depth.oldest),
        "begun_in_window": depth.recent,
    }
