"""How the steps of a workflow that is code end: their results, failures, retries, timers and recoveries."""

from __future__ import annotations

from stepwell.kernel.code.calls import begin_again, have_performed
from stepwell.kernel.failure import located
from stepwell.kernel.followups import order_for
from stepwell.kernel.ruling import Ruling
from stepwell.kernel.standing import in_flight
from stepwell.model import commands as c
from stepwell.model import events as e
from stepwell.model.base import Duration, Instant, Json
from stepwell.model.effects import Interrupt, SetTimer
from stepwell.model.events import SAME
from stepwell.model.policy import step_options
from stepwell.model.problem import Problem, runtime, timeout
from stepwell.model.records import Step
from stepwell.model.recourse import Strike, may_be_late
from stepwell.model.states import WaitReason


def complete_step(r: Ruling, step: Step, output: Json, source: str | None = None) -> None:
    r.emit(e.StepCompleted(step.id, output, source))


def fail_step(
    r: Ruling,
    step: Step,
    found: Problem,
    *,
    retry: bool = True,
    after: Duration | None = None,
    timed_out: bool = False,
    due: Instant | None = None,
    strike: Strike = Strike.ERROR,
) -> None:
    """The attempt failed: try again (at `due`, or if its options say so), else the code is told."""
    order_for(r, step, strike)
    found = located(found, step.path)
    if due is None and retry:
        due = _retry_at(r, step, after)
    if due is not None:
        r.emit(e.StepRetrying(step.id, found, due))
        r.effect(SetTimer(step.id, "wake", due))
    else:
        r.emit((e.StepTimedOut if timed_out else e.StepFailed)(step.id, found, True))


def defer_step(r: Ruling, step: Step, command: c.DeferStep) -> None:
    due = r.now + max(0, command.after)
    progress = SAME if command.limited else command.progress
    r.emit(e.StepDeferred(step.id, due, progress, command.limited))
    r.effect(SetTimer(step.id, "wake", due))


def _retry_at(r: Ruling, step: Step, after: Duration | None) -> Instant | None:
    """When to try again; None when the policy is spent."""
    options = step_options(step.options)
    timing = options.timing()
    number = step.attempt - step.spent
    if timing.count is not None and number > timing.count:
        return None
    delay = timing.delay_before(number, 0.0)
    delay += int(delay * options.jitter * r.env.chance)
    due = r.now + (delay if after is None else after)
    if step.deadline is not None and due >= step.deadline and not may_be_late(step):
        return None
    return due


def wake(r: Ruling, step: Step) -> None:
    """A back-off or a sleep is over, or nobody sent the signal in time."""
    if step.reason is WaitReason.EVENT:
        found = timeout(f"no signal {step.input['signal']!r} came in time")
        r.emit(e.StepTimedOut(step.id, located(found, step.path), True))
    elif step.kind == "wait":
        r.emit(e.StepCompleted(step.id, None))
    else:
        begin_again(r, step)


def time_out(r: Ruling, step: Step) -> None:
    """All attempts together took too long."""
    order_for(r, step, Strike.COMPLETION)
    if may_be_late(step):
        return
    _interrupt(r, step)
    found = timeout(f"step {step.name} did not end within its time")
    fail_step(r, step, found, retry=False, timed_out=True, strike=Strike.COMPLETION)


def time_out_attempt(r: Ruling, step: Step) -> None:
    if in_flight(step):
        _interrupt(r, step)
        found = timeout(f"attempt {step.attempt} of step {step.name} did not end within its time")
        fail_step(r, step, found, timed_out=True)


def _interrupt(r: Ruling, step: Step) -> None:
    if in_flight(step):
        r.effect(Interrupt(step.id, step.attempt))


def recover(r: Ruling, step: Step, runs: int, most: int) -> None:
    """Perform again what was in flight when its engine went away. (Without its code it is left as it is.)"""
    if r.env.code is None:
        return
    if runs > most:
        found = runtime(f"performed {most} times, and the engine went away every time before it was through")
        fail_step(r, step, found, retry=False)
        return
    r.emit(e.StepRecovered(step.id, runs))
    have_performed(r, r.draft.step(step.id))
