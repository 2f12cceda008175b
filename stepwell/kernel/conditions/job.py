"""`job`: another run of Stepwell. Its end decides, and is looked for again and again."""

from __future__ import annotations

from stepwell.definition.conditions import HttpSpec, JobSpec
from stepwell.kernel.conditions import http
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
from stepwell.kernel.exchange import as_text
from stepwell.model.actions import Outcome, Succeeded
from stepwell.model.conditions import Reason, Record
from stepwell.model.states import RunStatus


def _begin(spec: JobSpec | HttpSpec, record: Record, ground: Ground) -> Record:
    if isinstance(spec, HttpSpec):
        return http.RULES.begin(spec, record, ground)
    watched = noted(record, run=as_text(ground.render(spec.run)))
    return limited(asking(watched, ground.now), spec.timeout, ground)


def _look(spec: JobSpec | HttpSpec, record: Record, ground: Ground) -> Record:
    return out_of_time(record, ground.now) if overdue(record, ground.now) else record


def _hear(spec: JobSpec | HttpSpec, record: Record, outcome: Outcome, ground: Ground) -> Record:
    if isinstance(spec, HttpSpec):
        assert http.RULES.hear is not None
        return http.RULES.hear(spec, record, outcome, ground)
    now, every = ground.now, ground.duration(spec.every)
    if not isinstance(outcome, Succeeded):
        return again(record, every, now)
    status, run = outcome.output["status"], outcome.output.get("run", record["run"])
    if status is None:
        return failed(record, Reason.JOB_NOT_FOUND, f"there is no run {record['run']}", now)
    heard = noted(record, run=run, job=status)
    if status == RunStatus.COMPLETED:
        return satisfied(heard, now)
    if status != RunStatus.CONTINUED and RunStatus(status).terminal:
        return failed(heard, Reason.JOB_FAILED, f"run {run} ended as {status}", now)
    return again(heard, every, now)


RULES = Rules(_begin, look=_look, hear=_hear)
