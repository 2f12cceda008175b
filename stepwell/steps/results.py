"""What the step store answers: plain records, with times as `datetime` in UTC."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from stepwell.kernel.standing import expired
from stepwell.model.base import EPOCH, Instant, Json
from stepwell.model.driven import Pulse, Recorded, Verdict
from stepwell.model.records import Step
from stepwell.workers.copies import own_copy


def moment(instant: Instant | None) -> datetime | None:
    return None if instant is None else EPOCH + timedelta(microseconds=instant)


@dataclass(frozen=True, slots=True)
class Claim:
    """The right to end one attempt of a step. Whoever has it may pass it on, to another process too; `token` is its
    secret, which the store keeps as a hash only."""

    run_id: str
    step: str
    attempt: int
    token: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Begin:
    """The answer to `begin_step`: execute (then `claim` is there), or skip, and why.

    `state` and `output` are those of the step as it was (None: it was not there). `due`: when it may be begun, if only
    the time stands in the way. `lease_until`: how long the claim on it is good, one's own or that of another.
    """

    execute: bool
    claim: Claim | None
    state: str | None
    run_state: str
    reason: str
    attempt: int
    input: Json = None
    output: Json = None
    due: datetime | None = None
    lease_until: datetime | None = None

    @property
    def decision(self) -> str:
        """`execute` or `skip`."""
        return "execute" if self.execute else "skip"


@dataclass(frozen=True, slots=True)
class Completion:
    """The answer to a result. `recorded` False: the very same was on record already. `scheduled`: the successors that
    this call planned."""

    recorded: bool
    state: str
    run_state: str
    scheduled: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The answer to a sign of life. `cancelling`: stop, and end the step as it is."""

    lease_until: datetime | None
    run_state: str

    @property
    def cancelling(self) -> bool:
        return self.run_state == "cancelling"


@dataclass(frozen=True, slots=True)
class StepRun:
    """A step of a run. `owner`, `lease_until` and `expired` are those of the claim on it, while it is performed."""

    run_id: str
    step: str
    state: str
    attempt: int
    input: Json
    output: Json
    error: Mapping[str, Json] | None
    scheduled_at: datetime | None
    started_at: datetime | None
    ended_at: datetime | None
    due: datetime | None = None
    owner: str | None = None
    lease_until: datetime | None = None
    expired: bool = False
    progress: Json = None


@dataclass(frozen=True, slots=True)
class Recovery:
    """What is to be done after a crash, in this order: dispatch what was planned, go on from what is finished (only
    where nothing else would), and then begin again what was lost."""

    planned: tuple[StepRun, ...]
    finished: tuple[StepRun, ...]
    expired: tuple[StepRun, ...]


def begin_of(run_id: str, step: str, token: str, verdict: Verdict) -> Begin:
    return Begin(
        execute=verdict.execute,
        claim=Claim(run_id, step, verdict.attempt, token) if verdict.execute else None,
        state=None if verdict.status is None else verdict.status.value,
        run_state=verdict.run_status.value,
        reason=verdict.reason,
        attempt=verdict.attempt,
        input=own_copy(verdict.input),
        output=own_copy(verdict.output),
        due=moment(verdict.due),
        lease_until=moment(verdict.until),
    )


def completion_of(recorded: Recorded) -> Completion:
    return Completion(recorded.fresh, recorded.status.value, recorded.run_status.value, recorded.scheduled)


def heartbeat_of(pulse: Pulse) -> Heartbeat:
    return Heartbeat(moment(pulse.until), pulse.run_status.value)


def step_run_of(run_id: str, step: Step, now: Instant) -> StepRun:
    claim = step.claim if step.status == "running" else None
    return StepRun(
        run_id=run_id,
        step=step.name,
        state=step.status.value,
        attempt=step.attempt,
        input=step.input,
        output=step.output,
        error=None if step.error is None else step.error.as_json(),
        scheduled_at=moment(step.scheduled_at or None),
        started_at=moment(step.started_at),
        ended_at=moment(step.ended_at),
        due=moment(step.due),
        owner=None if claim is None else claim.owner,
        lease_until=None if claim is None else moment(claim.until),
        expired=expired(step, now),
        progress=step.progress,
    )
