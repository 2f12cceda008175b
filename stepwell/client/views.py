"""What a run looks like from outside: the JSON shapes of SPEC X1, U1 and U2, the same for every door.

Times are RFC 3339 strings in UTC, or null.
"""

from __future__ import annotations

from typing import Any

from stepwell.model.base import Instant, iso
from stepwell.model.journal import RunRow
from stepwell.model.policy import step_options
from stepwell.model.problem import Problem
from stepwell.model.records import Attempt, Run, State, Step
from stepwell.model.search import DefinitionCard

View = dict[str, Any]


def when(instant: Instant | None) -> str | None:
    return None if instant is None else iso(instant)


def error_view(problem: Problem | None) -> View | None:
    """All five members of the standard's error; absent ones are null."""
    if problem is None:
        return None
    return {
        "type": problem.type,
        "status": problem.status,
        "title": problem.title,
        "detail": problem.detail,
        "instance": problem.instance,
    }


def row_view(row: RunRow) -> View:
    """A line of a listing."""
    return {
        "run_id": row.id,
        "name": row.name,
        "namespace": row.namespace,
        "version": row.version,
        "status": row.status,
        "created_at": when(row.created_at),
        "updated_at": when(row.updated_at),
        "ended_at": when(row.ended_at),
        "expected_by": when(row.due_at),
        "priority": row.priority,
        "tags": dict(row.tags),
        "attributes": dict(row.attributes),
        "key": row.key,
        "parent_id": row.parent_id,
        "rerun_of": row.rerun_of,
        "error": dict(row.error) if row.error is not None else None,
        "title": row.title,
        "labels": list(row.labels),
        "properties": dict(row.properties),
        "author": row.author,
        "archived": row.archived,
        "started_at": when(row.started_at),
        "queue": row.queue,
    }


def card_view(card: DefinitionCard) -> View:
    """A line of a search over definitions."""
    return {
        **card._asdict(),
        "created_at": when(card.created_at),
        "tags": dict(card.tags),
        "labels": list(card.labels),
        "properties": dict(card.properties),
    }


def result_view(state: State) -> View:
    """How a run stands, its outcome and its steps: what `stepwell run --json` prints."""
    run = state.run
    return {
        "run_id": run.id,
        "status": run.status.value,
        "output": run.output,
        "error": error_view(run.error),
        "cancel_reason": run.cancel_reason,
        "steps": [step_view(step) for step in state.steps.values()],
    }


def run_view(state: State) -> View:
    """Everything about a run: what `stepwell runs show --json` prints."""
    run = state.run
    return {
        **result_view(state),
        "name": run.name,
        "namespace": run.namespace,
        "version": run.version,
        "definition_hash": run.definition_hash,
        "commit": run.commit,
        "change": run.seq,
        "generation": run.generation,
        "input": run.input,
        "context": run.context,
        "variables": dict(run.variables),
        "mode": run.mode,
        "key": run.key,
        "tags": dict(run.tags),
        "attributes": dict(run.attributes),
        **metadata_view(run),
        "priority": run.priority,
        "parent_id": run.parent_id,
        "parent_step": run.parent_step,
        "rerun_of": run.rerun_of,
        "forked_from": run.forked_from,
        "continued_from": run.continued_from,
        "continued_to": run.continued_to,
        "code": run.code,
        "cancel_reason": run.cancel_reason,
        "pause_reason": run.pause_reason,
        "stalled": error_view(run.stalled),
        "error_step": run.error_step,
        "errors": {step: error_view(found) for step, found in run.errors.items()},
        "counts": {status.value: count for status, count in run.counts.items() if count},
        "open_steps": list(state.open_steps),
        **_times(run),
        "steps": [step_view(step, detail=True) for step in state.steps.values()],
    }


def metadata_view(run: Run) -> View:
    """What people call it and file it under."""
    return {
        "title": run.title,
        "description": run.description,
        "labels": list(run.labels),
        "properties": dict(run.properties),
        "author": run.author,
        "archived": run.archived,
    }


def _times(run: Run) -> View:
    names = ("created_at", "started_at", "updated_at", "ended_at", "paused_at", "resumed_at", "deadline")
    return {name: when(getattr(run, name)) for name in names}


def step_view(step: Step, *, detail: bool = False) -> View:
    """A step; with `detail` its data and attempts too."""
    view: View = {
        "id": step.id,
        "path": step.path,
        "name": step.name,
        "kind": step.kind,
        "index": list(step.index),
        "parent": step.parent,
        "parent_attempt": step.parent_attempt,
        "status": step.status.value,
        "reason": step.reason.value if step.reason is not None else None,
        "attempt": step.attempt,
        "started_at": when(step.started_at),
        "ended_at": when(step.ended_at),
        "due": when(step.due),
        "error": error_view(step.error),
        "progress": step.progress,
        "compensates": step_options(step.options).compensates,
    }
    if detail:
        view |= {
            "scheduled_at": when(step.scheduled_at or None),
            "updated_at": when(step.updated_at),
            "deadline": when(step.deadline),
            "priority": step.priority,
            "optional": step.optional,
            "skip_reason": step.skip_reason,
            "source": step.source,
            "input": step.input,
            "output": step.output,
            "attempts": [attempt_view(attempt) for attempt in step.attempts],
        }
    return view


def attempt_view(attempt: Attempt) -> View:
    return {
        "number": attempt.number,
        "runs": attempt.runs,
        "scheduled_at": when(attempt.scheduled_at),
        "polled_at": when(attempt.polled_at),
        "started_at": when(attempt.started_at),
        "updated_at": when(attempt.updated_at),
        "ended_at": when(attempt.ended_at),
        "executor": attempt.executor,
        "ref": attempt.ref,
        "output": attempt.output,
        "error": error_view(attempt.error),
    }
