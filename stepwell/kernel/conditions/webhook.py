"""`webhook`: deliver a signed message. Every attempt has a delivery id; why it ended is one word (SPEC N8).

2xx satisfies. 4xx, a redirect, an answer that is too large and a payload that is no JSON are final; 5xx, no connection
and no answer in time are tried again, later each time, until the attempts or the time for all of them are used up.
"""

from __future__ import annotations

from typing import Final

from stepwell.definition.conditions import WebhookSpec
from stepwell.kernel.conditions.leaf import (
    Ground,
    Rules,
    asking,
    failed,
    noted,
    out_of_time,
    overdue,
    satisfied,
    started,
)
from stepwell.model.actions import Outcome, Succeeded
from stepwell.model.base import Duration, Json
from stepwell.model.conditions import Reason, Record

AGAIN: Final = frozenset({Reason.SERVER_ERROR, Reason.NETWORK, Reason.REQUEST_TIMEOUT, Reason.INTERNAL})
"""After these another attempt may help."""


def _begin(spec: WebhookSpec, record: Record, ground: Ground) -> Record:
    return {**asking(record, ground.now), "deadline_at": ground.now + spec.timeout, "attempts": []}


def _look(spec: WebhookSpec, record: Record, ground: Ground) -> Record:
    if not overdue(record, ground.now):
        return record
    told = f"not delivered within {spec.timeout // 1_000_000} s, after {len(record['attempts'])} attempts"
    return out_of_time(noted(record, detail=told), ground.now)


def _hear(spec: WebhookSpec, record: Record, outcome: Outcome, ground: Ground) -> Record:
    now, report = ground.now, _report(outcome)
    reason, code = report.get("reason"), report.get("code")
    attempt = {"number": record["number"], "delivery": report.get("delivery"), "at": now, "code": code}
    attempt |= {"reason": reason}
    tried = [*record["attempts"], {name: value for name, value in attempt.items() if value is not None}]
    heard = noted(started(record, now), attempts=tried, code=code)
    if reason is None:
        return satisfied(heard, now)
    found, told = Reason(reason), report.get("detail", "")
    if found not in AGAIN or len(tried) >= spec.attempts:
        return failed(heard, found, told, now)
    return {**noted(heard, detail=told or None), "ask_at": now + _delay(spec, len(tried))}


def _report(outcome: Outcome) -> dict[str, Json]:
    """What the worker said; a worker that broke says nothing about the receiver."""
    if isinstance(outcome, Succeeded):
        report: dict[str, Json] = outcome.output
        return report
    return {"reason": str(Reason.INTERNAL), "detail": "the worker failed to deliver it"}


def _delay(spec: WebhookSpec, tried: int) -> Duration:
    grown = spec.interval * 2 ** (tried - 1) if spec.exponential else spec.interval
    return min(grown, max(spec.cap, spec.interval))


RULES = Rules(_begin, look=_look, hear=_hear)
