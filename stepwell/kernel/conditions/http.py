"""`http`: ask a service again and again, until its answer says yes, or no.

Only answers of success are looked at; every other exchange is a failed one, of which `attempts` may follow each other.
What changes nothing worth telling is not written down.
"""

from __future__ import annotations

from stepwell.definition.conditions import HttpSpec
from stepwell.kernel.conditions.leaf import (
    Ground,
    Rules,
    again,
    asking,
    failed,
    limited,
    noted,
    out_of_time,
    overdue,
    satisfied,
)
from stepwell.model.actions import Failed, Outcome, Succeeded
from stepwell.model.conditions import Reason, Record

OK = 200


def _begin(spec: HttpSpec, record: Record, ground: Ground) -> Record:
    return limited(asking(record, ground.now), spec.timeout, ground)


def _look(spec: HttpSpec, record: Record, ground: Ground) -> Record:
    return out_of_time(record, ground.now) if overdue(record, ground.now) else record


def _hear(spec: HttpSpec, record: Record, outcome: Outcome, ground: Ground) -> Record:
    now = ground.now
    if isinstance(outcome, Failed):
        return _no_answer(spec, record, outcome, ground)
    if not isinstance(outcome, Succeeded):
        return again(record, ground.duration(spec.every), now)
    heard = noted(record, code=OK, detail=None, failures=None)
    if spec.fail is not None and ground.says(spec.fail, outcome.output):
        return failed(heard, Reason.ANSWER, "the answer is what `fail` asks for", now)
    if spec.until is None or ground.says(spec.until, outcome.output):
        return satisfied(heard, now)
    return again(heard, ground.duration(spec.every), now)


def _no_answer(spec: HttpSpec, record: Record, outcome: Failed, ground: Ground) -> Record:
    found = outcome.problem
    failures = record.get("failures", 0) + 1
    heard = noted(record, code=found.status, detail=(found.detail or found.title)[:200])
    if spec.attempts is None:
        return again(heard, ground.duration(spec.every), ground.now)
    heard = noted(heard, failures=failures)
    if failures >= spec.attempts:
        told = f"{failures} exchanges failed in a row, the last one: {heard['detail']}"
        return failed(heard, Reason.ATTEMPTS, told, ground.now)
    return again(heard, ground.duration(spec.every), ground.now)


RULES = Rules(_begin, look=_look, hear=_hear)
