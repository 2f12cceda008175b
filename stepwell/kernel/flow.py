"""How a run goes from task to task: lists are opened, gone through and closed; directives are followed."""

from __future__ import annotations

from collections.abc import Mapping

from stepwell.definition.model import (
    AttendedBody,
    DoBody,
    ForBody,
    ForkBody,
    FunctionBody,
    Task,
    TaskList,
    TryBody,
)
from stepwell.kernel.data import NOTHING, View, shape_output
from stepwell.kernel.evolve_run import ROOT
from stepwell.kernel.notices import tell
from stepwell.kernel.ruling import Enter, Fault, OpenGraph, Pass, Ruling, ScopeDone, Spoiled
from stepwell.kernel.standing import in_flight
from stepwell.model import events as e
from stepwell.model.base import Json
from stepwell.model.effects import Interrupt
from stepwell.model.events import SAME, MaybeSame
from stepwell.model.policy import FailureMode, FailurePolicy
from stepwell.model.problem import Problem
from stepwell.model.records import Run, Scope, Step
from stepwell.model.states import RunStatus, StepStatus


def task_list(r: Ruling, scope: Scope) -> TaskList:
    """The tasks that a scope goes through."""
    if scope.owner is None:
        return r.definition.do
    body = r.task(r.draft.step(scope.owner).path).body
    if isinstance(body, DoBody | ForBody):
        return body.do
    if isinstance(body, ForkBody):
        return body.branches
    if isinstance(body, TryBody):
        return body.catch.do if scope.section == "catch" and body.catch.do is not None else body.try_
    if isinstance(body, AttendedBody):
        assert body.actions is not None
        return body.actions
    assert isinstance(body, FunctionBody), body
    return TaskList("/use/functions", (body.target,), {body.target.name: 0})


def open_scope(
    r: Ruling,
    owner: Step,
    scope_id: str,
    tasks: TaskList,
    section: str,
    number: int = 0,
    *,
    input: MaybeSame = SAME,
    variables: Mapping[str, Json] | None = None,
    position: int = 0,
) -> None:
    """Begin to go through a list on behalf of a step; `position` is where to begin."""
    added = dict(variables) if variables else None
    r.emit(e.ScopeOpened(scope_id, owner.id, tasks.pointer, section, number, input, added))
    if section == "branch":
        r.agenda.add(Enter(scope_id, position))
    else:
        advance(r, r.draft.scope(scope_id), tasks, position)


def advance(r: Ruling, scope: Scope, tasks: TaskList, position: int) -> None:
    """Go to the task at this position, or to the end of the list."""
    if tasks.after is not None and not scope.begun:
        r.agenda.add(OpenGraph(scope.id))
    elif position < len(tasks.tasks) and not (scope.section == "branch" and position != scope.number):
        r.agenda.add(Enter(scope.id, position))
    else:
        finish_scope(r, scope)


def finish_scope(r: Ruling, scope: Scope, output: MaybeSame = SAME) -> None:
    """The list is through: its owner goes on, or the run ends."""
    if scope.owner is None:
        complete_run(r, output)
    else:
        r.emit(e.ScopeClosed(scope.id, output))
        r.agenda.add(ScopeDone(scope.id))


def follow(r: Ruling, step: Step, task: Task, directive: str) -> None:
    """Do what `then` says after a step of this task has let go."""
    scope = r.draft.scope(step.scope)
    tasks = task_list(r, scope)
    if tasks.after is not None and directive == "continue":
        r.agenda.add(Pass(step.id))
    elif directive == "continue":
        advance(r, scope, tasks, task.position + 1)
    elif directive == "exit":
        if tasks.after is not None:
            leave(r, scope, f"{step.id} ended the list")
        finish_scope(r, scope)
    elif directive == "end":
        end_run(r, step)
    else:
        advance(r, scope, tasks, tasks.index[directive])


def leave(r: Ruling, scope: Scope, why: str) -> None:
    """Nothing of a list whose steps stand beside each other is wanted any more."""
    inside = [step for step in r.draft.open_steps() if step.id.startswith(scope.id + "/")]
    for step in inside:
        r.agenda.forget(step.id)
    cancel_steps(r, inside, why)


