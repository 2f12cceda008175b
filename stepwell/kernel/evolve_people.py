"""What the events of people, and of steps that stand in a graph, mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from stepwell.kernel.draft import Draft
from stepwell.kernel.evolve_step import add_planned, change
from stepwell.model import events as e
from stepwell.model.base import Instant, Json
from stepwell.model.conditions import moved
from stepwell.model.people import Assignment, Graph, Node, Stamp, stamped


def _signed(draft: Draft, event: e.TurnSigned, at: Instant) -> None:
    draft.by = event.by


def _planned(draft: Draft, event: e.StepsPlanned, at: Instant) -> None:
    graph = Graph(event.scope)
    children: dict[str, list[str]] = {}
    for members in event.nodes:
        node = plan(draft, event, event.scope, members, at)
        graph.steps[node.task] = node.id
        for parent in node.after:
            children.setdefault(parent, []).append(node.id)
    if event.graph:
        graph.children = {parent: tuple(steps) for parent, steps in children.items()}
        graph.left = len(event.nodes)
        draft.add_graph(graph)
        draft.edit_scope(event.scope).apart = True


def plan(draft: Draft, event: e.Event, scope: str, members: Mapping[str, Json], at: Instant) -> Node:
    """A step that waits, and its node."""
    add_planned(draft, event, scope, members, at)
    node = Node(
        members["step"],
        members["task"],
        after=tuple(members.get("after", ())),
        auto_start=members.get("auto_start", True),
        auto_proceed=members.get("auto_proceed", False),
        required=members.get("required", False),
        assign=members.get("assign"),
        repeat_of=members.get("repeat_of"),
        values=members.get("values", {}),
    )
    draft.add_node(node)
    return node


def _touch(draft: Draft, step_id: str, what: str, at: Instant) -> Node:
    """The node, ready to be changed, with a stamp of the change."""
    node = draft.edit_node(step_id)
    node.version += 1
    node.stamps = stamped(node.stamps, what, Stamp(at, draft.by))
    return node


def _passed(draft: Draft, event: e.StepPassed, at: Instant) -> None:
    node = draft.edit_node(event.step)
    node.passed = True
    graph = draft.find_graph(draft.step(event.step).scope)
    if graph is not None:
        draft.edit_graph(graph.scope).left -= 1


def _restored(draft: Draft, event: e.StepRestored, at: Instant) -> None:
    step = change(draft, event, at)
    step.ended_at = step.due = None


def _offered(draft: Draft, event: e.StepOffered, at: Instant) -> None:
    draft.edit_node(event.step).offered_at = at


def _values_set(draft: Draft, event: e.StepValuesSet, at: Instant) -> None:
    node = _touch(draft, event.step, "updated", at)
    kept = {name: value for name, value in node.values.items() if name not in event.removed}
    node.values = {**kept, **event.values}


def _auto_proceed(draft: Draft, event: e.StepAutoProceedSet, at: Instant) -> None:
    _touch(draft, event.step, "updated", at).auto_proceed = event.enabled


def _submitted(draft: Draft, event: e.StepSubmitted, at: Instant) -> None:
    """What was found out when it was submitted before counts no more."""
    step = change(draft, event, at)
    step.reason = step.error = step.ended_at = None
    node = draft.edit_node(event.step)
    node.condition = None
    if node.captures:
        node.captures = {name: taken for name, taken in node.captures.items() if name.endswith("/start")}


def _condition_moved(draft: Draft, event: e.StepConditionMoved, at: Instant) -> None:
    node = draft.edit_node(event.step)
    node.condition = moved(node.condition, event.changes)


def _captured(draft: Draft, event: e.StepCaptured, at: Instant) -> None:
    node = draft.edit_node(event.step)
    node.captures = {**node.captures, f"{event.field}/{event.moment}": event.record}


def _action_failed(draft: Draft, event: e.StepActionFailed, at: Instant) -> None:
    step = change(draft, event, at)
    step.error, step.skip_reason = event.error, None
    if event.absorbed:
        draft.run.errors = {**draft.run.errors, step.id: event.error}


def _noticed(draft: Draft, event: e.StepNoticed, at: Instant) -> None:
    node = draft.edit_node(event.step)
    told: Json = {"status": "succeeded", "event": event.data}
    if event.error is not None:
        told = {"status": "error", "error": event.error}
    node.notices = {**node.notices, str(event.action): told}


def _repeated(draft: Draft, event: e.StepRepeated, at: Instant) -> None:
    """The new nodes take the places of the old ones, in the graph and before whatever waits for them."""
    pairs = [(event.step, event.node), *((old, node) for old, node in event.outdated)]
    graph = draft.find_graph(event.scope)
    for old_id, members in pairs:
        node = plan(draft, event, event.scope, members, at)
        old = _touch(draft, old_id, "repeated" if old_id == event.step else "outdated", at)
        old.replaced_by = node.id
        old.outdated = old_id != event.step
        if graph is not None:
            edited = draft.edit_graph(event.scope)
            edited.steps = {**edited.steps, node.task: node.id}
            edited.left += old.passed
    if graph is not None:
        _rewire(draft, event.scope, {old: members["step"] for old, members in pairs})


def _rewire(draft: Draft, scope: str, replaced: Mapping[str, str]) -> None:
    """Steps that wait for an old node wait for the one in its place; what has begun stays as it was."""
    graph = draft.edit_graph(scope)
    children: dict[str, list[str]] = {}
    for step_id in graph.steps.values():
        node = draft.node(step_id)
        if any(parent in replaced for parent in node.after) and draft.step(step_id).started_at is None:
            node = draft.edit_node(step_id)
            node.after = tuple(replaced.get(parent, parent) for parent in node.after)
            node.offered_at = None
        for parent in node.after:
            present = graph.steps.get(draft.node(parent).task, parent)
            children.setdefault(present, []).append(step_id)
    graph.children = {parent: tuple(steps) for parent, steps in children.items()}


def _assigned(draft: Draft, event: e.StepAssigned, at: Instant) -> None:
    node = _touch(draft, event.step, "assigned", at)
    node.assign = Assignment(tuple(event.people), tuple(event.groups)).as_json()


def _titled(draft: Draft, event: e.StepTitled, at: Instant) -> None:
    draft.edit_node(event.step).title = event.title


def _fields_set(draft: Draft, event: e.FieldsSet, at: Instant) -> None:
    run = draft.run
    kept = {name: value for name, value in run.fields.items() if name not in event.removed}
    run.fields = {**kept, **event.values}
    run.stamps = stamped(run.stamps, "fields", Stamp(at, draft.by))


CHANGES: Final[dict[type[Any], Callable[[Draft, Any, Instant], None]]] = {
    e.TurnSigned: _signed,
    e.StepsPlanned: _planned,
    e.StepOffered: _offered,
    e.StepPassed: _passed,
    e.StepRestored: _restored,
    e.StepValuesSet: _values_set,
    e.StepAutoProceedSet: _auto_proceed,
    e.StepSubmitted: _submitted,
    e.StepConditionMoved: _condition_moved,
    e.StepCaptured: _captured,
    e.StepActionFailed: _action_failed,
    e.StepNoticed: _noticed,
    e.StepRepeated: _repeated,
    e.StepAssigned: _assigned,
    e.StepTitled: _titled,
    e.FieldsSet: _fields_set,
}
