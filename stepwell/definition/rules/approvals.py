"""Approvals and policies: who is asked, on what terms, and what may be called at all."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from stepwell.definition.duration import DurationError, parse_duration
from stepwell.definition.rules.common import DATA, DURATION, ONLY_EXPRESSION, TEMPLATE, among
from stepwell.definition.rules.nouns import (
    Either,
    Examiner,
    Flag,
    Many,
    Record,
    Scope,
    Shape,
    Special,
    Text,
    Whole,
)
from stepwell.definition.rules.recourse import LENGTH, calls_tasks
from stepwell.model.approvals import MODES, PATTERN
from stepwell.model.base import Json

PEOPLE: Final = ("form", "approval", "condition")
_NAMES: Final = Either(many=Many(TEMPLATE, least=1), text=ONLY_EXPRESSION)
_APPROVERS: Final = Record({"people": _NAMES, "groups": _NAMES, "roles": _NAMES})


def _enough(checker: Examiner, value: Json, pointer: str, scope: Scope) -> None:
    """More approvals than people who may give them."""
    need, named = value.get("need"), value.get("approvers")
    if not isinstance(need, int) or not isinstance(named, Mapping) or named.get("groups"):
        return
    people = named.get("people")
    several = len({name for name in people if isinstance(name, str)}) if isinstance(people, list) else 0
    if 0 < several < need:
        checker.complain(
            "approval",
            f"{need} approvals are needed, and only {several} may be given",
            f"{pointer}/need",
            "name more people, or a group",
        )


def _positive(checker: Examiner, value: Json, pointer: str) -> None:
    try:
        nothing = not (isinstance(value, str) and "${" in value) and parse_duration(value) <= 0
    except DurationError:  # its shape says so
        return
    if nothing:
        checker.complain("duration", "it must be longer than nothing", pointer)


def _lasting(checker: Examiner, value: Json, pointer: str, scope: Scope) -> None:
    checker.push(DURATION, value, pointer, scope)
    _positive(checker, value, pointer)


def _constant(checker: Examiner, value: Json, pointer: str, scope: Scope) -> None:
    """There is nothing yet that an expression could be evaluated on."""
    checker.push(LENGTH, value, pointer, scope)
    _positive(checker, value, pointer)


TERMS: Final[Mapping[str, Shape]] = {
    "need": Either(whole=Whole(1), text=ONLY_EXPRESSION),
    "approvers": Either(record=_APPROVERS, text=ONLY_EXPRESSION),
    "expires": Special(_lasting),
    "selfApproval": Either(flag=Flag(), text=ONLY_EXPRESSION),
}
ASKED: Final[Mapping[str, Shape]] = {
    "arguments": DATA,
    "metadata": DATA,
    "refused": among("fail", "complete"),
    **TERMS,
}
"""Of `call: approval`, beside what all that people do has."""
ENOUGH: Final = _enough


_BEFORE: Final = Record(TERMS, hook=_enough)


def before(
    checker: Examiner, task: Mapping[str, Json], kind: str, value: Json, pointer: str, scope: Scope
) -> None:
    """`metadata.approval` of a task: `ask`, `auto`, or the terms. `kind` is the word of the task."""
    if kind not in ("call", "run") or calls_tasks(checker, task) or task.get("call") in PEOPLE:
        message = "`approval` is an option of what is called: `call` and `run`"
        checker.complain("option", message, pointer, "put it on the tasks inside", key=True)
        return
    checker.push(_BEFORE if isinstance(value, Mapping) else among("ask", "auto"), value, pointer, scope)


_PATTERNS: Final = Many(
    Text(
        pattern=PATTERN,
        like="a pattern of what is called, such as `http:GET https://example.com/*` or `python:*`",
    )
)
_LITERALS: Final = Many(Text(pattern=re.compile(r"(?s).*\S.*"), like="a name"), least=1)
POLICY: Final = Record(
    {
        "mode": among(*MODES),
        "allow": _PATTERNS,
        "block": _PATTERNS,
        "need": Whole(1),
        "approvers": Record({"people": _LITERALS, "groups": _LITERALS, "roles": _LITERALS}),
        "expires": Special(_constant),
        "selfApproval": Flag(),
    },
    hook=_enough,
)
"""`metadata.policy` of the document."""
