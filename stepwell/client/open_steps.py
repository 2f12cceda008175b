"""What each open step of a run is waiting for, in words and in numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from stepwell.client.awaiting import CONDITION, PEOPLE, STEPS, awaited, awaits, left_to_people
from stepwell.client.queued import Queued
from stepwell.client.views import View, error_view, when
from stepwell.kernel.approvals.rules import says
from stepwell.kernel.standing import child_id, expired, in_flight
from stepwell.model.approvals import Approval, approvers
from stepwell.model.base import Duration, Instant
from stepwell.model.driven import KIND
from stepwell.model.problem import Problem
from stepwell.model.records import State, Step
from stepwell.model.states import RunStatus, StepStatus, WaitReason

ORDER: Final = (
    "expired_claim",
    "step_running",
    "paused_by_debugger",
    "waiting_for_retry",
    "waiting_for_children",
    "waiting_for_timer",
    "rate_limited",
    "waiting_for_approval",
    "waiting_for_event",
    CONDITION,
    PEOPLE,
    "step_scheduled",
    "waiting",
    STEPS,
)
"""Reasons, the most telling first."""


@dataclass(frozen=True, slots=True)
class OpenStep:
    """An open step that is no mere block around another one. `child`: the run that it waits for."""

    step: Step
    reason: str
    says: str
    now: Instant
    child: str | None = None

    def as_json(self) -> View:
        step, last = self.step, self.step.attempts[-1] if self.step.attempts else None
        return {
            "step": step.id,
            "path": step.path,
            "name": step.name,
            "kind": step.kind,
            "status": step.status.value,
            "reason": self.reason,
            "summary": self.says,
            "since": when(since(step)),
            "for_seconds": (self.now - since(step)) / 1_000_000,
            "attempt": step.attempt,
            "executions": last.runs if last is not None else 0,
            "due": when(step.due),
            "in_seconds": None if step.due is None else max(0, step.due - self.now) / 1_000_000,
            "overdue_seconds": 0.0 if step.due is None else max(0, self.now - step.due) / 1_000_000,
            "deadline": when(step.deadline),
            "error": error_view(last.error if last is not None else None),
            "child_run_id": self.child,
            "progress": step.progress,
        }


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rules look at. `open` is in the order of `ORDER`."""

    state: State
    now: Instant
    carried_on: bool
    open: Sequence[OpenStep]
    queued: Queued | None = None

    @property
    def first(self) -> OpenStep | None:
        return self.open[0] if self.open else None

    @property
    def in_flight(self) -> list[OpenStep]:
        """What must have stopped before a cancelling run is cancelled."""
        return [found for found in self.open if in_flight(found.step)]

    @property
    def draining(self) -> list[OpenStep]:
        """What must have ended before a pausing run is paused."""
        return [found for found in self.in_flight if found.step.status is StepStatus.RUNNING]


def facts_of(state: State, now: Instant, *, carried_on: bool, queued: Queued | None = None) -> Facts:
    around = {state.steps[step_id].parent for step_id in state.open_steps}
    leaves = [state.steps[step_id] for step_id in state.open_steps if step_id not in around]
    found = [_open_step(state, step, now) for step in leaves]
    return Facts(state, now, carried_on, sorted(found, key=lambda one: ORDER.index(one.reason)), queued)


def held(state: State, others: Mapping[str, State]) -> bool:
    """Whether time does not move the run, but only a person, another program, or other code: it is paused or stalled,
    or all its open steps are paused or wait for a signal, or for such runs (`others`, by run id)."""
    run = state.run
    if run.status is RunStatus.PAUSED or left_to_people(state):
        return True
    found = facts_of(state, run.created_at, carried_on=True).open
    if run.stalled is not None:
        return not any(in_flight(one.step) for one in found)
    return bool(found) and all(_held(one, others, timed=run.deadline is not None) for one in found)


