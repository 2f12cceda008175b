"""Approvals as people see them; and the definition of one that belongs to no workflow of its own."""

from __future__ import annotations

from typing import Final

from stepwell.client.views import View, when
from stepwell.kernel.approvals.rules import objection, says
from stepwell.model.approvals import Approval, ApprovalStatus, Decision, Delegation, approvers
from stepwell.model.people import Actor
from stepwell.model.records import State
from stepwell.model.states import StepStatus, WaitReason

STANDALONE: Final = """
document:
  dsl: '1.0.3'
  namespace: stepwell
  name: approval
  version: '1.0.0'
  title: An approval that belongs to no workflow
do:
  - decision:
      call: approval
      with:
        title: ${ .what }
        arguments: ${ .arguments }
        metadata: ${ .metadata }
        approvers: ${ .approvers }
        need: ${ .need }
        expires: ${ .expires }
        selfApproval: ${ .own }
        refused: complete
"""
"""It ends as completed, whatever was decided; the output has the `decision`."""


def present(state: State, approval: Approval) -> ApprovalStatus:
    """Where it stands: nobody has to decide any more once the step or the run went another way."""
    step = state.steps[approval.step]
    waits = step.status is StepStatus.WAITING and step.reason is WaitReason.APPROVAL
    if approval.open and (approval.spent or state.run.status.terminal or not waits):
        return ApprovalStatus.WITHDRAWN
    return approval.status


def may_decide(state: State, approval: Approval, who: Actor) -> bool:
    """Whether it waits for this person."""
    decided = any(each.by == who.id for each in approval.decisions)
    return present(state, approval) is ApprovalStatus.PENDING and not decided and not objection(approval, who)


def approval_view(state: State, approval: Approval) -> View:
    return {
        "run_id": state.run.id,
        "step": approval.step,
        "number": approval.number,
        "status": present(state, approval).value,
        "what": approval.what,
        "arguments": approval.arguments,
        "metadata": approval.metadata,
        "reason": approval.reason,
        "need": approval.need,
        "given": approval.given,
        "approvers": approvers(approval.approvers).as_json(),
        "who": says(approvers(approval.approvers)),
        "excluded": list(approval.excluded),
        "requested_at": when(approval.requested_at),
        "due": when(approval.due),
        "ended_at": when(approval.ended_at),
        "decisions": [_decision_view(each) for each in approval.decisions],
        "delegations": [_delegation_view(each) for each in approval.delegations],
    }


def _decision_view(decision: Decision) -> View:
    return {
        "by": decision.by,
        "verdict": decision.verdict.value,
        "at": when(decision.at),
        "comment": decision.comment,
        "metadata": decision.metadata,
        "chain": list(decision.chain),
    }


def _delegation_view(delegation: Delegation) -> View:
    return {
        "by": delegation.by,
        "to": delegation.to,
        "at": when(delegation.at),
        "comment": delegation.comment,
    }
