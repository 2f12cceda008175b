"""What people call a run (or a definition) and file it under: title, description, labels, properties. It can be changed
at any time, and nothing that happens depends on it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from stepwell.model.errors import InvalidInput

MOST: Final = 64
"""labels, and properties, of one run"""
LONGEST_NAME: Final = 200
LONGEST_TITLE: Final = 500
LONGEST_VALUE: Final = 1_000
LONGEST_DESCRIPTION: Final = 20_000


def title(value: object) -> str | None:
    """As it is recorded; None: it has none. Raises `InvalidInput`, as all of these."""
    return None if value is None else _text(value, "a title", LONGEST_TITLE)


def description(value: object) -> str | None:
    """An empty one is none."""
    return None if value is None or value == "" else _text(value, "a description", LONGEST_DESCRIPTION)


def author(value: object) -> str | None:
    return None if value is None else _text(value, "an author", LONGEST_NAME)


def labels(values: object) -> tuple[str, ...]:
    """In the order they were given, each once."""
    if isinstance(values, str) or not isinstance(values, Sequence | set | frozenset):
        raise InvalidInput(f"labels are a list of texts, not {_shown(values)}")
    given = sorted(values, key=str) if isinstance(values, set | frozenset) else values
    found = tuple(dict.fromkeys(_text(value, "a label", LONGEST_NAME) for value in given))
    _check_number("labels", len(found))
    return found


def properties(values: object) -> dict[str, str]:
    if not isinstance(values, Mapping):
        raise InvalidInput(f"properties are an object of texts, not {_shown(values)}")
    _check_number("properties", len(values))
    return {
        _text(key, "a property's name", LONGEST_NAME): _value(value, str(key))
        for key, value in values.items()
    }


def archived(value: object) -> bool:
    if not isinstance(value, bool):
        raise InvalidInput(f"archived is true or false, not {_shown(value)}")
    return value


def _value(value: object, key: str) -> str:
    """That of a property: may be empty."""
    return "" if value == "" else _text(value, f"property {key}", LONGEST_VALUE, blank=True)


def _text(value: object, what: str, longest: int, *, blank: bool = False) -> str:
    if not isinstance(value, str):
        raise InvalidInput(f"{what} is a text, not {_shown(value)}")
    if len(value) > longest:
        raise InvalidInput(f"{what} has at most {longest:,} characters, not {len(value):,}")
    if not (blank or value.strip()):
        raise InvalidInput(f"{what} cannot be blank", hint="to take it away, give null (None)")
    return value


def _check_number(what: str, number: int) -> None:
    if number > MOST:
        raise InvalidInput(f"there are at most {MOST} {what}, not {number}")


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}… ({type(value).__name__})"
