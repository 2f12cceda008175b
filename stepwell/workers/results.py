"""What a function returned, as JSON, with no value changed: the rules are in `CONVERTERS`."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import pathlib
import uuid
from collections.abc import Callable, Mapping
from typing import Any

from stepwell.model.base import Json

DEEPEST = 150
"""Levels of nesting; the JSON reader ends at 200, and a step's output is nested within other things."""

SCALARS = frozenset({str, int, float, bool, type(None)})
PLAIN = SCALARS - {str}

HINTS: Mapping[type, str] = {
    set: "a set has no order: return a sorted list",
    frozenset: "a set has no order: return a sorted list",
    bytes: "return text, or base64 of the bytes",
    bytearray: "return text, or base64 of the bytes",
}


class NotJson(TypeError):
    """A value that JSON cannot hold; the text names its type and its place."""


def jsonable(value: Any, path: str = "$", depth: int = 0) -> Json:
    """The value as JSON: containers are copied (theirs may change later), integers keep every digit.

    Raises `NotJson`.
    """
    kind = type(value)
    if kind is str:
        return value if value.isascii() else _text(value, path)
    if kind in SCALARS:
        return value
    if depth >= DEEPEST:
        raise NotJson(f"the result is nested deeper than {DEEPEST} levels, or holds itself, at {path[:80]}…")
    if kind is dict:
        return {
            name if type(name) is str else _name(name, path): item
            if type(item) in PLAIN or (type(item) is str and item.isascii())
            else jsonable(item, f"{path}.{name}", depth + 1)
            for name, item in value.items()
        }
    if kind is list or kind is tuple:
        return [
            item if type(item) in PLAIN else jsonable(item, f"{path}[{place}]", depth + 1)
            for place, item in enumerate(value)
        ]
    return jsonable(_converted(value, path), path, depth + 1)


def _text(text: str, path: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise NotJson(f"the result holds a text with half a character (a lone surrogate) at {path}") from None
    return text


def _name(name: Any, path: str) -> str:
    if isinstance(name, str):
        return str.__str__(name)
    raise NotJson(
        f"the result holds a key of type {type(name).__name__} at {path}: keys of JSON objects are strings"
    )


def _converted(value: Any, path: str) -> Any:
    for kind, convert in CONVERTERS:
        if isinstance(value, kind):
            return convert(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {each.name: getattr(value, each.name) for each in dataclasses.fields(value)}
    if hasattr(type(value), "model_dump"):
        return value.model_dump()
    named = f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
    hint = HINTS.get(type(value), "return what JSON can hold: objects, lists, text, numbers, booleans, None")
    raise NotJson(f"the result holds a {named} at {path}: {hint}")


CONVERTERS: tuple[tuple[type | tuple[type, ...], Callable[[Any], Any]], ...] = (
    (enum.Enum, lambda value: value.value),
    (bool, bool),
    (str, str.__str__),
    (int, int),
    (float, float),
    (decimal.Decimal, str),
    (uuid.UUID, str),
    (pathlib.PurePath, str),
    ((datetime.datetime, datetime.date, datetime.time), lambda value: value.isoformat()),
    (Mapping, dict),
    ((list, tuple), list),
)
"""Subclasses of JSON's own types lose their class; the rest becomes text. First match wins."""
