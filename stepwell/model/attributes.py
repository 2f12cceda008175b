"""Search attributes: named, typed values of a run by which it is found; and what may be asked of them.

A value is a text, a whole number, a number with a fraction, true or false, or an instant. In JSON an instant is
`{"datetime": "2026-11-21T03:42:39.000001Z"}`, always in UTC and to the microsecond, so that its text sorts as it does.
Numbers compare with each other whatever their kind; nothing else compares with what is not of its kind.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from stepwell.model.base import Json
from stepwell.model.errors import InvalidInput

MOST: Final = 64
"""attributes of one run"""
LONGEST_TEXT: Final = 1_000
RESERVED: Final = frozenset({"and", "or", "not", "in", "exists", "true", "false"})
"""words of the filter language, which no attribute may have for a name"""

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,63}")
_INSTANT_FORMAT: Final = "%Y-%m-%dT%H:%M:%S.%fZ"

TEXT, NUMBER, BOOLEAN, INSTANT = "text", "number", "boolean", "datetime"
"""The kinds of values."""


def check_name(name: object) -> str:
    """The name, if it may be one. Raises `InvalidInput`."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidInput(
            f"{name!r} cannot be the name of an attribute",
            hint="it begins with a letter and has letters, digits, '_', '.' and '-', 64 at most",
        )
    if name.lower() in RESERVED:
        raise InvalidInput(f"{name!r} is a word of the filter language: it cannot name an attribute")
    return name


def normal(value: object, name: str) -> Json:
    """The value as it is recorded. Raises `InvalidInput` where it is of no kind, or out of bounds."""
    if isinstance(value, bool) or (isinstance(value, int) and -(2**63) <= value < 2**63):
        return value
    if isinstance(value, float) and math.isfinite(value):
        return value
    if isinstance(value, str) and len(value) <= LONGEST_TEXT:
        return value
    if isinstance(value, datetime):
        return {INSTANT: _text_of(value, name)}
    if isinstance(value, Mapping) and list(value) == [INSTANT]:
        return {INSTANT: _text_of(_moment(value[INSTANT], name), name)}
    raise InvalidInput(f"attribute {name} cannot be {_shown(value)}", hint=_HINT)


_HINT: Final = (
    "it is a text of at most 1,000 characters, a whole number of at most 64 bits, a finite number, true or false, "
    'or an instant: {"datetime": "2026-11-21T03:42:39Z"}'
)


def _shown(value: object) -> str:
    if isinstance(value, str):
        return f"a text of {len(value)} characters"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}… ({type(value).__name__})"


def _moment(text: object, name: str) -> datetime:
    try:
        if isinstance(text, str):
            return datetime.fromisoformat(text)
    except ValueError:
        pass
    raise InvalidInput(f"attribute {name}: {text!r} is no instant", hint="write it like 2026-11-21T03:42:39Z")


def _text_of(moment: datetime, name: str) -> str:
    if moment.tzinfo is None:
        raise InvalidInput(f"attribute {name}: an instant needs its zone", hint="add Z, or +01:00")
    return moment.astimezone(UTC).strftime(_INSTANT_FORMAT).rjust(27, "0")


def normal_all(values: Mapping[str, object]) -> dict[str, Json]:
    """All of them as they are recorded. Raises `InvalidInput`."""
    if len(values) > MOST:
        raise InvalidInput(f"a run has at most {MOST} attributes, not {len(values)}")
    return {check_name(name): normal(value, name) for name, value in values.items()}


def kind_of(value: Json) -> str:
    """The kind of a recorded value."""
    if isinstance(value, bool):
        return BOOLEAN
    if isinstance(value, int | float):
        return NUMBER
    return TEXT if isinstance(value, str) else INSTANT


def merged(have: Mapping[str, Json], values: Mapping[str, Json], removed: Sequence[str]) -> dict[str, Json]:
    """The attributes after a change. Raises `InvalidInput` where one would change its kind, or they become too many."""
    after = {name: value for name, value in have.items() if name not in removed}
    for name, value in values.items():
        if name in after and kind_of(after[name]) != kind_of(value):
            raise InvalidInput(
                f"attribute {name} is a {kind_of(after[name])}: it cannot become a {kind_of(value)}",
                hint="remove it first, or use another name",
            )
        after[name] = value
    if len(after) > MOST:
        raise InvalidInput(f"a run has at most {MOST} attributes, not {len(after)}")
    return after


# --- what may be asked ----------------------------------------------------------------------------


class Compare(NamedTuple):
    """The attribute is there, of the value's kind, and `op` (eq, ne, lt, le, gt, ge) holds between it and the value."""

    name: str
    op: str
    value: Json


class Among(NamedTuple):
    """The attribute is one of these values."""

    name: str
    values: tuple[Any, ...]


class Exists(NamedTuple):
    """The run has the attribute."""

    name: str


class Not(NamedTuple):
    """Also true of runs that lack the attribute."""

    part: Where


class Every(NamedTuple):
    """All parts hold."""

    parts: tuple[Where, ...]


class Some(NamedTuple):
    """At least one part holds."""

    parts: tuple[Where, ...]


Where = Compare | Among | Exists | Not | Every | Some
