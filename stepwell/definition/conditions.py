"""Completion conditions and captures as data: what must hold before a step that people do is completed, and what is
measured meanwhile.

A condition is a tree. `all` and `any` have children, `not` has one; everything else is a leaf. `path` is its place in
the tree: empty for the root, else the numbers of the children on the way to it (`0/2`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from stepwell.definition.expression import Expression, Template
from stepwell.definition.specs import DurationSpec, HttpBody
from stepwell.model.base import SECOND, Duration, Json


class ConditionKind(StrEnum):
    """What a condition waits for."""

    ALL = "all"
    ANY = "any"
    NOT = "not"
    TIMER = "timer"
    EXPRESSION = "expression"
    HTTP = "http"
    SERIES = "series"
    WEBHOOK = "webhook"
    JOB = "job"
    EVENT = "event"


GROUPS: Final = frozenset({ConditionKind.ALL, ConditionKind.ANY, ConditionKind.NOT})


class Comparator(StrEnum):
    """How a sample is compared with the threshold; `exists` asks for a sample only."""

    MORE = ">"
    AT_LEAST = ">="
    LESS = "<"
    AT_MOST = "<="
    EQUAL = "="
    UNEQUAL = "!="
    EXISTS = "exists"


HTTP_EVERY: Final[Duration] = 5 * SECOND
SERIES_EVERY: Final[Duration] = SECOND
JOB_EVERY: Final[Duration] = 2 * SECOND


@dataclass(frozen=True, slots=True)
class TimerSpec:
    """Satisfied so long after it began; never earlier, perhaps later."""

    after: DurationSpec


@dataclass(frozen=True, slots=True)
class ExpressionSpec:
    """Satisfied as soon as the expression over the run's data is true."""

    expression: Expression


@dataclass(frozen=True, slots=True)
class HttpSpec:
    """Ask again and again. Without `until` the first answer of success satisfies; `attempts` is how many exchanges may
    fail in a row."""

    request: HttpBody
    every: DurationSpec
    until: Expression | None = None
    fail: Expression | None = None
    timeout: DurationSpec | None = None
    attempts: int | None = None


@dataclass(frozen=True, slots=True)
class SeriesSource:
    """Where samples come from: one of a file, a service, and a function that the program registered by name."""

    file: Template | None = None
    http: HttpBody | None = None
    name: str | None = None


@dataclass(frozen=True, slots=True)
class Channel:
    """One series of samples in a source. `window`: how old a sample may be when the watching begins."""

    source: SeriesSource
    channel: Template
    tags: Template | None = None
    window: DurationSpec | None = None


@dataclass(frozen=True, slots=True)
class SeriesSpec:
    """Satisfied when `consecutive` samples in a row compare as wanted, and for at least `held` (by the samples' own
    times)."""

    channel: Channel
    comparator: Comparator
    every: DurationSpec
    threshold: Template | None = None
    consecutive: int = 1
    held: DurationSpec | None = None
    timeout: DurationSpec | None = None


@dataclass(frozen=True, slots=True)
class WebhookSpec:
    """Tell another service, signed with a secret; satisfied when it takes delivery."""

    endpoint: Template
    secret: str
    payload: Template
    event: str
    """what the receiver is told it is about"""
    attempts: int
    interval: Duration
    """before the second attempt"""
    cap: Duration
    exponential: bool
    timeout: Duration
    headers: Template | None = None


@dataclass(frozen=True, slots=True)
class JobSpec:
    """Satisfied when the other run is completed; fails when it ends otherwise."""

    run: Template
    every: DurationSpec
    timeout: DurationSpec | None = None


@dataclass(frozen=True, slots=True)
class EventSpec:
    """Satisfied by a signal to the run of this name (and correlation)."""

    name: Template
    correlation: Template | None = None
    timeout: DurationSpec | None = None


Spec = TimerSpec | ExpressionSpec | HttpSpec | SeriesSpec | WebhookSpec | JobSpec | EventSpec


@dataclass(frozen=True, slots=True)
class Condition:
    """One node of the tree. `spec` is that of a leaf, None of a group. A `job` that is asked over HTTP has an
    `HttpSpec`."""

    path: str
    kind: ConditionKind
    spec: Spec | None = None
    children: tuple[Condition, ...] = ()

    @property
    def leaf(self) -> bool:
        return self.kind not in GROUPS

    def walk(self) -> Iterator[Condition]:
        """The node and all below it, children after their parent."""
        todo = [self]
        while todo:
            node = todo.pop()
            yield node
            todo.extend(reversed(node.children))

    def find(self, path: str) -> Condition | None:
        """The node at this path."""
        return next((node for node in self.walk() if node.path == path), None)


class Moment(StrEnum):
    """When something is measured."""

    START = "start"
    COMPLETION = "completion"


@dataclass(frozen=True, slots=True)
class CaptureSpec:
    """Measure a channel into an output. `required`: the step fails where it cannot be had (`onFailure: fail`)."""

    field: str
    channel: Channel
    at: tuple[Moment, ...]
    timeout: DurationSpec
    every: DurationSpec
    required: bool = False


def places(at: Json) -> tuple[Moment, ...]:
    """The moments of a capture as the document gives them: a word, a list, or nothing for completion."""
    if at is None:
        return (Moment.COMPLETION,)
    return (Moment(at),) if isinstance(at, str) else tuple(Moment(word) for word in at)
