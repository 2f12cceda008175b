"""The gate before everything that is called: it passes, it waits for people, or it fails (SPEC X8)."""

from __future__ import annotations

from collections.abc import Callable

from stepwell.definition.model import Task
from stepwell.kernel.approvals.asking import ask, terms_of
from stepwell.kernel.approvals.frozen import freeze, masked, thaw
from stepwell.kernel.approvals.judge import Level, judge
from stepwell.kernel.approvals.names import called
from stepwell.kernel.data import View
from stepwell.kernel.ruling import Fault, Ruling
from stepwell.model import problem
from stepwell.model.actions import Action
from stepwell.model.approvals import Approval, ApprovalStatus, CallPolicy, Mode, terms_from
from stepwell.model.calls import ChildCall, StepCall
from stepwell.model.records import Step


def stands_open(r: Ruling, task: Task) -> bool:
    """Nobody has anything to say of what this task calls; asked for every step, so it is quick."""
    policies = r.env.policy is not None or r.definition.policy is not None
    return not (policies or task.options.approval is not None or r.draft.has_approvals())


def passed(
    r: Ruling, task: Task, view: View, step: Step, act: Callable[[], Action], child: str, author: str | None
) -> Action | None:
    """The action that may be performed now; None: people are asked first. `child` is the id of the run that a call of a
    workflow starts, and `author` on whose behalf. Raises `Fault` where it is denied."""
    approval = given(r, step)
    if approval is not None:
        return thaw(approval.arguments, act, r.env.redact, approval.what, child, author)
    action = act()
    levels = _levels(r, task, view, step)
    name = called(action) if levels else None
    if name is None:
        return action
    judgement = judge(name, levels)
    if judgement.mode is Mode.DENY:
        raise Fault(problem.denied(name, judgement.reason))
    if judgement.mode is Mode.ASK:
        shown = masked(freeze(action), r.env.redact)
        ask(r, step, name, shown, judgement.terms, judgement.reason)
        return None
    return action


def admitted(r: Ruling, step: Step, call: StepCall | ChildCall) -> bool:
    """Whether what a workflow's code asked for may be performed now; else people are asked first. Raises `Fault` where
    it is denied."""
    own = step.options.get("approval") if step.options else None
    if own is None and r.env.policy is None:  # this is asked for every step
        return True
    levels = [] if r.env.policy is None else [Level("the engine", r.env.policy)]
    if own is not None:
        levels.append(Level("the step", CallPolicy(Mode.ASK, terms=terms_from(own))))
    if given(r, step) is not None:
        return True
    if isinstance(call, StepCall):
        name, arguments = f"step:{r.definition.name}/{step.name}", call.arguments
    else:
        name, arguments = f"run:workflow {call.namespace}/{call.name}", call.input
    judgement = judge(name, levels)
    if judgement.mode is Mode.DENY:
        raise Fault(problem.denied(name, judgement.reason))
    if judgement.mode is Mode.ASK:
        ask(r, step, name, arguments, judgement.terms, judgement.reason)
    return judgement.mode is Mode.AUTO


def given(r: Ruling, step: Step) -> Approval | None:
    """The approval by which the step may go on, if there is one. It holds for all attempts that its error policy makes;
    a retry of the run asks again."""
    approval = r.draft.find_approval(step.id)
    if approval is None or approval.spent or approval.status is not ApprovalStatus.APPROVED:
        return None
    return approval


def _levels(r: Ruling, task: Task, view: View, step: Step) -> list[Level]:
    """The policies that have a say, the outermost first."""
    found: list[Level] = []
    if r.env.policy is not None:
        found.append(Level("the engine", r.env.policy))
    if r.definition.policy is not None:
        found.append(Level("the workflow", r.definition.policy))
    spec = task.options.approval
    if spec is not None:
        found.append(Level("the task", CallPolicy(Mode.ASK, terms=terms_of(view, spec, step.input))))
    return found
