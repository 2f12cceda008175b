"""The whole document, and the tables by name."""

from __future__ import annotations

import re
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Final

from stepwell.definition.duration import DurationError, parse_duration
from stepwell.definition.reading.issue import Issue, escape, unescape
from stepwell.definition.rules.approvals import POLICY as CALL_POLICY
from stepwell.definition.rules.auth import AUTHENTICATION, POLICY
from stepwell.definition.rules.checker import Checker
from stepwell.definition.rules.common import (
    DURATION,
    ENDPOINT,
    ERROR,
    EXPRESSION,
    HOST,
    INPUT,
    LITERAL,
    OUTPUT,
    RETRY,
    SEMVER,
    TIMEOUT,
    TIMEOUT_OR_NAME,
    among,
)
from stepwell.definition.rules.events import READ, STRATEGY
from stepwell.definition.rules.metadata import DEADLINE, failure_policy
from stepwell.definition.rules.nouns import (
    Anything,
    Examiner,
    Many,
    NotYet,
    Record,
    Scope,
    Shape,
    Special,
    Text,
)
from stepwell.definition.rules.people import PROCEDURE
from stepwell.definition.rules.recourse import HOOKS
from stepwell.definition.rules.tasks import single, task, task_list
from stepwell.definition.timetable import problems
from stepwell.model.base import Duration, Json
from stepwell.model.schedules import Plan

_DSL: Final = re.compile(r"1\.0\.(0|[1-9][0-9]*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")
_ANYWHERE: Final = Scope(variables=None)


def _dsl(checker: Examiner, value: Json, pointer: str, scope: Scope) -> None:
    if _DSL.fullmatch(value) is None:
        checker.complain(
            "version",
            f"{value[:40]!r} is no version of the language that is known here",
            pointer,
            "write '1.0.3'",
        )


def _evaluate(checker: Examiner, value: Json, pointer: str, scope: Scope) -> None:
    language, mode = value.get("language", "jq"), value.get("mode", "strict")
    if isinstance(language, str) and language != "jq":
        checker.not_yet(f"expressions in {language[:40]}", f"{pointer}/language", "use jq")
    if mode == "loose":
        checker.not_yet(
            "loose expressions (`evaluate.mode: loose`)", f"{pointer}/mode", "write them as ${ … }"
        )


def _schedule(checker: Examiner, value: Json, pointer: str, scope: Scope) -> None:
    if "read" in value and "on" not in value:
        checker.complain("one-of", "`read` belongs to `on`", f"{pointer}/read", key=True)
    if "on" in value:
        checker.not_yet("schedules by event (`schedule.on`)", f"{pointer}/on", "use cron, every or after")
        return
    spans: dict[str, Duration] = {}
    for name in {"every", "after"} & value.keys():
        try:
            spans[name] = parse_duration(value[name])
        except DurationError:  # its shape says so, unless it is an expression
            if isinstance(value[name], str) and "${" in value[name]:
                checker.complain("schedule", "nothing is known yet for an expression", f"{pointer}/{name}")
            return
    cron = value.get("cron")
    if cron is None or isinstance(cron, str):
        for message in problems(Plan(cron, spans.get("every"), spans.get("after"))):
            checker.complain("schedule", message, pointer, key=True)


def _extension(checker: Examiner, value: Json, pointer: str, scope: Scope) -> None:
    for _, extension, place in single(checker, value, pointer, "extension"):
        checker.push(_EXTENSION, extension, place, _ANYWHERE)


def _function(checker: Examiner, value: Json, pointer: str, scope: Scope) -> None:
    task(checker, value, pointer, Scope())


def _anywhere(record: Mapping[str, Json], name: str, scope: Scope) -> Scope:
    """What is used from elsewhere sees what is known there."""
    return _ANYWHERE


_HOST_NAME: Final = "a name of letters, digits and dashes, at most 63"
_VERSION: Final = "a semantic version such as 1.0.0"
_DOCUMENT: Final = Record(
    {
        "dsl": Text(hook=_dsl),
        "namespace": Text(pattern=HOST, like=_HOST_NAME),
        "name": Text(pattern=HOST, like=_HOST_NAME),
        "version": Text(pattern=SEMVER, like=_VERSION),
        "title": LITERAL,
        "summary": LITERAL,
        "tags": Record(others=Anything()),
        "metadata": Record(
            {
                "failurePolicy": Special(failure_policy),
                "deadline": DEADLINE,
                "hooks": HOOKS,
                "procedure": PROCEDURE,
                "policy": CALL_POLICY,
            },
            others=Anything(),
        ),
    },
    required=("dsl", "namespace", "name", "version"),
)
_EXTENSION: Final = Record(
    {
        "extend": among(
            "call",
            "composite",
            "emit",
            "for",
            "listen",
            "raise",
            "run",
            "set",
            "switch",
            "try",
            "wait",
            "all",
        ),
        "when": EXPRESSION,
        "before": "tasks",
        "after": "tasks",
    },
    required=("extend",),
)
_USE: Final = Record(
    {
        "authentications": Record(others=POLICY, rescope=_anywhere),
        "errors": Record(others=ERROR, rescope=_anywhere),
        "extensions": NotYet("extensions (`use.extensions`)", Many(Special(_extension))),
        "functions": Record(others=Special(_function)),
        "retries": Record(others=RETRY, rescope=_anywhere),
        "secrets": Many(LITERAL),
        "timeouts": Record(others=TIMEOUT, rescope=_anywhere),
        "catalogs": NotYet(
            "catalogs (`use.catalogs`)",
            Record(others=Record({"endpoint": ENDPOINT}, ("endpoint",), Anything())),
        ),
    }
)
_SCHEDULE: Final = Record(
    {"every": DURATION, "cron": LITERAL, "after": DURATION, "on": STRATEGY, "read": READ}, hook=_schedule
)
WORKFLOW: Final = Record(
    {
        "document": _DOCUMENT,
        "input": INPUT,
        "use": _USE,
        "do": "tasks",
        "timeout": TIMEOUT_OR_NAME,
        "output": OUTPUT,
        "schedule": _SCHEDULE,
        "evaluate": Record({"language": LITERAL, "mode": among("strict", "loose")}, hook=_evaluate),
    },
    required=("document", "do"),
)

SHAPES: Final[Mapping[str, Shape]] = {
    "tasks": Special(task_list),
    "task": Special(task),
    "authentication": AUTHENTICATION,
}


def check(document: Json) -> list[Issue]:
    """Everything that is wrong with a document, and what cannot run yet (code `not-supported`)."""
    checker = Checker(document, SHAPES)
    checker.run(WORKFLOW)
    _cycles(checker)
    return checker.issues


def _cycles(checker: Examiner) -> None:
    """A function that calls itself, through others or not, would never end."""
    graph: dict[str, set[str]] = {}
    for pointer, target in checker.calls:
        segments = pointer.split("/")
        if segments[1:3] == ["use", "functions"]:
            graph.setdefault(unescape(segments[3]), set()).add(target)
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        circle = error.args[1][1:]
        first = next(name for name in checker.used("functions") if name in circle)
        at = circle.index(first)
        path = [first, *reversed(circle[at + 1 :] + circle[:at]), first]
        message = "functions call each other in a circle: " + " → ".join(path)
        place = f"/use/functions/{escape(first)}"
        checker.complain("function-cycle", message, place, "break the circle", key=True)
