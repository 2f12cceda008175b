"""What people do: `call: form`, `call: approval` and `call: condition`, the graph of a procedure, its global fields."""

from __future__ import annotations

import re
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Final

from stepwell.definition.rules.common import DATA, LITERAL, TEMPLATE, among
from stepwell.definition.rules.conditions import CAPTURES, CONDITION
from stepwell.definition.rules.fields import FIELDS
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


def forms_of(actions: Shape) -> Mapping[str, Shape]:
    """The shapes of `with`, by what is called."""
    common = {"title": TEMPLATE, "content": LITERAL, "actions": actions, "captures": CAPTURES}
    return {
        "form": Record(
            {**common, "fields": FIELDS, "autoProceed": Flag(), "condition": CONDITION},
        ),
        "approval": Record({**common}, others=Anything()),
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


OPTIONS: Final[Mapping[str, Shape]] = {
    "after": Special(_after),
    "autoStart": Flag(),
    "required": Flag(),
    "assign": Record({"people": _NAMES, "groups": _NAMES}),
    "section": LITERAL,
    "title": LITERAL,
    "description": LITERAL,
    "attachments": Many(Anything()),
}
"""Under `metadata` of a task."""


def graph(checker: Examiner, tasks: Mapping[str, tuple[Json, str]]) -> None:
    """A list of tasks as a graph: no circles. `tasks` are (body, pointer) by name."""
    edges: dict[str, list[str]] = {}
    for name, (body, _) in tasks.items():
        given = body.get("metadata") if isinstance(body, Mapping) else None
        after = given.get("after") if isinstance(given, Mapping) else None
        edges[name] = [each for each in after if each in tasks] if isinstance(after, list) else []
    if not any(edges.values()):
        return
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        circle = error.args[1]
        first = min(circle, key=list(tasks).index)
        at = circle.index(first)
        path = [*circle[at:-1], *circle[:at], first] if circle[0] == circle[-1] else circle
        message = "tasks wait for each other in a circle: " + " → ".join(path)
        checker.complain("graph-cycle", message, f"{tasks[first][1]}/metadata/after", "break the circle")


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
        "sections": Many(_SECTION),
        "autoClose": Flag(),
    }
)
"""`document.metadata.procedure`."""
