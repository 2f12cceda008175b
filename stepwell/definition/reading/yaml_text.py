"""YAML texts as events."""

from __future__ import annotations

from typing import Any, Final

import yaml

from stepwell.definition.reading.events import Broken, Event, Events, Kind, line_column
from stepwell.definition.reading.issue import Issue

_ADVICE: Final = {
    "found a tab character": "YAML is indented with spaces, never with tabs",
    "mapping values are not allowed": "put the value in quotes if it holds a colon, and check the indentation",
    "did not find expected key": "check the indentation, and the quotes and brackets above",
    "could not find expected": "check the indentation and that a colon follows the name",
    "found unexpected end of stream": "a quote or bracket is not closed",
}


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
