"""Containers and scripts. Checked in full, though they cannot run yet."""

from __future__ import annotations

from typing import Final

from stepwell.definition.rules.common import (
    DATA,
    DURATION,
    EXTERNAL,
    LITERAL,
    ONLY_EXPRESSION,
    SEMVER,
    TEMPLATE,
    among,
)
from stepwell.definition.rules.nouns import Either, Examiner, Many, Record, Scope, Text
from stepwell.definition.semver import is_range
from stepwell.model.base import Json


def _lifetime(checker: Examiner, value: Json, pointer: str, scope: Scope) -> None:
    eventually = value.get("cleanup") == "eventually"
    if eventually != ("after" in value):
        message = "`after` belongs to `cleanup: eventually`, and to nothing else"
        checker.complain("one-of", message, pointer)


_LIFETIME: Final = Record(
    {"cleanup": among("always", "never", "eventually"), "after": DURATION},
    required=("cleanup",),
    hook=_lifetime,
)
_ARGUMENTS: Final = Either(many=Many(TEMPLATE), record=DATA, text=TEMPLATE)

CONTAINER: Final = Record(
    {
        "image": TEMPLATE,
        "name": TEMPLATE,
        "command": TEMPLATE,
        "ports": DATA,
        "volumes": DATA,
        "environment": DATA,
        "stdin": TEMPLATE,
        "arguments": _ARGUMENTS,
        "lifetime": _LIFETIME,
        "pullPolicy": among("ifNotPresent", "always", "never"),
    },
    required=("image",),
)
SCRIPT: Final = Record(
    {
        "language": LITERAL,
        "code": TEMPLATE,
        "source": EXTERNAL,
        "stdin": TEMPLATE,
        "arguments": _ARGUMENTS,
        "environment": DATA,
    },
    required=("language",),
    one_of=("code", "source"),
)


def _version(checker: Examiner, value: Json, pointer: str, scope: Scope) -> None:
    if not is_range(value) and SEMVER.fullmatch(value) is None:
        checker.complain(
            "value",
            f"{value[:60]!r} is neither a version, nor a range of versions, nor `latest`",
            pointer,
            "such as 1.0.0, ^1.2 or ~1.2.3",
        )


WORKFLOW: Final = Record(
    {
        "namespace": LITERAL,
        "name": LITERAL,
        "version": Text(hook=_version),
        "input": Either(record=DATA, text=ONLY_EXPRESSION),
    },
    required=("namespace", "name", "version"),
)
