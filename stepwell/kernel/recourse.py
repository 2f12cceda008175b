"""What a step's error policy does: timeouts of its own, further attempts, or nothing (SPEC U8)."""

from __future__ import annotations

from typing import Final

from stepwell.kernel.code.steps import fail_step
from stepwell.kernel.failure import fail, located
from stepwell.kernel.followups import order_for
from stepwell.kernel.ruling import Ruling
from stepwell.kernel.standing import in_flight
from stepwell.model import events as e
from stepwell.model import problem
from stepwell.model.base import Duration, Instant
from stepwell.model.effects import Interrupt, SetTimer
from stepwell.model.problem import Problem
from stepwell.model.records import Step
from stepwell.model.recourse import Recourse, Rule, Strike, may_be_late, rule_of
from stepwell.model.states import WaitReason

_SAYS: Final = {
    Strike.START: "step {name} was not begun in time",
    Strike.RESPONSE: "step {name} gave no sign of life in time",
}


def not_begun(r: Ruling, step: Step) -> None:
    """The engine found the step still waiting for somebody to begin with it."""
    _late(r, step, Strike.START)


def silent(r: Ruling, step: Step) -> None:
    """No result, no report of progress: whoever does the step may be gone, or hang."""
    _late(r, step, Strike.RESPONSE)


def _late(r: Ruling, step: Step, strike: Strike) -> None:
    rule = rule_of(step.options, strike)
    limited = strike is Strike.START and step.reason is WaitReason.RATE
    if rule is None or not (limited or in_flight(step)):
        return
    order_for(r, step, strike)
    if rule.action is Recourse.NONE or (
        limited and rule.action is Recourse.RETRY
    ):  # it begins as soon as it can
        return
    found = problem.timeout(_SAYS[strike].format(name=step.name))
    if r.definition.code is None:
        failed(r, step, found, strike=strike)
        return
    r.effect(Interrupt(step.id, step.attempt))
    due = again_at(r, step, rule)
    fail_step(r, step, found, retry=False, timed_out=True, due=due, strike=strike)


def time_out(r: Ruling, step: Step) -> None:
    """All attempts at a task together took too long."""
    order_for(r, step, Strike.COMPLETION)
    if not may_be_late(step):
        fail(r, step, problem.timeout(f"task {step.name} did not end within its timeout"), timed_out=True)


def failed(
    r: Ruling,
    step: Step,
    found: Problem,
    *,
    retry: bool = True,
    after: Duration | None = None,
    strike: Strike = Strike.ERROR,
) -> None:
    """An attempt at a task has failed: try again if its policy says so, else the error goes its way."""
    rule = rule_of(step.options, strike)
    if strike is Strike.ERROR:
        order_for(r, step, strike)
    due = again_at(r, step, rule, after) if rule is not None and retry else None
    if due is None:
        fail(r, step, found, timed_out=strike is not Strike.ERROR)
        return
    if strike is not Strike.ERROR:
        r.effect(Interrupt(step.id, step.attempt))
    r.emit(e.StepRetrying(step.id, located(found, step.path), due))
    r.effect(SetTimer(step.id, "wake", due))


def again_at(r: Ruling, step: Step, rule: Rule, after: Duration | None = None) -> Instant | None:
    """When to try again; None when the rule does not say so, or is spent."""
    number = step.attempt - step.spent
    if rule.action is not Recourse.RETRY or (rule.count is not None and number > rule.count):
        return None
    due = r.now + (rule.timing().delay_before(number, 0.0) if after is None else after)
    if step.deadline is not None and due >= step.deadline and not may_be_late(step):
        return None
    return due
