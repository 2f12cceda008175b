"""What is known of a run: the run itself, its scopes, its steps and their attempts.

These records are made and changed by the kernel's `evolve` only; everybody else reads them. Fields are those of
SPEC X1 (run), U1 (step) and U2 (attempt). Times are `Instant`s, None until they happen.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from stepwell.model.approvals import Approval
from stepwell.model.base import Instant, Json, nothing
from stepwell.model.people import Graph, Node, Stamp
from stepwell.model.problem import Problem
from stepwell.model.states import RunStatus, StepStatus, WaitReason

ACTIONS: Final = "actions"
"""The section of the scope in which a step's completion actions are."""


@dataclass(slots=True)
class Attempt:
    """One try at a step. A retry adds an attempt; a re-execution after a crash adds to `runs` of the same one."""

    number: int
    scheduled_at: Instant
    started_at: Instant | None = None
    polled_at: Instant | None = None
    updated_at: Instant | None = None
    ended_at: Instant | None = None
    runs: int = 1
    executor: str | None = None
    ref: str | None = None
    output: Json = None
    error: Problem | None = None


@dataclass(slots=True)
class Claim:
    """Who performs the present attempt of a step, where a program of its own drives the run. `until` None: it does not
    expire."""

    token_hash: str
    at: Instant
    owner: str | None = None
    until: Instant | None = None


@dataclass(slots=True)
class Step:
    """One task in one run. `id` is unique in the run; `path` is the task's JSON pointer; `index` its loop indexes.

    The id is the path, with `[n]` behind a task list that is gone through more than once (a loop's iterations from
    0, a retried block's later tries from 1) and behind a task that is visited again through `then`.
    """

    id: str
    path: str
    kind: str
    scope: str
    scheduled_at: Instant
    parent: str | None = None
    parent_attempt: int = 1
    index: tuple[int, ...] = ()
    status: StepStatus = StepStatus.PENDING
    reason: WaitReason | None = None
    priority: int = 0
    optional: bool = False
    input: Json = None
    output: Json = None
    error: Problem | None = None
    skip_reason: str | None = None
    tries: list[Attempt] | None = field(default_factory=list)
    """the attempts; None: there is one, of which is known no more than when the step began and completed (as of nearly
    every step that somebody performs: thousands of records that would say nothing)"""
    spent: int = 0
    """attempts that belong to an earlier go at the step, before a retry of the whole run"""
    started_at: Instant | None = None
    updated_at: Instant | None = None
    ended_at: Instant | None = None
    due: Instant | None = None
    """when a delay, a back-off or a `wait` is over"""
    deadline: Instant | None = None
    """when the task's timeout strikes"""
    attempt_deadline: Instant | None = None
    """when the timeout of the present attempt strikes (`retry.limit.attempt.duration`)"""
    progress: Json = None
    flow: Json = None
    """what it hands on if it ends now: its input, then what its last list gave"""
    live: int = 0
    """scopes inside it that are open"""
    items: list[Json] | None = None
    """what a `for` goes through"""
    cursor: int = 0
    """the next item of a `for` to begin"""
    released: bool = False
    """a debugger pause on it has been let go"""
    options: Json = None
    """what its code said of it: retries, timeouts, compensation (see `model.policy.StepOptions`)"""
    outcome: int = 0
    """the how-manieth end of a step that the workflow's code is told of (from 1); 0: it is not told"""
    expected: Json = None
    """the instants of its soft deadline (see `model.deadline`)"""
    overdue: int = 0
    """1: it was told that it is overdue, 2: that this escalated"""
    claim: Claim | None = None
    """the last one; where a program of its own drives the run"""
    withdrawn: bool = False
    """it was planned, and is as if it had not been"""
    source: str | None = None
    """the run and step whose result it got, without being performed"""
    granted: bool = False
    """the present attempt waited for its slot in a rate, and has it"""

    @property
    def name(self) -> str:
        """The task's name: the last segment of its path."""
        return self.path.rpartition("/")[2].replace("~1", "/").replace("~0", "~")

    @property
    def attempts(self) -> list[Attempt]:
        """To be read only."""
        if self.tries is None:
            return [Attempt(1, self.started_at or 0, self.started_at, ended_at=self.ended_at)]
        return self.tries

    @property
    def attempt(self) -> int:
        """The number of the present attempt; 0 before the first."""
        if self.tries is None:
            return 1
        return self.tries[-1].number if self.tries else 0


@dataclass(slots=True)
class Scope:
    """One pass through one task list: the run's `do` (id ``""``), a block, one iteration, one branch, one handler."""

    id: str
    owner: str | None
    pointer: str
    """JSON pointer of the task list"""
    section: str
    """do, iteration, item (an iteration beside others), branch, try, catch, function or actions"""
    number: int = 0
    """which iteration, item, branch or try"""
    index: tuple[int, ...] = ()
    input: Json = None
    flow: Json = None
    """the data that the next task will get"""
    variables: dict[str, Json] | None = None
    """what this scope adds: the loop's item and index, the caught error"""
    open: bool = True
    begun: bool = False
    """a task of it was entered"""
    failed: bool = False
    """its last step failed and was absorbed: what flows here is not an output"""
    visits: dict[int, int] | None = None
    """how often a task was entered, by position"""
    apart: bool = False
    """what one step of it gives is not what the next one gets: a graph, or the actions of a step"""


