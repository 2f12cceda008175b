"""The facts behind an explanation."""

from __future__ import annotations

from typing import Any

from stepwell.client import undone
from stepwell.client.open_steps import Facts
from stepwell.client.queued import evidence as queue_evidence
from stepwell.client.views import error_view, when


def evidence(facts: Facts) -> dict[str, Any]:
    run = facts.state.run
    return {
        "at": when(facts.now),
        "change": run.seq,
        "carried_on": facts.carried_on,
        "open_steps": list(facts.state.open_steps),
        "counts": {status.value: count for status, count in run.counts.items() if count},
        "error": error_view(run.error),
        "error_step": run.error_step,
        "tolerated": {step: error_view(found) for step, found in undone.tolerated(facts.state).items()},
        "compensations_failed": undone.evidence(facts.state),
        "continued_to": run.continued_to,
        "cancel_reason": run.cancel_reason,
        "pause_reason": run.pause_reason,
        "stalled": error_view(run.stalled),
        "created_at": when(run.created_at),
        "updated_at": when(run.updated_at),
        "paused_at": when(run.paused_at),
        "ended_at": when(run.ended_at),
        "deadline": when(run.deadline),
        "generation": run.generation,
        "parent_id": run.parent_id,
        "queue": queue_evidence(facts.queued),
    }
