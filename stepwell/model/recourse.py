"""Error policies of steps: what to do when one does not begin, gives no sign of life, is not through in time, or
fails (SPEC U8). Each of these four is a strike, and has a rule of its own."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from stepwell.model.base import SECOND, Duration, Instant, Json
from stepwell.model.policy import Backoff, RetryTiming
from stepwell.model.records import Step


class Strike(StrEnum):
    """What goes wrong with a step."""

    START = "start"
    """nobody has begun with it in time"""
    RESPONSE = "response"
    """whoever does it has given no sign of life for too long"""
    COMPLETION = "completion"
    """all attempts together took too long"""
    ERROR = "error"
    """an attempt failed"""


class Recourse(StrEnum):
    """What is done about it."""

    FAIL = "fail"
    """the step ends: `failed`, or `timed_out`"""
    RETRY = "retry"
    """another attempt, as long as `count` allows it; then as FAIL"""
    NONE = "none"
    """nothing: a late step goes on, a failed one does not stop its run"""


@dataclass(frozen=True, slots=True)
class Rule:
    """What to do after a strike. `after`: the time limit (none for errors); `delay`: before the next attempt, twice as
    long each time if `exponential`; `count`: how many retries the step may have had by then (None: any number).
    `workflow` (`namespace/name:version`): one that is started in any case."""

    action: Recourse = Recourse.FAIL
    after: Duration | None = None
    delay: Duration = SECOND
    exponential: bool = False
    count: int | None = 3
    workflow: str | None = None

    def as_json(self) -> dict[str, Json]:
        """Only what differs from the default."""
        given = {f.name: getattr(self, f.name) for f in fields(self) if getattr(self, f.name) != f.default}
        return {name: str(v) if isinstance(v, Recourse) else v for name, v in given.items()}

    def timing(self) -> RetryTiming:
        backoff = Backoff.EXPONENTIAL if self.exponential else Backoff.CONSTANT
        return RetryTiming(self.delay, backoff, self.count)


def rule_of(options: Json, strike: Strike) -> Rule | None:
    """What a step's options (`StepOptions.as_json`) say of a strike; names that this version does not know are left
    aside."""
    given: dict[str, Any] | None = ((options or {}).get("policy") or {}).get(strike.value)
    if given is None:
        return None
    known = {field.name for field in fields(Rule)}
    members = {name: value for name, value in given.items() if name in known}
    return Rule(**{**members, "action": Recourse(members.get("action", Recourse.FAIL))})


def limit_of(step: Step, strike: Strike) -> Instant | None:
    """When the start or response timeout of the present attempt strikes; None: never."""
    rule = rule_of(step.options, strike)
    if rule is None or rule.after is None or not step.attempts:
        return None
    last = step.attempts[-1]
    since = last.updated_at if strike is Strike.RESPONSE and last.updated_at is not None else last.started_at
    return None if since is None else since + rule.after


def may_be_late(step: Step) -> bool:
    """The step goes on though all its time is over."""
    rule = rule_of(step.options, Strike.COMPLETION)
    return rule is not None and rule.action is Recourse.NONE
