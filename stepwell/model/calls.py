"""What a workflow's own code asks for, and the code as the rules see it.

A workflow that is Python code runs until it has to wait; what it asked for until then are its calls, numbered from 0 in
the order in which they were made. A call becomes a step with the id `/do/NUMBER/NAME`. Told the same outcomes in the
same order, the code makes the same calls: that is how a run goes on after a crash.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from stepwell.model.actions import CodeAction
from stepwell.model.base import Instant, Json
from stepwell.model.ledger import Cached, Rate
from stepwell.model.problem import Problem
from stepwell.model.records import Run, Step


class StepCall(NamedTuple):
    """Perform a step. `arguments` are for the record; `options` as in `model.policy.StepOptions`."""

    id: str
    arguments: Json
    action: CodeAction
    options: dict[str, Json] | None = None
    kind: str = "call:python"
    cached: Cached | None = None
    rate: Rate | None = None


class ChildCall(NamedTuple):
    """Run another workflow, and wait for its end unless `wait` is False. `start`: further members of `StartRun`."""

    id: str
    namespace: str
    name: str
    version: str
    input: Json
    wait: bool = True
    run_id: str | None = None
    start: Mapping[str, Json] = {}
    options: dict[str, Json] | None = None
    kind: str = "run:workflow"


class WaitCall(NamedTuple):
    """Nothing happens until `due`."""

    id: str
    due: Instant
    kind: str = "wait"


class ListenCall(NamedTuple):
    """Wait for a signal of this name, and of this correlation if one is given, until `due` at the latest."""

    id: str
    signal: str
    correlation: str | None = None
    due: Instant | None = None
    kind: str = "listen"


class SignalCall(NamedTuple):
    """Send a signal to another run, once."""

    id: str
    run_id: str
    signal: str
    value: Json = None
    correlation: str | None = None
    kind: str = "signal"


class RecordCall(NamedTuple):
    """A value that the code got at once (the time, a random number, a choice) and must get again."""

    id: str
    value: Json
    kind: str = "record"


class VariablesCall(NamedTuple):
    """Set variables of the run, at once."""

    id: str
    values: dict[str, Json]
    kind: str = "set"


class AttributesCall(NamedTuple):
    """Set search attributes of the run, at once."""

    id: str
    values: dict[str, Json]
    kind: str = "set"


class StreamCall(NamedTuple):
    """Write to a stream of the run, at once."""

    id: str
    stream: str
    value: Json = None
    closed: bool = False
    kind: str = "stream"


Call = (
    StepCall
    | ChildCall
    | WaitCall
    | ListenCall
    | SignalCall
    | RecordCall
    | VariablesCall
    | AttributesCall
    | StreamCall
)

INSTANT_KINDS = frozenset({"record", "set", "stream"})
"""Kinds of calls that are over when they are made: the code is told nothing more of them."""


class Returned(NamedTuple):
    """The code is through."""

    output: Json


class Raised(NamedTuple):
    """The code ended with an error. `step`: the step whose failure it is, if it is one."""

    problem: Problem
    step: str | None = None


class ContinuedAs(NamedTuple):
    """The workflow goes on as another run."""

    run_id: str


Ending = Returned | Raised | ContinuedAs


class Answer(NamedTuple):
    """What the code wants next. `abandoned`: ids of its open steps that it wants no more."""

    calls: Sequence[Call] = ()
    abandoned: Sequence[str] = ()
    ending: Ending | None = None


class CodeMismatch(Exception):
    """The code did not make the calls that the journal holds, or cannot be run at all here: nothing may be decided."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail)
        self.problem = problem


class CodeRestart(Exception):
    """The code must be executed anew, from its beginning: it turned out to be of another kind than it seemed."""


class Done(NamedTuple):
    """The end of a step that ended well: all of the step that its code may have to know."""

    id: str
    output: Json
    source: str | None
    outcome: int
    ended_at: Instant


class Code(Protocol):
    """The code of one run, as far as it has got."""

    seen: int
    """how many outcomes it has been told; -1: it has not begun"""
    undoing: bool
    """it was told to `undo`"""

    @property
    def cause(self) -> Raised | None:
        """Why it failed, from then on: what was done may still have to be undone."""
        ...

    @property
    def differs(self) -> str | None:
        """Where it was found, when it was gone through again, to give other arguments than are recorded."""
        ...

    @property
    def undoable(self) -> bool:
        """It knows of something to undo."""
        ...

    def go_on(self, run: Run, outcome: Step | Done | None, now: Instant) -> Answer:
        """Tell it the next outcome (None: begin), and let it run until it has to wait. (Of what comes after `run.heard`
        it only notes what there is to undo.)

        Raises `CodeMismatch`.
        """
        ...

    def undo(self, run: Run) -> Answer:
        """The run is cancelled, and nothing else is in flight: undo what was done. The ending: it is through."""
        ...

    def outcome(self, number: int) -> str:
        """The id of the step with this outcome, as the journal had it when the code was taken up."""
        ...

    def check_complete(self) -> None:
        """Raise `CodeMismatch` if it, told everything or through, did not make every call of the journal."""
        ...

    def call(self, step_id: str) -> Call:
        """What it asked for with this step."""
        ...

    def close(self) -> None:
        """Nothing more comes of this execution."""
        ...
