"""How often, how long, and what then: the policies that a definition can state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Final

from stepwell.model.base import Duration, Json


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
    longest: Duration = LONGEST_DELAY

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
        return min(base, self.longest)


@dataclass(frozen=True, slots=True)
class StepOptions:
    """What code says of a step besides its name. Durations in microseconds; None: no limit, nothing.

    `retries`: how often to try again after the first attempt (None: for ever). `timeout` is for one attempt, `total`
    for all of them together. `compensate`: the name of the step that undoes this one. `irreversible`: a run that did it
    is not replayed. In a journal only what differs from the default is written (`as_json`).
    """

    retries: int | None = 0
    delay: Duration = 0
    backoff: Backoff = Backoff.EXPONENTIAL
    longest: Duration = LONGEST_DELAY
    jitter: float = 0.0
    """up to so much of the delay is added, by chance"""
    timeout: Duration | None = None
    total: Duration | None = None
    priority: int = 0
    optional: bool = False
    irreversible: bool = False
    compensate: str | None = None
    compensates: str | None = None
    """the id of the step that this one undoes"""
    policy: dict[str, Json] | None = None
    """what to do when it is late or fails: by strike, a rule (see `model.recourse`)"""
    approval: dict[str, Json] | None = None
    """people are asked before it, on these terms (see `model.approvals`)"""
    deadline: dict[str, Duration] | None = None
    """its soft deadline: `after`, and perhaps `warn` and `escalate` (see `model.deadline`)"""

    def as_json(self) -> dict[str, Json] | None:
        """Only what differs from the default; None if nothing does."""
        given = {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if getattr(self, field.name) != field.default
        }
        return {name: str(v) if isinstance(v, Backoff) else v for name, v in given.items()} or None

    def timing(self) -> RetryTiming:
        return RetryTiming(self.delay, self.backoff, self.retries, total=self.total, longest=self.longest)


DEFAULT_OPTIONS: Final = StepOptions()


def step_options(members: Mapping[str, Json] | None) -> StepOptions:
    """What `StepOptions.as_json` wrote; names that this version does not know are left aside."""
    if not members:
        return DEFAULT_OPTIONS
    known = {field.name for field in fields(StepOptions)}
    given: dict[str, Any] = {name: value for name, value in members.items() if name in known}
    if "backoff" in given:
        given["backoff"] = Backoff(given["backoff"])
    return StepOptions(**given)


CHILD: Final = "child"
"""In the options of a step that a fork took over: the id of the child run that it began, which is the other run's."""


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
    HOLD = "hold"
    """what comes after the step waits until a person has it repeated, or ends the run (what procedures do)"""


@dataclass(frozen=True, slots=True)
class FailurePolicy:
    """`tolerated` counts steps, or per cent of the ended steps when `percent` is set."""

    mode: FailureMode = FailureMode.FAIL_FAST
    tolerated: float = 0
    percent: bool = False
