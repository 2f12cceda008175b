"""Runs that are to be started because of what happened here: hooks on a run's outcome, and those that a policy names.

What is to be started is a fact of this run, under an id that follows from it: however often it is asked for, it is one
run.
"""

from __future__ import annotations

from typing import Final

from stepwell.kernel.ruling import Ruling
from stepwell.kernel.standing import child_id
from stepwell.model import events as e
from stepwell.model.effects import StartFollowUps
from stepwell.model.records import Step
from stepwell.model.recourse import Strike, rule_of
from stepwell.model.states import RunStatus

OUTCOMES: Final = {
    RunStatus.COMPLETED: "completed",
    RunStatus.FAILED: "failed",
    RunStatus.CANCELLED: "cancelled",
    RunStatus.TERMINATED: "cancelled",
    RunStatus.TIMED_OUT: "timed_out",
}
"""Which hook is for which end."""


def order_after(r: Ruling) -> None:
    """The hook of the run's outcome, in the turn in which it ends."""
    run, before = r.draft.run, r.draft.base.run
    outcome = OUTCOMES.get(run.status) if r.events else None
    if outcome is None or (before.status.terminal and before.generation == run.generation):
        return
    workflow = r.definition.hooks.get(outcome)
    if workflow is not None:
        _order(r, workflow, outcome, None, run.generation)


def order_for(r: Ruling, step: Step, strike: Strike) -> None:
    """The workflow that the step's policy names for this strike."""
    rule = rule_of(step.options, strike)
    if rule is not None and rule.workflow is not None:
        once = strike is Strike.COMPLETION  # over all attempts
        number = r.draft.run.generation if once else step.attempt
        _order(r, rule.workflow, strike.value, step.id, number)


def _order(r: Ruling, workflow: str, cause: str, step: str | None, number: int) -> None:
    run = r.draft.run
    run_id = child_id(run.id, f"{step or ''}#{cause}", number)
    if run_id not in run.follow_ups:
        r.emit(e.FollowUpOrdered(run_id, workflow, cause, step, number))
        r.effect(StartFollowUps())
