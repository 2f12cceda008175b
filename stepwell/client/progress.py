"""How far a run is: how many steps it has taken, and how many it still has before it as far as one can know."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

from stepwell.definition.model import (
    AttendedBody,
    Definition,
    DoBody,
    ForBody,
    ForkBody,
    Task,
    TaskList,
    TryBody,
)
from stepwell.model.driven import ANY, step_id
from stepwell.model.records import State, Step
from stepwell.model.states import StepStatus

SHARES: Final[Mapping[StepStatus, str]] = {
    StepStatus.COMPLETED: "completed",
    StepStatus.SKIPPED: "skipped",
    StepStatus.FAILED: "failed",
    StepStatus.TIMED_OUT: "failed",
    StepStatus.CANCELLED: "failed",
    StepStatus.RUNNING: "running",
    StepStatus.WAITING: "running",
    StepStatus.SUBMITTED: "running",
    StepStatus.PAUSED: "running",
    StepStatus.SCHEDULED: "pending",
    StepStatus.PENDING: "pending",
}
"""Which number a step of this status counts in."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Numbers of steps (SPEC X11), blocks included. `total` is the sum of the others; it can grow: loops, retries
    and error handlers count from the moment they are known."""

    total: int = 0
    completed: int = 0
    skipped: int = 0
    failed: int = 0
    running: int = 0
    pending: int = 0

    def __add__(self, other: Progress) -> Progress:
        return Progress(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def as_json(self) -> dict[str, int]:
        return asdict(self)


ProgressHook = Callable[[Progress], Coroutine[Any, Any, None] | None]


def progress_of(state: State, definition: Definition) -> Progress:
    """The progress of this run alone. Takes time in proportion to the definition and to the open steps."""
    shares = dict.fromkeys(SHARES.values(), 0)
    for status, count in state.run.counts.items():
        shares[SHARES[status]] += count
    for node in state.nodes.values():
        if node.replaced_by is not None:  # the one in its place counts
            shares[SHARES[state.steps[node.id].status]] -= 1
    shares["pending"] += _ahead(state, definition)
    return Progress(total=sum(shares.values()), **shares)


def _ahead(state: State, definition: Definition) -> int:
    """Tasks that come next unless something jumps, ends or fails. Every open list has one open step in it."""
    if state.run.status.terminal:
        return 0
    if (
        definition.code is not None
    ):  # only code knows what comes next; a program of its own declares its steps
        declared = (
            definition.do.tasks if definition.driven and definition.metadata.get("steps") != ANY else ()
        )
        return sum(step_id(task.name) not in state.steps for task in declared)
    if not state.steps:
        return _weight(definition.do)
    lists = {tasks.pointer: tasks for tasks in _lists(definition.do)}
    open_steps = [state.steps[step_id] for step_id in state.open_steps]
    busy = {step.parent for step in open_steps}
    return sum(
        _behind(state, step, lists) + _inside(definition.tasks[step.path], step, step.id in busy)
        for step in open_steps
    )


def _behind(state: State, step: Step, lists: Mapping[str, TaskList]) -> int:
    """What follows the step in its list."""
    scope = state.scopes[step.scope]
    if scope.id in state.graphs:  # all of it is there already
        return 0
    tasks = lists.get(scope.pointer)
    if tasks is None or scope.section == "branch":
        return 0
    position = int(step.id.rpartition("/")[0].rpartition("/")[2])
    return sum(map(_task_weight, tasks.tasks[position + 1 :]))


def _inside(task: Task, step: Step, busy: bool) -> int:
    """What the step will still begin inside itself."""
    if step.items is not None and isinstance(task.body, ForBody):
        return (len(step.items) - step.cursor) * _weight(task.body.do)
    return 0 if busy else _task_weight(task) - 1


def _task_weight(task: Task) -> int:
    return 1 + sum(map(_weight, inner_lists(task)))


def _weight(tasks: TaskList) -> int:
    return sum(map(_task_weight, tasks.tasks))


def inner_lists(task: Task) -> list[TaskList]:
    """The lists that the task goes through if nothing fails."""
    body = task.body
    if isinstance(body, DoBody | ForBody):
        return [body.do]
    if isinstance(body, ForkBody):
        return [body.branches]
    if isinstance(body, AttendedBody):
        return [body.actions] if body.actions is not None else []
    return [body.try_] if isinstance(body, TryBody) else []


def _lists(tasks: TaskList) -> Iterator[TaskList]:
    """This list and all within it, handlers included."""
    yield tasks
    for task in tasks.tasks:
        for inner in inner_lists(task):
            yield from _lists(inner)
        if isinstance(task.body, TryBody) and task.body.catch.do is not None:
            yield from _lists(task.body.catch.do)
