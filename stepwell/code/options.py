"""What `@step` is told about retries and times, checked and turned into `StepOptions`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final, NotRequired, TypedDict

from stepwell.code.checks import check_exceptions, check_whole
from stepwell.model.base import SECOND, Duration
from stepwell.model.errors import InvalidInput
from stepwell.model.policy import LONGEST_DELAY, Backoff

Length = float | timedelta
"""A length of time: seconds, or a `timedelta`."""

Exceptions = type[BaseException] | tuple[type[BaseException], ...]

MOST_RETRIES: Final = 1_000_000


def microseconds(length: Length, what: str) -> Duration:
    """Raises `InvalidInput`, naming `what`."""
    seconds = length.total_seconds() if isinstance(length, timedelta) else length
    if (
        isinstance(seconds, bool)
        or not isinstance(seconds, int | float)
        or not 0 <= seconds * SECOND <= LONGEST_DELAY
    ):
        raise InvalidInput(
            f"{what} is a number of seconds or a timedelta, from 0 to 366 days, not {length!r}"
        )
    return int(seconds * SECOND)


class Deadline(TypedDict):
    """A soft deadline, in the words of definitions: expected to have ended within `after`, due soon from `warn` before
    that on, escalated once it is overdue by `escalate`. Nothing ends because of it; it is seen and told.
    """

    after: Length
    warn: NotRequired[Length]
    escalate: NotRequired[Length]


def deadline_of(given: Length | Deadline | None) -> dict[str, Duration] | None:
    """In microseconds. Raises `InvalidInput`."""
    if given is None:
        return None
    if not isinstance(given, Mapping):
        return {"after": microseconds(given, "deadline")}
    if "after" not in given or not set(given) <= set(Deadline.__annotations__):
        raise InvalidInput(f"deadline has `after`, and may have `warn` and `escalate`, not {given!r}")
    spans: Mapping[str, Any] = given
    return {name: microseconds(span, f"deadline.{name}") for name, span in spans.items()}


@dataclass(frozen=True, slots=True)
class Retry:
    """How a step is tried again: up to `attempts` in all (None: for ever), first after `delay`, then twice as long each
    time (`backoff`), never longer than `longest`; up to `jitter` (a fraction of the delay) is added by chance.

    `on`: only after these exceptions; `never`: not after these. One of them need be no tuple: `on=OSError`.
    """

    attempts: int | None = 3
    delay: Length = 1.0
    backoff: str = "exponential"
    longest: Length = 300.0
    jitter: float = 0.1
    on: Exceptions = ()
    never: Exceptions = ()

    def __post_init__(self) -> None:
        check_whole("attempts", self.attempts, 1, MOST_RETRIES)
        if self.backoff not in tuple(Backoff):
            raise InvalidInput(f"backoff is one of {', '.join(Backoff)}, not {self.backoff!r}")
        if not isinstance(self.jitter, int | float) or not 0 <= self.jitter <= 1:
            raise InvalidInput(f"jitter is a fraction from 0 to 1, not {self.jitter!r}")
        microseconds(self.delay, "delay")
        microseconds(self.longest, "longest")
        check_exceptions("on", self.on)
        check_exceptions("never", self.never)

    def helps(self) -> Callable[[BaseException], bool] | None:
        """Whether another attempt may help after an exception; None: always."""
        if not self.on and not self.never:
            return None
        return lambda error: (not self.on or isinstance(error, self.on)) and not isinstance(error, self.never)
