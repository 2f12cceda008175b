"""What may be asked of a run. Every command is answered by events, or refused with a typed error."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

from stepwell.model.approval_commands import ApprovalCommand
from stepwell.model.base import Duration, Instant, Json
from stepwell.model.driven import DrivenCommand
from stepwell.model.events import SAME, Event, Same
from stepwell.model.people import Actor
from stepwell.model.people_commands import PeopleCommand
from stepwell.model.problem import Problem


class StartRun(NamedTuple):
    """Create the run and start it. Fields as in `RunCreated`."""

    run_id: str
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
    continued_from: str | None = None
    forked_from: str | None = None
    attributes: dict[str, Json] = {}
    queue: str | None = None
    """wait there until an engine takes it; None: begin in the same turn"""
    due: Instant | None = None
    deadline: Instant | None = None
    partition: str | None = None
    unique: str | None = None
    debounced: bool = False
    title: str | None = None
    description: str | None = None
    labels: tuple[str, ...] = ()
    properties: dict[str, str] = {}
    author: str | None = None
    held: bool = False
    """wait until a person begins it"""
    commit: str | None = None
    """the version of a procedure that this is"""
    history: tuple[Event, ...] = ()
    """what a fork takes over from the run that it is forked from"""


class BeginRun(NamedTuple):
    """Begin a run that waited in its queue. One that went back into the queue since the claim (`round`), or waits no
    more, is left as it is."""

    round: int


class RescheduleRun(NamedTuple):
    """Put off a run that has not begun, and give it another input."""

    due: Instant
    input: Json


class PauseRun(NamedTuple):
    reason: str | None = None


class ResumeRun(NamedTuple):
    """Go on: a paused run, or (with `step`) one step that a debugger pause holds."""

    step: str | None = None


class CancelRun(NamedTuple):
    """Stop gently: in-flight work is interrupted and settles before the run ends. `abandoned`: no engine carries the
    run on, so there is nothing to wait for."""

    reason: str | None = None
    abandoned: bool = False


class TerminateRun(NamedTuple):
    """Stop at once."""

    reason: str | None = None


class RetryRun(NamedTuple):
    """Go on with a failed run from its failed frontier."""


class SetVariables(NamedTuple):
    """Set, append to (a list under the name) and remove variables of the run. `step` and `attempt`: on behalf of a
    step; refused unless the attempt is the present one."""

    values: dict[str, Json] = {}
    append: dict[str, Json] = {}
    remove: tuple[str, ...] = ()
    step: str | None = None
    attempt: int | None = None


class SetAttributes(NamedTuple):
    """Set and remove search attributes of the run, also of one that has ended. `step` and `attempt` as for
    `SetVariables`."""

    values: dict[str, Json] = {}
    remove: tuple[str, ...] = ()
    step: str | None = None
    attempt: int | None = None


class SetMetadata(NamedTuple):
    """Change what people call the run and file it under, also of one that has ended. What is SAME stays; None and what
    is empty are taken away. `labels` and `properties` are all that there are then."""

    title: str | Literal[Same.SAME] | None = SAME
    description: str | Literal[Same.SAME] | None = SAME
    labels: tuple[str, ...] | Literal[Same.SAME] = SAME
    properties: dict[str, str] | Literal[Same.SAME] = SAME
    archived: bool | Literal[Same.SAME] = SAME


class CompleteStep(NamedTuple):
    """The worker's answer: `output` is the raw output. Refused unless `attempt` is the present one. `source`: where
    it was kept from (run and step, one behind the other)."""

    step: str
    attempt: int
    output: Json
    source: str | None = None


class FailStep(NamedTuple):
    """`retry` False: another attempt cannot help. `after`: not before so long; None: as its policy says."""

    step: str
    attempt: int
    problem: Problem
    retry: bool = True
    after: Duration | None = None


class DeferStep(NamedTuple):
    """The worker asks to be called again after so long, without spending an attempt."""

    step: str
    attempt: int
    after: Duration
    progress: Json = None
    limited: bool = False
    """it waits for its slot in a rate, and has it then"""


class SendSignal(NamedTuple):
    """Deliver a signal once: the same `signal` id again changes nothing."""

    signal: str
    name: str
    value: Json = None
    correlation: str | None = None


class WriteStream(NamedTuple):
    """`step` and `attempt`: on behalf of a step; refused unless the attempt is the present one."""

    stream: str
    value: Json = None
    closed: bool = False
    step: str | None = None
    attempt: int | None = None


class StallRun(NamedTuple):
    """The workflow's code cannot be gone on with here."""

    problem: Problem


class SettleStep(NamedTuple):
    """The worker stopped because it was interrupted."""

    step: str
    attempt: int


class ReportProgress(NamedTuple):
    step: str
    attempt: int
    progress: Json


class FireTimer(NamedTuple):
    """A timer is due. One that is no longer wanted changes nothing."""

    step: str | None
    purpose: str


class Recover(NamedTuple):
    """The engine that performed these steps is gone: perform them again."""

    steps: tuple[str, ...]


class FailRun(NamedTuple):
    """The run cannot go on: what it would record cannot be recorded."""

    problem: Problem


class Proceed(NamedTuple):
    """Go on with what the last turn left scheduled."""


class MigrateRun(NamedTuple):
    """Go on with another version: `definition` is a checked one (a `definition.model.Definition`), `commit` where that
    comes from."""

    definition: Any
    commit: str | None = None


class Signed(NamedTuple):
    """Somebody asks: the turn says who."""

    by: Actor
    command: Any


Command = (
    StartRun
    | BeginRun
    | RescheduleRun
    | PauseRun
    | ResumeRun
    | CancelRun
    | TerminateRun
    | RetryRun
    | SetVariables
    | SetAttributes
    | CompleteStep
    | FailStep
    | DeferStep
    | SendSignal
    | WriteStream
    | StallRun
    | SettleStep
    | ReportProgress
    | FireTimer
    | Recover
    | FailRun
    | Proceed
    | DrivenCommand
    | SetMetadata
    | PeopleCommand
    | ApprovalCommand
    | Signed
    | MigrateRun
)
