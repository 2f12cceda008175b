"""What is always true of a run (research/reliability.md §2: E2, E7, E8; SPEC S3). Asserted after every turn."""

from __future__ import annotations

from collections.abc import Iterator

from stepwell.kernel.draft import Draft
from stepwell.kernel.evolve_step import ATTENDED, PERFORMED
from stepwell.model.records import Run, State, Step
from stepwell.model.states import TERMINAL_RUN, TERMINAL_STEP, RunStatus, StepStatus

_FAILED_RUN = frozenset({RunStatus.FAILED, RunStatus.TIMED_OUT})
_STOPPED_RUN = frozenset({RunStatus.CANCELLED, RunStatus.TERMINATED})
"""These may have failed before, and have been stopped while they undid what they had done."""
_FAILED_STEP = frozenset({StepStatus.FAILED, StepStatus.TIMED_OUT})


def check(draft: Draft) -> None:
    """Check the run and the steps that the draft changed. Raises `AssertionError` naming every violation."""
    run = draft.run
    open_steps = draft.any_open()
    broken = [] if _run_sound(run, open_steps) else list(_run_violations(run, open_steps=open_steps))
    for step in draft.touched:
        if not _sound(step):
            broken += _step_violations(step)
    assert not broken, f"run {run.id}: " + "; ".join(broken)


def _run_sound(run: Run, open_steps: bool) -> bool:
    """All of `_run_violations` at once, for every turn."""
    status = run.status
    terminal = status in TERMINAL_RUN
    return (
        terminal is (run.ended_at is not None)
        and ((status in _FAILED_RUN) is (run.error is not None) or status in _STOPPED_RUN)
        and not (terminal and open_steps)
        and (open_steps or status is not RunStatus.RUNNING or run.code is not None or run.attended)
    )


def violations(state: State) -> list[str]:
    """Everything that is wrong with a whole state; empty when it is sound. For `doctor`."""
    steps = state.steps.values()
    broken = list(_run_violations(state.run, open_steps=bool(state.open_steps)))
    for step in steps:
        broken += _step_violations(step)
    broken += [
        f"step {s.id} is {s.status} but {'not ' if s.id not in state.open_steps else ''}listed as open"
        for s in steps
        if s.status.terminal == (s.id in state.open_steps)
    ]
    if state.run.status is RunStatus.RUNNING:
        broken += _stuck(state)
    return broken + [
        f"step {s.id} is open inside {s.parent}, which has ended"
        for s in steps
        if s.parent is not None and not s.status.terminal and state.steps[s.parent].status.terminal
    ]


def _stuck(state: State) -> Iterator[str]:
    """E8: a block that is open needs something open inside it that can move."""
    moving = {state.steps[step].parent for step in state.open_steps}
    for step_id in state.open_steps:
        step = state.steps[step_id]
        moves = step.kind in PERFORMED or step.kind in ATTENDED
        if step.status is StepStatus.RUNNING and not moves and step_id not in moving:
            yield f"step {step_id} is running, and nothing inside it is open"


def _run_violations(run: Run, *, open_steps: bool) -> Iterator[str]:
    terminal = run.status.terminal
    if terminal != (run.ended_at is not None):
        yield f"ended_at is {run.ended_at} while the run is {run.status}"
    if (run.status in _FAILED_RUN) != (run.error is not None) and run.status not in _STOPPED_RUN:
        yield f"error is {'set' if run.error else 'not set'} while the run is {run.status}"
    if terminal and open_steps:
        yield f"the run is {run.status} with open steps"
    if run.status is RunStatus.RUNNING and not open_steps and run.code is None and not run.attended:
        yield "the run is running, and nothing is left that could move it"


def _sound(step: Step) -> bool:
    """Whether there is nothing to complain about: all of `_step_violations` at once, for every step of every turn."""
    status = step.status
    return (
        (status in TERMINAL_STEP) is (step.ended_at is not None)
        and (status in _FAILED_STEP) is (step.error is not None)
        and (status is StepStatus.SKIPPED) is (step.skip_reason is not None)
        and (status is StepStatus.WAITING) is (step.reason is not None)
        and (status is not StepStatus.RUNNING or step.started_at is not None)
    )


def _step_violations(step: Step) -> Iterator[str]:
    status = step.status
    if status.terminal != (step.ended_at is not None):
        yield f"step {step.id}: ended_at is {step.ended_at} while it is {status}"
    if (status in _FAILED_STEP) != (step.error is not None):
        yield f"step {step.id}: error is {'set' if step.error else 'not set'} while it is {status}"
    if (status is StepStatus.SKIPPED) != (step.skip_reason is not None):
        yield f"step {step.id}: skip reason is {step.skip_reason} while it is {status}"
    if (status is StepStatus.WAITING) != (step.reason is not None):
        yield f"step {step.id}: reason is {step.reason} while it is {status}"
    if status is StepStatus.RUNNING and step.started_at is None:
        yield f"step {step.id} is running and never started"
