"""What the events of a step mean."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from stepwell.kernel.draft import Draft, copy
from stepwell.kernel.tables import STEP_TABLE, next_step_status
from stepwell.model import events as e
from stepwell.model.base import Instant
from stepwell.model.calls import INSTANT_KINDS
from stepwell.model.conditions import stopped, unmeasured
from stepwell.model.driven import DRIVEN, KIND
from stepwell.model.errors import StoreDamaged
from stepwell.model.events import SAME
from stepwell.model.people import Stamp, stamped
from stepwell.model.problem import FAILED_BY
from stepwell.model.records import Attempt, Claim, Step
from stepwell.model.states import TERMINAL_STEP, StepStatus, WaitReason

UNTOLD: Final = INSTANT_KINDS
"""Kinds of steps whose end a workflow's code is not told of: it knew when it asked."""

PERFORMED: Final = frozenset(
    {"run:shell", "run:workflow", "call:http", "call:python", "signal", "action:notify", KIND}
)
"""Kinds that somebody outside the kernel performs."""

ATTENDED: Final = frozenset({"call:form", "call:approval", "call:condition"})
"""Kinds that people do, or that only wait: nobody performs them."""

STAMPS: Final[dict[type[Any], str]] = {
    e.StepStarted: "started",
    e.StepSubmitted: "submitted",
    e.StepCompleted: "completed",
    e.StepFailed: "failed",
    e.StepTimedOut: "failed",
    e.StepActionFailed: "failed",
    e.StepSkipped: "skipped",
    e.StepCancelled: "cancelled",
}
"""What is stamped with who and when, where people or a graph are involved."""

ATTEMPTED: Final = PERFORMED | {"try"}
"""Kinds whose steps have attempts: what is performed, and blocks that can be tried again."""


def _known(draft: Draft, event: Any) -> tuple[Step, StepStatus | None]:
    """The step that the event is about, made now if it is new, and its status before (None if new)."""
    step = draft.find_to_edit(event.step)
    if step is not None:
        if step.tries is None and type(event) is not e.StepCompleted:
            step.tries = step.attempts
        return step, step.status
    if not event.path:
        raise StoreDamaged(
            f"run {draft.run.id}: {e.NAMES[type(event)]} of step {event.step}, which never began"
        )
    return _make(draft, event), None


def _make(draft: Draft, event: Any) -> Step:
    step_id, path = event.step, event.path
    scope = draft.scope(event.scope)
    step = Step(step_id, path, event.kind, event.scope, 0)
    if scope.owner is not None:
        step.parent, step.parent_attempt = scope.owner, draft.step(scope.owner).attempt or 1
        step.index = scope.index
    if step_id is not path and step_id[-1] == "]" and step_id.rpartition("/")[2] != path.rpartition("/")[2]:
        _count_visit(draft, event)
    if not scope.begun:
        draft.edit_scope(event.scope).begun = True
    draft.add_step(step)
    return step


def _count_visit(draft: Draft, event: Any) -> None:
    """The task was here before (a `then` led back to it): its id says so."""
    position = int(event.step.rpartition("/")[0].rpartition("/")[2])
    scope = draft.edit_scope(event.scope)
    visits = scope.visits or {}
    scope.visits = {**visits, position: visits.get(position, 1) + 1}


def _move(draft: Draft, step: Step, before: StepStatus | None, event: Any, at: Instant) -> None:
    """Give the step its next status, and keep the counts and the list of open steps in step with it."""
    after = STEP_TABLE.get((before, type(event))) or next_step_status(before, type(event), step.id)
    step.status, step.updated_at = after, at
    if after is before:
        return
    run = draft.run
    if run.leases and before is StepStatus.RUNNING:
        _end_lease(draft, step.id)
    if draft.has_nodes:
        _stamp(draft, step, event, at)
    counts = run.counts  # the draft's own
    if before is not None:
        counts[before] -= 1
    counts[after] = counts.get(after, 0) + 1
    if after in TERMINAL_STEP:
        if before not in TERMINAL_STEP:
            step.ended_at = at
        step.due = None
        draft.closed(step.id)
        if draft.has_nodes:
            _stop_waiting(draft, step.id, at)
    elif before is None or before in TERMINAL_STEP:
        draft.opened(step.id)


def _stamp(draft: Draft, step: Step, event: Any, at: Instant) -> None:
    """Who did it, where somebody has to be told."""
    what = STAMPS.get(type(event))
    if what is not None and draft.find_node(step.id) is not None:
        node = draft.edit_node(step.id)
        node.version += 1
        stamp = Stamp(at, _by(draft, step, event), getattr(event, "reason", None))
        node.stamps = stamped(node.stamps, what, stamp)


def _stop_waiting(draft: Draft, step_id: str, at: Instant) -> None:
    """What its condition still waited for, and what was still to be measured, is not wanted any more."""
    node = draft.find_node(step_id)
    if node is None or (node.condition is None and not node.captures):
        return
    node = draft.edit_node(step_id)
    node.condition, node.captures = stopped(node.condition, at), unmeasured(node.captures, at)


