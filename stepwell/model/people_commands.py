"""What people may ask of a run and its steps."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from stepwell.model.actions import Outcome
from stepwell.model.base import Json
from stepwell.model.people import Target


class UpdateStep(NamedTuple):
    """Change a step: values (None clears one), then auto-proceed, then its state; all of it or nothing (SPEC N11).

    `step` is the id of a step or the name of a task. `version`: refused unless the step is at this version. `reason`
    belongs to skipping and failing.
    """

    step: str
    values: Mapping[str, Json] | None = None
    auto_proceed: bool | None = None
    target: Target | None = None
    reason: str | None = None
    version: int | None = None


class RepeatStep(NamedTuple):
    """Do a finished step again: a new step takes its place. `downstream`: what came after it is outdated, and is to be
    done again too; else nothing else changes. The rest as for `UpdateStep`, of the new step."""

    step: str
    downstream: bool = False
    update: UpdateStep | None = None
    version: int | None = None


class AssignStep(NamedTuple):
    """Who is to do it from now on."""

    step: str
    people: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    version: int | None = None


class SetFields(NamedTuple):
    """Global fields of a procedure; None clears one."""

    values: Mapping[str, Json]


class EndRun(NamedTuple):
    """A person ends a procedure: as completed (refused while a required step has not let go), or as failed."""

    succeeded: bool
    reason: str | None = None


class ReportCondition(NamedTuple):
    """What came of asking for a leaf of a step's condition, or for a measurement. The engine's own."""

    step: str
    leaf: str
    number: int
    outcome: Outcome


PeopleCommand = UpdateStep | RepeatStep | AssignStep | SetFields | EndRun | ReportCondition
