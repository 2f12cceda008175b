"""How often, how long, and what then: the policies that a definition can state."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from stepwell.model.base import Duration


class Backoff(StrEnum):
    """How the delay grows with n, the number of the retry (1 for the first): Open Workflow DSL, "Retry"."""

    CONSTANT = "constant"
    """delay"""
    LINEAR = "linear"
    """n × delay"""
    EXPONENTIAL = "exponential"
    """delay × 2^(n-1)"""


LONGEST_DELAY: Duration = 366 * 24 * 3600 * 1_000_000


@dataclass(frozen=True, slots=True)
class RetryTiming:
    """The numbers of a retry policy once its expressions are evaluated. None means no limit.

    `count` is the number of retries after the first try; `attempt` the longest time of one attempt; `total`
    the longest time from the first try to the start of the last.
    """

    delay: Duration = 0
    backoff: Backoff = Backoff.CONSTANT
    count: int | None = None
    attempt: Duration | None = None
    total: Duration | None = None
    jitter: tuple[Duration, Duration] | None = None

    def delay_before(self, retry: int, chance: float) -> Duration:
        """How long to wait before the retry-th retry; `chance` in [0, 1) places the jitter."""
        if self.backoff is Backoff.LINEAR:
            base = retry * self.delay
        elif self.backoff is Backoff.EXPONENTIAL:
            base = self.delay << min(retry - 1, 62)
        else:
            base = self.delay
        if self.jitter is not None:
            low, high = self.jitter
            base += low + int((high - low) * chance)
        return min(base, LONGEST_DELAY)


class FailureMode(StrEnum):
    """What the run does when a step's failure is caught by nobody."""

    FAIL_FAST = "fail_fast"
    """cancel what is open and fail at once"""
    FINISH = "finish"
    """go on with the rest, then fail"""
    TOLERATE = "tolerate"
    """go on while no more than so many steps (or per cent of all ended steps) failed"""
    IGNORE = "ignore"
    """go on; the run completes"""


@dataclass(frozen=True, slots=True)
class FailurePolicy:
    """`tolerated` counts steps, or per cent of the ended steps when `percent` is set."""

    mode: FailureMode = FailureMode.FAIL_FAST
    tolerated: float = 0
    percent: bool = False
