"""What a Python workflow took back when it failed or was cancelled, and where that did not succeed."""

from __future__ import annotations

from typing import Any, Final

from stepwell.client.open_steps import problem_text
from stepwell.client.views import error_view
from stepwell.kernel.standing import undoing
from stepwell.model.policy import step_options
from stepwell.model.records import State, Step
from stepwell.model.states import RunStatus, StepStatus

MOST_NAMED: Final = 3
SEEN_TO: Final = "once it is seen to, put the run out of sight: stepwell runs metadata {run} --archive"
"""What ends the finding that a compensation failed: nothing that Stepwell does takes it back any more."""
GOING_ON: Final = (RunStatus.RUNNING, RunStatus.PAUSING, RunStatus.PAUSED)
BAD = (StepStatus.FAILED, StepStatus.TIMED_OUT)


def failed_compensations(state: State) -> list[Step]:
    """In the order in which they were asked for."""
    return [step for step in undoing(state.steps.values()) if step.status in BAD]


def shortfall(state: State) -> str | None:
    """What a run did not take back that it should have: its compensations that failed, by id, and of what; None where
    there is none. (Without what they failed of, so that it reads the same of many runs.)"""
    failed = failed_compensations(state)
    if not failed:
        return None
    named = [f"{one.id} (of {_undone(one)})" if _undone(one) else one.id for one in failed[:MOST_NAMED]]
    more = f" and {len(failed) - MOST_NAMED} more" if len(failed) > MOST_NAMED else ""
    return f"did not take back all that it had done: {', '.join(named)}{more} failed"


def tolerated(state: State) -> dict[str, Any]:
    """The failures that the run went on from, by step; a compensation's is none of them."""
    ours = {step.id for step in undoing(state.steps.values())}
    return {step: error for step, error in state.run.errors.items() if step not in ours}


def remark(state: State) -> str:
    """A sentence to add (with its blank), or nothing where everything was taken back that should be."""
    failed = failed_compensations(state)
    if not failed:
        return ""
    first, *others = failed
    undone = _undone(first)
    named = f"{first.name} (of {undone})" if undone is not None else first.name
    if not others:
        return f" Compensation {named} failed: {problem_text(first.error)}."
    more = f", and {len(others) - 3} more" if len(others) > 3 else ""
    ids = ", ".join(step.id for step in others[:3])
    return f" {len(failed)} compensations failed: {named}: {problem_text(first.error)}; {ids} too{more}."


def under_way(state: State) -> str:
    """A sentence to add (with its blank) to a run that has failed and is still open: what it had done is being undone.
    The journal has its failure only when that is through; until then the last one of a step is the likely one."""
    run = state.run
    if run.status not in GOING_ON or not undoing(state.steps.values()):
        return ""
    *_, last = (None, *tolerated(state).items())
    likely = "" if last is None else f" The last failure was that of {last[0]}: {problem_text(last[1])}."
    return f" The run has failed, and what it had done is being undone.{likely}"


def evidence(state: State) -> list[dict[str, Any]]:
    """`{step, name, compensates, status, error}` of each compensation that failed."""
    return [
        {
            "step": step.id,
            "name": step.name,
            "compensates": _undone(step),
            "status": step.status.value,
            "error": error_view(step.error),
        }
        for step in failed_compensations(state)
    ]


def first_undone(state: State) -> str | None:
    """The first step that was taken back; None where something was that is no step (`flow.on_failure`), or nothing."""
    undone = [_undone(step) for step in undoing(state.steps.values())]
    if None in undone:
        return None
    return next((step_id for step_id in state.steps if step_id in undone), None)


def _undone(step: Step) -> str | None:
    """The id of the step that this one was to take back."""
    undone = step_options(step.options).compensates
    return undone if undone is not None and undone.startswith("/") else None
