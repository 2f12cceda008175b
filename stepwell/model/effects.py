"""What must be done after a turn is durable. Effects are consequences of the state and can be derived again."""

from __future__ import annotations

from typing import NamedTuple

from stepwell.model.actions import Action
from stepwell.model.base import Instant
from stepwell.model.ledger import Cached, Rate


class Perform(NamedTuple):
    """Do the action of this attempt. `key` is the idempotency key: the same over attempts and re-executions."""

    step: str
    attempt: int
    action: Action
    key: str
    priority: int = 0
    cached: Cached | None = None
    rate: Rate | None = None


class Interrupt(NamedTuple):
    """Stop performing this attempt."""

    step: str
    attempt: int


class Probe(NamedTuple):
    """Look what the world says, for a leaf of a step's condition or for a measurement: `number` counts what was heard.
    What comes of it is a `ReportCondition`. Asking twice is harmless."""

    step: str
    leaf: str
    number: int
    action: Action
    key: str
    priority: int = 0


class SetTimer(NamedTuple):
    """Send `FireTimer` back at `due`. `step` None: the run's own timeout. A timer that is no longer wanted is ignored
    when it fires."""

    step: str | None
    purpose: str
    """wake, timeout, attempt, start, response, overdue, or condition: and the leaf of a step's condition"""
    due: Instant


class StartFollowUps(NamedTuple):
    """Runs were ordered: start them."""


class Continue(NamedTuple):
    """Go on in another turn: this one was getting long."""


Effect = Perform | Probe | Interrupt | SetTimer | StartFollowUps | Continue
