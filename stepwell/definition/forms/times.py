"""Points in time and lengths of time."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import ClassVar, Final

from stepwell.definition.duration import DurationError, parse_duration
from stepwell.definition.forms.field import Field, Resolve, without_nothing, wrong_kind
from stepwell.model.base import EPOCH, Duration, Instant, Json, iso

_DAY: Final = "[1-9][0-9]{3}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])"
_HOUR: Final = "(?:[01][0-9]|2[0-3])"
_CLOCK: Final = rf"{_HOUR}:[0-5][0-9]:[0-5][0-9](?:\.[0-9]{{1,9}})?"
DATETIME: Final = rf"{_DAY}[Tt]{_CLOCK}(?:[Zz]|[+-]{_HOUR}:[0-5][0-9])"
"""RFC 3339 from the year 1000 on, without leap seconds, which clocks do not show either"""
_DATETIME: Final = re.compile(DATETIME)
_LONGEST: Final = 100
_LAST: Final[Instant] = (datetime.max.replace(tzinfo=EPOCH.tzinfo) - EPOCH) // timedelta(microseconds=1)

_NUMBER: Final = r"[0-9]{1,15}(?:\.[0-9]{1,9})?"


def _from(units: str) -> str:
    """At least one of the units, in their order."""
    starts = [
        f"{_NUMBER}{unit}" + "".join(f"(?:{_NUMBER}{later})?" for later in units[place + 1 :])
        for place, unit in enumerate(units)
    ]
    return f"(?:{'|'.join(starts)})"


DURATION: Final = f"P(?:{_from('YMWD')}(?:T{_from('HMS')})?|T{_from('HMS')})"


def instant_of(text: str) -> Instant:
    """Microseconds since 1970, what is smaller cut off. Raises `ValueError`."""
    if len(text) > _LONGEST or _DATETIME.fullmatch(text) is None:
        raise ValueError("not a date and time with its zone, like 2026-11-21T15:30:00+01:00")
    clock, _, rest = text[:19].upper(), text[19:20], text[19:]
    zone = "" if rest[-1] in "Zz" else rest[-6:]
    fraction = rest[: len(rest) - (len(zone) or 1)][1:7].ljust(6, "0") if rest[0] == "." else "0"
    try:
        local = datetime.fromisoformat(clock).replace(tzinfo=EPOCH.tzinfo)
    except ValueError:
        raise ValueError("there is no such day") from None
    instant = (local - EPOCH) // timedelta(microseconds=1) + int(fraction)
    if zone:
        shift = (int(zone[1:3]) * 60 + int(zone[4:6])) * 60_000_000
        instant += shift if zone[0] == "-" else -shift
    if instant > _LAST:
        raise ValueError("too far in the future")
    return instant


def duration_of(text: str) -> Duration:
    """Microseconds. Raises `ValueError`."""
    if len(text) > _LONGEST or text != text.strip():
        raise ValueError("not a duration, like PT1H30M or P2D")
    try:
        return parse_duration(text)
    except DurationError as error:
        reason = (
            "longer than a thousand years" if "years" in str(error) else "not a duration, like PT1H30M or P2D"
        )
        raise ValueError(reason) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Timed(Field):
    """Bounds are inclusive, and written like the values."""

    measure: ClassVar[Callable[[str], int]]
    words: ClassVar[tuple[str, str]]
    minimum: str | None = None
    maximum: str | None = None

    def faults(self, value: Json) -> Iterator[str]:
        if not isinstance(value, str):
            yield wrong_kind("text", value)
            return
        measure = type(self).measure
        try:
            amount = measure(value)
        except ValueError as error:
            yield str(error)
            return
        if self.minimum is not None and amount < measure(self.minimum):
            yield f"must not be {self.words[0]} than {self.minimum}"
        if self.maximum is not None and amount > measure(self.maximum):
            yield f"must not be {self.words[1]} than {self.maximum}"

    def contradictions(self) -> Iterator[tuple[str, str]]:
        measure, amounts = type(self).measure, list[int]()
        for name, bound in (("minimum", self.minimum), ("maximum", self.maximum)):
            try:
                amounts += [] if bound is None else [measure(bound)]
            except ValueError as error:
                yield name, str(error)
        if len(amounts) == 2 and amounts[0] > amounts[1]:
            yield "maximum", "`maximum` is below `minimum`: nothing fits between them"


@dataclass(frozen=True, slots=True, kw_only=True)
class DatetimeField(_Timed):
    """RFC 3339, always with a zone. The output is the same instant in UTC, to the microsecond."""

    kind: ClassVar[str] = "datetime"
    measure: ClassVar[Callable[[str], int]] = staticmethod(instant_of)
    words: ClassVar[tuple[str, str]] = ("earlier", "later")

    def output(self, value: Json, resolve: Resolve | None) -> Json:
        return iso(instant_of(value))

    def schema(self) -> dict[str, Json]:
        """Bounds are told as `formatMinimum` and `formatMaximum`, which validators may not know."""
        found = {"type": "string", "format": "date-time", "pattern": f"^{DATETIME}$"}
        bounds = {"formatMinimum": self.minimum, "formatMaximum": self.maximum}
        return {**found, **without_nothing(bounds)}


@dataclass(frozen=True, slots=True, kw_only=True)
class DurationField(_Timed):
    """ISO 8601, as the language writes it: `PT1H30M`. A month is 30 days, a year 365."""

    kind: ClassVar[str] = "duration"
    measure: ClassVar[Callable[[str], int]] = staticmethod(duration_of)
    words: ClassVar[tuple[str, str]] = ("shorter", "longer")

    def schema(self) -> dict[str, Json]:
        """Bounds are told as for `DatetimeField`."""
        bounds = {"formatMinimum": self.minimum, "formatMaximum": self.maximum}
        return {"type": "string", "pattern": f"^{DURATION}$", **without_nothing(bounds)}
