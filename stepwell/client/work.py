"""Steps and procedures as people see them: JSON for inboxes, forms and audits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from stepwell.client.approvals import approval_view
from stepwell.client.conditions import shown
from stepwell.client.views import View, error_view, when
from stepwell.definition.forms.reading import written
from stepwell.definition.forms.schema import json_schema
from stepwell.definition.forms.values import defaults, missing
from stepwell.definition.graph.display import display
from stepwell.definition.model import AttendedBody, Definition, Section, Task
from stepwell.kernel.people.table import ALLOWED, Request
from stepwell.kernel.standing import ready_in
from stepwell.model.base import Json
from stepwell.model.errors import NotFound
from stepwell.model.people import ActorKind, Node, Stamp, assignment
from stepwell.model.records import State, Step
from stepwell.model.states import StepStatus, WaitReason

_ASKED: Final = (
    Request.START,
    Request.SET_VALUES,
    Request.SUBMIT,
    Request.SKIP,
    Request.FAIL,
    Request.REPEAT,
)


def step_of(state: State, name: str) -> Step:
    """The step of this id, or the present one of the task of this name. Raises `NotFound`."""
    if name in state.steps:
        return state.steps[name]
    for graph in state.graphs.values():
        if name in graph.steps:
            return state.steps[graph.steps[name]]
    found = [step for step in state.steps.values() if step.name == name]
    if not found:
        raise NotFound(
            f"run {state.run.id} has no step {name}",
            hint=f"list its steps with: stepwell runs show {state.run.id}",
        )
    return found[-1]


def stamp_view(stamps: Mapping[str, Stamp]) -> View:
    """By what was done: when, by whom (null: the engine), why."""
    return {what: {"at": when(s.at), "by": s.by, "reason": s.reason} for what, s in stamps.items()}


def step_view_of(definition: Definition, state: State, step: Step) -> View:
    """See `PeopleVerbs.show_step`."""
    task, node = definition.tasks[step.path], state.nodes.get(step.id)
    head: View = {
        "run_id": state.run.id,
        "run_status": state.run.status.value,
        "step": step.id,
        "task": node.task if node is not None else step.name,
        "title": _title(state, task, step),
        "description": task.options.description,
        "section": task.options.section,
        "kind": step.kind.removeprefix("call:"),
        "status": step.status.value,
        "reason": step.reason.value if step.reason is not None else None,
        "skip_reason": step.skip_reason,
        "error": error_view(step.error),
        "output": step.output,
        "due": when((step.expected or {}).get("due")),
    }
    asked = state.approvals.get(step.id)
    if asked is not None:
        head["approval"] = approval_view(state, asked)
    return head if node is None else head | _node_view(state, task, step, node)


def _title(state: State, task: Task, step: Step) -> str:
    """As it was computed, or is written; of an approval that was asked for, as it was asked."""
    own = task.body.given.get("title", "") if isinstance(task.body, AttendedBody) else ""
    node = state.nodes.get(step.id)
    own = node.title if node is not None and node.title is not None else own
    asked = state.approvals.get(step.id) if own else None
    return task.options.title or (asked.what if asked is not None else own) or task.name


def _node_view(state: State, task: Task, step: Step, node: Node) -> View:
    view: View = {
        "version": node.version,
        "required": node.required,
        "auto_start": node.auto_start,
        "auto_proceed": node.auto_proceed,
        "after": list(node.after),
        "waits_for": [parent for parent in node.after if not state.nodes[parent].passed],
        "outdated": node.outdated,
        "repeat_of": node.repeat_of,
        "commit": node.commit,
        "replaced_by": node.replaced_by,
        "assign": assignment(node.assign).as_json(),
        "stamps": stamp_view(node.stamps),
        "condition": shown(node.condition),
        "captures": shown(node.captures),
        "can": _can(state, step, node),
    }
    if isinstance(task.body, AttendedBody):
        view |= _form_view(state, task.body, step, node)
    return view


def _form_view(state: State, body: AttendedBody, step: Step, node: Node) -> View:
    chosen = {**defaults(body.fields), **node.values}
    return {
        "content": body.content,
        "fields": list(map(written, body.fields)),
        "values": chosen,
        "missing": missing(body.fields, chosen),
        "schema": json_schema(body.fields),
        "actions": _actions(state, body, step, node),
    }


def _actions(state: State, body: AttendedBody, step: Step, node: Node) -> list[View]:
    """What became of each action, in the order of the definition: not_run, in_progress, succeeded or error."""
    others = iter(body.actions.tasks if body.actions is not None else ())
    views: list[View] = []
    for position, item in enumerate(body.given.get("actions", ())):
        (word,) = item
        if word == "event":
            told = node.notices.get(str(position), {"status": "not_run"})
            views.append({"action": word, **told})
            continue
        task = next(others)
        done = state.steps.get(f"{step.id}/actions/{task.position}/{word}")
        views.append({"action": word, **_action_view(done)})
    return views


def _action_view(done: Step | None) -> View:
    if done is None:
        return {"status": "not_run"}
    if not done.status.terminal:
        return {"status": "in_progress", "step": done.id}
    if done.status is StepStatus.COMPLETED:
        return {"status": "succeeded", "step": done.id, "result": done.output}
    return {"status": "error", "step": done.id, "error": error_view(done.error)}


def _can(state: State, step: Step, node: Node) -> list[str]:
    """What a person may ask of the step now."""
    if state.run.status.terminal or node.outdated:
        return []
    asked = [request for request in _ASKED if ActorKind.PERSON in ALLOWED.get((step.status, request), ())]
    never = {
        Request.SKIP: node.required,
        Request.START: not ready_in(state, node),
        Request.SET_VALUES: step.kind != "call:form",
        Request.SUBMIT: step.kind != "call:form",
        Request.REPEAT: node.replaced_by is not None or not _repeatable(state, step),
    }
    decides = [Request.DECIDE] if step.reason is WaitReason.APPROVAL else []
    return [request.value for request in (*asked, *decides) if not never.get(request, False)]


def _repeatable(state: State, step: Step) -> bool:
    """Its list is a graph, and still gone through."""
    scope = state.scopes[step.scope]
    around = state.steps[scope.owner] if scope.owner is not None else None
    going_on = around is None or around.status is StepStatus.RUNNING
    return scope.open and going_on and step.scope in state.graphs


def procedure_view(definition: Definition, state: State) -> View:
    """What makes a run a procedure: fields, sections, the present step of every task in the order to show them in."""
    procedure, graph = definition.procedure, state.graphs.get("/do")
    order = {name: place for place, name in enumerate(display(definition).steps())}
    present = graph.steps if graph is not None else {node: node for node in state.nodes}
    steps = [present[name] for name in sorted(present, key=lambda name: order.get(name, len(order)))]
    return {
        "status": state.run.status.value,
        "held": state.run.held,
        "title": definition.title or definition.name,
        "fields": dict(state.run.fields),
        "form": _fields_of(definition),
        "sections": _sections(procedure.sections) if procedure is not None else [],
        "stamps": stamp_view(state.run.stamps),
        "steps": [_line(definition, state, state.steps[step]) for step in steps],
        "error": error_view(state.run.error),
    }


def _fields_of(definition: Definition) -> Json:
    given = definition.metadata.get("procedure")
    return given.get("fields", []) if isinstance(given, Mapping) else []


def _sections(sections: tuple[Section, ...]) -> list[View]:
    return [
        {
            "id": s.id,
            "title": s.title or s.id,
            "description": s.description,
            "sections": _sections(s.sections),
        }
        for s in sections
    ]


def _line(definition: Definition, state: State, step: Step) -> View:
    view = step_view_of(definition, state, step)
    names = ("step", "task", "title", "section", "kind", "status", "required", "waits_for", "stamps", "can")
    return {name: view.get(name) for name in names}
