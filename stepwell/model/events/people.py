"""What people do to a run and its steps, and what steps that people do go through."""

from __future__ import annotations

from typing import NamedTuple

from stepwell.model.base import Json
from stepwell.model.problem import Problem


class TurnSigned(NamedTuple):
    """Somebody asked for what the rest of this turn tells. `kind` as in `ActorKind`."""

    by: str
    kind: str = "person"


class StepsPlanned(NamedTuple):
    """Steps that wait for others, or for people, to be begun. Each of `nodes` is an object: `step`, `path`, `kind`,
    `task`, and where they are not the default `after` (step ids), `priority`, `optional`, `auto_start`, `auto_proceed`,
    `required`, `assign`. `graph`: they are all of a task list that is a graph."""

    scope: str
    nodes: list[Json]
    graph: bool = False


class StepRestored(NamedTuple):
    """A step of a graph that had been cancelled before it began waits for its turn again."""

    step: str


class StepOffered(NamedTuple):
    """Every step before it has let go, and it waits for a person to begin it."""

    step: str


class StepPassed(NamedTuple):
    """It has let its successors go."""

    step: str


class StepValuesSet(NamedTuple):
    step: str
    values: dict[str, Json] = {}
    removed: tuple[str, ...] = ()


class StepAutoProceedSet(NamedTuple):
    """Whether it submits itself as soon as its values are complete."""

    step: str
    enabled: bool


class StepSubmitted(NamedTuple):
    """Its values are frozen; what must hold and be done before it is completed comes now."""

    step: str


class StepConditionMoved(NamedTuple):
    """Its completion condition got further: these nodes of the tree, by path (see `model.conditions`)."""

    step: str
    changes: dict[str, Json] = {}


class StepCaptured(NamedTuple):
    """A measurement began or ended. `moment` is start or completion; `record` has `status` (in_progress, succeeded,
    failed, skipped), and then `value` and `sample_at`, or `reason` and `detail`."""

    step: str
    field: str = ""
    moment: str = ""
    record: dict[str, Json] = {}


class StepActionFailed(NamedTuple):
    """A completion action failed after the step was completed or skipped."""

    step: str
    error: Problem
    absorbed: bool = False


class StepNoticed(NamedTuple):
    """An event action was carried out: the event is on record with this very turn, and goes out to whoever subscribed.
    `data` has its type, title, severity, labels and properties. `error`: it could not be made."""

    step: str
    action: int
    data: dict[str, Json]
    error: Json = None
    """a problem, as JSON"""


class StepRepeated(NamedTuple):
    """A finished step is to be done again: `node` (as in `StepsPlanned`) takes its place. `outdated`: steps after it
    that are frozen, each with the node that takes its place."""

    step: str
    scope: str
    node: dict[str, Json]
    outdated: list[Json] = []


class StepAssigned(NamedTuple):
    step: str
    people: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()


class StepTitled(NamedTuple):
    """What the title of a form says, now that it is begun or offered: as written it has expressions in it."""

    step: str
    title: str


class FieldsSet(NamedTuple):
    """Global fields of a procedure."""

    values: dict[str, Json] = {}
    removed: tuple[str, ...] = ()
