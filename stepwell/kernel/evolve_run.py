"""What the events of a run and of its scopes mean."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from stepwell.kernel.draft import Draft, copy_run
from stepwell.kernel.tables import next_run_status
from stepwell.model import events as e
from stepwell.model.base import Instant, nothing
from stepwell.model.commands import StartRun
from stepwell.model.events import SAME
from stepwell.model.people import Stamp, stamped
from stepwell.model.problem import Problem
from stepwell.model.records import ACTIONS, Run, Scope, Signal, Step

if TYPE_CHECKING:  # who only replays does not know the language
    from stepwell.definition.model import Definition

ROOT: Final = "/do"
"""The id of the scope of the run's own task list."""

BESIDE: Final = frozenset({"item", "branch"})
"""Sections whose scopes run beside each other: what one gives is not what the next one gets."""

STAMPS: Final[dict[type[Any], str]] = {
    e.RunStarted: "started",
    e.RunPausing: "paused",
    e.RunResumed: "resumed",
    e.RunCancelling: "cancelled",
    e.RunTerminated: "terminated",
    e.RunCompleted: "completed",
    e.RunFailed: "failed",
    e.RunRetried: "retried",
}
"""What is stamped with who and when, where somebody signed."""


def created_by(definition: Definition, command: StartRun) -> e.RunCreated:
    """What is on record of a start."""
    d = definition
    return e.RunCreated(
        command.run_id, d.namespace, d.name, d.version, d.hash, *command[1:12], d.code, *command[12:21],
        title=command.title, description=command.description, labels=command.labels,
        properties=command.properties, author=command.author, held=command.held, attended=d.procedure is not None,
        commit=command.commit,
    )  # fmt: skip


def run_of(event: e.RunCreated, at: Instant) -> Run:
    """The run as it is created. What the event says of it has the same names in the run."""
    run = copy_run(_NO_RUN)
    vars(run).update(zip(_SAID, event[1:], strict=True))
    run.id, run.created_at, run.counts = event.run_id, at, {}
    run.status = next_run_status(None, e.RunCreated, event.run_id)
    run.labels = tuple(event.labels)
    run.variables = dict(event.variables) or nothing()
    run.attributes = dict(event.attributes) or nothing()
    run.properties = dict(event.properties) or nothing()
    return run


_NO_RUN: Final = Run("", "", "", "", "", 0)
_SAID: Final = e.RunCreated._fields[1:]


def root(run: Run) -> Scope:
    """The scope of the run's own task list."""
    return Scope(ROOT, None, ROOT, "do", input=run.context, flow=run.context)


def _created(draft: Draft, event: e.RunCreated, at: Instant) -> None:
    seq = draft.run.seq
    draft.run = run_of(event, at)
    draft.run.seq = seq


def _move(draft: Draft, event: Any, at: Instant) -> Run:
    run = draft.run
    run.status = next_run_status(run.status, type(event), run.id)
    if draft.by is not None and type(event) in STAMPS:
        stamp = Stamp(at, draft.by, getattr(event, "reason", None))
        run.stamps = stamped(run.stamps, STAMPS[type(event)], stamp)
    return run


def _started(draft: Draft, event: e.RunStarted, at: Instant) -> None:
    run = _move(draft, event, at)
    data = run.input if event.input is SAME else event.input
    run.started_at, run.context, run.deadline = at, data, event.deadline
    run.expected, run.held = event.expected, False
    draft.add_scope(root(run))


def _rescheduled(draft: Draft, event: e.RunRescheduled, at: Instant) -> None:
    run = _move(draft, event, at)
    run.due = event.due
    run.round += 1
    if event.input is not SAME:
        run.input = event.input


def _pausing(draft: Draft, event: e.RunPausing, at: Instant) -> None:
    _move(draft, event, at).pause_reason = event.reason


def _paused(draft: Draft, event: e.RunPaused, at: Instant) -> None:
    _move(draft, event, at).paused_at = at


def _resumed(draft: Draft, event: e.RunResumed, at: Instant) -> None:
    run = _move(draft, event, at)
    run.resumed_at, run.pause_reason = at, None


def _cancelling(draft: Draft, event: e.RunCancelling, at: Instant) -> None:
    run = _move(draft, event, at)
    run.cancel_reason, run.out_of_time = event.reason, event.timed_out
    if run.code is not None:
        run.heard = run.outcomes


def _compensating(draft: Draft, event: e.RunCompensating, at: Instant) -> None:
    run = _move(draft, event, at)
    run.compensating = run.outcomes


def _cancelled(draft: Draft, event: e.RunCancelled, at: Instant) -> None:
    run = _move(draft, event, at)
    run.ended_at = at
    if event.error is not None:
        _keep_error(run, event.error, event.step)


def _completed(draft: Draft, event: e.RunCompleted, at: Instant) -> None:
    run = _move(draft, event, at)
    run.ended_at = at
    run.output = draft.scope(ROOT).flow if event.output is SAME else event.output


def _failed(draft: Draft, event: e.RunFailed | e.RunTimedOut, at: Instant) -> None:
    run = _move(draft, event, at)
    run.ended_at = at
    _keep_error(run, event.error, event.step if isinstance(event, e.RunFailed) else None)


def _keep_error(run: Run, error: Problem, at_step: str | None) -> None:
    run.error, run.error_step = error, at_step
    if run.code is not None and at_step in run.errors:  # its code was told, and did not catch it
        run.errors = {step: other for step, other in run.errors.items() if step != at_step}


def _terminated(draft: Draft, event: e.RunTerminated, at: Instant) -> None:
    run = _move(draft, event, at)
    run.ended_at, run.cancel_reason = at, event.reason
    if event.error is not None:
        _keep_error(run, event.error, event.step)


