"""What the events of approvals mean."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from stepwell.kernel.draft import Draft, copy
from stepwell.kernel.evolve_step import change, last_attempt
from stepwell.model import events as e
from stepwell.model.approvals import Approval, ApprovalStatus, Decision, Delegation, Verdict
from stepwell.model.base import Instant

NOBODY_KNOWN: Final = "somebody"
"""Who did it, where nobody signed."""


def _requested(draft: Draft, event: e.ApprovalRequested, at: Instant) -> None:
    before = draft.find_approval(event.step)
    number = 1
    if before is not None:
        draft.add_approval(f"{event.step}@{before.number}", copy(before))
        number = before.number + 1
    approval = Approval(
        event.step,
        event.what,
        event.arguments,
        at,
        event.need,
        event.approvers,
        event.due,
        tuple(event.excluded),
        event.reason,
        event.metadata,
        number,
    )
    draft.add_approval(event.step, approval)


def _decided(draft: Draft, event: e.ApprovalDecided, at: Instant) -> None:
    approval = draft.edit_approval(event.step)
    verdict, by = Verdict(event.verdict), draft.by or NOBODY_KNOWN
    decision = Decision(by, verdict, at, event.comment, event.metadata, tuple(event.chain))
    approval.decisions = [*approval.decisions, decision]
    approval.status = ApprovalStatus(event.status)
    if not approval.open:
        approval.ended_at = at


def _delegated(draft: Draft, event: e.ApprovalDelegated, at: Instant) -> None:
    approval = draft.edit_approval(event.step)
    delegation = Delegation(draft.by or NOBODY_KNOWN, event.to, at, event.comment)
    approval.delegations = [*approval.delegations, delegation]


def _expired(draft: Draft, event: e.ApprovalExpired, at: Instant) -> None:
    approval = draft.edit_approval(event.step)
    approval.status, approval.ended_at = ApprovalStatus.EXPIRED, at


def _approved(draft: Draft, event: e.StepApproved, at: Instant) -> None:
    step = change(draft, event, at)
    step.reason = step.due = None
    last = last_attempt(step)
    if last is not None:  # it begins now
        last.started_at = at


CHANGES: Final[dict[type[Any], Callable[[Draft, Any, Instant], None]]] = {
    e.ApprovalRequested: _requested,
    e.ApprovalDecided: _decided,
    e.ApprovalDelegated: _delegated,
    e.ApprovalExpired: _expired,
    e.StepApproved: _approved,
}
