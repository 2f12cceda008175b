"""Doing a finished step again (SPEC N12): a new step takes its place, the old one stays on record."""

from __future__ import annotations

from stepwell.kernel.evolve_run import try_scope
from stepwell.kernel.flow import cancel_steps, new_id
from stepwell.kernel.graph import consider, downstream, planned
from stepwell.kernel.people.life import apply, changeable, kind_of, stop
from stepwell.kernel.people.table import Request, permit
from stepwell.kernel.ruling import Ruling
from stepwell.model import events as e
from stepwell.model.base import Json
from stepwell.model.errors import InvalidInput, TransitionRefused
from stepwell.model.people import Target
from stepwell.model.people_commands import RepeatStep
from stepwell.model.records import Step
from stepwell.model.states import StepStatus


def repeat(r: Ruling, command: RepeatStep) -> None:
    """`downstream`: what came after it and has begun is outdated, and takes its place again too."""
    step, node = changeable(r, command.step, command.version)
    permit(step, node, Request.REPEAT, kind_of(r))
    if node.replaced_by is not None:
        raise TransitionRefused(f"step {step.id} was repeated already: {node.replaced_by} took its place")
    if r.draft.find_graph(step.scope) is None or not _going_on(r, step):
        raise TransitionRefused(
            f"step {step.id} stands in a list that is gone through once: it cannot be repeated"
        )
    if command.update is not None and command.update.target not in (None, Target.SKIPPED, Target.FAILED):
        raise InvalidInput(
            "a new step can be skipped or failed at once; it begins by itself", hint="submit it afterwards"
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
    _hold_back(r, [new["step"], *(members["step"] for _, members in pairs)])
    if command.update is not None:
        apply(r, r.draft.step(new["step"]), command.update)
    for step_id in [new["step"], *(members["step"] for _, members in pairs)]:
        consider(r, step_id)


def _hold_back(r: Ruling, news: list[str]) -> None:
    """Steps after the new ones whose turn had come, and which had not begun, wait again."""
    children = r.draft.graph(r.draft.step(news[0]).scope).children
    for child in {child: None for new in news for child in children.get(new, ())}:
        step = r.draft.step(child)
        if step.status in (StepStatus.SCHEDULED, StepStatus.PAUSED) and step.started_at is None:
            r.emit(e.StepRestored(child))


def _going_on(r: Ruling, step: Step) -> bool:
    """The list is still gone through: open, and the present try of a block that runs."""
    scope = r.draft.scope(step.scope)
    if not scope.open or scope.owner is None:
        return scope.open
    owner = r.draft.step(scope.owner)
    if owner.status is not StepStatus.RUNNING:
        return False
    if scope.section != "try":
        return True
    return (
        scope.id == try_scope(owner.id, owner.attempt - 1)
        and r.draft.find_scope(f"{owner.id}/catch/do") is None
    )


def _again(r: Ruling, step: Step) -> dict[str, Json]:
    """The node that takes the place of this step."""
    scope, task, old = r.draft.scope(step.scope), r.task(step.path), r.draft.node(step.id)
    present = r.draft.graph(step.scope).steps
    after = [present[r.draft.node(parent).task] for parent in old.after]
    return {**planned(task, new_id(r, scope, task), after), "repeat_of": step.id}
