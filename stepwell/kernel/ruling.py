"""One decision in the making: the draft it works on, what it has found out so far, and what is still to be done.

A `Ruling` is what every rule gets as `r`. Rules say what happened with `emit`, ask for deeds with `effect`, and leave
further work on the `agenda`, so that no chain of tasks, however long, is a chain of calls.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from stepwell.definition.expression import Expression
from stepwell.definition.model import Definition, Task
from stepwell.kernel.draft import Draft
from stepwell.kernel.evolve import evolve
from stepwell.model.approvals import CallPolicy
from stepwell.model.base import Instant, Json
from stepwell.model.calls import Code
from stepwell.model.effects import Effect
from stepwell.model.events import Event, RunCreated, StepWaiting, TurnSigned
from stepwell.model.people import Actor
from stepwell.model.problem import Problem
from stepwell.model.records import State

Evaluate = Callable[[Expression, Json, Mapping[str, Json], Instant], Json]
"""expression, data (`.`), variables it names, now → value. Raises `ExpressionError`, or `Deferred` when the value
must be computed elsewhere first: the whole decision is then made again."""

BEGINS_PER_TURN = 1_000
"""How many steps one turn may begin before it makes way for other runs."""


class Fault(Exception):
    """An error of the workflow itself, on its way to whoever catches it."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.detail or problem.title)
        self.problem = problem


class Environment(NamedTuple):
    """What a decision may know besides definition, state and command; all of it given, nothing looked up.

    `secrets` are the values that may appear in `$secrets`; `redact` removes them from whatever is to be recorded;
    `chance` in [0, 1) places jitter; `runtime` is `$runtime`; `begins` is how many steps one turn may begin (0 where
    somebody else carries the run on: what would begin is only scheduled); `code` is the workflow's own code, where
    the workflow is code and this engine can run it; `policy` is what the engine lets be called.
    """

    evaluate: Evaluate
    chance: float = 0.0
    secrets: Mapping[str, Json] = {}
    redact: Callable[[Json], Json] | None = None
    runtime: Mapping[str, Json] = {}
    begins: int = BEGINS_PER_TURN
    code: Code | None = None
    policy: CallPolicy | None = None


class Condition(NamedTuple):
    """A condition that was evaluated: what listeners hear (SPEC X4)."""

    step: str
    expression: str
    result: bool


class Enter(NamedTuple):
    """Begin the task at this position of this scope."""

    scope: str
    position: int


class ScopeDone(NamedTuple):
    """The task list of this scope is through: its owner goes on."""

    scope: str


class Begin(NamedTuple):
    """Begin a step that was held. `by`: who asked for it, if somebody did."""

    step: str
    by: str | None = None


class OpenGraph(NamedTuple):
    """Plan the steps of a task list that is a graph, and begin those that wait for nobody."""

    scope: str


class Pass(NamedTuple):
    """A step of a graph lets its successors go."""

    step: str


class Spoiled(NamedTuple):
    """A step ended well, and then an event that it tells of could not be made."""

    step: str
    problem: Problem


Item = Enter | ScopeDone | Begin | OpenGraph | Pass | Spoiled
"""The first member of each is the id of a scope or step."""


class Agenda:
    """What is still to be done in this turn, depth first: what comes of an item is done before the items beside it,
    so that a branch that is through at once wins before the next one begins."""

    __slots__ = ("_fresh", "_stack")

    def __init__(self) -> None:
        self._stack: list[Item] = []
        self._fresh: list[Item] = []

    def __bool__(self) -> bool:
        return bool(self._fresh or self._stack)

    def add(self, item: Item) -> None:
        self._fresh.append(item)

    def take(self) -> Item | None:
        """The next item; None when there is nothing left."""
        if self._fresh:
            self._stack.extend(reversed(self._fresh))
            self._fresh = []
        return self._stack.pop() if self._stack else None

    def forget(self, step_id: str) -> None:
        """Nothing inside this step is to begin or to end any more."""
        prefix = step_id + "/"
        self._stack = [item for item in self._stack if not item[0].startswith(prefix)]
        self._fresh = [item for item in self._fresh if not item[0].startswith(prefix)]

    def clear(self) -> None:
        self._stack, self._fresh = [], []


