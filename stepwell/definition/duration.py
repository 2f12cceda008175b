"""Durations as the language writes them: ISO 8601 (`PT1.5S`, `P1DT2H`) or `{days, hours, minutes, …}`.

A year is 365 days and a month 30: the standard allows both in a duration and says no more.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from stepwell.model.base import SECOND, Duration, Json


class DurationError(Exception):
    """Not a duration; the message says what is wrong with it."""


UNITS: Final[dict[str, Duration]] = {
    "days": 86_400 * SECOND,
    "hours": 3_600 * SECOND,
    "minutes": 60 * SECOND,
    "seconds": SECOND,
    "milliseconds": SECOND // 1000,
}
LONGEST: Final[Duration] = 1000 * 366 * 86_400 * SECOND

_NUMBER: Final = r"([0-9]{1,15}(?:\.[0-9]{1,9})?)"
_ISO: Final = re.compile(
    rf"P(?:{_NUMBER}Y)?(?:{_NUMBER}M)?(?:{_NUMBER}W)?(?:{_NUMBER}D)?"
    rf"(?P<time>T(?:{_NUMBER}H)?(?:{_NUMBER}M)?(?:{_NUMBER}S)?)?"
)
_DAY: Final = UNITS["days"]
_SIZES: Final = (_DAY * 365, _DAY * 30, _DAY * 7, _DAY, UNITS["hours"], UNITS["minutes"], UNITS["seconds"])
_HINT: Final = "write it like PT30S, PT1M30S, P1DT2H, or as an object like {minutes: 5}"


def parse_duration(value: Json) -> Duration:
    """Microseconds, what is smaller cut off. Raises `DurationError`."""
    if isinstance(value, str):
        micros = _iso(value.strip())
    elif isinstance(value, Mapping):
        micros = _inline(value)
    else:
        raise DurationError(f"a duration is text or an object, not {value!r}: {_HINT}")
    if micros > LONGEST:
        raise DurationError(f"{value!r} is longer than a thousand years")
    return micros


def _iso(text: str) -> Duration:
    match = _ISO.fullmatch(text)
    if match is None or text in ("P", "") or match["time"] == "T":
        raise DurationError(f"{text[:60]!r} is no ISO 8601 duration: {_HINT}")
    numbers = [*match.groups()[:4], *match.groups()[5:]]
    exact = sum(Decimal(n) * size for n, size in zip(numbers, _SIZES, strict=True) if n is not None)
    return int(exact)


def _inline(members: Mapping[str, Json]) -> Duration:
    total: Decimal = Decimal(0)
    if not members:
        raise DurationError(f"an empty object is no duration: {_HINT}")
    for unit, amount in members.items():
        if unit not in UNITS:
            raise DurationError(f"{unit!r} is no unit of a duration: use {', '.join(UNITS)}")
        if isinstance(amount, bool) or not isinstance(amount, int | float):
            raise DurationError(f"{unit} must be a number, not {amount!r}")
        if not 0 <= amount < 1e15:
            raise DurationError(f"{unit} must not be negative or endless, it is {amount!r}")
        total += Decimal(str(amount)) * UNITS[unit]
    return int(total)
