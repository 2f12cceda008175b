"""`metadata.errorPolicy` of a task: what to do when it does not begin, is silent, is not through in time, or fails."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from stepwell.definition.duration import DurationError, parse_duration
from stepwell.definition.rules.common import HOST, SEMVER, among
from stepwell.definition.rules.nouns import (
    Either,
    Examiner,
    Flag,
    Record,
    Scope,
    Shape,
    Special,
    Text,
    Whole,
)
from stepwell.model.base import Json

_MOST_RETRIES: Final = 1_000_000


def _length(checker: Examiner, value: Json, pointer: str, scope: Scope) -> None:
    """A duration that is known beforehand: a policy has no data to compute it from."""
    if isinstance(value, str) and "${" in value:
        message = "a policy's duration cannot be an expression"
        checker.complain("duration", message, pointer, "write PT5S or {seconds: 5}")
        return
    try:
        parse_duration(value)
    except DurationError as error:
        message, _, hint = str(error).partition(": ")
        checker.complain("duration", message, pointer, hint)


LENGTH: Final = Special(_length)


def _version(checker: Examiner, value: Json, pointer: str, scope: Scope) -> None:
    if value != "latest" and SEMVER.fullmatch(value) is None:
        message = f"{value[:60]!r} is neither a version nor `latest`"
        checker.complain("value", message, pointer, "such as 1.0.0")


_HOST: Final = Text(pattern=HOST, like="a name of letters, digits and dashes, at most 63")
WORKFLOW: Final = Either(
    text=Text(
        pattern=re.compile(rf"{HOST.pattern}/{HOST.pattern}:(latest|{SEMVER.pattern})"),
        like="a workflow such as ops/alert:1.0.0",
    ),
    record=Record(
        {"namespace": _HOST, "name": _HOST, "version": Text(hook=_version)},
        required=("namespace", "name", "version"),
    ),
)
_HOOK: Final = Record({"workflow": WORKFLOW}, required=("workflow",))
HOOKS: Final = Record({"completed": _HOOK, "failed": _HOOK, "cancelled": _HOOK, "timed_out": _HOOK})
"""`metadata.hooks` of the document."""
_AGAIN: Final[Mapping[str, Shape]] = {
    "action": among("fail", "retry", "none"),
    "interval": LENGTH,
    "exponential": Flag(),
    "count": Whole(0, _MOST_RETRIES),
    "workflow": WORKFLOW,
}
_LIMIT: Final = Record({"after": LENGTH, **_AGAIN}, required=("after",))


def _completion(checker: Examiner, value: Json, pointer: str, scope: Scope) -> None:
    if isinstance(value, Mapping) and value.get("action") == "retry":
        message = "a task whose time is over cannot be tried again in time"
        checker.complain("option", message, f"{pointer}/action", "write fail or none")
        value = {name: given for name, given in value.items() if name == "after"}
    checker.push(_COMPLETION, value, pointer, scope)


_COMPLETION: Final = Record(
    {"after": LENGTH, "action": among("fail", "none"), "workflow": WORKFLOW}, required=("after",)
)
_POLICY: Final = Record(
    {"start": _LIMIT, "response": _LIMIT, "completion": Special(_completion), "error": Record(_AGAIN)},
    least=1,
)


def error_policy(
    checker: Examiner, task: Mapping[str, Json], kind: str, value: Json, pointer: str, scope: Scope
) -> None:
    """`kind` is the word of the task: `call`, `run`, …"""
    if kind not in ("call", "run") or calls_tasks(checker, task):
        message = "`errorPolicy` is an option of tasks that somebody performs: `call` and `run`"
        checker.complain("option", message, pointer, "put it on the tasks inside, or use try", key=True)
        return
    if isinstance(value, Mapping) and "completion" in value and "timeout" in task:
        message = "the task's `timeout` says already when it must be through"
        checker.complain("option", message, f"{pointer}/completion", "say it once", key=True)
    checker.push(_POLICY, value, pointer, scope)


def calls_tasks(checker: Examiner, task: Mapping[str, Json]) -> bool:
    """It calls a function of the document, which is a task in turn."""
    target = task.get("call")
    return isinstance(target, str) and target in checker.used("functions")
