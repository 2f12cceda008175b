"""Completion conditions and captures: what may be written."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from stepwell.definition.conditions import GROUPS, Comparator, ConditionKind, Moment
from stepwell.definition.duration import DurationError, parse_duration
from stepwell.definition.rules.common import (
    DATA,
    DURATION,
    ENDPOINT,
    EXPRESSION,
    LITERAL,
    ONLY_EXPRESSION,
    STRINGS,
    TEMPLATE,
    URI,
    among,
)
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
    Whole,
)
from stepwell.model.base import SECOND, Duration, Json

MOST_NODES: Final = 100
"""Nodes of one condition."""
DEEPEST: Final = 10

FIELD: Final = Text(
    pattern=re.compile(r"[A-Za-z_][A-Za-z0-9_]*"), like="the name of an output (letters, digits and _)"
)


def _between(least: Duration, most: Duration) -> Special:
    """A duration, written out, within limits."""

    def hook(checker: Examiner, value: Json, pointer: str, scope: Scope) -> None:
        try:
            length = parse_duration(value)
        except DurationError:
            checker.push(DURATION, value, pointer, scope)
            if isinstance(value, str) and "${" in value:
                checker.complain("duration", "it must be written out here", pointer, "no expression")
            return
        if not least <= length <= most:
            message = f"it must lie between {least / SECOND:g} s and {most / SECOND:g} s"
            checker.complain("duration", message, pointer)

    return Special(hook)


def _positive(checker: Examiner, value: Json, pointer: str, scope: Scope) -> None:
    checker.push(DURATION, value, pointer, scope)
    try:
        if not (isinstance(value, str) and "${" in value) and parse_duration(value) <= 0:
            checker.complain("duration", "it must be longer than nothing", pointer)
    except DurationError:  # said already
        return


EVERY: Final = Special(_positive)
_PAIRS: Final = Either(record=STRINGS, text=ONLY_EXPRESSION)
_REQUEST: Final[Mapping[str, Shape]] = {
    "method": Text(pattern=re.compile(r"[A-Za-z]+"), like="an HTTP method"),
    "endpoint": ENDPOINT,
    "headers": _PAIRS,
    "query": _PAIRS,
    "body": DATA,
    "redirect": Flag(),
    "connectTimeout": DURATION,
    "readTimeout": DURATION,
}
_HTTP: Final = Record(
    {
        **_REQUEST,
        "output": among("content", "response"),
        "every": EVERY,
        "until": EXPRESSION,
        "fail": EXPRESSION,
        "timeout": DURATION,
        "attempts": Whole(1, 1_000_000),
    },
    required=("endpoint",),
)
SOURCE: Final = Record(
    {
        "file": TEMPLATE,
        "http": Record(_REQUEST, required=("endpoint",)),
        "name": LITERAL,
    },
    one_of=("file", "http", "name"),
)
_CHANNEL: Final[Mapping[str, Shape]] = {
    "source": SOURCE,
    "channel": TEMPLATE,
    "tags": _PAIRS,
    "window": DURATION,
}


def _series(checker: Examiner, value: Json, pointer: str, scope: Scope) -> None:
    comparator = value.get("comparator")
    if comparator in tuple(Comparator) and comparator != Comparator.EXISTS and "threshold" not in value:
        checker.complain("required", "`threshold` is missing", pointer, "or compare with: exists")


_SERIES: Final = Record(
    {
        **_CHANNEL,
        "comparator": among(*Comparator),
        "threshold": Either(text=TEMPLATE, number=Anything(), flag=Flag()),
        "consecutive": Whole(1, 1_000_000),
        "held": DURATION,
        "every": EVERY,
        "timeout": DURATION,
    },
    required=("source", "channel", "comparator"),
    hook=_series,
)


def _secret(checker: Examiner, value: Json, pointer: str, scope: Scope) -> None:
    if value not in checker.used("secrets"):
        message = f"the secret `{value}` is not declared"
        checker.complain(
            "unknown-reference", message, pointer, f"add it to the list `use.secrets`: [{value}]"
        )


_WEBHOOK: Final = Record(
    {
        "endpoint": URI,
        "secret": Text(hook=_secret),
        "event": LITERAL,
        "payload": DATA,
        "headers": _PAIRS,
        "attempts": Whole(1, 10),
        "interval": _between(5 * SECOND, 300 * SECOND),
        "cap": _between(5 * SECOND, 3_600 * SECOND),
        "exponential": Flag(),
        "timeout": _between(SECOND, 86_400 * SECOND),
    },
    required=("endpoint", "secret"),
)


def _job(checker: Examiner, value: Json, pointer: str, scope: Scope) -> None:
    """Over HTTP the author says what the end of the job looks like."""
    polled = value.get("http")
    if isinstance(polled, Mapping) and "until" not in polled:
        checker.complain("required", "`until` is missing in `http`", f"{pointer}/http")


_JOB: Final = Record(
    {"run": TEMPLATE, "http": _HTTP, "every": EVERY, "timeout": DURATION}, one_of=("run", "http"), hook=_job
)
_EVENT: Final = Either(
    text=TEMPLATE,
    record=Record({"name": TEMPLATE, "correlation": TEMPLATE, "timeout": DURATION}, required=("name",)),
)


def _size(value: Json) -> tuple[int, int]:
    """How many nodes a condition has, and how deep it is, as far as that can be told."""
    count, deepest, todo = 0, 0, [(value, 1)]
    while todo and count <= MOST_NODES:
        node, depth = todo.pop()
        count, deepest = count + 1, max(deepest, depth)
        if isinstance(node, Mapping):
            for word in GROUPS:
                inside = node.get(word)
                parts = inside if isinstance(inside, list) else [inside] if inside is not None else []
                todo.extend((part, depth + 1) for part in parts)
    return count, deepest


def _within(checker: Examiner, value: Json, pointer: str, scope: Scope) -> None:
    checker.push(_NODE, value, pointer, scope)


def _condition(checker: Examiner, value: Json, pointer: str, scope: Scope) -> None:
    count, depth = _size(value)
    if count > MOST_NODES:
        checker.complain("condition", f"the condition has more than {MOST_NODES} parts", pointer)
    elif depth > DEEPEST:
        checker.complain("condition", f"the condition is nested more than {DEEPEST} levels deep", pointer)
    else:
        checker.push(_NODE, value, pointer, scope)


_INSIDE: Final = Special(_within)
_NODES: Final[Mapping[str, Shape]] = {
    ConditionKind.ALL: Many(_INSIDE, least=1),
    ConditionKind.ANY: Many(_INSIDE, least=1),
    ConditionKind.NOT: _INSIDE,
    ConditionKind.TIMER: DURATION,
    ConditionKind.EXPRESSION: EXPRESSION,
    ConditionKind.HTTP: _HTTP,
    ConditionKind.SERIES: _SERIES,
    ConditionKind.WEBHOOK: _WEBHOOK,
    ConditionKind.JOB: _JOB,
    ConditionKind.EVENT: _EVENT,
}
_NODE: Final = Record({str(word): shape for word, shape in _NODES.items()}, one_of=tuple(map(str, _NODES)))

CONDITION: Final = Special(_condition)
"""A completion condition."""

_MOMENT: Final = among(*Moment)


def _captures(checker: Examiner, value: Json, pointer: str, scope: Scope) -> None:
    """Each output is measured once at each moment."""
    if not isinstance(value, list):
        return
    seen: set[Json] = set()
    for place, each in enumerate(value):
        if not isinstance(each, Mapping) or not isinstance(each.get("field"), str):
            continue
        given = each.get("at")
        for moment in given if isinstance(given, list) else [given or Moment.COMPLETION]:
            if isinstance(moment, str):
                if (each["field"], moment) in seen:
                    message = f"`{each['field']}` is measured twice at its {moment}"
                    checker.complain("duplicate-capture", message, f"{pointer}/{place}/at")
                seen.add((each["field"], moment))


def _all_captures(checker: Examiner, value: Json, pointer: str, scope: Scope) -> None:
    checker.push(Many(_CAPTURE), value, pointer, scope)
    _captures(checker, value, pointer, scope)


_CAPTURE: Final = Record(
    {
        **_CHANNEL,
        "field": FIELD,
        "at": Either(text=_MOMENT, many=Many(_MOMENT, least=1)),
        "every": EVERY,
        "timeout": DURATION,
        "onFailure": among("fail", "continue"),
    },
    required=("field", "source", "channel"),
)
CAPTURES: Final = Special(_all_captures)
"""Measurements taken into outputs."""
