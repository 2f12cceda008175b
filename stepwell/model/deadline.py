"""Soft deadlines: when a run or a step is expected to have ended. Nothing ends because of them; they are seen and told.

`metadata.deadline` is a duration, or `{after, warn, escalate}`: expected within `after`, due soon from `warn` before
that on, escalated once it is overdue by `escalate`. On record are the instants: `{"due": …, "warn": …, "escalate": …}`.
"""

from __future__ import annotations

from collections.abc import Mapping

from stepwell.model.base import Duration, Instant, Json

ON_TIME, DUE_SOON, OVERDUE, ESCALATED = "on_time", "due_soon", "overdue", "escalated"


def instants(now: Instant, spans: Mapping[str, Duration]) -> dict[str, Json]:
    """Of a soft deadline that begins now: `spans` has `after`, and perhaps `warn` and `escalate`."""
    due = now + spans["after"]
    found: dict[str, Json] = {"due": due}
    if "warn" in spans:
        found["warn"] = due - spans["warn"]
    if "escalate" in spans:
        found["escalate"] = due + spans["escalate"]
    return found


def standing(
    expected: Mapping[str, Json] | None, now: Instant, ended_at: Instant | None = None
) -> str | None:
    """How something stands to its soft deadline; None where it has none. What has ended was on time, or was not."""
    if expected is None:
        return None
    if ended_at is not None:
        return ON_TIME if ended_at <= expected["due"] else OVERDUE
    if now >= expected.get("escalate", now + 1):
        return ESCALATED
    if now >= expected["due"]:
        return OVERDUE
    return DUE_SOON if now >= expected.get("warn", now + 1) else ON_TIME


def next_alarm(expected: Mapping[str, Json] | None, told: int) -> Instant | None:
    """When the next thing is to be told of it; `told`: 0 nothing yet, 1 that it is overdue, 2 that it escalated."""
    if expected is None or told >= 2:
        return None
    found: Instant | None = expected["due"] if told == 0 else expected.get("escalate")
    return found
