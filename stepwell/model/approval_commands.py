"""What people may say of an approval. Each is signed: whoever says it is on record."""

from __future__ import annotations

from typing import NamedTuple

from stepwell.model.approvals import Verdict
from stepwell.model.base import Json


class DecideApproval(NamedTuple):
    """Approve or reject. `step` is the id of a step or the name of a task; None: the only one that asks."""

    verdict: Verdict
    step: str | None = None
    comment: str | None = None
    metadata: Json = None


class DelegateApproval(NamedTuple):
    """Hand the right to decide on to somebody else."""

    to: str
    step: str | None = None
    comment: str | None = None


ApprovalCommand = DecideApproval | DelegateApproval
