"""What a start can be asked for: each option as it is recorded, and what is said of one that there is not."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from difflib import get_close_matches
from typing import Final

from stepwell.model.attributes import normal_all
from stepwell.model.base import Json
from stepwell.model.errors import InvalidInput

MOST_PRIORITY: Final = 2**31
LONGEST_KEY: Final = 1_000
LONGEST_NAME: Final = 200

_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,199}")


def run_id(value: object) -> str:
    """Raises `InvalidInput`, as all of these."""
    if not isinstance(value, str) or not _ID.fullmatch(value):
        raise InvalidInput(
            f"{_shown(value)} cannot be a run's id",
            hint="use up to 200 letters, digits, dots, colons, - and _",
        )
    return value


def key(value: object) -> str | None:
    return None if value is None else _text("key", value, LONGEST_KEY)


def name(what: str, value: object) -> str | None:
    """Of a queue, a partition, …"""
    return None if value is None else _text(what, value, LONGEST_NAME)


def tags(value: object) -> dict[str, str]:
    given = _object("tags", value)
    for tag, text in given.items():
        if not isinstance(text, str):
            raise InvalidInput(f"tag {tag!r} is a text, not {_shown(text)}", hint="numbers can be attributes")
    return given


def priority(value: object) -> int:
    whole = isinstance(value, int) and not isinstance(value, bool)
    if not whole or not -MOST_PRIORITY <= value <= MOST_PRIORITY:  # type: ignore[operator]
        raise InvalidInput(f"priority is a whole number, not {_shown(value)}", hint="the highest is first")
    return value  # type: ignore[return-value]


def mode(value: object) -> str:
    if value not in ("normal", "debug"):
        raise InvalidInput(f"mode must be normal or debug, not {_shown(value)}")
    return str(value)


def variables(value: object, what: str = "variables") -> dict[str, Json]:
    return _object(what, value)


def attributes(value: object) -> dict[str, Json]:
    return normal_all(_object("attributes", value))


def unknown_option(verb: str, option: str, known: Collection[str], hint: str = "") -> InvalidInput:
    """There is no such option; perhaps another one was meant. `hint`: what to do, where that is known better."""
    near = get_close_matches(option, sorted(known), 1)
    if not hint:
        hint = f"did you mean {near[0]}?" if near else f"its options are: {', '.join(sorted(known))}"
    return InvalidInput(f"{verb} has no option {option!r}", hint=hint)


def _object(what: str, value: object) -> dict[str, Json]:
    if value is None:
        return {}
    if not isinstance(value, Mapping) or not all(isinstance(member, str) for member in value):
        raise InvalidInput(f"{what} are an object with names, not {_shown(value)}")
    return dict(value)


def _text(what: str, value: object, longest: int) -> str:
    if not isinstance(value, str):
        raise InvalidInput(f"a {what} is a text, not {_shown(value)}")
    if not 0 < len(value) <= longest:
        raise InvalidInput(f"a {what} has 1 to {longest:,} characters, not {len(value):,}")
    return value


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}… ({type(value).__name__})"
