"""Task lists that are graphs: every step waits for those before it to let go (SPEC N1, N2, S7)."""

from __future__ import annotations

from stepwell.definition.model import AttendedBody, Task, TaskKind
from stepwell.kernel.flow import cancel_steps, finish_scope, new_id, task_list
from stepwell.kernel.ruling import Begin, OpenGraph, Pass, Ruling
from stepwell.kernel.titles import entitle_offered
from stepwell.model import events as e
from stepwell.model.base import Json
from stepwell.model.people import Node
from stepwell.model.records import Scope, Step
from stepwell.model.states import StepStatus


def open_graph(r: Ruling, item: OpenGraph) -> None:
    """Every step of the list is there from now on, and waits; those that wait for nobody begin."""
    scope = r.draft.scope(item.scope)
    tasks = task_list(r, scope)
    assert tasks.after is not None
    ids = {task.name: new_id(r, scope, task) for task in tasks.tasks}
    nodes = [
        planned(task, ids[task.name], [ids[name] for name in tasks.after[task.name]]) for task in tasks.tasks
    ]
    r.emit(e.StepsPlanned(scope.id, nodes, graph=True))
    for step_id in ids.values():
        consider(r, step_id)
    if not ids:
        finish_scope(r, scope, {})


def planned(task: Task, step_id: str, after: list[str]) -> dict[str, Json]:
    """A node as `StepsPlanned` tells it: only what is not the default."""
    options = task.options
    proceeds = isinstance(task.body, AttendedBody) and task.body.auto_proceed
    assign = options.assign.as_json() if any(options.assign) else None
    usual: dict[str, tuple[Json, Json]] = {
        "after": (after, []),
        "priority": (options.priority, 0),
        "optional": (options.optional, False),
        "auto_start": (options.auto_start, True),
        "auto_proceed": (proceeds, False),
        "required": (options.raw.get("required", task.kind is TaskKind.CALL_APPROVAL), False),
        "assign": (assign, None),
    }
    node: dict[str, Json] = {
        "step": step_id,
        "path": task.pointer,
        "kind": task.kind.value,
        "task": task.name,
    }
    return node | {name: value for name, (value, default) in usual.items() if value != default}


def plan_one(r: Ruling, scope: Scope, task: Task, step_id: str) -> None:
    """A step that people do, in a list that is no graph."""
    r.emit(e.StepsPlanned(scope.id, [planned(task, step_id, [])]))
    if not task.options.auto_start:
        r.emit(e.StepOffered(step_id))
        entitle_offered(r, step_id)


def ready(r: Ruling, node: Node) -> bool:
    """Every step before it has let go."""
    return all(r.draft.node(parent).passed for parent in node.after)


def consider(r: Ruling, step_id: str) -> None:
    """If its time has come, begin the step, or offer it to whoever has to."""
    node, step = r.draft.node(step_id), r.draft.step(step_id)
    if not ready(r, node):
        return
    if step.status is not StepStatus.PENDING:
        if not node.passed and _ended_well(step):  # it was left out before its turn had come
            r.agenda.add(Pass(step_id))
    elif node.auto_start:
        r.agenda.add(Begin(step_id))
    elif node.offered_at is None:
        r.emit(e.StepOffered(step_id))
        entitle_offered(r, step_id)


def _ended_well(step: Step) -> bool:
    """What comes after it need not wait because of it."""
    failed = step.status in (StepStatus.FAILED, StepStatus.TIMED_OUT)
    return step.status in (StepStatus.COMPLETED, StepStatus.SKIPPED) or (failed and step.optional)


def let_go(r: Ruling, item: Pass) -> None:
    """The step has ended well: its successors may begin, and with the last one the list is through."""
    step = r.draft.step(item.step)
    node = r.draft.node(step.id)
    if node.passed or not ready(r, node):  # left out before its turn: nothing gets past what it comes after
        return
    r.emit(e.StepPassed(step.id))
    graph = r.draft.graph(step.scope)
    for child in graph.children.get(step.id, ()):
        consider(r, child)
    if graph.left == 0:
        finish(r, r.draft.scope(step.scope))


def finish(r: Ruling, scope: Scope) -> None:
    """Every step has let go. The output is what each task gave, by name."""
    if scope.owner is None and r.definition.procedure is not None and not r.definition.procedure.closes:
        return
    steps = r.draft.graph(scope.id).steps
    finish_scope(r, scope, {name: r.draft.step(step_id).output for name, step_id in steps.items()})


def give_up(r: Ruling, step: Step) -> None:
    """The step failed and the run goes on without it: what waits for it will never begin."""
    graph = r.draft.find_graph(step.scope)
    assert graph is not None
    for lost in [step.id, *downstream(r, step)]:
        found = r.draft.step(lost)
        if not found.status.terminal:
            cancel_steps(r, [found], f"{step.id} failed")
        if not r.draft.node(lost).passed:
            r.emit(e.StepPassed(lost))
    if r.draft.graph(step.scope).left == 0:
        finish(r, r.draft.scope(step.scope))


def downstream(r: Ruling, step: Step) -> list[str]:
    """The steps that come after this one, nearest first."""
    graph = r.draft.graph(step.scope)
    found: dict[str, None] = {}
    edge = [step.id]
    while edge:
        edge = [child for parent in edge for child in graph.children.get(parent, ()) if child not in found]
        found.update(dict.fromkeys(edge))
    return list(found)
