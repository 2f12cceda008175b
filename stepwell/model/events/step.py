"""What happens to a step."""

from __future__ import annotations

from typing import NamedTuple

from stepwell.model.base import Instant, Json
from stepwell.model.events.same import SAME, MaybeSame
from stepwell.model.problem import Problem


class StepScheduled(NamedTuple):
    """The step is known and held: until `due`, until the run goes on, or until the next turn."""

    step: str
    path: str
    kind: str
    scope: str
    due: Instant | None = None
    priority: int = 0
    optional: bool = False
    input: MaybeSame = SAME
    """what whoever planned it gave it, where a program of its own drives the run"""


class StepStarted(NamedTuple):
    """`input` is the transformed input. `path`, `kind` and `scope` are there unless the step was scheduled before."""

    step: str
    path: str = ""
    kind: str = ""
    scope: str = ""
    input: MaybeSame = SAME
    priority: int = 0
    optional: bool = False
    deadline: Instant | None = None
    attempt_deadline: Instant | None = None
    items: list[Json] | None = None
    options: dict[str, Json] | None = None
    expected: dict[str, Json] | None = None
    """the instants of its soft deadline (see `model.deadline`)"""
    by: str | None = None
    """who began it by hand"""


class StepOverdue(NamedTuple):
    """The soft deadline has passed and the step is open; `escalated`: the second time."""

    step: str
    escalated: bool = False


class StepWaiting(NamedTuple):
    step: str
    reason: str
    due: Instant | None = None


class StepPaused(NamedTuple):
    """A debugger pause before the step."""

    step: str
    path: str
    kind: str
    scope: str
    priority: int = 0
    optional: bool = False


class StepReleased(NamedTuple):
    step: str


class StepRetrying(NamedTuple):
    """The attempt failed; the next one may begin at `due`."""

    step: str
    error: Problem
    due: Instant


class StepDeferred(NamedTuple):
    """The worker asked to be called again at `due`; that is no failure, and spends no attempt. `limited`: the worker
    was not asked, the rate has no room before."""

    step: str
    due: Instant
    progress: MaybeSame = SAME
    limited: bool = False


class StepRecovered(NamedTuple):
    """The process that was performing the attempt is gone; the attempt is performed again."""

    step: str
    runs: int


class StepProgressed(NamedTuple):
    step: str
    progress: Json


class StepCompleted(NamedTuple):
    """`output` is the transformed output; SAME: its input, or what its last list gave, passed through.
    `source`: nothing was performed, the raw output was kept from this run and step (`RUN/do/0/name`)."""

    step: str
    output: MaybeSame = SAME
    source: str | None = None


class StepFailed(NamedTuple):
    """`absorbed`: the run goes on (optional step, or failure policy)."""

    step: str
    error: Problem
    absorbed: bool = False


class StepTimedOut(NamedTuple):
    step: str
    error: Problem
    absorbed: bool = False


class StepSkipped(NamedTuple):
    """`path`, `kind`, `scope` are there unless the step was known before."""

    step: str
    reason: str
    path: str = ""
    kind: str = ""
    scope: str = ""


class StepCancelled(NamedTuple):
    step: str
    reason: str | None = None


class StepReopened(NamedTuple):
    """A run that had ended goes on from here: the step begins again. `due` and `input` as in `StepScheduled`.
    `forgotten`: steps that the workflow's code had asked for because this one failed."""

    step: str
    input: MaybeSame = SAME
    due: Instant | None = None
    forgotten: tuple[str, ...] = ()


class StepResumed(NamedTuple):
    """A run that had ended goes on inside this step, with a timeout that begins anew."""

    step: str
    deadline: Instant | None = None


class StepClaimed(NamedTuple):
    """Somebody outside performs the present attempt: whoever knows the token (only its SHA-256, in hex, is kept). None:
    the claim does not expire."""

    step: str
    token_hash: str
    owner: str | None = None
    until: Instant | None = None


class StepClaimExtended(NamedTuple):
    """A sign of life of whoever performs the attempt."""

    step: str
    until: Instant


class StepWithdrawn(NamedTuple):
    """It was planned and is not to be done after all; it may be planned again."""

    step: str
    reason: str | None = None
