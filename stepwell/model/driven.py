"""Runs that a program of its own drives (see `stepwell.steps`): what it may ask, and what it is answered.

Such a run is no engine's. The program says which step begins, who performs it, how it ended and what comes next; the
journal sees to it that of all who want to begin a step exactly one does, and that only that one can end it.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from stepwell.model.base import Duration, Instant, Json
from stepwell.model.problem import Problem
from stepwell.model.states import RunStatus, StepStatus

DRIVEN: Final = "steps"
"""Stands where a run names its code, `metadata.code` of its definition. (A function's name has a colon in it.)"""

KIND: Final = "step"
"""The kind of every step of such a run."""

ANY: Final = "any"
"""`metadata.steps` of a definition that takes steps of any name."""

EXPIRED: Final = "claim-expired"
"""The last segment of the type of the error with which an attempt ends whose claim expired."""


def step_id(name: str) -> str:
    return "/do/" + name.replace("~", "~0").replace("/", "~1")


class Planned(NamedTuple):
    """A step that is to be done. `due`: not before. `needs`: only if these steps are completed now."""

    name: str
    input: Json = None
    due: Instant | None = None
    needs: tuple[str, ...] = ()


class Ending(NamedTuple):
    """The run ends: completed with `output`, or failed with `problem`."""

    output: Json = None
    problem: Problem | None = None


class Fence(NamedTuple):
    """Which attempt speaks: it must be the present one, claimed with this token."""

    step: str
    attempt: int
    token_hash: str


class BeginStep(NamedTuple):
    """Perform the step, if nobody does or did. `lease`: for how long the claim is good unless it is extended; None:
    until the step ends. `given` False: with the input that it was planned with."""

    step: str
    token_hash: str
    input: Json = None
    given: bool = True
    owner: str | None = None
    lease: Duration | None = None


class ScheduleSteps(NamedTuple):
    """Plan steps, all or none. Those that are there already stay as they are."""

    steps: tuple[Planned, ...]


class WithdrawSteps(NamedTuple):
    """Steps that nobody has begun are not to be done after all; others stay as they are."""

    steps: tuple[str, ...]
    reason: str | None = None


class FinishStep(NamedTuple):
    """The attempt is over: with `output`, or with `problem`. In the same turn its successors are planned, and the run
    ends if `ending` is there. `retry_after`: another attempt may begin after so long."""

    fence: Fence
    output: Json = None
    problem: Problem | None = None
    retry_after: Duration | None = None
    schedule: tuple[Planned, ...] = ()
    ending: Ending | None = None


class PutOffStep(NamedTuple):
    """The attempt gives the step back: again after so long, and no failure. `hold`: it waits for a person, and the run
    is paused; the same claim then ends it."""

    fence: Fence
    after: Duration = 0
    progress: Json = None
    hold: bool = False
    reason: str | None = None


class ExtendClaim(NamedTuple):
    """A sign of life; `lease` from now."""

    fence: Fence
    lease: Duration | None = None
    progress: Json = None


class Reconcile(NamedTuple):
    """Do again what followed from a completed step, as far as it is not done: a repeated delivery mends a stuck run."""

    step: str
    schedule: tuple[Planned, ...] = ()
    ending: Ending | None = None


class ReleaseExpired(NamedTuple):
    """End every attempt whose claim has expired."""


class EndRun(NamedTuple):
    """The run is through. Asked again for the same end it changes nothing."""

    ending: Ending


DrivenCommand = (
    BeginStep
    | ScheduleSteps
    | WithdrawSteps
    | FinishStep
    | PutOffStep
    | ExtendClaim
    | Reconcile
    | ReleaseExpired
    | EndRun
)


class Verdict(NamedTuple):
    """The answer to `BeginStep`. `status` is that of the step before (None: it was not there); `reason` says why not.
    `due`: when a skipped step may be begun, if only the time stands in the way."""

    execute: bool
    attempt: int
    status: StepStatus | None
    run_status: RunStatus
    reason: str = ""
    input: Json = None
    output: Json = None
    due: Instant | None = None
    until: Instant | None = None


class Recorded(NamedTuple):
    """The answer to a result. `fresh` False: it was on record already. `scheduled`: names of steps newly planned."""

    fresh: bool
    status: StepStatus
    run_status: RunStatus
    scheduled: tuple[str, ...] = ()


class Pulse(NamedTuple):
    """The answer to a sign of life. `run_status` `cancelling`: stop, and say so."""

    until: Instant | None
    run_status: RunStatus
