"""What can be told of steps by their records alone: for the rules, and for whoever only looks and needs no others."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from stepwell.kernel.evolve_step import PERFORMED
from stepwell.model.base import Instant
from stepwell.model.people import Node
from stepwell.model.policy import step_options
from stepwell.model.records import State, Step
from stepwell.model.states import StepStatus, WaitReason


def in_flight(step: Step) -> bool:
    """Whether somebody may be performing the step right now."""
    if step.kind not in PERFORMED:
        return False
    return step.status is StepStatus.RUNNING or step.reason is WaitReason.CHILDREN


def expired(step: Step, now: Instant) -> bool:
    """Whether whoever claimed the step has given no sign of life in time."""
    claim = step.claim
    running = step.status is StepStatus.RUNNING
    return running and claim is not None and claim.until is not None and claim.until <= now


def ready_in(state: State, node: Node) -> bool:
    """Whether every step before this one of a graph has let go."""
    return all(state.nodes[parent].passed for parent in node.after)


def undoing(steps: Iterable[Step]) -> list[Step]:
    """Those that take back what the run had done."""
    return [step for step in steps if step_options(step.options).compensates is not None]


def child_id(run_id: str, step_id: str, attempt: int) -> str:
    """The id of the run that a step starts: the same however often the start is repeated."""
    digest = hashlib.sha256(f"{run_id}\n{step_id}\n{attempt}".encode()).hexdigest()
    # The parent's id is ordered by time; the child keeps that order by keeping its head.
    return f"{run_id[:13]}-{digest[:4]}-{digest[4:8]}-{digest[8:20]}"
