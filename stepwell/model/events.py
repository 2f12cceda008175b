"""What has happened: the facts of a run's journal, and their names.

An event says what a reader needs to understand it; what is implied by the events before it is left out (a step whose
input is simply what the previous one gave does not repeat it: `input` is then `SAME`). The names are a public
contract: they appear in the journal, in logs, in observers and on screen, and never change their meaning.
"""

from __future__ import annotations

from enum import Enum
from typing import Any, Final, Literal, NamedTuple

from stepwell.model.base import Instant, Json
from stepwell.model.problem import Problem


class Same(Enum):
    """Stands for "the data that was flowing here anyway"."""

    SAME = "same"


SAME: Final = Same.SAME
MaybeSame = Json | Literal[Same.SAME]

RUN_CREATED: Final = "run.created"
RUN_STARTED: Final = "run.started"
RUN_PAUSING: Final = "run.pausing"
RUN_PAUSED: Final = "run.paused"
RUN_RESUMED: Final = "run.resumed"
RUN_CANCELLING: Final = "run.cancelling"
RUN_CANCELLED: Final = "run.cancelled"
RUN_COMPLETED: Final = "run.completed"
RUN_FAILED: Final = "run.failed"
RUN_TIMED_OUT: Final = "run.timed_out"
RUN_TERMINATED: Final = "run.terminated"
RUN_RETRIED: Final = "run.retried"
RUN_CONTINUED: Final = "run.continued"
RUN_STALLED: Final = "run.stalled"
RUN_UNSTALLED: Final = "run.unstalled"
SIGNAL_RECEIVED: Final = "signal.received"
SIGNAL_TAKEN: Final = "signal.taken"
STREAM_WRITTEN: Final = "stream.written"
CONTEXT_SET: Final = "context.set"
VARIABLES_SET: Final = "variables.set"
SCOPE_OPENED: Final = "scope.opened"
SCOPE_CLOSED: Final = "scope.closed"
STEP_SCHEDULED: Final = "step.scheduled"
STEP_STARTED: Final = "step.started"
STEP_WAITING: Final = "step.waiting"
STEP_PAUSED: Final = "step.paused"
STEP_RELEASED: Final = "step.released"
STEP_RETRYING: Final = "step.retrying"
STEP_DEFERRED: Final = "step.deferred"
STEP_RECOVERED: Final = "step.recovered"
STEP_PROGRESSED: Final = "step.progressed"
STEP_COMPLETED: Final = "step.completed"
STEP_FAILED: Final = "step.failed"
STEP_TIMED_OUT: Final = "step.timed_out"
STEP_SKIPPED: Final = "step.skipped"
STEP_CANCELLED: Final = "step.cancelled"
STEP_REOPENED: Final = "step.reopened"
STEP_RESUMED: Final = "step.resumed"


class RunCreated(NamedTuple):
    """The first event of every journal. `input` is the raw input."""

    run_id: str
    namespace: str
    name: str
    version: str
    definition_hash: str
    input: Json
    key: str | None = None
    tags: dict[str, str] = {}
    priority: int = 0
    mode: str = "normal"
    parent_id: str | None = None
    parent_step: str | None = None
    depth: int = 0
    rerun_of: str | None = None
    variables: dict[str, Json] = {}
    detached: bool = False
    code: str | None = None
    """the function that is this workflow, `package.module:name`; None: it is a document"""
    continued_from: str | None = None
    forked_from: str | None = None


class RunStarted(NamedTuple):
    """`input` is the transformed input, which is also the first context."""

    input: MaybeSame = SAME
    deadline: Instant | None = None


class RunPausing(NamedTuple):
    reason: str | None = None


class RunPaused(NamedTuple):
    pass


class RunResumed(NamedTuple):
    pass


class RunCancelling(NamedTuple):
    reason: str | None = None


class RunCancelled(NamedTuple):
    pass


class RunCompleted(NamedTuple):
    """`output` SAME: what the last task gave."""

    output: MaybeSame = SAME


class RunFailed(NamedTuple):
    error: Problem
    step: str | None = None


class RunTimedOut(NamedTuple):
    error: Problem


class RunTerminated(NamedTuple):
    reason: str | None = None


class RunRetried(NamedTuple):
    """An operator reopened a failed run: `generation` counts from 1."""

    generation: int
    deadline: Instant | None = None


class RunContinued(NamedTuple):
    """The workflow goes on as another run, with an empty journal."""

    run_id: str


class RunStalled(NamedTuple):
    """The engine cannot go on with the workflow's code: it is missing here, or no longer matches the journal."""

    error: Problem


class RunUnstalled(NamedTuple):
    """The right code is there again."""


class SignalReceived(NamedTuple):
    """`signal` is the delivery's id: the same one counts once. `step`: the step that waited for it, if one did."""

    signal: str
    name: str
    value: Json
    correlation: str | None = None
    step: str | None = None


