"""What people do: `call: form`, `call: approval` and `call: condition`, the graph of a procedure, its global fields."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from stepwell.definition.forms.verdict import VERDICT_FIELDS
from stepwell.definition.rules.approvals import ASKED, ENOUGH
from stepwell.definition.rules.common import DATA, LITERAL, TEMPLATE, among
from stepwell.definition.rules.conditions import CAPTURES, CONDITION
from stepwell.definition.rules.fields import FIELDS
from stepwell.definition.rules.graphs import in_section, sections
from stepwell.definition.rules.nouns import (
    Anything,
    Either,
    Examiner,
    Flag,
    Many,
    Record,
    Scope,
    Shape,
    Special,
    Text,
    nearest,
)
from stepwell.definition.rules.processes import WORKFLOW
from stepwell.model.base import Json

_ID: Final = Text(pattern=re.compile(r"[A-Za-z_]\w*"), like="a name of letters, digits and _")
_NAMES: Final = Many(LITERAL)
_SEVERITY: Final = among("info", "success", "warning", "error", "critical")

_NOTICE: Final = Record(
    {
        "type": TEMPLATE,
        "title": TEMPLATE,
        "severity": Either(
            text=_SEVERITY,
            record=Record({"completed": _SEVERITY, "failed": _SEVERITY, "skipped": _SEVERITY}),
        ),
        "labels": DATA,
        "properties": DATA,
    },
    required=("type",),
)
_TELL: Final = Record(
    {
        "channel": TEMPLATE,
        "title": Text(pattern=re.compile(r"(?s).{0,130}"), like="a title of at most 130 characters"),
        "message": TEMPLATE,
    },
    required=("channel", "message"),
)


def actions_of(http: Shape, python: Shape) -> Shape:
    """`actions`: what is done once a step holds. Each item has one member, which says what."""
    return Many(
        Record(
            {
                "event": _NOTICE,
                "http": http,
                "notify": _TELL,
                "run": WORKFLOW,
                "set": Record(others=DATA, least=1),
                "function": python,
            },
            one_of=("event", "http", "notify", "run", "set", "function"),
        )
    )


def _somebody(checker: Examiner, value: Json, pointer: str, scope: Scope) -> None:
    """Somebody has to be named."""
    if isinstance(value, Mapping) and not any(value.get(name) for name in ("people", "groups")):
        message = "nobody is named here"
        checker.complain("nobody", message, pointer, "name people or groups, or leave it out", lacking=True)


_SOMEBODY: Final = Record({"people": _NAMES, "groups": _NAMES}, hook=_somebody)


def _verification(checker: Examiner, value: Json, pointer: str, scope: Scope) -> None:
    """A form with a verdict has two fields of its own; others have nobody to refer anything to."""
    if value.get("verdict") is not True:
        if "refer" in value:
            message = "`refer` belongs to forms with `verdict: true`"
            checker.complain("option", message, f"{pointer}/refer", "remove it", key=True)
        return
    fields = value.get("fields")
    for number, each in enumerate(fields if isinstance(fields, list) else []):
        if isinstance(each, Mapping) and each.get("id") in VERDICT_FIELDS:
            message = f"`{each['id']}` is a field that `verdict` adds itself"
            checker.complain("duplicate", message, f"{pointer}/fields/{number}/id", "remove the field")


def forms_of(actions: Shape) -> Mapping[str, Shape]:
    """The shapes of `with`, by what is called."""
    common = {"title": TEMPLATE, "content": LITERAL, "actions": actions, "captures": CAPTURES}
    return {
        "form": Record(
            {
                **common,
                "fields": FIELDS,
                "autoProceed": Flag(),
                "condition": CONDITION,
                "verdict": Flag(),
                "refer": _SOMEBODY,
            },
            hook=_verification,
        ),
        "approval": Record({**common, **ASKED}, hook=ENOUGH),
        "condition": Record({**common, "condition": CONDITION}, required=("condition",)),
    }


def _after(checker: Examiner, value: Json, pointer: str, scope: Scope) -> None:
    """The names of tasks of the same list; the circles are looked for where the list is known."""
    if not isinstance(value, list):
        checker.push(_NAMES, value, pointer, scope)
        return
    for place, name in enumerate(value):
        where = f"{pointer}/{place}"
        if not isinstance(name, str):
            checker.push(LITERAL, name, where, scope)
        elif name not in scope.siblings:
            hint = nearest(name, scope.siblings) or "it must be a task of the same list"
            checker.complain(
                "unknown-task", f"there is no task `{name[:60]}` to come after here", where, hint
            )
        elif name in value[:place]:
            checker.complain("duplicate-edge", f"`{name[:60]}` is there twice", where, "remove one of them")


def _in_section(checker: Examiner, value: Json, pointer: str, scope: Scope) -> None:
    in_section(checker, value, pointer)


def options_together(checker: Examiner, given: Mapping[str, Json], pointer: str) -> None:
    """What cannot be said of one task at once."""
    if given.get("required") is True and given.get("optional") is True:
        message = "a task that is required cannot be optional: nothing goes on without it"
        checker.complain("option", message, f"{pointer}/optional", "keep one of them", key=True)


OPTIONS: Final[Mapping[str, Shape]] = {
    "after": Special(_after),
    "autoStart": Flag(),
    "required": Flag(),
    "assign": _SOMEBODY,
    "section": Text(hook=_in_section),
    "title": LITERAL,
    "description": LITERAL,
    "attachments": Many(Anything()),
}
"""Under `metadata` of a task."""


def _sections(checker: Examiner, value: Json, pointer: str, scope: Scope) -> None:
    checker.push(Many(_SECTION), value, pointer, scope)
    sections(checker, value, pointer)


def _section(checker: Examiner, value: Json, pointer: str, scope: Scope) -> None:
    checker.push(_SECTION, value, pointer, scope)


_SECTION: Final = Record(
    {"id": _ID, "title": LITERAL, "description": LITERAL, "sections": Many(Special(_section))},
    required=("id",),
)
PROCEDURE: Final = Record(
    {
        "description": LITERAL,
        "labels": _NAMES,
        "properties": Record(others=Anything()),
        "attachments": Many(Anything()),
        "fields": FIELDS,
        "sections": Special(_sections),
        "autoClose": Flag(),
    }
)
"""`document.metadata.procedure`."""
