"""What happens while somebody is asked whether a step may go on. Who says it stands in the turn (`turn.signed`)."""

from __future__ import annotations

from typing import NamedTuple

from stepwell.model.base import Instant, Json


class ApprovalRequested(NamedTuple):
    """`what` is to be called with `arguments` (secrets masked): once approved, exactly that is performed. `approvers`:
    people, groups, roles. `excluded` may not decide: they asked for it. `reason`: who wants it so."""

    step: str
    what: str
    arguments: Json = None
    need: int = 1
    approvers: dict[str, Json] = {}
    due: Instant | None = None
    excluded: tuple[str, ...] = ()
    reason: str | None = None
    metadata: Json = None


class ApprovalDecided(NamedTuple):
    """Somebody has said so (`approve`, `reject`). `status` is where the approval stands by that. `chain`: by whom the
    right to say it was handed on."""

    step: str
    verdict: str
    status: str
    comment: str | None = None
    metadata: Json = None
    chain: tuple[str, ...] = ()


class ApprovalDelegated(NamedTuple):
    step: str
    to: str
    comment: str | None = None


class ApprovalExpired(NamedTuple):
    """Nobody, or not enough people, decided in time."""

    step: str


class StepApproved(NamedTuple):
    """What it asked for may be done: it goes on."""

    step: str
