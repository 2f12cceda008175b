"""Who performs a step: which attempt speaks, signs of life, and claims that have expired."""

from __future__ import annotations

from stepwell.kernel.driven.names import declared
from stepwell.kernel.ruling import Ruling
from stepwell.kernel.standing import expired
from stepwell.model import driven as d
from stepwell.model import events as e
from stepwell.model.errors import NotFound, StaleAttempt, StaleStep
from stepwell.model.problem import PREFIX, Problem
from stepwell.model.records import Step
from stepwell.model.states import RunStatus, StepStatus, WaitReason


def lose(r: Ruling, step: Step) -> None:
    """The claim of an attempt expired: the attempt is over."""
    if r.draft.run.status is RunStatus.CANCELLING:
        r.emit(e.StepCancelled(step.id, "the run was cancelled"))
        return
    assert step.claim is not None
    who = step.claim.owner or "whoever performed it"
    detail = f"attempt {step.attempt} of step {step.name}: {who} gave no sign of life in time"
    r.emit(e.StepFailed(step.id, Problem(PREFIX + d.EXPIRED, 504, "Claim Expired", detail, step.path)))


def release_expired(r: Ruling, command: d.ReleaseExpired) -> tuple[str, ...]:
    """Answers with the names of the steps that may be begun again."""
    lost = [step for step in r.draft.open_steps() if expired(step, r.now)]
    for step in lost:
        lose(r, step)
    return tuple(step.name for step in lost)


def extend(r: Ruling, command: d.ExtendClaim) -> d.Pulse:
    step = present(r, command.fence)
    assert step.claim is not None
    until = step.claim.until
    if command.lease is not None:
        until = r.now + command.lease
        r.emit(e.StepClaimExtended(step.id, until))
    if command.progress is not None:
        r.emit(e.StepProgressed(step.id, command.progress))
    return d.Pulse(until, r.draft.run.status)


def known(r: Ruling, name: str) -> Step:
    """Raises `NotFound` for a step that was never begun or planned."""
    step = r.draft.find_step(declared(r, name)[0])
    if step is None or step.withdrawn:
        raise NotFound(
            f"step {name} of run {r.draft.run.id} was never begun or planned",
            hint="begin_step makes it, schedule_step plans it",
        )
    return step


def present(r: Ruling, fence: d.Fence, *, held: bool = False) -> Step:
    """The step, if this attempt of it is the one that is performed (or, with `held`, waits for a person).

    Raises `NotFound`, `StaleStep`, `StaleAttempt`.
    """
    step = known(r, fence.step)
    waits = held and step.reason is WaitReason.APPROVAL
    if step.status is not StepStatus.RUNNING and not waits:
        raise StaleStep(
            f"step {fence.step} of run {r.draft.run.id} is {step.status}: nobody performs it",
            step.status.value,
            hint="whatever this attempt did is not recorded; begin_step says what to do now",
        )
    _check_fence(r, step, fence)
    return step


def _check_fence(r: Ruling, step: Step, fence: d.Fence) -> None:
    if step.attempt != fence.attempt or step.claim is None or step.claim.token_hash != fence.token_hash:
        same = "another claim of " if step.attempt == fence.attempt else ""
        raise StaleAttempt(
            f"step {fence.step} of run {r.draft.run.id} is at {same}attempt {step.attempt}: "
            f"this speaks for attempt {fence.attempt}",
            step.attempt,
            hint="another caller took the step over; stop, and record nothing",
        )