def complete(
    r: Ruling, step: Step, raw: MaybeSame, *, then: str | None = None, source: str | None = None
) -> None:
    """The step has its raw output: shape it, record it, export it, go on. Raises `Fault`.

    `raw` SAME: what flowed through it. `then` overrides the task's directive. `source`: where it was kept from.
    """
    task = r.task(step.path)
    given = step.flow if raw is SAME else raw
    output, context = given, NOTHING
    if not task.plain:
        view = View(r, r.draft.scope(step.scope), task, step, step.input, given)
        output = shape_output(view, task.output, given)
        if task.export.as_ is not None or task.export.schema is not None:
            view.output = output
            context = shape_output(view, task.export, output, "the exported context")
    r.emit(e.StepCompleted(step.id, SAME if output is step.flow else output, source))
    if context is not NOTHING:
        r.emit(e.ContextSet(context))
    ended(r, r.draft.step(step.id), task, then or task.then)


def ended(r: Ruling, step: Step, task: Task, directive: str) -> None:
    """The step is completed or skipped: tell those whom its event actions tell, then go on."""
    fault = tell(r, step, task)
    if fault is None:
        follow(r, step, task, directive)
    else:
        r.agenda.add(Spoiled(step.id, fault))


def new_id(r: Ruling, scope: Scope, task: Task) -> str:
    """The id of the step that this task becomes here (see `Step`)."""
    base = scope.id.rpartition("#")[0] if scope.section == "branch" else scope.id
    step_id = (
        f"{base}/{task.position if scope.section != 'function' else 0}/{task.pointer.rpartition('/')[2]}"
    )
    if r.draft.find_step(step_id) is None:
        return step_id
    number = (scope.visits or {}).get(task.position, 1)
    while (
        r.draft.find_step(f"{step_id}[{number}]") is not None
    ):  # after a retry of the whole block, or a repeat
        number += 1
    return f"{step_id}[{number}]"


def cancel_steps(r: Ruling, steps: list[Step], reason: str) -> None:
    """End open steps that are no longer wanted; work in flight is interrupted."""
    for step in steps:
        if in_flight(step):
            r.effect(Interrupt(step.id, step.attempt))
        r.emit(e.StepCancelled(step.id, reason))


def outcome(scope: Scope) -> Json:
    """What a scope that ran beside others gave: null where its last step failed, whatever flowed there."""
    return None if scope.failed else scope.flow


def ancestors(r: Ruling, step: Step) -> list[Step]:
    """The steps around this one, innermost first."""
    found = []
    while step.parent is not None:
        step = r.draft.step(step.parent)
        found.append(step)
    return found


def end_run(r: Ruling, step: Step) -> None:
    """`then: end`: the blocks around the step are done, everything beside it is cancelled, the run completes."""
    output = step.output if step.status is StepStatus.COMPLETED else r.draft.scope(step.scope).flow
    around = ancestors(r, step)
    keep = {parent.id for parent in around}
    cancel_steps(r, [s for s in r.draft.open_steps() if s.id not in keep], "the run ended")
    r.agenda.clear()
    for parent in around:
        r.emit(e.StepCompleted(parent.id, output))
    complete_run(r, output)


def complete_run(r: Ruling, given: MaybeSame = SAME) -> None:
    """Every task is through: shape the output, and end as the failure policy says."""
    run, data = r.draft.run, r.draft.scope(ROOT).flow if given is SAME else given
    if run.status is RunStatus.CANCELLING:  # the cancel was accepted first
        return
    verdict = spent_policy(r, r.definition.failure_policy, run)
    if verdict is not None:
        step, found = verdict
        fail_run(r, found, step)
        return
    view = View(r, r.draft.scope(ROOT), None, None, run.context, data)
    try:
        output = shape_output(view, r.definition.output, data)
    except Fault as fault:
        fail_run(r, fault.problem, None)
        return
    r.emit(e.RunCompleted(SAME if output is r.draft.scope(ROOT).flow else output))


def fail_run(r: Ruling, found: Problem, step: str | None) -> None:
    """End as failed, with nothing left open."""
    r.agenda.clear()
    cancel_steps(r, list(r.draft.open_steps()), "the run failed")
    r.emit(e.RunFailed(found, step))


def spent_policy(r: Ruling, policy: FailurePolicy, run: Run) -> tuple[str, Problem] | None:
    """(step, error) if the failures so far are more than the policy lets a run complete with."""
    counted = [(step, found) for step, found in run.errors.items() if not r.draft.step(step).optional]
    if not counted or policy.mode in (FailureMode.IGNORE, FailureMode.HOLD):
        return None
    if policy.mode is FailureMode.TOLERATE:
        allowed = policy.tolerated
        if policy.percent:
            ended = sum(count for status, count in run.counts.items() if status.terminal)
            allowed = ended * policy.tolerated / 100
        if len(counted) <= allowed:
            return None
    return counted[0]
