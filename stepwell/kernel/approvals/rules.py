"""Who may decide on an approval, and what follows from a decision: pure rules on one record."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from stepwell.model.approvals import (
    Approval,
    ApprovalStatus,
    Approvers,
    Verdict,
    approvers,
)
from stepwell.model.base import Instant, iso
from stepwell.model.errors import AlreadyDecided, ApprovalClosed, Forbidden, InvalidInput
from stepwell.model.people import Actor


def decided(
    approval: Approval, who: Actor, verdict: Verdict, now: Instant, comment: str | None = None
) -> ApprovalStatus:
    """What the approval comes to if this person says so now.

    Raises `ApprovalClosed`, `AlreadyDecided`, `Forbidden`.
    """
    still_open(approval, now)
    permit(approval, who)
    if verdict is Verdict.REJECT:
        return ApprovalStatus.REJECTED
    return ApprovalStatus.APPROVED if approval.given + 1 >= approval.need else ApprovalStatus.PENDING


def still_open(approval: Approval, now: Instant) -> None:
    """Raises `ApprovalClosed`, naming who was first."""
    if approval.open and (approval.due is None or now < approval.due):
        return
    last = approval.last
    by = last.by if last is not None and approval.status in _BY_DECISION else None
    status = ApprovalStatus.EXPIRED if approval.open else approval.status
    when = iso(approval.ended_at or approval.due or now)
    raise ApprovalClosed(
        f"the approval of {approval.what} was {status.value}{f' by {by}' if by else ''} at {when}:"
        " there is nothing left to decide",
        status.value,
        by,
    )


_BY_DECISION: Final = (ApprovalStatus.APPROVED, ApprovalStatus.REJECTED)


def permit(approval: Approval, who: Actor) -> None:
    """Raises `AlreadyDecided`, `Forbidden`."""
    first = next((each for each in approval.decisions if each.by == who.id), None)
    if first is not None:
        raise AlreadyDecided(
            f"{who.id} has decided on {approval.what} already: {first.verdict.value} at {iso(first.at)}",
            first.by,
            first.verdict.value,
        )
    reason = objection(approval, who)
    if reason is not None:
        raise Forbidden(
            f"{who.id} may not decide on {approval.what}: {reason}",
            hint=f"who may: {says(approvers(approval.approvers))}",
        )


def objection(approval: Approval, who: Actor) -> str | None:
    """Why somebody may not decide; None: they may."""
    named = approvers(approval.approvers)
    if who.id in approval.excluded:
        return "whoever asked for it does not decide on it"
    handed_on = next((each for each in approval.delegations if each.by == who.id), None)
    if handed_on is not None:
        return f"it was handed on to {handed_on.to}"
    if named.roles and not set(named.roles) & set(who.roles):
        return f"it takes the role {' or '.join(named.roles)}"
    if who.id in approval.delegates() or who.id in named.people or set(named.groups) & set(who.groups):
        return None
    return "not one of the approvers" if named.people or named.groups else None


def chain_of(approval: Approval, who: str) -> tuple[str, ...]:
    """By whom the right to decide came to somebody, the first one first."""
    found: list[str] = []
    while (before := next((each.by for each in approval.delegations if each.to == who), None)) is not None:
        found.append(before)
        who = before
    return tuple(reversed(found))


def delegated(approval: Approval, who: Actor, to: str, now: Instant) -> None:
    """Whether this person may hand the right to decide on to that one.

    Raises `ApprovalClosed`, `AlreadyDecided`, `Forbidden`, `InvalidInput`.
    """
    still_open(approval, now)
    permit(approval, who)
    if not to.strip():
        raise InvalidInput("it must be somebody to whom a decision is handed on")
    if to == who.id or to in chain_of(approval, who.id):
        raise InvalidInput(f"the decision on {approval.what} came from {to}: it cannot be handed back")
    if to in approval.excluded:
        raise Forbidden(f"{to} may not decide on {approval.what}: whoever asked for it does not decide on it")
    if to in approvers(approval.approvers).people or to in approval.delegates():
        raise InvalidInput(f"{to} may decide on {approval.what} anyway")
    if any(each.by == to for each in approval.decisions):
        raise InvalidInput(f"{to} has decided on {approval.what} already")


def reachable(named: Approvers, need: int, excluded: Collection[str]) -> bool:
    """Whether so many people can decide at all, as far as that can be known: groups may have any number."""
    if named.groups or not named.people:
        return True
    return len([name for name in named.people if name not in excluded]) >= need


def says(named: Approvers) -> str:
    """Who may decide, in words."""
    parts = [", ".join(named.people), *(f"group {group}" for group in named.groups)]
    whoever = " or ".join(part for part in parts if part) or "anybody"
    return f"{whoever} with the role {' or '.join(named.roles)}" if named.roles else whoever
