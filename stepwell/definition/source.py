"""Reads a YAML 1.2 or JSON text: its value, what is wrong with it, and where everything stands in it.

The value is built from parser events on a stack of its own: no depth and no alias can exhaust the machine.
Positions are not kept (they would outweigh the document) but found again for the few places that are asked
for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from stepwell.definition import reading
from stepwell.definition.reading.build import Builder
from stepwell.definition.reading.events import Broken, Events, NotJson, json_events
from stepwell.definition.reading.issue import Issue
from stepwell.definition.reading.places import locate
from stepwell.model.base import Json
from stepwell.model.errors import Finding

_BOM: Final = "\ufeff"


@dataclass(slots=True)
class Source:
    """A document. `issues` are its flaws as a text; `text` is None for one that came as a value."""

    file: str
    value: Json = None
    text: str | None = None
    json: bool = False
    issues: list[Issue] = field(default_factory=list)

    def findings(self, issues: Iterable[Issue]) -> list[Finding]:
        """The issues with line and column, in document order."""
        asked = list(issues)
        places: Mapping[Issue, tuple[int, int]] = {}
        if self.text is not None:
            places = locate(self._events(self.text), [i for i in asked if i.at is None])
        found = [
            Finding(i.code, i.message, i.pointer, self.file, *(i.at or places.get(i, (1, 1))), hint=i.hint)
            for i in asked
        ]
        return sorted(found, key=lambda finding: (finding.line, finding.column))

    def _events(self, text: str) -> Events:
        return json_events(text) if self.json else reading.yaml_text.yaml_events(text)


def read(text: str | bytes, file: str = "<definition>") -> Source:
    """Read a document. Never raises: what is wrong is in `issues`, and the value is as much as could be
    read.
    """
    source = Source(file)
    try:
        source.text = decoded(text)
        if source.text.lstrip().startswith("{"):
            try:
                return _build(source, json_events(source.text), json=True)
            except NotJson:
                pass
        return _build(source, reading.yaml_text.yaml_events(source.text), json=False)
    except Broken as broken:
        source.issues.append(broken.issue)
        source.text = None
        return source


def of_value(value: Json, file: str) -> Source:
    """A document that was read and checked before, such as a stored one."""
    return Source(file, value)


def _build(source: Source, events: Events, json: bool) -> Source:
    assert source.text is not None
    builder = Builder(len(source.text))
    source.value = builder.build(events)
    source.issues, source.json = builder.issues, json
    return source


def decoded(text: str | bytes) -> str:
    """The characters of a text. Raises `Broken` where it is not UTF-8, or holds NUL."""
    if isinstance(text, bytes):
        text = _utf8(text)
    text = text.removeprefix(_BOM)
    nul = text.find("\0")
    if nul >= 0:
        raise Broken(
            Issue("encoding", "a NUL character", "", "this is not a text file", at=_place(text[:nul]))
        )
    return text


def _utf8(raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        place = _place(raw[: error.start].decode("utf-8"))
        message = f"byte 0x{raw[error.start]:02x} is not UTF-8"
        raise Broken(Issue("encoding", message, "", "save the file as UTF-8", at=place)) from None


def _place(before: str) -> tuple[int, int]:
    return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1
