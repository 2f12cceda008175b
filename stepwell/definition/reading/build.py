"""Values from events, on a stack of its own, with every rule of reading: YAML 1.2 core schema, no
surprises.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from stepwell.definition.reading.events import Broken, Event, Events, Kind, line_column
from stepwell.definition.reading.issue import Issue, escape
from stepwell.model.base import Json

DEEPEST: Final = 200
MOST_COPIES: Final = 1_000_000
"""Values that aliases may add."""
GROWTH: Final = 10
"""How many times longer than its text a document may become through aliases."""
_LONGEST_NUMBER: Final = 4000

_CORE: Final = "tag:yaml.org,2002:"
_NONE: Final = object()

_SCALARS: Final[tuple[tuple[str, re.Pattern[str], Callable[[str], Json]], ...]] = (
    ("null", re.compile(r"(?:~|null|Null|NULL|)"), lambda text: None),
    ("bool", re.compile(r"(?:true|True|TRUE|false|False|FALSE)"), lambda text: text.lower() == "true"),
    ("int", re.compile(r"[-+]?[0-9]+"), int),
    ("int", re.compile(r"0o[0-7]+"), lambda text: int(text[2:], 8)),
    ("int", re.compile(r"0x[0-9a-fA-F]+"), lambda text: int(text[2:], 16)),
    ("float", re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"), float),
    ("float", re.compile(r"[-+]?\.(?:inf|Inf|INF)"), lambda text: float(text.replace(".", ""))),
    ("float", re.compile(r"\.(?:nan|NaN|NAN)"), lambda text: math.nan),
)
_FIRST: Final = frozenset("~nNtTfF-+.0123456789")


class _BadScalar(Exception):
    pass


@dataclass(slots=True)
class _Frame:
    """A map or list that is open. `weight` and `count` measure it, for aliases to it."""

    value: Any
    pointer: str
    is_map: bool
    anchor: str | None
    key: Any = _NONE
    weight: int = 2
    count: int = 1
    start: tuple[int, int] = (1, 1)


class Builder:
    """Builds one value; `issues` collects what is wrong with the text."""

    def __init__(self, length: int) -> None:
        self.issues: list[Issue] = []
        self._most_weight = GROWTH * length + 10_000
        self._stack: list[_Frame] = []
        self._anchors: dict[str, tuple[Json, int, int] | None] = {}
        self._copies = self._weight = 0
        self._root: Json = None
        self._empty = True

    def build(self, events: Events) -> Json:
        """The value. Raises `Broken` where going on is senseless."""
        for event in events:
            kind = event.kind
            if kind is Kind.SCALAR:
                self._scalar(event)
            elif kind is Kind.END:
                self._close()
            elif kind is Kind.ALIAS:
                self._alias(event)
            else:
                self._open(event)
        if self._empty:
            self.issues.append(
                Issue(
                    "empty",
                    "there is no document here",
                    "",
                    "a workflow begins with `document:`",
                    lacking=True,
                )
            )
        return self._root

    def _scalar(self, event: Event) -> None:
        frame = self._stack[-1] if self._stack else None
        if frame is not None and frame.is_map and frame.key is _NONE:
            self._key(frame, event)
            return
        try:
            value = scalar(event)
        except _BadScalar as bad:
            self._complain("value", str(bad), event)
            value = None
        weight = len(event.text) + 2
        if event.anchor:
            self._anchors[event.anchor] = (value, weight, 1)
        self._put(value, weight, 1)

    def _key(self, frame: _Frame, event: Event) -> None:
        name = event.text
        if event.plain and name == "<<":
            self._complain(
                "merge-key", "merge keys (<<) are not part of YAML 1.2", event, "write the members out"
            )
            frame.key = None
            return
        try:
            value = scalar(event)
        except _BadScalar:
            value = None
        if not isinstance(value, str):
            self._complain("key", f"the name {name!r} is not text", event, "put it in quotes")
            frame.key = None
        elif value in frame.value:
            self._complain("duplicate-key", f"`{name}` is there twice", event, "remove one of them")
            frame.key = value  # the last one counts
        else:
            if event.anchor:
                self._anchors[event.anchor] = (value, len(name) + 2, 1)
            frame.key = value
            frame.weight += len(name) + 2

    def _open(self, event: Event) -> None:
        if len(self._stack) >= DEEPEST:
            message = f"nested more than {DEEPEST} levels deep"
            raise Broken(
                Issue("nesting", message, self._here(), "split the workflow", at=line_column(event.place))
            )
        is_map = event.kind is Kind.MAP
        if event.tag is not None and event.tag not in ("!", _CORE + ("map" if is_map else "seq")):
            self._complain("tag", f"the tag {event.tag} means nothing here", event, "remove it")
        if event.anchor:
            self._anchors[event.anchor] = None  # open: an alias to it would be endless
        outer = self._stack[-1] if self._stack else None
        as_key = outer is not None and outer.is_map and outer.key is _NONE
        start = line_column(event.place) if as_key else (1, 1)
        self._stack.append(_Frame({} if is_map else [], self._here(), is_map, event.anchor, start=start))

    def _close(self) -> None:
        frame = self._stack.pop()
        if frame.anchor:
            self._anchors[frame.anchor] = (frame.value, frame.weight, frame.count)
        outer = self._stack[-1] if self._stack else None
        if outer is not None and outer.is_map and outer.key is _NONE:
            self.issues.append(
                Issue("key", "a name must be text, not a map or list", outer.pointer, at=frame.start)
            )
            outer.key = None
            return
        self._put(frame.value, frame.weight, frame.count)

    def _alias(self, event: Event) -> None:
        name = event.text
        if name not in self._anchors:
            self._complain("alias", f"there is no anchor &{name} above", event)
            self._put(None, 1, 1)
            return
        known = self._anchors[name]
        if known is None:
            message = f"*{name} stands inside &{name}: that has no end"
            raise Broken(Issue("alias", message, self._here(), at=line_column(event.place)))
        value, weight, count = known
        frame = self._stack[-1]
        if frame.is_map and frame.key is _NONE:
            self._key(frame, Event(Kind.SCALAR, event.place, value if isinstance(value, str) else "*" + name))
            return
        self._copies += count
        self._weight += weight
        if self._copies > MOST_COPIES or self._weight > self._most_weight:
            message = "the aliases (*) make the document explode"
            raise Broken(
                Issue("alias", message, self._here(), "write it without aliases", at=line_column(event.place))
            )
        self._put(value, weight, count)

    def _put(self, value: Json, weight: int, count: int) -> None:
        if not self._stack:
            self._root, self._empty = value, False
            return
        frame = self._stack[-1]
        frame.weight += weight
        frame.count += count
        if not frame.is_map:
            frame.value.append(value)
        else:
            if frame.key is not None:
                frame.value[frame.key] = value
            frame.key = _NONE

    def _here(self) -> str:
        """The pointer of the value that comes next."""
        if not self._stack:
            return ""
        frame = self._stack[-1]
        if frame.is_map:
            return f"{frame.pointer}/{escape(frame.key)}" if isinstance(frame.key, str) else frame.pointer
        return f"{frame.pointer}/{len(frame.value)}"

    def _complain(self, code: str, message: str, event: Event, hint: str = "") -> None:
        self.issues.append(Issue(code, message, self._here(), hint, at=line_column(event.place)))


def scalar(event: Event) -> Json:
    """The value of a scalar by the YAML 1.2 core schema. Raises `_BadScalar`."""
    text, tag = event.text, event.tag
    if tag is None and not event.plain:
        if text.isascii():
            return text
        try:
            text.encode()
        except UnicodeEncodeError:
            raise _BadScalar("a lone surrogate (half a character)") from None
        return text
    if tag is None:
        return text if text and text[0] not in _FIRST else _resolved(text, None)
    if tag in ("!", _CORE + "str"):
        return text
    if not tag.startswith(_CORE) or tag[len(_CORE) :] not in ("null", "bool", "int", "float"):
        raise _BadScalar(f"the tag {tag} means nothing here")
    return _resolved(text, tag[len(_CORE) :])


def _resolved(text: str, wanted: str | None) -> Json:
    for name, pattern, convert in _SCALARS:
        if wanted in (None, name) and pattern.fullmatch(text):
            if len(text) > _LONGEST_NUMBER:
                raise _BadScalar(f"a number of {len(text)} digits is too long")
            value = convert(text)
            if isinstance(value, float) and math.isinf(value) and "inf" not in text.lower():
                raise _BadScalar(f"{text} is too large for a number with a fraction or exponent")
            return value
    if wanted is not None:
        raise _BadScalar(f"{text!r} is no {wanted}")
    return text
