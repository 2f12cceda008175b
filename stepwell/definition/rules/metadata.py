"""Engine options under `metadata`. Names that are not known here belong to the author of the document."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from stepwell.definition.reading.issue import escape
from stepwell.definition.rules import people
from stepwell.definition.rules.approvals import before
from stepwell.definition.rules.common import DURATION
from stepwell.definition.rules.nouns import Examiner, Flag, Record, Scope, Shape, Special, Whole, kind_of
from stepwell.definition.rules.recourse import error_policy
from stepwell.definition.rules.sparing import SPARING, sparing
from stepwell.model.base import Json

_MOST_PRIORITY: Final = 1 << 31

_DEADLINE: Final = Record({"after": DURATION, "warn": DURATION, "escalate": DURATION}, required=("after",))


def _deadline(checker: Examiner, value: Json, pointer: str, scope: Scope) -> None:
    """A duration, or `{after, warn, escalate}`."""
    whole = isinstance(value, Mapping) and bool({"after", "warn", "escalate"} & set(value))
    checker.push(_DEADLINE if whole else DURATION, value, pointer, scope)


DEADLINE: Final = Special(_deadline)

OPTIONS: Final[Mapping[str, Shape]] = {
    "optional": Flag(),
    "priority": Whole(-_MOST_PRIORITY, _MOST_PRIORITY),
    "debug": Record({"pause": Flag()}),
    "irreversible": Flag(),
    "schedule": Record({"after": DURATION}, required=("after",)),
    "deadline": DEADLINE,
    **people.OPTIONS,
}
"""Of every task."""
CONCURRENCY: Final = Whole(1)
CONNECTION: Final = Record({"connectTimeout": DURATION, "readTimeout": DURATION})

PERCENT: Final = re.compile(r"(100|[0-9]{1,2})(\.[0-9]+)?\s*%")


def task_metadata(checker: Examiner, task: Mapping[str, Json], kind: str, pointer: str, scope: Scope) -> None:
    """`kind` is the word of the task: `for`, `call`, …"""
    given = task.get("metadata")
    if not isinstance(given, Mapping):
        return
    people.options_together(checker, given, f"{pointer}/metadata")
    for name, value in given.items():
        place = f"{pointer}/metadata/{escape(name)}"
        if name in OPTIONS:
            checker.push(OPTIONS[name], value, place, scope)
        elif name == "concurrency" and kind == "for":
            checker.push(CONCURRENCY, value, place, scope)
        elif name == "concurrency":
            message = "`concurrency` is an option of `for` tasks"
            checker.complain("option", message, place, "remove it", key=True)
        elif name == "errorPolicy":
            error_policy(checker, task, kind, value, place, scope)
        elif name == "approval":
            before(checker, task, kind, value, place, scope)
        elif name in SPARING:
            sparing(checker, task, kind, name, value, place, scope)
        elif name == "http" and task.get("call") == "http":
            checker.push(CONNECTION, value, place, scope)


def failure_policy(checker: Examiner, value: Json, pointer: str, scope: Scope) -> None:
    """`failurePolicy` of the document."""
    words = ("fail_fast", "finish", "ignore", "hold")
    hint = "write fail_fast, finish, ignore, hold, {tolerate: 2} or {tolerate: 10%}"
    if isinstance(value, str) and value in words:
        return
    if isinstance(value, Mapping) and list(value) == ["tolerate"]:
        tolerated = value["tolerate"]
        if isinstance(tolerated, int) and not isinstance(tolerated, bool) and tolerated >= 0:
            return
        if isinstance(tolerated, str) and PERCENT.fullmatch(tolerated):
            return
    shown = repr(value[:40]) if isinstance(value, str) else kind_of(value)
    checker.complain("option", f"{shown} is no failure policy", pointer, hint)
