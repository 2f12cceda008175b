"""What was chosen in a step, what was measured, and what both amount to (SPEC N6, N14)."""

from __future__ import annotations

from stepwell.definition.conditions import CaptureSpec
from stepwell.definition.forms.values import defaults, outputs
from stepwell.definition.model import AttendedBody, Task
from stepwell.kernel.approvals.asking import output_of
from stepwell.kernel.references import resolve
from stepwell.kernel.ruling import Fault, Ruling
from stepwell.model import problem
from stepwell.model.base import Json
from stepwell.model.conditions import CaptureStatus
from stepwell.model.errors import InvalidForm
from stepwell.model.records import Step


def attended(task: Task) -> AttendedBody:
    assert isinstance(task.body, AttendedBody)
    return task.body


def chosen(r: Ruling, step: Step) -> dict[str, Json]:
    """What people chose, and what stands in the form where they left it as it was."""
    return {**defaults(attended(r.task(step.path)).fields), **r.draft.node(step.id).values}


def outputs_of(r: Ruling, step: Step) -> dict[str, Json]:
    """The values as outputs: typed, and what they refer to resolved; and what was measured. Raises `Fault`."""
    body = attended(r.task(step.path))
    scope = r.draft.scope(step.scope)
    approval = r.draft.find_approval(step.id) if body.approval is not None else None
    if approval is not None:
        return {**output_of(approval), **_measured(r, step)}
    try:
        found = outputs(body.fields, chosen(r, step), lambda reference: resolve(r, scope, reference))
    except InvalidForm as error:  # what a reference leads to is not what the field takes
        raise Fault(problem.expression("; ".join(error.told()))) from error
    return {**found, **_measured(r, step)} if body.captures else found


def captures_of(r: Ruling, step: Step) -> dict[str, CaptureSpec]:
    """What is to be measured, by `FIELD/MOMENT`."""
    task = r.task(step.path)
    captures = attended(task).captures if task.attended else ()
    return {f"{spec.field}/{moment}": spec for spec in captures for moment in spec.at}


def _measured(r: Ruling, step: Step) -> dict[str, Json]:
    """By output; one that is measured at both moments has a member for each."""
    specs, found = captures_of(r, step), dict[str, Json]()
    for name, record in r.draft.node(step.id).captures.items():
        if record["status"] == CaptureStatus.SUCCEEDED:
            field, _, moment = name.partition("/")
            several = len(specs[name].at) > 1
            found[field] = {**found.get(field, {}), moment: record["value"]} if several else record["value"]
    return found
