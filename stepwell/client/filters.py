"""Which runs are meant: the filters that listings, counts and bulk verbs share.

Times are instants, datetimes with a zone, RFC 3339 texts (a date alone is its midnight in UTC), or how long ago: `90s`,
`30m`, `12h`, `7d`, `2w`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, TypedDict

from stepwell.client.where import read_where
from stepwell.model.base import EPOCH, SECOND, Instant
from stepwell.model.errors import InvalidInput
from stepwell.model.journal import RunFilter, RunOrder
from stepwell.model.states import RunStatus

Time = Instant | datetime | str


class Filters(TypedDict, total=False):
    """What is not given does not filter. `open`: has not ended. `carried_on`: an engine that is alive carries it on.
    `error_type`: a type, or what stands behind its last slash (`timeout`). `where` asks for attributes, as text
    (`amount > 100 and region = "eu"`) or as data (see `client.where`). `overdue`: open, past a soft deadline. `key`:
    started with this key (of a chain of runs that continue as new: all of them)."""

    status: Sequence[str]
    name: str | None
    namespace: str | None
    version: str | None
    tags: Mapping[str, str] | None
    parent_id: str | None
    rerun_of: str | None
    error_type: str | None
    id_prefix: str | None
    key: str | None
    open: bool | None
    carried_on: bool | None
    created_after: Time | None
    created_before: Time | None
    updated_after: Time | None
    updated_before: Time | None
    ended_after: Time | None
    ended_before: Time | None
    where: str | Mapping[str, Any] | None
    overdue: bool | None


TIMES: Final = tuple(name for name in Filters.__annotations__ if name.endswith(("_after", "_before")))
_AGO: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(s|m|h|d|w)")
_UNITS: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}


def run_filter(filters: Filters, now: Instant, sort: str = "newest") -> RunFilter:
    """Checked, with times as instants; `carried_on` is left to whoever knows the engines. Raises `InvalidInput`."""
    unknown = sorted(set(filters) - set(Filters.__annotations__))
    if unknown:
        known = ", ".join(Filters.__annotations__)
        raise InvalidInput(f"runs cannot be filtered by {', '.join(unknown)}", hint=f"filters are {known}")
    given: dict[str, Any] = {name: value for name, value in filters.items() if value is not None}
    given.pop("carried_on", None)
    for name in TIMES:
        if name in given:
            given[name] = instant_of(given[name], now)
    if given.pop("overdue", False):
        given["overdue_at"] = now
    if "where" in given:
        given["where"] = read_where(given["where"])
    given["status"] = _statuses(given.get("status", ()), given.get("error_type"))
    given["tags"] = dict(given.get("tags", {}))
    try:
        return RunFilter(**given, order=RunOrder(sort))
    except ValueError:
        raise InvalidInput(
            f"runs cannot be sorted by {sort!r}", hint="use newest, oldest or updated"
        ) from None


def _statuses(given: Sequence[str], error_type: str | None) -> tuple[str, ...]:
    """Only runs that failed or ran out of time have an error."""
    names = (given,) if isinstance(given, str) else tuple(given)
    for name in names:
        if name not in list(RunStatus):
            known = ", ".join(status.value for status in RunStatus)
            raise InvalidInput(f"{name!r} is not the status of a run", hint=f"statuses are {known}")
    failed = (RunStatus.FAILED.value, RunStatus.TIMED_OUT.value)
    return failed if error_type is not None and not names else tuple(map(str, names))


def instant_of(time: Time, now: Instant) -> Instant:
    """Raises `InvalidInput`."""
    if isinstance(time, bool) or not isinstance(time, int | str | datetime):
        raise InvalidInput(f"{time!r} is not a time")
    if isinstance(time, int):
        return time
    if isinstance(time, str):
        ago = _AGO.fullmatch(time.strip())
        if ago is not None:
            return now - int(float(ago[1]) * _UNITS[ago[2]] * SECOND)
        time = _read(time)
    if time.tzinfo is None:
        time = time.replace(tzinfo=UTC)
    past = time - EPOCH
    return (past.days * 86_400 + past.seconds) * SECOND + past.microseconds


def _read(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError:
        raise InvalidInput(
            f"{text!r} is not a time",
            hint="write it like 2026-11-21T09:00:00Z, or how long ago: 90s, 30m, 12h, 7d",
        ) from None
