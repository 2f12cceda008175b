"""Going on with a failed or cancelled run whose workflow is code: what was open when it ended begins again, and so
does the step whose failure ended it. The code is run anew, and told everything else as before. What it had asked
for because of that failure is forgotten: it stays on record, and what the code asks for now has other numbers."""

from __future__ import annotations

from itertools import islice

from stepwell.kernel.ruling import Ruling
from stepwell.kernel.standing import undoing
from stepwell.model import events as e
from stepwell.model.base import Instant
from stepwell.model.errors import TransitionRefused
from stepwell.model.policy import step_options
from stepwell.model.records import State, Step
from stepwell.model.states import RunStatus, StepStatus


def reopen(r: Ruling, deadline: Instant | None) -> None:
    """Raises `TransitionRefused` where the completed steps were undone."""
    run = r.draft.run
    undone = undoing(r.draft.base.steps.values())
    if undone:
        raise TransitionRefused(
            f"run {run.id} undid what it had done ({undone[0].id}): it cannot go on from there",
            hint=f"start it anew with: stepwell runs rerun {run.id}",
        )
    base = r.draft.base
    again = [step for step in base.steps.values() if begins_again(base, step)]
    forgotten = tuple(step.id for failed in again if failed.outcome for step in _behind(base, failed))
    r.emit(e.RunRetried(run.generation + 1, deadline))
    for step in again:
        if step.id not in forgotten:
            r.emit(e.StepReopened(step.id, forgotten=forgotten if step.outcome else ()))
    r.emit(e.RunResumed())


def begins_again(state: State, step: Step) -> bool:
    """Of a run that has ended: whether a retry begins this step anew."""
    run = state.run
    if step.status is StepStatus.CANCELLED:
        return step.ended_at == run.ended_at and step.id not in run.forgotten
    failed = step.status in (StepStatus.FAILED, StepStatus.TIMED_OUT)
    return failed and step.id == run.error_step and _can_be_taken_back(state, step)


def _can_be_taken_back(state: State, failed: Step) -> bool:
    """All that the code was told since then it had asked for because of this failure; and nothing of that was done that
    must not be done twice."""
    since = state.run.outcomes - failed.outcome
    behind = _behind(state, failed) if since else []
    done_for_good = any(step.started_at and step_options(step.options).irreversible for step in behind)
    return since == sum(step.outcome > 0 for step in behind) and not done_for_good


def _behind(state: State, failed: Step) -> list[Step]:
    """What the code had asked for when it was told of the failure that ended it, and until it ended."""
    if state.run.status is not RunStatus.FAILED or failed.id not in state.run.asked:
        return []
    return list(islice(state.steps.values(), state.run.asked[failed.id], None))