def _by(draft: Draft, step: Step, event: Any) -> str | None:
    """What a person's change leads to is not what the person did; nor does anybody submit what is only waited for."""
    if isinstance(event, e.StepStarted):
        return event.by
    if isinstance(event, e.StepSubmitted) and step.kind != "call:form":
        return None
    if isinstance(event, e.StepFailed) and event.error.type != FAILED_BY:
        return None
    return None if isinstance(event, e.StepCompleted | e.StepActionFailed) else draft.by


def _end_lease(draft: Draft, step_id: str) -> None:
    kept = {step: until for step, until in (draft.run.leases or {}).items() if step != step_id}
    draft.run.leases = kept or None


def add_planned(draft: Draft, event: e.Event, scope: str, members: Mapping[str, Any], at: Instant) -> Step:
    """A step that is not to begin yet."""
    around = draft.edit_scope(scope)
    around.begun = True
    owner = draft.step(around.owner) if around.owner is not None else None
    step = Step(
        members["step"],
        members["path"],
        members["kind"],
        scope,
        at,
        parent=around.owner,
        parent_attempt=(owner.attempt or 1) if owner is not None else 1,
        index=around.index,
        priority=members.get("priority", 0),
        optional=members.get("optional", False),
    )
    draft.add_step(step)
    _move(draft, step, None, event, at)
    return step


def change(draft: Draft, event: Any, at: Instant) -> Step:
    step, before = _known(draft, event)
    _move(draft, step, before, event, at)
    return step


def last_attempt(step: Step) -> Attempt | None:
    """The present attempt, ready to be changed."""
    if not step.tries:
        return None
    *earlier, last = step.tries
    last = copy(last)
    step.tries = [*earlier, last]
    return last


def _scheduled(draft: Draft, event: e.StepScheduled, at: Instant) -> None:
    step = change(draft, event, at)
    step.scheduled_at, step.due = at, event.due
    step.priority, step.optional = event.priority, event.optional
    if event.input is not SAME:
        step.input = step.flow = event.input


def _paused(draft: Draft, event: e.StepPaused, at: Instant) -> None:
    step = change(draft, event, at)
    step.scheduled_at, step.priority, step.optional = at, event.priority, event.optional


def _released(draft: Draft, event: e.StepReleased, at: Instant) -> None:
    step = change(draft, event, at)
    step.released, step.scheduled_at = True, at


def _started(draft: Draft, event: e.StepStarted, at: Instant) -> None:
    step, before = _known(draft, event)
    again = before is StepStatus.WAITING
    _move(draft, step, before, event, at)
    if before is None:
        step.priority, step.optional, step.scheduled_at = event.priority, event.optional, at
    else:
        step.granted = step.reason is WaitReason.RATE
        step.reason = step.due = None
    step.attempt_deadline = event.attempt_deadline
    if step.kind in ATTEMPTED:
        earlier, scheduled_at = step.attempts, step.scheduled_at or at
        plain = not (earlier or again) and scheduled_at == at
        step.tries = None if plain else [*earlier, Attempt(len(earlier) + 1, scheduled_at, at)]
        step.spent = step.spent if again else len(earlier)
    if event.input is not SAME:
        step.input = step.flow = event.input
    if again:
        return
    if event.input is SAME and draft.run.code != DRIVEN:
        step.input = step.flow = draft.scope(step.scope).flow
    step.started_at, step.deadline, step.items = at, event.deadline, event.items
    step.options, step.expected = event.options, event.expected
    step.overdue = step.cursor = step.live = 0


def _overdue(draft: Draft, event: e.StepOverdue, at: Instant) -> None:
    draft.edit_step(event.step).overdue = 2 if event.escalated else 1


def _waiting(draft: Draft, event: e.StepWaiting, at: Instant) -> None:
    step = change(draft, event, at)
    step.reason, step.due = WaitReason(event.reason), event.due


def _retrying(draft: Draft, event: e.StepRetrying, at: Instant) -> None:
    step = change(draft, event, at)
    step.reason, step.due, step.attempt_deadline = WaitReason.TIMER, event.due, None
    last = last_attempt(step)
    if last is not None:
        last.ended_at, last.error = at, event.error


def _deferred(draft: Draft, event: e.StepDeferred, at: Instant) -> None:
    step = change(draft, event, at)
    step.reason = WaitReason.RATE if event.limited else WaitReason.TIMER
    step.due, step.attempt_deadline = event.due, None
    step.spent += 1
    if event.progress is not SAME:
        step.progress = event.progress
    last = last_attempt(step)
    if last is not None:
        last.ended_at = at


def _recovered(draft: Draft, event: e.StepRecovered, at: Instant) -> None:
    step = change(draft, event, at)
    last = last_attempt(step)
    if last is not None:
        last.runs, last.updated_at = event.runs, at


def _progressed(draft: Draft, event: e.StepProgressed, at: Instant) -> None:
    step = change(draft, event, at)
    step.progress = event.progress
    last = last_attempt(step)
    if last is not None:
        last.updated_at = at


