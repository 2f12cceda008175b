"""A paused run goes on with another version of its definition (SPEC Q16).

What has begun must be there as it was; what has not begun is taken from the new version. Steps keep their ids; where
their tasks stand now is told with the event, so that a replay needs no definition.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from stepwell.definition.forms.values import check_values
from stepwell.definition.model import Definition, DoBody, ForBody, ForkBody, Task, TaskList, TryBody
from stepwell.definition.versions.classify import Begun, Level, Reason, Verdict, classify, verdict
from stepwell.definition.versions.outline import Kind, Path, path_of
from stepwell.kernel.flow import new_id, task_list
from stepwell.kernel.graph import consider, finish, planned
from stepwell.kernel.ruling import Ruling
from stepwell.model import commands as c
from stepwell.model import events as e
from stepwell.model.base import Json
from stepwell.model.errors import MigrationBlocked
from stepwell.model.people import Graph
from stepwell.model.records import Run, State, Step
from stepwell.model.states import RunStatus, StepStatus

_STANDING = frozenset({RunStatus.PAUSED, RunStatus.PENDING})
_NOT_YET = frozenset({StepStatus.PENDING, StepStatus.SCHEDULED, StepStatus.PAUSED})


def judge(old: Definition, new: Definition, state: State) -> Verdict:
    """Whether the run can go on with `new`, and everything that stands in the way."""
    found = [*_as_a_whole(old, new, state)]
    if old.code is None and new.code is None:
        found += classify(old.document, new.document, _begun(old, state)).reasons
        found += _lists(old, new, state)
    return verdict(found)


def _advice(run: Run, blockers: int) -> str:
    """What to do about it; where only a pause is missing, that."""
    if blockers == 1 and run.status is RunStatus.RUNNING:
        return f"pause it first: stepwell runs pause {run.id}"
    return "undo these changes in the new version, or start a new run of it"


def migrate(r: Ruling, command: c.MigrateRun) -> None:
    """Raises `MigrationBlocked` with every reason."""
    new, run = command.definition, r.draft.run
    assert isinstance(new, Definition)
    if new.hash == run.definition_hash and command.commit in (None, run.commit):
        return
    state = r.draft.base
    blockers = judge(r.definition, new, state).blockers
    if blockers:
        raise MigrationBlocked(
            f"run {run.id} cannot go on with {new.reference}",
            list(map(str, blockers)),
            hint=_advice(run, len(blockers)),
        )
    paths = _moved(r.definition, new, state)
    plans = [_plan(r, graph, new) for graph in state.graphs.values() if r.draft.scope(graph.scope).open]
    for plan in plans:
        for step_id in plan.gone:
            r.emit(e.StepSkipped(step_id, f"it is no part of version {new.version}"))
    r.emit(e.RunMigrated(new.hash, new.version, command.commit, paths, [plan.as_json() for plan in plans]))
    r.definition = new
    for plan in plans:
        for step_id in plan.steps.values():
            consider(r, step_id)
        if r.draft.graph(plan.scope).left == 0:
            finish(r, r.draft.scope(plan.scope))


# --- what stands in the way -------------------------------------------------------------------


def _as_a_whole(old: Definition, new: Definition, state: State) -> Iterator[Reason]:
    run = state.run
    if run.status not in _STANDING:
        yield _blocked("run", f"it is {run.status}; it must be paused")
    if (old.namespace, old.name) != (new.namespace, new.name):
        yield _blocked("definition", f"{new.reference} is another one than {old.reference}")
    if old.code is not None or new.code is not None:
        yield _blocked("definition", "a workflow that is code goes on with its own code")
        return
    if (old.procedure is None) != (new.procedure is None):
        yield _blocked("metadata.procedure", "one of them is a procedure, the other is none")
    elif new.procedure is not None and run.started_at is not None:
        known = {field.id for field in new.procedure.fields}
        values = {name: value for name, value in run.fields.items() if name in known}
        for name, why in check_values(new.procedure.fields, values, complete=True).items():
            yield Reason(
                Level.INCOMPATIBLE, Kind.FIELD, name, f"what the run has does not fit: {', '.join(why)}"
            )


def _blocked(place: str, why: str) -> Reason:
    return Reason(Level.INCOMPATIBLE, Kind.DOCUMENT, place, why)


def _begun(old: Definition, state: State) -> Begun:
    """What the run has done, by task: whether it is still going on. Steps of a graph that wait have not begun."""
    live: dict[Path, bool] = {}
    for step in state.steps.values():
        path, rest = path_of(step.path)
        if rest or _waits(state, step):
            continue
        held = step.status in _NOT_YET and step.id not in state.nodes
        live[path] = live.get(path, False) or not (step.status.terminal or held)
    return Begun(live)


def _waits(state: State, step: Step) -> bool:
    """It stands in a graph, and has not begun."""
    return step.status in _NOT_YET and step.scope in state.graphs


def _lists(old: Definition, new: Definition, state: State) -> Iterator[Reason]:
    """A list that is gone through stays a line or a graph; a fork keeps its branches; what is held in a graph need not
    wait again."""
    index = _index(new)
    for scope in state.scopes.values():
        if not (scope.open and scope.begun):
            continue
        was, now = _list(old, scope.pointer), _list(new, _new_place(scope.pointer, index))
        if was is None or now is None:
            continue
        place = scope.pointer.rpartition("/do")[0] or "the tasks"
        if (was.after is None) != (now.after is None):
            yield _blocked(place, "a line of tasks and a graph cannot become each other once they have begun")
        if scope.section == "branch" and [t.name for t in was.tasks] != [t.name for t in now.tasks]:
            yield _blocked(place, "the branches of a fork that is going on stay as they are")
    for graph in state.graphs.values():
        yield from _held(
            state, graph, _list(new, _new_place(state.scopes[graph.scope].pointer or "/do", index))
        )


def _held(state: State, graph: Graph, tasks: TaskList | None) -> Iterator[Reason]:
    """Steps of a graph that are about to begin."""
    if tasks is None or tasks.after is None:
        return
    for name, step_id in graph.steps.items():
        step = state.steps[step_id]
        if step.status not in _NOT_YET or step.status is StepStatus.PENDING or name not in tasks.index:
            continue
        before = [graph.steps.get(parent) for parent in tasks.after[name]]
        if not all(parent is not None and state.nodes[parent].passed for parent in before):
            yield Reason(
                Level.INCOMPATIBLE, Kind.TASK, name, "it is about to begin, and would have to wait again"
            )


# --- where things stand in the new version ------------------------------------------------------


def _index(new: Definition) -> dict[Path, str]:
    """The pointers of its tasks, by path."""
    return {path: pointer for pointer in new.tasks for path, rest in [path_of(pointer)] if not rest}


def _new_place(pointer: str, index: Mapping[Path, str]) -> str:
    """The pointer of the same thing in the new version; as it was where it is not there any more."""
    path, rest = path_of(pointer)
    return index[path] + rest if path in index else pointer


def _moved(old: Definition, new: Definition, state: State) -> dict[str, str]:
    """The pointers of begun tasks and of lists that are other ones now."""
    index = _index(new)
    known = {step.path for step in state.steps.values()} | {scope.pointer for scope in state.scopes.values()}
    places = {pointer: _new_place(pointer, index) for pointer in sorted(known) if pointer}
    return {was: now for was, now in places.items() if was != now}


def _list(definition: Definition, pointer: str) -> TaskList | None:
    """The task list at a pointer, as far as it is one of those that have an order of their own."""
    if pointer in ("", "/do"):
        return definition.do
    _, rest = path_of(pointer)
    owner = definition.tasks.get(pointer[: len(pointer) - len(rest)])
    return next((tasks for tasks in _lists_in(owner) if tasks.pointer == pointer), None)


def _lists_in(owner: Task | None) -> Iterator[TaskList]:
    body = owner.body if owner is not None else None
    if isinstance(body, DoBody | ForBody):
        yield body.do
    elif isinstance(body, ForkBody):
        yield body.branches
    elif isinstance(body, TryBody):
        yield body.try_
        if body.catch.do is not None:
            yield body.catch.do


# --- graphs that are being gone through -----------------------------------------------------------


class _Plan(NamedTuple):
    """A graph as it goes on. `nodes`: steps that have not begun; `steps`: the present step of each task; `gone`: steps
    that are not part of it any more."""

    scope: str
    nodes: list[dict[str, Json]]
    steps: dict[str, str]
    gone: list[str]

    def as_json(self) -> dict[str, Json]:
        return {"scope": self.scope, "nodes": self.nodes, "steps": self.steps}


def _plan(r: Ruling, graph: Graph, new: Definition) -> _Plan:
    scope = r.draft.scope(graph.scope)
    tasks = _list(new, _new_place(task_list(r, scope).pointer, _index(new)))
    assert tasks is not None
    assert tasks.after is not None
    steps = {task.name: graph.steps.get(task.name) or new_id(r, scope, task) for task in tasks.tasks}
    nodes = [
        planned(task, steps[task.name], [steps[name] for name in tasks.after[task.name]])
        for task in tasks.tasks
        if _open(r, steps[task.name])
    ]
    gone = [step_id for name, step_id in graph.steps.items() if name not in steps and _open(r, step_id)]
    return _Plan(graph.scope, nodes, steps, gone)


def _open(r: Ruling, step_id: str) -> bool:
    """It is not there yet, or has not begun."""
    step = r.draft.find_step(step_id)
    return step is None or step.status in _NOT_YET