def _retried(draft: Draft, event: e.RunRetried, at: Instant) -> None:
    run = _move(draft, event, at)
    run.generation = event.generation
    run.ended_at = run.error = run.error_step = run.cancel_reason = None
    run.heard = run.compensating = None
    run.out_of_time = False
    run.deadline = event.deadline


def _continued(draft: Draft, event: e.RunContinued, at: Instant) -> None:
    run = _move(draft, event, at)
    run.ended_at, run.continued_to = at, event.run_id


def _stalled(draft: Draft, event: e.RunStalled, at: Instant) -> None:
    draft.run.stalled = event.error


def _unstalled(draft: Draft, event: e.RunUnstalled, at: Instant) -> None:
    draft.run.stalled = None


def _signal_received(draft: Draft, event: e.SignalReceived, at: Instant) -> None:
    draft.add_signal(Signal(event.signal, event.name, event.value, at, event.correlation, event.step))
    if event.step is None:
        draft.run.inbox = (*draft.run.inbox, event.signal)


def _signal_taken(draft: Draft, event: e.SignalTaken, at: Instant) -> None:
    draft.edit_signal(event.signal).step = event.step
    draft.run.inbox = tuple(signal for signal in draft.run.inbox if signal != event.signal)


def _stream_written(draft: Draft, event: e.StreamWritten, at: Instant) -> None:
    draft.write_stream(event.stream, event.value, event.closed)


def _follow_up_ordered(draft: Draft, event: e.FollowUpOrdered, at: Instant) -> None:
    draft.run.follow_ups = (*draft.run.follow_ups, event.run_id)


def _context_set(draft: Draft, event: e.ContextSet, at: Instant) -> None:
    draft.run.context = event.context


def _variables_set(draft: Draft, event: e.VariablesSet, at: Instant) -> None:
    merged = {**draft.run.variables, **event.values}
    for name in event.removed:
        merged.pop(name, None)
    draft.run.variables = merged


def _overdue(draft: Draft, event: e.RunOverdue, at: Instant) -> None:
    draft.run.overdue = 2 if event.escalated else 1


def _attributes_set(draft: Draft, event: e.AttributesSet, at: Instant) -> None:
    kept = {name: value for name, value in draft.run.attributes.items() if name not in event.removed}
    draft.run.attributes = {**kept, **event.values}


def _metadata_set(draft: Draft, event: e.RunMetadataSet, at: Instant) -> None:
    for name, value in zip(event._fields, event, strict=True):
        if value is not SAME:
            setattr(draft.run, name, tuple(value) if name == "labels" else value)


def _scope_opened(draft: Draft, event: e.ScopeOpened, at: Instant) -> None:
    owner = draft.edit_step(event.owner)
    owner.live += 1
    if event.section in ("iteration", "item"):
        owner.cursor = event.number + 1
        index = (*owner.index, event.number)
    else:
        index = owner.index
    data = owner.flow if event.input is SAME else event.input
    if event.section in ("try", "catch"):
        _give_up_try(draft, owner)
    draft.add_scope(
        Scope(
            event.scope,
            event.owner,
            event.pointer,
            event.section,
            number=event.number,
            index=index,
            input=data,
            flow=data,
            variables=event.variables,
            apart=event.section == ACTIONS,
        )
    )


def _give_up_try(draft: Draft, owner: Step) -> None:
    """The try before this one, or before the handler, failed: its list is over."""
    for number in range(owner.attempt - 1, -1, -1):
        if draft.find_scope(try_scope(owner.id, number)) is not None:
            last = draft.edit_scope(try_scope(owner.id, number))
            owner.live -= last.open
            last.open = False
            return


def try_scope(owner: str, number: int) -> str:
    """The id of a `try` block's pass, numbered from 0."""
    return f"{owner}/try[{number}]" if number else f"{owner}/try"


def _scope_closed(draft: Draft, event: e.ScopeClosed, at: Instant) -> None:
    scope = draft.edit_scope(event.scope)
    scope.open = False
    assert scope.owner is not None  # the run's own list ends with the run
    owner = draft.edit_step(scope.owner)
    owner.live -= 1
    if event.output is not SAME:
        scope.flow = event.output
    if scope.section not in BESIDE:
        owner.flow = scope.flow


CHANGES: Final[dict[type[Any], Callable[[Draft, Any, Instant], None]]] = {
    e.RunCreated: _created,
    e.RunStarted: _started,
    e.RunRescheduled: _rescheduled,
    e.RunPausing: _pausing,
    e.RunPaused: _paused,
    e.RunResumed: _resumed,
    e.RunCancelling: _cancelling,
    e.RunCompensating: _compensating,
    e.RunCancelled: _cancelled,
    e.RunCompleted: _completed,
    e.RunFailed: _failed,
    e.RunTimedOut: _failed,
    e.RunTerminated: _terminated,
    e.RunRetried: _retried,
    e.RunContinued: _continued,
    e.RunStalled: _stalled,
    e.RunUnstalled: _unstalled,
    e.SignalReceived: _signal_received,
    e.SignalTaken: _signal_taken,
    e.StreamWritten: _stream_written,
    e.FollowUpOrdered: _follow_up_ordered,
    e.ContextSet: _context_set,
    e.VariablesSet: _variables_set,
    e.AttributesSet: _attributes_set,
    e.RunOverdue: _overdue,
    e.RunMetadataSet: _metadata_set,
    e.ScopeOpened: _scope_opened,
    e.ScopeClosed: _scope_closed,
}
