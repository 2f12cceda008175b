"""`metadata.cache` and `metadata.rateLimit` of a task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from stepwell.definition.duration import DurationError, parse_duration
from stepwell.definition.rules.common import EXPRESSION
from stepwell.definition.rules.nouns import Examiner, Record, Scope, Shape, Special, Text, Whole
from stepwell.definition.rules.recourse import LENGTH, calls_tasks
from stepwell.model.base import Json


def _positive(checker: Examiner, value: Json, pointer: str, scope: Scope) -> None:
    checker.push(LENGTH, value, pointer, scope)
    try:
        nothing = not (isinstance(value, str) and "${" in value) and parse_duration(value) <= 0
    except DurationError:  # said already
        return
    if nothing:
        checker.complain("duration", "it must be longer than nothing", pointer)


_SHAPES: Final[Mapping[str, Shape]] = {
    "cache": Record({"key": EXPRESSION, "ttl": Special(_positive)}, required=("key", "ttl")),
    "rateLimit": Record(
        {"limit": Whole(1, 1_000_000), "window": Special(_positive), "name": Text()},
        required=("limit", "window"),
    ),
}
SPARING: Final = frozenset(_SHAPES)


def sparing(
    checker: Examiner, task: Mapping[str, Json], kind: str, name: str, value: Json, pointer: str, scope: Scope
) -> None:
    """`kind` is the word of the task: `call`, `run`, …"""
    run = task.get("run")
    if (
        kind not in ("call", "run")
        or calls_tasks(checker, task)
        or (isinstance(run, Mapping) and "workflow" in run)
    ):
        message = (
            f"`{name}` is an option of tasks that a worker performs: `call`, and `run` but for workflows"
        )
        checker.complain("option", message, pointer, "put it on the tasks inside", key=True)
        return
    checker.push(_SHAPES[name], value, pointer, scope)