def _held(found: OpenStep, others: Mapping[str, State], *, timed: bool) -> bool:
    step = found.step
    if found.child is not None:
        child = others.get(found.child)
        return child is not None and held(child, others)
    if found.reason in (PEOPLE, STEPS):
        return not timed and step.deadline is None
    if step.status is StepStatus.WAITING and step.reason in (WaitReason.EVENT, WaitReason.APPROVAL):
        return not timed and step.due is None and step.deadline is None
    return step.status is StepStatus.PAUSED


def reason_of(step: Step) -> str:
    """Why an open step has not ended: one of `ORDER`."""
    if step.status is StepStatus.WAITING and step.reason is WaitReason.TIMER:
        tried = bool(step.attempts) and step.attempts[-1].error is not None
        return "waiting_for_retry" if tried and step.kind != "wait" else "waiting_for_timer"
    if step.status is StepStatus.WAITING and step.reason in _BY_REASON:
        return _BY_REASON[step.reason]
    return _BY_STATUS.get(step.status, "waiting")


_BY_REASON: Final[dict[WaitReason | None, str]] = {
    WaitReason.EVENT: "waiting_for_event",
    WaitReason.CHILDREN: "waiting_for_children",
    WaitReason.APPROVAL: "waiting_for_approval",
    WaitReason.RATE: "rate_limited",
}
_BY_STATUS: Final = {
    StepStatus.RUNNING: "step_running",
    StepStatus.PAUSED: "paused_by_debugger",
    StepStatus.SCHEDULED: "step_scheduled",
    StepStatus.PENDING: "step_scheduled",
}


def since(step: Step) -> Instant:
    """When the step came to be as it is."""
    last = step.attempts[-1] if step.attempts else None
    begun = last.started_at if last is not None and step.status is StepStatus.RUNNING else None
    return begun or step.updated_at or step.started_at or step.scheduled_at


def _open_step(state: State, step: Step, now: Instant) -> OpenStep:
    reason = awaits(state, step)
    if reason is not None:
        return OpenStep(step, reason, _awaited(state, step, now), now)
    reason = "expired_claim" if expired(step, now) else reason_of(step)
    child = child_id(state.run.id, step.id, step.attempt) if reason == "waiting_for_children" else None
    approval = state.approvals.get(step.id) if reason == "waiting_for_approval" else None
    text = _asks(approval, step, now) if approval is not None else _SENTENCES[reason](step, now, child)
    return OpenStep(step, reason, text, now, child)


def _awaited(state: State, step: Step, now: Instant) -> str:
    offered = state.nodes[step.id].offered_at if step.status is StepStatus.PENDING else None
    long = span(now - (offered or since(step)))
    if step.status is StepStatus.SUBMITTED:
        return f"Step {step.id} was submitted {long} ago, and {awaited(state, step)}."
    return f"Step {step.id} {awaited(state, step)}; so it has been for {long}."


def _running(step: Step, now: Instant, child: str | None) -> str:
    again = step.attempts[-1].runs if step.attempts else 1
    repeated = f", performed for the {ordinal(again)} time" if again > 1 else ""
    attempt = f", attempt {step.attempt}" if step.attempt > 1 else ""
    claim = step.claim
    by = f", claimed by {claim.owner}" if claim is not None and claim.owner else ""
    until = f", until {when(claim.until)}" if claim is not None and claim.until is not None else ""
    return (
        f"Step {step.id} ({step.kind}) has been running for {span(now - since(step))}"
        f"{attempt}{repeated}{by}{until}."
    )


def _lost(step: Step, now: Instant, child: str | None) -> str:
    claim = step.claim
    assert claim is not None and claim.until is not None
    return (
        f"The claim of {claim.owner or 'somebody'} on step {step.id}, attempt {step.attempt}, expired "
        f"{span(now - claim.until)} ago: whoever begins the step next takes it over."
    )


def _timer(step: Step, now: Instant, child: str | None) -> str:
    return f"Step {step.id} waits {_until(step, now)}."


