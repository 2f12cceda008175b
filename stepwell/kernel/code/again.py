"""Going on with a failed or cancelled run whose workflow is code: what was open when it ended begins again, and so
does the step whose failure ended it. The code is run anew, and told everything else as before."""

from __future__ import annotations

from stepwell.kernel.ruling import Ruling
from stepwell.kernel.standing import undoing
from stepwell.model import events as e
from stepwell.model.base import Instant
from stepwell.model.errors import TransitionRefused
from stepwell.model.records import Run, Step
from stepwell.model.states import StepStatus


def reopen(r: Ruling, deadline: Instant | None) -> None:
    """Raises `TransitionRefused` where the completed steps were undone."""
    run = r.draft.run
    undone = undoing(r.draft.base.steps.values())
    if undone:
        raise TransitionRefused(
            f"run {run.id} undid what it had done ({undone[0].id}): it cannot go on from there",
            hint=f"start it anew with: stepwell runs rerun {run.id}",
        )
    again = [step for step in r.draft.base.steps.values() if begins_again(run, step)]
    r.emit(e.RunRetried(run.generation + 1, deadline))
    for step in again:
        r.emit(e.StepReopened(step.id))
    r.emit(e.RunResumed())


def begins_again(run: Run, step: Step) -> bool:
    """Of a run that has ended: whether a retry begins this step anew."""
    if step.status is StepStatus.CANCELLED:
        return step.ended_at == run.ended_at
    failed = step.status in (StepStatus.FAILED, StepStatus.TIMED_OUT)
    return failed and step.id == run.error_step and step.outcome == run.outcomes
