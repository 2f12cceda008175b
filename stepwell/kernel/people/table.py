"""Who may ask what of a step, and when: the whole truth about it, as data (SPEC N2 to N4, N10, N12).

A change that is not here is refused with `TransitionRefused` and changes nothing. What has the engine alone in its
row can be asked by nobody: it is what the engine does of itself, once a condition holds or an action is through.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, NamedTuple

from stepwell.model.errors import TransitionRefused
from stepwell.model.people import ActorKind as A
from stepwell.model.people import Node
from stepwell.model.records import Step
from stepwell.model.states import StepStatus as S


class Request(StrEnum):
    """What can be asked of a step."""

    START = "start"
    SET_VALUES = "set_values"
    SET_AUTO_PROCEED = "set_auto_proceed"
    SUBMIT = "submit"
    SKIP = "skip"
    FAIL = "fail"
    ASSIGN = "assign"
    REPEAT = "repeat"
    DECIDE = "decide"
    """approve, reject, delegate"""
    MOVE_CONDITION = "move_condition"
    """its completion condition got further"""
    NOTE_LATE = "note_late"
    """the same after the step has ended: put on record, and nothing else"""
    COMPLETE = "complete"
    REOPEN = "reopen"
    """make it pending again"""


class Row(NamedTuple):
    requests: tuple[Request, ...]
    states: tuple[S, ...]
    actors: tuple[A, ...]
    why: str


R = Request
_ANYBODY: Final = (A.PERSON, A.SERVICE)
_OPEN: Final = (S.PENDING, S.SCHEDULED, S.RUNNING, S.WAITING, S.SUBMITTED, S.PAUSED)
_ENDED: Final = (S.COMPLETED, S.FAILED, S.TIMED_OUT, S.SKIPPED)

ROWS: Final = (
    Row((R.START,), (S.PENDING,), _ANYBODY, "begun by hand, once every step before it has let go"),
    Row(
        (R.SET_VALUES, R.SET_AUTO_PROCEED),
        (S.PENDING, S.RUNNING),
        _ANYBODY,
        "values are frozen by submitting",
    ),
    Row((R.SUBMIT,), (S.RUNNING,), _ANYBODY, "with valid, complete values"),
    Row((R.SKIP, R.FAIL), _OPEN, _ANYBODY, "from any state that is not terminal"),
    Row((R.ASSIGN,), _OPEN, _ANYBODY, "whoever is to do it"),
    Row((R.DECIDE,), (S.WAITING,), (A.PERSON,), "an approval is a person's"),
    Row((R.REPEAT,), _ENDED, _ANYBODY, "a new step takes its place"),
    Row((R.SUBMIT,), (S.RUNNING, S.WAITING), (A.ENGINE,), "its values are complete, or the approvers agree"),
    Row((R.START,), (S.PENDING, S.SCHEDULED), (A.ENGINE,), "every step before it has let go"),
    Row((R.MOVE_CONDITION, R.COMPLETE), (S.SUBMITTED,), (A.ENGINE,), "the engine's alone"),
    Row(
        (R.FAIL,),
        (*_OPEN, S.COMPLETED, S.SKIPPED),
        (A.ENGINE,),
        "an error, or an action that failed after the end",
    ),
    Row((R.NOTE_LATE,), _ENDED, (A.ENGINE,), "recorded, and changes nothing"),
)


def _allowed() -> Mapping[tuple[S, Request], frozenset[A]]:
    table: dict[tuple[S, Request], frozenset[A]] = {}
    for row in ROWS:
        for state in row.states:
            for request in row.requests:
                table[state, request] = table.get((state, request), frozenset()) | frozenset(row.actors)
    return table


ALLOWED: Final = _allowed()

_SAYS: Final[Mapping[Request, str]] = {
    R.START: "it cannot be started",
    R.SET_VALUES: "its values cannot be changed",
    R.SET_AUTO_PROCEED: "its auto-proceed cannot be changed",
    R.SUBMIT: "it cannot be submitted",
    R.SKIP: "it cannot be skipped",
    R.FAIL: "it cannot be failed",
    R.ASSIGN: "it cannot be assigned",
    R.REPEAT: "only a step that has ended can be repeated",
    R.DECIDE: "there is nothing to decide",
}


def permit(step: Step, node: Node, request: Request, kind: A) -> None:
    """Raises `TransitionRefused`, naming who brought the step to where it is."""
    if kind in ALLOWED.get((step.status, request), ()):
        return
    what = _SAYS.get(request, f"nobody can ask for {request}")
    raise TransitionRefused(f"step {step.id} is {_stands(step, node)}: {what}")


def _stands(step: Step, node: Node) -> str:
    """`submitted by ada`: where it stands, and who brought it there."""
    stamp = node.stamps.get(_STAMP.get(step.status, ""))
    return f"{step.status} by {stamp.by}" if stamp is not None and stamp.by is not None else step.status.value


_STAMP: Final[Mapping[S, str]] = {
    S.RUNNING: "started",
    S.SUBMITTED: "submitted",
    S.COMPLETED: "submitted",
    S.FAILED: "failed",
    S.SKIPPED: "skipped",
    S.CANCELLED: "cancelled",
}