def _retry(step: Step, now: Instant, child: str | None) -> str:
    error = problem_text(step.attempts[-1].error if step.attempts else None)
    return (
        f"Attempt {step.attempt} of step {step.id} failed: {error}; the next one begins {_until(step, now)}."
    )


def _child(step: Step, now: Instant, child: str | None) -> str:
    return f"Step {step.id} has waited {span(now - since(step))} for run {child}."


def _event(step: Step, now: Instant, child: str | None) -> str:
    name = step.input.get("signal") if isinstance(step.input, dict) else None
    what = f"the signal {name!r}" if isinstance(name, str) else "an event"
    until = f"; it gives up {_until(step, now)}" if step.due is not None else ""
    return f"Step {step.id} has waited {span(now - since(step))} for {what}{until}."


def _asks(approval: Approval, step: Step, now: Instant) -> str:
    have = f", {approval.given} of {approval.need} have approved" if approval.need > 1 else ""
    until = f"; it is rejected {_until(step, now)}" if step.due is not None else ""
    not_by = f", not by {' or '.join(approval.excluded)}" if approval.excluded else ""
    return (
        f"Step {step.id} has waited {span(now - since(step))} for the approval of {approval.what}"
        f" by {says(approvers(approval.approvers))}{not_by}{have}{until}."
    )


def _limited(step: Step, now: Instant, child: str | None) -> str:
    return f"The rate of step {step.id} is used up; its turn comes {_until(step, now)}."


def _scheduled(step: Step, now: Instant, child: str | None) -> str:
    if step.kind == KIND:
        when_due = f" {_until(step, now)}" if step.due is not None else ""
        return f"Step {step.id} is planned: it waits for its runner to begin it{when_due}."
    return f"Step {step.id} begins {_until(step, now) if step.due is not None else 'as soon as the run goes on'}."


def _debugger(step: Step, now: Instant, child: str | None) -> str:
    return f"A debugger pause holds step {step.id}; it waits for a person."


def _waiting(step: Step, now: Instant, child: str | None) -> str:
    return f"Step {step.id} has waited {span(now - since(step))} for {step.reason or step.status}."


_SENTENCES: Final[dict[str, Callable[[Step, Instant, str | None], str]]] = {
    "expired_claim": _lost,
    "step_running": _running,
    "paused_by_debugger": _debugger,
    "waiting_for_retry": _retry,
    "waiting_for_children": _child,
    "waiting_for_timer": _timer,
    "rate_limited": _limited,
    "waiting_for_event": _event,
    "waiting_for_approval": _waiting,
    "step_scheduled": _scheduled,
    "waiting": _waiting,
}


def _until(step: Step, now: Instant) -> str:
    if step.due is None:
        return "soon"
    left = step.due - now
    if left > 0:
        return f"in {span(left)}, at {when(step.due)}"
    return f"now: it was due {span(-left)} ago, at {when(step.due)}"


def problem_text(problem: Problem | None) -> str:
    """One line: the title, the status, and what is known about it."""
    if problem is None:
        return "no error was recorded"
    head = f"{problem.title} ({problem.status})"
    return f"{head}: {' '.join(problem.detail.split())}" if problem.detail else head


def problem_lines(problem: Problem | None) -> str:
    """The same, with the lines of the detail as they are: some show two things one below the other."""
    if problem is None or not problem.detail:
        return problem_text(problem)
    return f"{problem.title} ({problem.status}): {problem.detail.rstrip()}"


def span(length: Duration) -> str:
    """A length of time for people: 12 ms, 1.3 s, 4 min 5 s, 2 h 3 min, 5 d 4 h."""
    seconds = max(0, length) / 1_000_000
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes_left = divmod(minutes, 60)
    days, hours_left = divmod(hours, 24)
    if days:
        return f"{days} d {hours_left} h"
    return f"{hours} h {minutes_left} min" if hours else f"{minutes} min {rest} s"


def times(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def ordinal(number: int) -> str:
    ending = "th" if 10 <= number % 100 <= 20 else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{ending}"
