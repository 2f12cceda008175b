"""What may be told of an event: a list of what is allowed, so that what nobody thought of stays inside."""

from __future__ import annotations

from typing import Any, Final

from stepwell.model import events as e
from stepwell.model.base import Json
from stepwell.model.problem import Problem

LONGEST: Final = 200
"""Longer texts are cut: a name may come from an expression."""

FIELDS: Final[dict[type[Any], tuple[str, ...]]] = {
    e.RunCreated: (
        "namespace", "name", "version", "priority", "mode", "parent_id", "parent_step", "depth", "rerun_of",
        "detached", "code", "continued_from", "forked_from",
    ),
    e.RunFailed: ("step", "error"),
    e.RunTimedOut: ("error",),
    e.RunRetried: ("generation",),
    e.RunContinued: ("run_id",),
    e.RunStalled: ("error",),
    e.RunMigrated: ("version", "commit"),
    e.SignalReceived: ("signal", "name", "step"),
    e.SignalTaken: ("signal", "step"),
    e.StreamWritten: ("stream", "closed"),
    e.FollowUpOrdered: ("run_id", "workflow", "cause", "step", "number"),
    e.VariablesSet: ("step",),
    e.AttributesSet: ("step",),
    e.ScopeOpened: ("scope", "owner", "section", "number"),
    e.ScopeClosed: ("scope",),
    e.StepScheduled: ("step", "kind", "due", "priority", "optional"),
    e.StepStarted: ("step", "kind", "priority", "optional"),
    e.StepWaiting: ("step", "reason", "due"),
    e.StepPaused: ("step", "kind"),
    e.StepReleased: ("step",),
    e.StepRetrying: ("step", "error", "due"),
    e.StepDeferred: ("step", "due"),
    e.StepRecovered: ("step", "runs"),
    e.StepProgressed: ("step",),
    e.StepConditionMoved: ("step",),
    e.StepCaptured: ("step", "field", "moment"),
    e.StepCompleted: ("step",),
    e.StepFailed: ("step", "error", "absorbed"),
    e.StepTimedOut: ("step", "error", "absorbed"),
    e.StepSkipped: ("step", "kind"),
    e.StepCancelled: ("step",),
    e.StepReopened: ("step",),
    e.StepResumed: ("step",),
    e.StepClaimed: ("step",),
    e.StepClaimExtended: ("step",),
    e.StepWithdrawn: ("step",),
    e.StepOffered: ("step",),
    e.StepPassed: ("step",),
    e.StepRestored: ("step",),
    e.StepValuesSet: ("step",),
    e.StepAutoProceedSet: ("step", "enabled"),
    e.StepSubmitted: ("step",),
    e.StepActionFailed: ("step", "error", "absorbed"),
    e.StepNoticed: ("step", "action"),
    e.StepRepeated: ("step",),
    e.StepAssigned: ("step",),
    e.StepTitled: ("step",),
    e.ApprovalRequested: ("step", "need", "due"),
    e.ApprovalDecided: ("step", "verdict", "status"),
    e.ApprovalDelegated: ("step",),
    e.ApprovalExpired: ("step",),
    e.StepApproved: ("step",),
}  # fmt: skip
"""The fields of each event that may be told; `error` stands for its type, title and status. Other events: none."""

RENAMED: Final = {"run_id": "continued_to"}
"""Where a field's name says something else beside the run's own."""


def fields_of(event: e.Event) -> dict[str, Json]:
    """What may be told of it, without what says nothing (None, empty texts)."""
    told: dict[str, Json] = {}
    for name in FIELDS.get(type(event), ()):
        value = getattr(event, name)
        if isinstance(value, Problem):
            told |= error_of(value)
        elif value is not None and value != "":
            told[RENAMED.get(name, name)] = value[:LONGEST] if isinstance(value, str) else value
    return told


def error_of(problem: Problem) -> dict[str, Json]:
    """Type, title and status. The detail may quote data."""
    return {
        "error_type": problem.type[:LONGEST],
        "error_title": problem.title[:LONGEST],
        "error_status": problem.status,
    }
