"""What people say of an approval, and what time does (SPEC X8, Q8)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from stepwell.kernel.approvals import rules
from stepwell.kernel.approvals.asking import open_approval
from stepwell.kernel.ruling import Begin, Ruling
from stepwell.kernel.undoing import unwanted
from stepwell.model import approval_commands as a
from stepwell.model import events as e
from stepwell.model.approvals import Approval, ApprovalStatus
from stepwell.model.errors import Forbidden, InvalidInput, NotFound, TransitionRefused
from stepwell.model.people import Actor, ActorKind
from stepwell.model.records import Step
from stepwell.model.states import WaitReason


def decide(r: Ruling, command: a.DecideApproval) -> None:
    """Raises `NotFound`, `TransitionRefused`, `ApprovalClosed`, `AlreadyDecided`, `Forbidden`, `InvalidInput`."""
    approval, who = _asked(r, command.step), _person(r)
    status = rules.decided(approval, who, command.verdict, r.now)
    _still_waits(r, approval)
    chain = rules.chain_of(approval, who.id)
    r.emit(
        e.ApprovalDecided(approval.step, command.verdict, status, command.comment, command.metadata, chain)
    )
    if status is not ApprovalStatus.PENDING:
        r.agenda.add(Begin(approval.step))


def delegate(r: Ruling, command: a.DelegateApproval) -> None:
    """Raises as `decide`."""
    approval, who = _asked(r, command.step), _person(r)
    rules.delegated(approval, who, command.to, r.now)
    _still_waits(r, approval)
    r.emit(e.ApprovalDelegated(approval.step, command.to, command.comment))


def expire(r: Ruling, step: Step) -> None:
    """Its time is over."""
    approval = r.draft.find_approval(step.id)
    if approval is not None and approval.open:
        r.emit(e.ApprovalExpired(step.id))
    r.agenda.add(Begin(step.id))


def waits(step: Step) -> bool:
    """For people."""
    return step.reason is WaitReason.APPROVAL


def _asked(r: Ruling, name: str | None) -> Approval:
    approval = open_approval(r, name)
    if approval is None:
        which = f"step {name}" if name is not None else "none of its steps"
        raise NotFound(
            f"run {r.draft.run.id}: {which} asks for {'no' if name is not None else 'an'} approval",
            hint=f"see what it waits for: stepwell runs explain {r.draft.run.id}",
        )
    return approval


def _person(r: Ruling) -> Actor:
    """Who says it. Raises `InvalidInput`, `Forbidden`."""
    if r.by is None or not r.by.id.strip():
        raise InvalidInput("a decision is somebody's: it has to be said whose")
    if r.by.kind is not ActorKind.PERSON:
        raise Forbidden(f"{r.by.id} is a {r.by.kind}: an approval is a person's to give")
    return r.by


def _still_waits(r: Ruling, approval: Approval) -> None:
    """Raises `TransitionRefused` where the step, or the run, has ended meanwhile."""
    step, run = r.draft.step(approval.step), r.draft.run
    if run.status.terminal or unwanted(run, step):
        raise TransitionRefused(f"run {run.id} is {run.status}: there is nothing left to decide")
    if not waits(step):
        raise TransitionRefused(f"step {step.id} is {step.status}: there is nothing left to decide")


COMMANDS: Final[dict[type[Any], Callable[[Ruling, Any], None]]] = {
    a.DecideApproval: decide,
    a.DelegateApproval: delegate,
}
