"""Doing a finished step again (SPEC N12): a new step takes its place, the old one stays on record."""

from __future__ import annotations

from stepwell.kernel.flow import cancel_steps, new_id
from stepwell.kernel.graph import consider, downstream, planned
from stepwell.kernel.people.life import apply, changeable, kind_of, stop
from stepwell.kernel.people.table import Request, permit
from stepwell.kernel.ruling import Ruling
from stepwell.model import events as e
from stepwell.model.base import Json
from stepwell.model.errors import TransitionRefused
from stepwell.model.people_commands import RepeatStep
from stepwell.model.records import Step
from stepwell.model.states import StepStatus


def repeat(r: Ruling, command: RepeatStep) -> None:
    """`downstream`: what came after it and has begun is outdated, and takes its place again too."""
    step, node = changeable(r, command.step, command.version)
    permit(step, node, Request.REPEAT, kind_of(r))
    if node.replaced_by is not None:
        raise TransitionRefused(f"step {step.id} was repeated already: {node.replaced_by} took its place")
    if r.draft.find_graph(step.scope) is None or not r.draft.scope(step.scope).open:
        raise TransitionRefused(
            f"step {step.id} stands in a list that is gone through once: it cannot be repeated"
        )
    after = [r.draft.step(step_id) for step_id in downstream(r, step)] if command.downstream else []
    outdated = [found for found in after if found.status is not StepStatus.PENDING]
    for found in outdated:
        if not found.status.terminal:
            stop(r, found, f"{step.id} is repeated")
            cancel_steps(r, [r.draft.step(found.id)], f"{step.id} is repeated")
    new = _again(r, step)
    pairs: list[Json] = [[found.id, _again(r, found)] for found in outdated]
    r.emit(e.StepRepeated(step.id, step.scope, new, pairs))
    if command.update is not None:
        apply(r, r.draft.step(new["step"]), command.update)
    for step_id in [new["step"], *(members["step"] for _, members in pairs)]:
        consider(r, step_id)


def _again(r: Ruling, step: Step) -> dict[str, Json]:
    """The node that takes the place of this step."""
    scope, task, old = r.draft.scope(step.scope), r.task(step.path), r.draft.node(step.id)
    present = r.draft.graph(step.scope).steps
    after = [present[r.draft.node(parent).task] for parent in old.after]
    return {**planned(task, new_id(r, scope, task), after), "repeat_of": step.id}
