"""How messages name the kind of a value."""

from __future__ import annotations

from collections.abc import Mapping

from stepwell.model.base import Json


def kind_of(value: Json) -> str:
    """The kind of a value, as messages name it."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, str):
        return "text"
    if isinstance(value, int):
        return "a whole number"
    if isinstance(value, float):
        return "a number"
    return "an object" if isinstance(value, Mapping) else "a list"