def _completed(draft: Draft, event: e.StepCompleted, at: Instant) -> None:
    step = change(draft, event, at)
    step.reason = None
    step.output = step.flow if event.output is SAME else event.output
    step.source = event.source
    last = last_attempt(step)
    if last is not None:
        last.ended_at = at
    if draft.run.code is not None:
        _tell(draft, step)
        return
    if not draft.scope(step.scope).apart:
        scope = draft.edit_scope(step.scope)
        scope.flow, scope.failed = step.output, False


def _tell(draft: Draft, step: Step) -> None:
    """The workflow's code will be told of this end."""
    if step.kind not in UNTOLD:
        draft.run.outcomes += 1
        step.outcome = draft.run.outcomes


def _failed(draft: Draft, event: e.StepFailed | e.StepTimedOut, at: Instant) -> None:
    step = change(draft, event, at)
    step.reason, step.error = None, event.error
    last = last_attempt(step)
    if last is not None and last.ended_at is None:
        last.ended_at, last.error = at, event.error
    if event.absorbed:
        draft.run.errors = {**draft.run.errors, step.id: event.error}
        if draft.run.code is not None:
            draft.run.asked = {**draft.run.asked, step.id: sum(draft.run.counts.values())}
            _tell(draft, step)
        elif not draft.scope(step.scope).apart:
            draft.edit_scope(step.scope).failed = True


def _skipped(draft: Draft, event: e.StepSkipped, at: Instant) -> None:
    step = change(draft, event, at)
    step.skip_reason = event.reason
    step.scheduled_at = step.scheduled_at or at
    step.reason = None
    last = last_attempt(step)
    if last is not None and last.ended_at is None:
        last.ended_at = at
    if not draft.scope(step.scope).apart:
        scope = draft.edit_scope(step.scope)
        step.input = step.output = scope.flow
        scope.failed = False


def _cancelled(draft: Draft, event: e.StepCancelled, at: Instant) -> None:
    step = change(draft, event, at)
    step.reason = None
    last = last_attempt(step)
    if last is not None and last.ended_at is None:
        last.ended_at = at


def _claimed(draft: Draft, event: e.StepClaimed, at: Instant) -> None:
    step = change(draft, event, at)
    step.claim = Claim(event.token_hash, at, event.owner, event.until)
    last = last_attempt(step)
    if last is not None:
        last.executor = event.owner
    if event.until is not None:
        draft.run.leases = {**(draft.run.leases or {}), step.id: event.until}


def _claim_extended(draft: Draft, event: e.StepClaimExtended, at: Instant) -> None:
    step = change(draft, event, at)
    assert step.claim is not None
    step.claim = Claim(step.claim.token_hash, step.claim.at, step.claim.owner, event.until)
    draft.run.leases = {**(draft.run.leases or {}), step.id: event.until}


def _withdrawn(draft: Draft, event: e.StepWithdrawn, at: Instant) -> None:
    change(draft, event, at).withdrawn = True


def _reopened(draft: Draft, event: e.StepReopened | e.StepResumed, at: Instant) -> None:
    step = change(draft, event, at)
    step.ended_at = step.error = step.due = step.attempt_deadline = None
    step.deadline = event.deadline if isinstance(event, e.StepResumed) else None
    step.scheduled_at = at
    step.withdrawn = False
    if draft.find_approval(step.id) is not None:
        draft.edit_approval(step.id).spent = True
    if isinstance(event, e.StepReopened) and event.input is not SAME:
        step.input = step.flow = event.input
    if isinstance(event, e.StepReopened):
        step.due = event.due
        _forget(draft, event.forgotten)
    step.spent = max(0, len(step.attempts) - 1)
    if step.outcome:  # it was the last one that is not forgotten: the code is not told of it after all
        draft.run.outcomes, step.outcome = step.outcome - 1, 0


def _forget(draft: Draft, steps: tuple[str, ...]) -> None:
    """The code did not ask for them after all, and is not told of their ends."""
    draft.run.forgotten = (*draft.run.forgotten, *steps)
    for step_id in steps:
        draft.edit_step(step_id).outcome = 0


CHANGES: Final[dict[type[Any], Callable[[Draft, Any, Instant], None]]] = {
    e.StepScheduled: _scheduled,
    e.StepPaused: _paused,
    e.StepReleased: _released,
    e.StepStarted: _started,
    e.StepOverdue: _overdue,
    e.StepWaiting: _waiting,
    e.StepRetrying: _retrying,
    e.StepDeferred: _deferred,
    e.StepRecovered: _recovered,
    e.StepProgressed: _progressed,
    e.StepCompleted: _completed,
    e.StepFailed: _failed,
    e.StepTimedOut: _failed,
    e.StepSkipped: _skipped,
    e.StepCancelled: _cancelled,
    e.StepReopened: _reopened,
    e.StepResumed: _reopened,
    e.StepClaimed: _claimed,
    e.StepClaimExtended: _claim_extended,
    e.StepWithdrawn: _withdrawn,
}
