"""What happens to a run as a whole, to its data and to its scopes."""

from __future__ import annotations

from typing import NamedTuple

from stepwell.model.base import Instant, Json
from stepwell.model.events.same import SAME, MaybeSame
from stepwell.model.problem import Problem


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
    attributes: dict[str, Json] = {}
    queue: str | None = None
    """where it waits until an engine takes it; None: it begins at once"""
    due: Instant | None = None
    """not before"""
    deadline: Instant | None = None
    """it must have ended by then"""
    partition: str | None = None
    unique: str | None = None
    """no other open run of the queue has this key"""
    debounced: bool = False
    """… as long as it has not begun"""
    title: str | None = None
    description: str | None = None
    labels: tuple[str, ...] = ()
    properties: dict[str, str] = {}
    author: str | None = None
    """who started it, as they say"""
    held: bool = False
    """it begins when a person says so"""
    attended: bool = False
    """it is a procedure (see `Run.attended`)"""
    commit: str | None = None
    """the version of a procedure that it was started with"""


class RunStarted(NamedTuple):
    """`input` is the transformed input, which is also the first context."""

    input: MaybeSame = SAME
    deadline: Instant | None = None
    expected: dict[str, Json] | None = None
    """the instants of its soft deadline (see `model.deadline`)"""


class RunRescheduled(NamedTuple):
    """It waits in its queue (again), for `due`: put off by a debounced start, or resumed before it had begun."""

    due: Instant
    input: MaybeSame = SAME


class RunPausing(NamedTuple):
    reason: str | None = None


class RunPaused(NamedTuple):
    pass


class RunResumed(NamedTuple):
    pass


class RunCancelling(NamedTuple):
    """`timed_out`: nobody asked for it, its time is over; once it is undone it ends as timed out."""

    reason: str | None = None
    timed_out: bool = False


class RunCompensating(NamedTuple):
    """The run is being cancelled (or out of time), and nothing is in flight any more: its completed steps are undone
    before it ends."""


class RunCancelled(NamedTuple):
    """`error`: the failure that its completed steps were being undone for when it was cancelled, and the `step` that it
    came from, if it did."""

    error: Problem | None = None
    step: str | None = None


class RunCompleted(NamedTuple):
    """`output` SAME: what the last task gave."""

    output: MaybeSame = SAME


class RunFailed(NamedTuple):
    error: Problem
    step: str | None = None


class RunTimedOut(NamedTuple):
    error: Problem


class RunTerminated(NamedTuple):
    """`error` and `step` as of `RunCancelled`, where the code was at hand that knows them."""

    reason: str | None = None
    error: Problem | None = None
    step: str | None = None


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


class FollowUpOrdered(NamedTuple):
    """Another run, `run_id` of `workflow` (`namespace/name:version`), is to be started because of this: the run's
    outcome, or what happened to a step. `number`: the attempt of the step, or the generation of the run."""

    run_id: str
    workflow: str
    cause: str
    step: str | None = None
    number: int = 1


class ContextSet(NamedTuple):
    context: Json


class VariablesSet(NamedTuple):
    """`values` replaces the named variables; a name in `removed` is gone."""

    values: dict[str, Json]
    removed: tuple[str, ...] = ()
    step: str | None = None


class RunOverdue(NamedTuple):
    """The soft deadline has passed and the run is open; `escalated`: the second time."""

    escalated: bool = False


class RunMigrated(NamedTuple):
    """The run goes on with another version of its definition. `paths`: the pointers of tasks and lists that stand
    elsewhere now, old to new. `plans`: for each graph that is being gone through an object: `scope`, `nodes` (steps
    that have not begun, as in `StepsPlanned`), and `steps` (by task, the present step)."""

    definition_hash: str
    version: str
    commit: str | None = None
    paths: dict[str, str] = {}
    plans: list[Json] = []


class AttributesSet(NamedTuple):
    """Search attributes: `values` replaces the named ones; a name in `removed` is gone."""

    values: dict[str, Json] = {}
    removed: tuple[str, ...] = ()
    step: str | None = None


class RunMetadataSet(NamedTuple):
    """What people call the run and file it under was changed; its state was not. A member that is SAME stays as it is:
    that is something else than empty. `labels`: a list; `properties`: all of them."""

    title: MaybeSame = SAME
    description: MaybeSame = SAME
    labels: MaybeSame = SAME
    properties: MaybeSame = SAME
    archived: MaybeSame = SAME


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
