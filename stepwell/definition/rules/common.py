"""Shapes that many places share: durations, endpoints, schemas, data flow, errors, retries."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from stepwell.definition.duration import UNITS, DurationError, parse_duration
from stepwell.definition.rules.nouns import (
    Anything,
    Either,
    Examiner,
    NotYet,
    Record,
    Scope,
    Special,
    Text,
    Use,
    Whole,
)
from stepwell.definition.schema import schema_errors
from stepwell.model.base import Json

EXPRESSION: Final = Text(Use.EXPRESSION)
TEMPLATE: Final = Text(Use.TEMPLATE)
ONLY_EXPRESSION: Final = Text(Use.ONLY_EXPRESSION)
LITERAL: Final = Text()
DATA: Final = Anything(template=True)
SHAPED: Final = Either(text=EXPRESSION, record=DATA)
SCALAR: Final = Either(text=TEMPLATE, whole=Whole(), number=Anything(), flag=Anything())
STRINGS: Final = Record(others=SCALAR)

NAME: Final = Text(
    pattern=re.compile(
        r"(?!(?:context|input|output|secrets|authorization|task|workflow|runtime|variables)$)[A-Za-z_][A-Za-z0-9_]*"
    ),
    like="the name of a variable (no $, no dash, and none of the language's own, such as input or task)",
)
HOST: Final = re.compile(r"[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?")
SEMVER: Final = re.compile(
    r"(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)\.(0|[1-9][0-9]*)"
    r"(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?"
)


def among(*words: str) -> Text:
    return Text(among=words)


def referring(what: str, section: str) -> Text:
    """The name of something under `use.<section>`."""

    def hook(checker: Examiner, value: Json, pointer: str, scope: Scope) -> None:
        checker.reference(what, section, value, pointer)

    return Text(hook=hook)


def _duration(checker: Examiner, value: Json, pointer: str, scope: Scope) -> None:
    if isinstance(value, str) and "${" in value:
        checker.push(ONLY_EXPRESSION, value, pointer, scope)
        return
    if isinstance(value, Mapping) and all(unit in UNITS for unit in value):
        wrong = [
            unit for unit, amount in value.items() if isinstance(amount, bool) or not isinstance(amount, int)
        ]
        for unit in wrong:
            checker.push(Whole(), value[unit], f"{pointer}/{unit}", scope)
        if wrong:
            return
    try:
        parse_duration(value)
    except DurationError as error:
        message, _, hint = str(error).partition(": ")
        checker.complain("duration", message, pointer, hint)


def _schema(checker: Examiner, value: Json, pointer: str, scope: Scope) -> None:
    kind = value.get("format", "json")
    if isinstance(kind, str) and kind.partition(":")[0].lower() != "json":
        checker.not_yet(f"the schema format {kind[:40]!r}", f"{pointer}/format", "use json")
    elif "document" in value:
        for complaint in schema_errors(value["document"]):
            where, _, message = complaint.removeprefix("at ").partition(": ")
            place = f"{pointer}/document{where.rstrip('/')}"
            checker.complain("schema", f"not a JSON Schema: {message}", place)


DURATION: Final = Special(_duration)
URI: Final = Text(Use.TEMPLATE, pattern=re.compile(r"\S+"), like="an address (it holds spaces or is empty)")
ENDPOINT: Final = Either(
    text=URI, record=Record({"uri": URI, "authentication": "authentication"}, required=("uri",))
)
EXTERNAL: Final = Record({"name": LITERAL, "endpoint": ENDPOINT}, required=("endpoint",))
SCHEMA: Final = Record(
    {
        "format": LITERAL,
        "document": Anything(),
        "resource": NotYet("schemas in external resources (`schema.resource`)", EXTERNAL),
    },
    one_of=("document", "resource"),
    hook=_schema,
)
INPUT: Final = Record({"schema": SCHEMA, "from": SHAPED})
OUTPUT: Final = Record({"schema": SCHEMA, "as": SHAPED})

TIMEOUT: Final = Record({"after": DURATION}, required=("after",))
TIMEOUT_OR_NAME: Final = Either(record=TIMEOUT, text=referring("timeout", "timeouts"))

ERROR: Final = Record(
    {
        "type": URI,
        "status": Either(whole=Whole(100, 999), text=ONLY_EXPRESSION),
        "instance": TEMPLATE,
        "title": TEMPLATE,
        "detail": TEMPLATE,
    },
    required=("type", "status"),
)

RETRY: Final = Record(
    {
        "when": EXPRESSION,
        "exceptWhen": EXPRESSION,
        "delay": DURATION,
        "backoff": Record(
            {"constant": Record(), "exponential": Record(), "linear": Record()},
            one_of=("constant", "exponential", "linear"),
        ),
        "limit": Record(
            {"attempt": Record({"count": Whole(0), "duration": DURATION}), "duration": DURATION},
        ),
        "jitter": Record({"from": DURATION, "to": DURATION}, required=("from", "to")),
    }
)
