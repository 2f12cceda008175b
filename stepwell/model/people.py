"""Who does something, and what is known of a step beyond its life: when people, or a graph of steps, are involved.

A `Node` stands beside a `Step` of the same id: every step of a graph (`metadata.after`) has one, and every form,
approval and condition. SPEC N1 to N14.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

from stepwell.model.base import Instant, Json


class ActorKind(StrEnum):
    """What kind of somebody asks. `engine` is Stepwell itself: nobody outside can be it."""

    PERSON = "person"
    SERVICE = "service"
    ENGINE = "engine"


class Actor(NamedTuple):
    """Somebody who asks for a change. `id` is the name that goes on record; `groups` and `roles` say what they may
    do."""

    id: str
    kind: ActorKind = ActorKind.PERSON
    groups: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()


class Target(StrEnum):
    """What can be asked of a step; where it comes to stand is not the same (`submitted` may become `completed`)."""

    RUNNING = "running"
    SUBMITTED = "submitted"
    SKIPPED = "skipped"
    FAILED = "failed"


class Assignment(NamedTuple):
    """Who is to do it. Nobody named: anybody."""

    people: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Json]:
        return {"people": list(self.people), "groups": list(self.groups)}


NOBODY: Final = Assignment()


def assignment(members: Json) -> Assignment:
    """What `Assignment.as_json` wrote."""
    given = members or {}
    return Assignment(tuple(given.get("people", ())), tuple(given.get("groups", ())))


STAMPED: Final = (
    "started",
    "submitted",
    "completed",
    "failed",
    "skipped",
    "cancelled",
    "updated",
    "assigned",
    "repeated",
    "outdated",
)
"""What can have been done to a step: the names of its stamps."""


@dataclass(slots=True)
class Stamp:
    """When something was done, and by whom (None: by the engine)."""

    at: Instant
    by: str | None = None
    reason: str | None = None


def stamped(stamps: Mapping[str, Stamp], what: str, stamp: Stamp) -> dict[str, Stamp]:
    """With one more; the last one is the last."""
    return {**{name: kept for name, kept in stamps.items() if name != what}, what: stamp}


@dataclass(slots=True)
class Node:
    """What is known of a step that stands in a graph, or that people do. `id` is the step's.

    `version` grows with every change that somebody asks for, so that two who change it at once are told apart.
    `after` are the ids of the steps that have to let go first. `passed`: it has let its successors go. `outdated`: a
    step before it was repeated; it is frozen.
    """

    id: str
    task: str
    after: tuple[str, ...] = ()
    auto_start: bool = True
    auto_proceed: bool = False
    required: bool = False
    assign: Json = None
    """`Assignment.as_json`"""
    version: int = 1
    values: dict[str, Json] = field(default_factory=dict)
    """what people chose, by field"""
    stamps: dict[str, Stamp] = field(default_factory=dict)
    """by what was done: started, submitted, completed, failed, skipped, …"""
    offered_at: Instant | None = None
    """since when it waits for a person to begin it"""
    passed: bool = False
    outdated: bool = False
    repeat_of: str | None = None
    replaced_by: str | None = None
    condition: Json = None
    """where its completion condition stands, a tree as the condition itself is one"""
    captures: dict[str, Json] = field(default_factory=dict)
    """measurements, by `FIELD/MOMENT`"""
    notices: dict[str, Json] = field(default_factory=dict)
    """event actions that were carried out, by position: `{status, event | error}`"""
    commit: str | None = None
    """the version of the procedure that it was done with, where the run went on with another one since"""
    title: str | None = None
    """what its title says, where that had to be computed"""


class WorkItem(NamedTuple):
    """Something that waits for a person: a line of an inbox. `state`: pending (to be begun), running (a form to be
    filled in), waiting (an approval to be decided). `people` and `groups`: whose it is; nobody named, anybody's.
    `past`: for whom it is not, though a group of theirs is named or nobody is: they have decided, or may not."""

    run_id: str
    step: str
    task: str
    kind: str
    state: str
    title: str
    workflow: str
    """`namespace/name:version`"""
    priority: int
    since: Instant
    due: Instant | None = None
    section: str = ""
    people: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    past: tuple[str, ...] = ()


class WorkChange(NamedTuple):
    """What became of the line of a step; `item` None: it waits for nobody any more."""

    step: str
    item: WorkItem | None = None


class WorkFilter(NamedTuple):
    """Which lines: those of any of `people` or `groups` (and with `anybodys` those that name nobody); of all where
    neither is given. `to`: none that is past for this person."""

    people: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    anybodys: bool = False
    to: str | None = None
    run_id: str | None = None
    kind: str | None = None
    due_before: Instant | None = None


@dataclass(slots=True)
class Graph:
    """The steps of one task list that is a graph. `steps` gives the present step of a task; `left` counts those that
    have not let go yet."""

    scope: str
    steps: dict[str, str] = field(default_factory=dict)
    children: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """by step id, the ids of the steps that come after it"""
    left: int = 0