@dataclass
class Run:
    """One execution of a definition. `seq` is its change number: the last turn of its journal.

    It has no slots: every turn copies it, and a `__dict__` is copied at once, four times as fast as sixty slots. The
    copy is shallow: what is in an object or a list of it is never changed, but replaced.
    """

    id: str
    namespace: str
    name: str
    version: str
    definition_hash: str
    created_at: Instant
    status: RunStatus = RunStatus.PENDING
    seq: int = 0
    input: Json = None
    context: Json = None
    output: Json = None
    variables: dict[str, Json] = field(default_factory=nothing)
    error: Problem | None = None
    error_step: str | None = None
    errors: dict[str, Problem] = field(default_factory=nothing)
    """failures by step id, absorbed ones included"""
    cancel_reason: str | None = None
    pause_reason: str | None = None
    started_at: Instant | None = None
    updated_at: Instant | None = None
    ended_at: Instant | None = None
    paused_at: Instant | None = None
    resumed_at: Instant | None = None
    deadline: Instant | None = None
    key: str | None = None
    """claimed by the first run of a chain, and known to those that it continues as"""
    tags: dict[str, str] = field(default_factory=nothing)
    priority: int = 0
    mode: str = "normal"
    """`debug` pauses before every task"""
    parent_id: str | None = None
    parent_step: str | None = None
    depth: int = 0
    detached: bool = False
    """nobody waits for it: it goes on whatever becomes of the run that started it"""
    rerun_of: str | None = None
    generation: int = 1
    """how often the run was opened: a retry of a failed run opens the next generation"""
    counts: dict[StepStatus, int] = field(default_factory=dict)
    """steps by status"""
    code: str | None = None
    """the function that is this workflow (`package.module:name`); None: it is a document"""
    outcomes: int = 0
    """how many ends of steps the workflow's code is told of"""
    stalled: Problem | None = None
    """why the engine cannot go on with the workflow's code"""
    inbox: tuple[str, ...] = ()
    """signals that nobody has waited for yet, by id"""
    continued_from: str | None = None
    continued_to: str | None = None
    forked_from: str | None = None
    attributes: dict[str, Json] = field(default_factory=nothing)
    """search attributes (see `model.attributes`)"""
    queue: str | None = None
    due: Instant | None = None
    """when it may begin, if it waits in a queue"""
    partition: str | None = None
    unique: str | None = None
    debounced: bool = False
    round: int = 0
    """how often it went back into its queue before it began"""
    expected: Json = None
    """the instants of its soft deadline (see `model.deadline`)"""
    overdue: int = 0
    """1: it was told that it is overdue, 2: that this escalated"""
    leases: dict[str, Instant] | None = None
    """until when the claims are good that expire, by step; None: there are none"""

    follow_ups: tuple[str, ...] = ()
    """ids of the runs that were ordered because of what happened in this one"""
    title: str | None = None
    description: str | None = None
    labels: tuple[str, ...] = ()
    properties: dict[str, str] = field(default_factory=nothing)
    author: str | None = None
    archived: bool = False
    """put out of sight by people; all of it is still there"""
    attended: bool = False
    """a procedure: a failed step holds it up, and people end it, or all its steps having let go"""
    held: bool = False
    """it begins when a person says so"""
    fields: dict[str, Json] = field(default_factory=nothing)
    """global fields of a procedure"""
    stamps: dict[str, Stamp] = field(default_factory=nothing)
    """what people did to the run, by what was done"""
    commit: str | None = None
    """the version of a procedure that it goes on with"""
    created_with: str | None = None
    """the hash of the definition that it was created with, if it went on with another one since"""
    heard: int | None = None
    """how many outcomes the code had been told when the run was cancelled: the others it is not told"""
    compensating: int | None = None
    """how many outcomes there were when its steps began to be undone because it is cancelled"""
    out_of_time: bool = False
    """it is being cancelled because its time is over"""
    asked: dict[str, int] = field(default_factory=nothing)
    """how many steps the code had asked for when a step failed that it is told of, by that step"""
    forgotten: tuple[str, ...] = ()
    """steps that it asked for because of a failure that a retry took back: their numbers are not given again"""

    @property
    def waits(self) -> bool:
        """It is in its queue and has not begun: no engine carries it on."""
        return self.queue is not None and self.started_at is None and not self.status.terminal

    @property
    def held_key(self) -> str | None:
        """Its unique key in its queue, as long as it is open. A run that a person went on with, or that was debounced
        and has begun, has let it go."""
        return self.unique if self.waits or (self.generation == 1 and not self.debounced) else None


@dataclass(slots=True)
class Signal:
    """A signal that reached the run. `step`: the step that took it."""

    id: str
    name: str
    value: Json
    at: Instant
    correlation: str | None = None
    step: str | None = None


@dataclass(slots=True)
class Stream:
    """Values that the run wrote out, in order."""

    name: str
    values: list[Json] = field(default_factory=list)
    closed: bool = False


@dataclass(slots=True)
class State:
    """A run as its journal tells it. `tip` is the hash of its last turn."""

    run: Run
    steps: dict[str, Step] = field(default_factory=dict)
    scopes: dict[str, Scope] = field(default_factory=dict)
    open_steps: dict[str, None] = field(default_factory=dict)
    """ids of the steps that have not ended, in the order they began"""
    tip: bytes = b""
    signals: dict[str, Signal] = field(default_factory=nothing)
    streams: dict[str, Stream] = field(default_factory=nothing)
    nodes: dict[str, Node] = field(default_factory=nothing)
    """what is known beyond their life of steps that stand in a graph or that people do, by step id"""
    graphs: dict[str, Graph] = field(default_factory=nothing)
    """by scope id"""
    approvals: dict[str, Approval] = field(default_factory=nothing)
    """by step id; an earlier one of the same step as `STEP@NUMBER`"""
