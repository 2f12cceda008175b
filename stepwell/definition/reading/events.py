"""What texts are read as: one kind of events for YAML (see `yaml_text`) and JSON; and JSON texts."""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Iterator
from enum import IntEnum
from typing import Any, Final, NamedTuple

from stepwell.definition.reading.issue import Issue

Place = Any
"""Where an event stands: a YAML mark, or (offsets of the line ends, offset). `line_column` reads it."""


class Kind(IntEnum):
    SCALAR = 0
    MAP = 1
    LIST = 2
    END = 3
    ALIAS = 4


class Event(NamedTuple):
    """`text` of a scalar is as written, without quotes; `plain` where it had none. JSON strings are
    decoded.
    """

    kind: Kind
    place: Place
    text: str = ""
    plain: bool = False
    tag: str | None = None
    anchor: str | None = None


Events = Iterator[Event]


class Broken(Exception):
    """The text cannot be read on from here."""

    def __init__(self, issue: Issue) -> None:
        super().__init__(issue.message)
        self.issue = issue


class NotJson(Exception):
    """It may still be YAML."""


_JSON: Final = re.compile(r'[ \t\r\n,:]*(?:"((?:[^"\\]|\\.)*)"|([-+.0-9A-Za-z]+)|([{}\[\]]))', re.DOTALL)


def line_column(place: Place) -> tuple[int, int]:
    """Counted from 1."""
    if isinstance(place, tuple):
        ends, offset = place
        line = bisect_left(ends, offset)
        return line + 1, offset - (ends[line - 1] if line else -1)
    return place.line + 1, place.column + 1


def json_events(text: str) -> Events:
    """Raises `NotJson` at once where the text is none."""
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        raise NotJson from None
    return _json_tokens(text)


def _json_tokens(text: str) -> Events:
    at, end = 0, len(text.rstrip())
    ends = [found.start() for found in re.finditer("\n", text)]
    match = _JSON.match
    while at < end:
        found = match(text, at)
        assert found is not None, "json.loads accepted it"
        at = found.end()
        place = (ends, found.start(found.lastindex or 0) - (found.lastindex == 1))
        if found.lastindex == 1:
            inner = found[1]
            yield Event(
                Kind.SCALAR, place, json.loads(f'"{inner}"', strict=False) if "\\" in inner else inner
            )
        elif found.lastindex == 2:
            if found[2] in ("NaN", "Infinity", "-Infinity"):
                raise Broken(Issue("value", f"{found[2]} is not JSON", at=line_column(place)))
            yield Event(Kind.SCALAR, place, found[2], plain=True)
        elif found[3] in "{[":
            yield Event(Kind.MAP if found[3] == "{" else Kind.LIST, place)
        else:
            yield Event(Kind.END, place)