class Decision:
    """What a command causes; nothing is changed until `merge` is called. `definition` is what the run goes on with,
    `answer` what whoever asked is told, where the command is a question too."""

    __slots__ = ("answer", "definition")
    definition: Definition
    answer: Any

    @property
    def events(self) -> Sequence[Event]:
        """What happens."""
        raise NotImplementedError

    @property
    def effects(self) -> Sequence[Effect]:
        """What has to be done when that is durable."""
        raise NotImplementedError

    def merge(self) -> State:
        """Take it over into the state that it was made from, which is returned."""
        raise NotImplementedError


class Ruling(Decision):
    """See the module. `now` is the instant of the whole turn; `draft` holds the state after the events."""

    __slots__ = ("agenda", "begun", "by", "conditions", "draft", "effects", "env", "events", "now")
    events: list[Event]
    effects: list[Effect]
    conditions: Sequence[Condition]

    def __init__(self, definition: Definition, state: State, now: Instant, env: Environment) -> None:
        self.definition = definition
        self.draft = Draft(state)
        self.events = []
        self.effects = []
        self.conditions = ()
        self.answer = None
        self.now = now
        self.env = env
        self.agenda = Agenda()
        self.begun = 0
        self.by: Actor | None = None

    def emit(self, event: Event) -> None:
        """It has happened. (Secrets are removed first, so that memory and journal never differ.)"""
        if self.by is not None and self.draft.by is None and type(event) is not RunCreated:
            self._record(TurnSigned(self.by.id, self.by.kind))
        if self.env.redact is not None:
            event = _redacted(event, self.env.redact, self.definition.tasks)
        self._record(event)

    def _record(self, event: Event) -> None:
        evolve(self.draft, event, self.now)
        self.events.append(event)

    def merge(self) -> State:
        return self.draft.merge()

    def effect(self, effect: Effect) -> None:
        self.effects.append(effect)

    def heard(self, condition: Condition) -> None:
        """A condition was evaluated."""
        if not isinstance(self.conditions, list):
            self.conditions = []
        self.conditions.append(condition)

    def task(self, path: str) -> Task:
        """The task at this JSON pointer."""
        return self.definition.tasks[path]


_PAYLOAD: Final = frozenset(
    {
        "input",
        "output",
        "items",
        "variables",
        "values",
        "context",
        "progress",
        "reason",
        "error",
        "value",
        "attributes",
        "title",
        "description",
        "labels",
        "properties",
        "author",
        "what",
        "arguments",
        "comment",
        "metadata",
        "data",
    }
)
"""Members of events that hold what came from outside; all others are names of ours."""


_NAMED: Final = frozenset({"variables", "values", "attributes", "properties"})


def _redacted(event: Any, redact: Callable[[Json], Json], paths: Mapping[str, Any]) -> Event:
    kind = type(event)
    if kind is StepWaiting:  # its reason is a word of ours
        waiting: Event = event
        return waiting
    changed: Event = kind(
        *[
            _redact_value(name, value, redact, paths) if name in _PAYLOAD else value
            for name, value in zip(kind._fields, event, strict=True)
        ]
    )
    return changed


def _redact_value(name: str, value: Any, redact: Callable[[Json], Json], paths: Mapping[str, Any]) -> Any:
    if isinstance(value, Problem):
        status = value.status if redact(value.status) == value.status else 500
        instance = value.instance if value.instance in paths else redact(value.instance)
        title, detail, cause = redact(value.title), redact(value.detail), redact(value.exception)
        return Problem(redact(value.type), status, title, detail, instance, cause)
    if name in _NAMED and isinstance(value, dict):  # the names are the author's
        return {key: redact(item) for key, item in value.items()}
    return redact(value)
