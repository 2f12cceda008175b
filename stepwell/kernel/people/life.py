"""What people ask of a step: values, auto-proceed, a state; to whom it is assigned (SPEC N2 to N4, N10, N11)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from stepwell.definition.forms.values import check_values
from stepwell.kernel.failure import fail
from stepwell.kernel.flow import cancel_steps, ended
from stepwell.kernel.graph import ready
from stepwell.kernel.people.submit import submit, submit_if_complete
from stepwell.kernel.people.table import Request, permit
from stepwell.kernel.people.values import attended, chosen
from stepwell.kernel.references import find
from stepwell.kernel.ruling import Begin, Fault, Ruling
from stepwell.kernel.standing import in_flight
from stepwell.model import events as e
from stepwell.model import problem
from stepwell.model.base import Json
from stepwell.model.effects import Interrupt
from stepwell.model.errors import Conflict, InvalidForm, InvalidInput, NotFound, TransitionRefused
from stepwell.model.people import ActorKind, Node, Target
from stepwell.model.people_commands import AssignStep, UpdateStep
from stepwell.model.records import Step
from stepwell.model.states import RunStatus, StepStatus


def named(r: Ruling, name: str) -> Step:
    """The step of this id, or the present one of the task of this name. Raises `NotFound`."""
    step_id = name if name.startswith("/") else find(r, r.draft.find_scope("/do"), name)
    step = r.draft.find_step(step_id) if step_id is not None else None
    if step is None:
        raise NotFound(
            f"run {r.draft.run.id} has no step {name}",
            hint=f"list its steps with: stepwell runs show {r.draft.run.id}",
        )
    return step


def changeable(r: Ruling, name: str, version: int | None) -> tuple[Step, Node]:
    """The step and its node, if people may change it now. Raises `NotFound`, `Conflict`, `TransitionRefused`."""
    step = named(r, name)
    node, run = r.draft.find_node(step.id), r.draft.run
    if run.status.terminal or run.status is RunStatus.CANCELLING:
        raise TransitionRefused(f"run {run.id} is {run.status}: its steps are final")
    if node is None:
        raise TransitionRefused(f"step {step.id} is not one that people do: it is {step.kind}")
    if version is not None and version != node.version:
        raise Conflict(
            f"step {step.id} is at version {node.version}, not {version}: {_last_change(node)}",
            hint="look at it again, and decide whether your change still makes sense",
        )
    if node.outdated:
        raise TransitionRefused(f"step {step.id} is outdated: {node.replaced_by} took its place")
    return step, node


def _last_change(node: Node) -> str:
    what, stamp = next(reversed(node.stamps.items()))
    return f"{what} by {stamp.by or 'the engine'} meanwhile"


def kind_of(r: Ruling) -> ActorKind:
    """Whoever does not say who he is may not do more than a person."""
    return r.by.kind if r.by is not None else ActorKind.PERSON


def update(r: Ruling, command: UpdateStep) -> None:
    """Values, then auto-proceed, then the state: all of it, or nothing."""
    step, _ = changeable(r, command.step, command.version)
    apply(r, step, command)


def apply(r: Ruling, step: Step, command: UpdateStep) -> None:
    if command.values is None and command.auto_proceed is None and command.target is None:
        raise InvalidInput("there is nothing to change", hint="give values, auto_proceed or a target state")
    if command.values is not None:
        _set_values(r, step, command.values, whole=command.target is Target.SUBMITTED)
    if command.auto_proceed is not None:
        permit(step, r.draft.node(step.id), Request.SET_AUTO_PROCEED, kind_of(r))
        r.emit(e.StepAutoProceedSet(step.id, command.auto_proceed))
    step = r.draft.step(step.id)
    if command.target is not None:
        _TARGETS[command.target](r, step, command)
    elif step.status is StepStatus.RUNNING and step.kind == "call:form":
        proceed_by_itself(r, step)


def proceed_by_itself(r: Ruling, step: Step) -> None:
    """What auto-proceed does, unless a pause holds the run."""
    if r.draft.run.status is RunStatus.RUNNING:
        guarded(r, step, submit_if_complete)


def _set_values(r: Ruling, step: Step, values: Mapping[str, Json], *, whole: bool) -> None:
    """`whole`: the form is to be submitted, so what is missing is told together with what is wrong."""
    node = r.draft.node(step.id)
    permit(step, node, Request.SET_VALUES, kind_of(r))
    task = r.task(step.path)
    fields = attended(task).fields if task.attended else ()
    wrong = check_values(fields, dict(values), complete=False)
    if wrong and whole and task.attended:
        wrong = check_values(fields, {**chosen(r, step), **values}, complete=True)
    if wrong:
        raise InvalidForm(wrong)
    given = {name: value for name, value in values.items() if value is not None}
    removed = tuple(name for name, value in values.items() if value is None and name in node.values)
    r.emit(e.StepValuesSet(step.id, given, removed))


def guarded(r: Ruling, step: Step, what: Callable[[Ruling, Step], None]) -> None:
    """What goes wrong in what follows is the step's error, not the caller's."""
    try:
        what(r, step)
    except Fault as fault:
        fail(r, r.draft.step(step.id), fault.problem)


def _start(r: Ruling, step: Step, command: UpdateStep) -> None:
    node = r.draft.node(step.id)
    permit(step, node, Request.START, kind_of(r))
    _running(r)
    if not ready(r, node):
        waits = [parent for parent in node.after if not r.draft.node(parent).passed]
        raise TransitionRefused(f"step {step.id} waits for {', '.join(waits)}")
    r.agenda.add(Begin(step.id, r.by.id if r.by is not None else None))


def _running(r: Ruling) -> None:
    if r.draft.run.status is not RunStatus.RUNNING:
        raise TransitionRefused(
            f"run {r.draft.run.id} is {r.draft.run.status}: nothing of it can be started or submitted",
            hint=f"go on with it: stepwell runs resume {r.draft.run.id}",
        )


def _submit(r: Ruling, step: Step, command: UpdateStep) -> None:
    permit(step, r.draft.node(step.id), Request.SUBMIT, kind_of(r))
    _running(r)
    if not r.task(step.path).attended:
        raise TransitionRefused(f"step {step.id} is {step.kind}: nobody submits it")
    guarded(r, step, submit)


def _skip(r: Ruling, step: Step, command: UpdateStep) -> None:
    node = r.draft.node(step.id)
    permit(step, node, Request.SKIP, kind_of(r))
    if node.required:
        raise TransitionRefused(
            f"step {step.id} is required: it cannot be skipped",
            hint="it can be failed, with a reason",
        )
    inside = [
        other.id for other in r.draft.nodes() if other.id.startswith(step.id + "/") and wanted(r, other)
    ]
    if inside:
        raise TransitionRefused(f"step {step.id} cannot be skipped: required inside it: {', '.join(inside)}")
    stop(r, step, "it was skipped")
    r.emit(e.StepSkipped(step.id, _reason(command, "skipped")))
    ended(r, r.draft.step(step.id), r.task(step.path), "continue")


def wanted(r: Ruling, node: Node) -> bool:
    """It is required, and not completed."""
    present = node.required and node.replaced_by is None
    return present and r.draft.step(node.id).status is not StepStatus.COMPLETED


def _fail(r: Ruling, step: Step, command: UpdateStep) -> None:
    permit(step, r.draft.node(step.id), Request.FAIL, kind_of(r))
    stop(r, step, "it was failed")
    by = r.by.id if r.by is not None else "somebody"
    fail(r, r.draft.step(step.id), problem.failed_by(by, _reason(command, "failed")))


def _reason(command: UpdateStep, what: str) -> str:
    """Raises `InvalidInput` where there is none."""
    reason = (command.reason or "").strip()
    if not reason:
        raise InvalidInput(
            f"a step is not {what} without a reason", hint="say why, for whoever reads it later"
        )
    return reason


def stop(r: Ruling, step: Step, why: str) -> None:
    """Nothing of it is wanted any more: what is inside it ends, whoever performs it is interrupted."""
    prefix = step.id + "/"
    cancel_steps(r, [inside for inside in r.draft.open_steps() if inside.id.startswith(prefix)], why)
    r.agenda.forget(step.id)
    if in_flight(step):
        r.effect(Interrupt(step.id, step.attempt))


_TARGETS: Final[Mapping[Target, Callable[[Ruling, Step, UpdateStep], None]]] = {
    Target.RUNNING: _start,
    Target.SUBMITTED: _submit,
    Target.SKIPPED: _skip,
    Target.FAILED: _fail,
}


def assign(r: Ruling, command: AssignStep) -> None:
    step, node = changeable(r, command.step, command.version)
    permit(step, node, Request.ASSIGN, kind_of(r))
    if step.kind == "call:approval":
        raise TransitionRefused(
            f"step {step.id} is an approval: who may decide was settled when it was asked for",
            hint="whoever may decide can delegate it",
        )
    r.emit(e.StepAssigned(step.id, tuple(command.people), tuple(command.groups)))