class SignalTaken(NamedTuple):
    """A step took a signal that had come before it began to wait."""

    signal: str
    step: str


class StreamWritten(NamedTuple):
    stream: str
    value: Json
    closed: bool = False


class ContextSet(NamedTuple):
    context: Json


class VariablesSet(NamedTuple):
    """`values` replaces the named variables; a name in `removed` is gone."""

    values: dict[str, Json]
    removed: tuple[str, ...] = ()
    step: str | None = None


class ScopeOpened(NamedTuple):
    """`input` SAME: what the owner would hand on now (its input, or what its last list gave)."""

    scope: str
    owner: str
    pointer: str
    section: str
    number: int = 0
    input: MaybeSame = SAME
    variables: dict[str, Json] | None = None


class ScopeClosed(NamedTuple):
    """The list came to its end. Its result is the data that was flowing in it, unless `output` says otherwise."""

    scope: str
    output: MaybeSame = SAME


class StepScheduled(NamedTuple):
    """The step is known and held: until `due`, until the run goes on, or until the next turn."""

    step: str
    path: str
    kind: str
    scope: str
    due: Instant | None = None
    priority: int = 0
    optional: bool = False


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
    """The worker asked to be called again at `due`; that is no failure, and spends no attempt."""

    step: str
    due: Instant
    progress: MaybeSame = SAME


class StepRecovered(NamedTuple):
    """The process that was performing the attempt is gone; the attempt is performed again."""

    step: str
    runs: int


class StepProgressed(NamedTuple):
    step: str
    progress: Json


class StepCompleted(NamedTuple):
    """`output` is the transformed output; SAME: its input, or what its last list gave, passed through."""

    step: str
    output: MaybeSame = SAME


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
    """A run that had ended goes on from here: the step begins again."""

    step: str


class StepResumed(NamedTuple):
    """A run that had ended goes on inside this step, with a timeout that begins anew."""

    step: str
    deadline: Instant | None = None


Event = (
    RunCreated
    | RunStarted
    | RunPausing
    | RunPaused
    | RunResumed
    | RunCancelling
    | RunCancelled
    | RunCompleted
    | RunFailed
    | RunTimedOut
    | RunTerminated
    | RunRetried
    | RunContinued
    | RunStalled
    | RunUnstalled
    | SignalReceived
    | SignalTaken
    | StreamWritten
    | ContextSet
    | VariablesSet
    | ScopeOpened
    | ScopeClosed
    | StepScheduled
    | StepStarted
    | StepWaiting
    | StepPaused
    | StepReleased
    | StepRetrying
    | StepDeferred
    | StepRecovered
    | StepProgressed
    | StepCompleted
    | StepFailed
    | StepTimedOut
    | StepSkipped
    | StepCancelled
    | StepReopened
    | StepResumed
)

NAMES: Final[dict[type[Any], str]] = {
    RunCreated: RUN_CREATED,
    RunStarted: RUN_STARTED,
    RunPausing: RUN_PAUSING,
    RunPaused: RUN_PAUSED,
    RunResumed: RUN_RESUMED,
    RunCancelling: RUN_CANCELLING,
    RunCancelled: RUN_CANCELLED,
    RunCompleted: RUN_COMPLETED,
    RunFailed: RUN_FAILED,
    RunTimedOut: RUN_TIMED_OUT,
    RunTerminated: RUN_TERMINATED,
    RunRetried: RUN_RETRIED,
    RunContinued: RUN_CONTINUED,
    RunStalled: RUN_STALLED,
    RunUnstalled: RUN_UNSTALLED,
    SignalReceived: SIGNAL_RECEIVED,
    SignalTaken: SIGNAL_TAKEN,
    StreamWritten: STREAM_WRITTEN,
    ContextSet: CONTEXT_SET,
    VariablesSet: VARIABLES_SET,
    ScopeOpened: SCOPE_OPENED,
    ScopeClosed: SCOPE_CLOSED,
    StepScheduled: STEP_SCHEDULED,
    StepStarted: STEP_STARTED,
    StepWaiting: STEP_WAITING,
    StepPaused: STEP_PAUSED,
    StepReleased: STEP_RELEASED,
    StepRetrying: STEP_RETRYING,
    StepDeferred: STEP_DEFERRED,
    StepRecovered: STEP_RECOVERED,
    StepProgressed: STEP_PROGRESSED,
    StepCompleted: STEP_COMPLETED,
    StepFailed: STEP_FAILED,
    StepTimedOut: STEP_TIMED_OUT,
    StepSkipped: STEP_SKIPPED,
    StepCancelled: STEP_CANCELLED,
    StepReopened: STEP_REOPENED,
    StepResumed: STEP_RESUMED,
}
"""The name of every event class: what the journal writes as `type`."""
