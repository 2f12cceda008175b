"""YAML and JSON texts as one kind of events."""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Iterator
from enum import IntEnum
from typing import Any, Final, NamedTuple

import yaml

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
_ADVICE: Final = {
    "found a tab character": "YAML is indented with spaces, never with tabs",
    "mapping values are not allowed": "put the value in quotes if it holds a colon, and check the indentation",
    "did not find expected key": "check the indentation, and the quotes and brackets above",
    "could not find expected": "check the indentation and that a colon follows the name",
    "found unexpected end of stream": "a quote or bracket is not closed",
}


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


def yaml_events(text: str) -> Events:
    """The events of the one document in the text. Raises `Broken`."""
    documents = 0
    try:
        event: Any
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            kind = type(event)
            if kind is yaml.ScalarEvent:
                yield Event(
                    Kind.SCALAR, event.start_mark, event.value, event.implicit[0], event.tag, event.anchor
                )
            elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
                yield Event(Kind.END, event.start_mark)
            elif kind is yaml.MappingStartEvent:
                yield Event(Kind.MAP, event.start_mark, tag=event.tag, anchor=event.anchor)
            elif kind is yaml.SequenceStartEvent:
                yield Event(Kind.LIST, event.start_mark, tag=event.tag, anchor=event.anchor)
            elif kind is yaml.AliasEvent:
                yield Event(Kind.ALIAS, event.start_mark, event.anchor)
            elif kind is yaml.DocumentStartEvent:
                documents += 1
                if documents > 1:
                    message, hint = (
                        "a second document begins here",
                        "a file holds one workflow: split it at ---",
                    )
                    raise Broken(Issue("documents", message, "", hint, at=line_column(event.start_mark)))
    except yaml.MarkedYAMLError as error:
        raise Broken(_syntax(error)) from None
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        place = (before.count("\n") + 1, len(before) - before.rfind("\n"))
        message = f"YAML does not allow the character {_character(error.character)}"
        raise Broken(Issue("encoding", message, at=place)) from None


def _character(found: object) -> str:
    return f"U+{found if isinstance(found, int) else ord(str(found)[:1] or ' '):04X}"


def _syntax(error: yaml.MarkedYAMLError) -> Issue:
    problem = str(error.problem or "cannot be read")
    mark = error.problem_mark or error.context_mark
    context = f" {error.context}" if error.context else ""
    hint = next((advice for start, advice in _ADVICE.items() if problem.startswith(start)), "")
    return Issue(
        "syntax", f"not YAML: {problem}{context}", "", hint, at=line_column(mark) if mark else (1, 1)
    )
