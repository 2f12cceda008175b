"""What `flow.start_child` can be told of the run that it begins, checked where it is said."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final, TypedDict

from stepwell.code.options import Length, microseconds
from stepwell.model import metadata, starting
from stepwell.model.base import EPOCH, Instant, Json
from stepwell.model.errors import InvalidInput
from stepwell.model.queues import DEFAULT


class ChildOptions(TypedDict, total=False):
    """As for `Stepwell.start`. `deadline`: seconds, a `timedelta`, or when."""

    key: str | None
    tags: Mapping[str, str]
    priority: int
    mode: str
    variables: Mapping[str, Json]
    attributes: Mapping[str, Any]
    queue: str | None
    delay: Length | None
    deadline: Length | datetime | None
    partition: str | None
    unique: str | None
    title: str | None
    description: str | None
    labels: Sequence[str]
    properties: Mapping[str, str]
    author: str | None


_PLAIN: Final[Mapping[str, Callable[[Any], Any]]] = {
    "key": starting.key,
    "tags": starting.tags,
    "priority": starting.priority,
    "mode": starting.mode,
    "variables": starting.variables,
    "attributes": starting.attributes,
    "queue": partial(starting.name, "queue"),
    "partition": partial(starting.name, "partition"),
    "unique": partial(starting.name, "unique"),
    "title": metadata.title,
    "description": metadata.description,
    "labels": metadata.labels,
    "properties": metadata.properties,
    "author": metadata.author,
}
_TIMED: Final = ("delay", "deadline")
KNOWN: Final = frozenset({*_PLAIN, *_TIMED, "kwargs", "detached"})
_QUEUED: Final = frozenset({"queue", "partition", "unique", "delay"})


def child_options(given: Mapping[str, Any], now: Instant, takes: Mapping[str, Any]) -> dict[str, Json]:
    """Members of `StartRun`. `takes`: the parameters of the workflow. Raises `InvalidInput`."""
    start: dict[str, Json] = {}
    for name, value in given.items():
        if name not in KNOWN:
            raise starting.unknown_option("start_child", name, KNOWN, _meant(name, takes))
        if name in _PLAIN and value is not None:
            start[name] = _PLAIN[name](value)
    if any(given.get(name) is not None for name in _QUEUED):
        start.setdefault("queue", DEFAULT)
        delay = given.get("delay")
        start["due"] = now + (microseconds(delay, "delay") if delay is not None else 0)
    if given.get("deadline") is not None:
        start["deadline"] = _until(now, given["deadline"])
        if start["deadline"] <= start.get("due", now):
            raise InvalidInput("the deadline is before the run may begin")
    return start


def _meant(name: str, takes: Mapping[str, Any]) -> str:
    if name in takes:
        return f"arguments that are given by their names go into kwargs={{{name!r}: …}}"
    return ""


def _until(now: Instant, deadline: Any) -> Instant:
    if not isinstance(deadline, datetime):
        return now + microseconds(deadline, "deadline")
    aware = deadline if deadline.tzinfo is not None else deadline.replace(tzinfo=UTC)
    return (aware - EPOCH) // timedelta(microseconds=1)
