"""The names of the states that a run and a step can be in, and what they mean to a waiter."""

from enum import StrEnum


class RunStatus(StrEnum):
    """Where a run stands. The last six are terminal."""

    PENDING = "pending"
    RUNNING = "running"
    PAUSING = "pausing"
    PAUSED = "paused"
    RESUMING = "resuming"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    COMPLETED = "completed"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    TERMINATED = "terminated"
    CONTINUED = "continued"

    @property
    def terminal(self) -> bool:
        return self in TERMINAL_RUN


class StepStatus(StrEnum):
    """Where a step stands. The last five are terminal."""

    PENDING = "pending"
    SCHEDULED = "scheduled"
    RUNNING = "running"
    WAITING = "waiting"
    SUBMITTED = "submitted"
    PAUSED = "paused"
    COMPLETED = "completed"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    SKIPPED = "skipped"
    CANCELLED = "cancelled"

    @property
    def terminal(self) -> bool:
        return self in TERMINAL_STEP


class WaitReason(StrEnum):
    """Why a step is `waiting`."""

    DEPENDENCIES = "dependencies"
    CHILDREN = "children"
    GROUP = "group"
    EVENT = "event"
    TIMER = "timer"
    APPROVAL = "approval"
    RATE = "rate_limited"


TERMINAL_RUN = frozenset(
    {
        RunStatus.CANCELLED,
        RunStatus.COMPLETED,
        RunStatus.FAILED,
        RunStatus.TIMED_OUT,
        RunStatus.TERMINATED,
        RunStatus.CONTINUED,
    }
)

TERMINAL_STEP = frozenset(
    {
        StepStatus.COMPLETED,
        StepStatus.FAILED,
        StepStatus.TIMED_OUT,
        StepStatus.SKIPPED,
        StepStatus.CANCELLED,
    }
)

OPEN_RUN = frozenset(RunStatus) - TERMINAL_RUN
