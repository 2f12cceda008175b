"""Why a run that waits in its queue has not begun, in words."""

from __future__ import annotations

from typing import Any, NamedTuple

from stepwell.client.queueing import queue_view
from stepwell.client.views import View, when
from stepwell.model.base import Instant
from stepwell.model.queues import QueuePlace, Standing
from stepwell.model.records import Run


class Queued(NamedTuple):
    """What is known of the queue in which a run waits. `workers`: some engine is alive that could begin it."""

    place: QueuePlace
    workers: bool


def says(run: Run, queued: Queued | None, now: Instant) -> str:
    """One sentence or two: where it stands, and what holds it up."""
    where = f"The run waits in queue {run.queue}"
    if queued is None:
        return f"{where}."
    if queued.place.entry.standing is Standing.BEGUN:
        return f"An engine has just taken the run from queue {run.queue}; it is about to begin."
    if run.due is not None and run.due > now:
        return f"{where}, not to begin before {when(run.due)}."
    found = causes(queued)
    position = f"{where} at position {queued.place.ahead + 1}"
    return f"{position}: {'; '.join(found)}." if found else f"{position}; its turn comes next."


def causes(queued: Queued) -> list[str]:
    """Every limit that is reached, and what else holds the queue up."""
    place, depth, queue = queued.place, queued.place.depth, queued.place.depth.queue
    found = [] if queued.workers else ["no engine is alive that could begin it"]
    if queue.paused:
        found.append("the queue is paused")
    if queue.concurrency is not None and depth.running >= queue.concurrency:
        found.append(f"{depth.running} of {queue.concurrency} runs that the queue may carry on are going on")
    if queue.partition_concurrency is not None and place.partition_running >= queue.partition_concurrency:
        named = f"partition {place.entry.partition}" if place.entry.partition else "its partition"
        found.append(f"{named} has the {queue.partition_concurrency} runs that it may have at once")
    if queue.rate is not None and depth.recent >= queue.rate[0]:
        found.append(f"{depth.recent} runs began in the last {queue.rate[1]:g} s, as many as its rate allows")
    if not found and queue.worker_concurrency is not None and depth.running:
        found.append(f"each process carries on at most {queue.worker_concurrency} runs of the queue")
    return found


def evidence(queued: Queued | None) -> View | None:
    """The figures behind the sentence."""
    if queued is None:
        return None
    entry = queued.place.entry
    shown: dict[str, Any] = {
        "queue": queue_view(queued.place.depth),
        "standing": entry.standing.name.lower(),
        "ahead": queued.place.ahead,
        "priority": entry.priority,
        "partition": entry.partition or None,
        "due": when(entry.due),
        "deadline": when(entry.deadline),
        "unique": entry.unique,
        "workers": queued.workers,
        "causes": causes(queued),
    }
    return shown
