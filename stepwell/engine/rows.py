"""The index row of a run, made from its state: what the store writes beside a turn, and `doctor --rebuild` again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from stepwell.model.base import Instant, Json
from stepwell.model.driven import DRIVEN
from stepwell.model.events import Event, RunCreated, RunPaused, RunRescheduled, RunRetried
from stepwell.model.journal import RunRow
from stepwell.model.queues import QueueEntry, Standing
from stepwell.model.records import Run
from stepwell.model.search import text_of
from stepwell.model.states import RunStatus


def row_of(run: Run) -> RunRow:
    """Everything but the owner, which is the store's business."""
    return RunRow(
        id=run.id,
        namespace=run.namespace,
        name=run.name,
        version=run.version,
        definition_hash=run.definition_hash,
        status=run.status.value,
        created_at=run.created_at,
        updated_at=run.updated_at or run.created_at,
        ended_at=run.ended_at,
        priority=run.priority,
        tags=run.tags,
        key=run.key,
        parent_id=run.parent_id,
        rerun_of=run.rerun_of,
        error=run.error.as_json() if run.error is not None else None,
        attributes=run.attributes,
        due_at=run.expected["due"] if run.expected is not None else None,
        code=run.code,
        lease_until=min(run.leases.values()) if run.leases else None,
        title=run.title,
        labels=run.labels,
        properties=run.properties,
        author=run.author,
        archived=run.archived,
        started_at=run.started_at,
        queue=run.queue,
        text=text_of(run),
        ends_at=ends_at(run),
    )


def ends_at(run: Run) -> Instant | None:
    """When time ends a run that a program of its own drives (of the others their engine holds timers): its timeout; or,
    while it is being cancelled, the end of the first claim."""
    if run.code != DRIVEN or run.status.terminal:
        return None
    if run.status is RunStatus.CANCELLING:
        return min(run.leases.values()) if run.leases else None
    return run.deadline


def entry_of(run: Run) -> QueueEntry | None:
    """Where the run stands in its queue; None where it belongs to none, or has ended."""
    if run.queue is None or run.status.terminal:
        return None
    due = run.due or run.created_at
    standing = Standing.BEGUN
    if run.waits:
        waiting = Standing.DELAYED if due > (run.updated_at or run.created_at) else Standing.WAITING
        standing = waiting if run.status is RunStatus.PENDING else Standing.HELD
    return QueueEntry(
        run.id,
        run.queue,
        standing,
        run.priority,
        run.partition or "",
        due,
        run.deadline if run.waits else None,
        run.held_key,
        run.debounced,
        run.round,
        None if run.code is None else f"{run.namespace}/{run.name}:{run.version}",
        run.continued_from if run.unique is not None else None,
    )


def moved_entry(run: Run, events: Sequence[Event]) -> QueueEntry | None:
    """The run's new place in its queue, if these events gave it one. (That it begins, the claim has said already.)"""
    if run.queue is None:
        return None
    if run.waits:
        moved = isinstance(events[-1], RunCreated | RunRescheduled | RunPaused)
    else:
        moved = run.generation > 1 and any(isinstance(event, RunRetried) for event in events)
    return entry_of(run) if moved else None


Indexed = tuple[
    RunStatus, Mapping[str, Json], Mapping[str, Instant] | None, str,
    str | None, str | None, Sequence[str], Mapping[str, str], bool,
]  # fmt: skip


def indexed(run: Run) -> Indexed:
    """What the run's index row says that may change while it is open."""
    about = run.title, run.description, run.labels, run.properties, run.archived
    return run.status, run.attributes, run.leases, run.definition_hash, *about
