"""The lifecycle events of the Open Workflow DSL, as CloudEvents 1.0: made of committed events, by rule, with no data.

The standard lets an output be pointed to, not embedded; nothing here points to one.
"""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

from stepwell.model import events as e
from stepwell.model.base import Json, iso
from stepwell.model.feed import Committed
from stepwell.model.problem import Problem

PREFIX: Final = "io.serverlessworkflow."
SOURCE: Final = "/stepwell"


class Kind(NamedTuple):
    """Which lifecycle event, and the member of its data that is the time."""

    type: str
    time: str


WORKFLOW: Final[dict[type[Any], Kind]] = {
    e.RunStarted: Kind("workflow.started.v1", "startedAt"),
    e.RunPaused: Kind("workflow.suspended.v1", "suspendedAt"),
    e.RunResumed: Kind("workflow.resumed.v1", "resumedAt"),
    e.RunRetried: Kind("workflow.resumed.v1", "resumedAt"),
    e.RunCancelled: Kind("workflow.cancelled.v1", "cancelledAt"),
    e.RunTerminated: Kind("workflow.cancelled.v1", "cancelledAt"),
    e.RunFailed: Kind("workflow.faulted.v1", "faultedAt"),
    e.RunTimedOut: Kind("workflow.faulted.v1", "faultedAt"),
    e.RunCompleted: Kind("workflow.completed.v1", "completedAt"),
    e.RunContinued: Kind("workflow.completed.v1", "completedAt"),
}
TASK: Final[dict[type[Any], Kind]] = {
    e.StepScheduled: Kind("task.created.v1", "createdAt"),
    e.StepStarted: Kind("task.started.v1", "startedAt"),
    e.StepPaused: Kind("task.suspended.v1", "suspendedAt"),
    e.StepReleased: Kind("task.resumed.v1", "resumedAt"),
    e.StepResumed: Kind("task.resumed.v1", "resumedAt"),
    e.StepRetrying: Kind("task.retried.v1", "retriedAt"),
    e.StepReopened: Kind("task.retried.v1", "retriedAt"),
    e.StepCancelled: Kind("task.cancelled.v1", "cancelledAt"),
    e.StepFailed: Kind("task.faulted.v1", "faultedAt"),
    e.StepTimedOut: Kind("task.faulted.v1", "faultedAt"),
    e.StepCompleted: Kind("task.completed.v1", "completedAt"),
}
CORRELATION: Final = Kind("workflow.correlation-started.v1", "startedAt")

TOLD: Final = frozenset({*WORKFLOW, *TASK, e.StepWaiting})
"""The events of which anything is told."""

_INDEX: Final = re.compile(r"\[\d+\]")


class About(NamedTuple):
    """The definition that a run goes by."""

    namespace: str
    name: str
    version: str


def cloudevents(committed: Committed, about: About, source: str = SOURCE) -> list[dict[str, Json]]:
    """The lifecycle events that an event stands for; none for most. The same event always gives the same ones, with
    the same ids: run, turn and place, so that a receiver can tell what it has had."""
    event, kind = committed.event, type(committed.event)
    if kind in WORKFLOW:
        return [_of_workflow(committed, about, source, WORKFLOW[kind])]
    if isinstance(event, e.StepWaiting):
        waits = event.reason == "event"
        return [_of_workflow(committed, about, source, CORRELATION)] if waits else []
    if kind not in TASK:
        return []
    told = [_of_task(committed, about, source, TASK[kind])]
    if isinstance(event, e.StepStarted) and event.path:  # it was not scheduled before
        told.insert(0, _of_task(committed, about, source, TASK[e.StepScheduled], "/created"))
    return told


def _of_workflow(committed: Committed, about: About, source: str, kind: Kind) -> dict[str, Json]:
    data: dict[str, Json] = {"name": _qualified(committed, about)}
    if isinstance(committed.event, e.RunStarted):
        data["definition"] = about._asdict()
    return _envelope(committed, source, kind, data, committed.run_id)


def _of_task(
    committed: Committed, about: About, source: str, kind: Kind, suffix: str = ""
) -> dict[str, Json]:
    event: Any = committed.event
    path = getattr(event, "path", "") or _INDEX.sub("", event.step)
    data: dict[str, Json] = {"workflow": _qualified(committed, about), "task": path}
    return _envelope(committed, source, kind, data, event.step, suffix)


def _envelope(
    committed: Committed, source: str, kind: Kind, data: dict[str, Json], subject: str, suffix: str = ""
) -> dict[str, Json]:
    data[kind.time] = iso(committed.at)
    error = getattr(committed.event, "error", None)
    if isinstance(error, Problem) and kind.time == "faultedAt":
        data["error"] = {"type": error.type, "title": error.title, "status": error.status}
    return {
        "specversion": "1.0",
        "id": committed.id + suffix,
        "source": f"{source}/runs/{committed.run_id}",
        "type": PREFIX + kind.type,
        "subject": subject,
        "time": iso(committed.at),
        "datacontenttype": "application/json",
        "data": data,
    }


def _qualified(committed: Committed, about: About) -> str:
    return f"{about.name}-{committed.run_id}.{about.namespace}"
