"""`series`: samples of a channel, N in a row, held for a while.

Each sample counts once: `sample_at` is that of the last one, and what is not later is left out. What is held is
measured by the samples' own times, so that a channel that falls silent does not hold. A sample of another type than
the threshold's does not compare, and breaks the row. No data: it is waited for until the time-out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from stepwell.definition.conditions import Comparator, SeriesSpec
from stepwell.kernel.conditions.leaf import (
    Ground,
    Rules,
    again,
    asking,
    failed,
    limited,
    noted,
    out_of_time,
    overdue,
    satisfied,
)
from stepwell.kernel.ruling import Fault
from stepwell.model import problem
from stepwell.model.actions import Outcome, Succeeded
from stepwell.model.base import Instant, Json
from stepwell.model.conditions import Reason, Record


def _ordered(compare: Callable[[Json, Json], bool]) -> Callable[[Json, Json], bool]:
    """Numbers with numbers, text with text."""

    def compared(value: Json, threshold: Json) -> bool:
        comparable = _number(value) and _number(threshold)
        comparable = comparable or (isinstance(value, str) and isinstance(threshold, str))
        return comparable and compare(value, threshold)

    return compared


def _number(value: Json) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _equal(value: Json, threshold: Json) -> bool:
    return isinstance(value, bool) == isinstance(threshold, bool) and bool(value == threshold)


_COMPARE: Final[dict[Comparator, Callable[[Json, Json], bool]]] = {
    Comparator.MORE: _ordered(lambda value, threshold: bool(value > threshold)),
    Comparator.AT_LEAST: _ordered(lambda value, threshold: bool(value >= threshold)),
    Comparator.LESS: _ordered(lambda value, threshold: bool(value < threshold)),
    Comparator.AT_MOST: _ordered(lambda value, threshold: bool(value <= threshold)),
    Comparator.EQUAL: _equal,
    Comparator.UNEQUAL: lambda value, threshold: not _equal(value, threshold),
    Comparator.EXISTS: lambda value, threshold: True,
}


def _begin(spec: SeriesSpec, record: Record, ground: Ground) -> Record:
    _threshold(spec, ground)
    window = spec.channel.window
    since = ground.now - (ground.duration(window) if window is not None else 0)
    return limited({**asking(record, ground.now), "matched": 0, "since": since}, spec.timeout, ground)


def _threshold(spec: SeriesSpec, ground: Ground) -> Json:
    if spec.threshold is None or spec.comparator is Comparator.EXISTS:
        return None
    found = ground.render(spec.threshold)
    if found is None or isinstance(found, dict | list):
        raise Fault(problem.configuration("the threshold is neither a number, nor text, nor true or false"))
    return found


def _look(spec: SeriesSpec, record: Record, ground: Ground) -> Record:
    return _too_late(record, ground) if overdue(record, ground.now) else record


def _too_late(record: Record, ground: Ground) -> Record:
    if "sample_at" not in record:
        return failed(record, Reason.TIMEOUT, record.get("detail", "there were no data"), ground.now)
    told = f"the last of its samples was {record.get('value')!r}"
    return out_of_time(noted(record, detail=told), ground.now)


def _hear(spec: SeriesSpec, record: Record, outcome: Outcome, ground: Ground) -> Record:
    now = ground.now
    report: dict[str, Json] = outcome.output if isinstance(outcome, Succeeded) else {"error": _said(outcome)}
    if "missing" in report:
        return failed(record, Reason(report["missing"]), report.get("detail", ""), now)
    if "error" in report:
        return again(noted(record, detail=report["error"][:200]), ground.duration(spec.every), now)
    counted = _counted(spec, noted(record, detail=None), report["samples"], ground)
    if counted["matched"] >= spec.consecutive and _held(spec, counted, ground):
        return satisfied(counted, now)
    if "position" in report:
        counted = noted(counted, position=report["position"])
    return again(counted, 0 if report.get("more") else ground.duration(spec.every), now)


def _said(outcome: Outcome) -> str:
    found = getattr(outcome, "problem", None)
    return (found.detail or found.title) if found is not None else "it was interrupted"


def _counted(spec: SeriesSpec, record: Record, samples: list[tuple[Instant, Json]], ground: Ground) -> Record:
    """Go through the samples until the row is long enough and held."""
    compare, threshold = _COMPARE[spec.comparator], _threshold(spec, ground)
    since, last = record["since"], record.get("sample_at")
    for at, value in samples:
        if at < since or (last is not None and at <= last):
            continue
        last = at
        if compare(value, threshold):
            matched, first = record["matched"] + 1, record.get("first_match_at", at)
        else:
            matched, first = 0, None
        record = noted(record, matched=matched, first_match_at=first, sample_at=at, value=value)
        if matched >= spec.consecutive and _held(spec, record, ground):
            break
    return record


def _held(spec: SeriesSpec, record: Record, ground: Ground) -> bool:
    if spec.held is None:
        return True
    length: int = record["sample_at"] - record["first_match_at"]
    return length >= ground.duration(spec.held)


RULES = Rules(_begin, look=_look, hear=_hear)
