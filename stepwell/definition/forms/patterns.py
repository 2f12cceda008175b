"""Regular expressions in linear time: those of JSON Schema, without look-around and back references.

They are matched by the engine that JSON Schemas are checked with, in its linear mode. It never backtracks; its time is
bounded by the length of the text times the size of the compiled pattern, so both have a limit.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Final

import jsonschema_rs

LONGEST_PATTERN: Final = 1_000
LONGEST_MATCHED: Final = 10_000
"""characters of a text that has to match a pattern"""

OPTIONS: Final = jsonschema_rs.RegexOptions(size_limit=8 << 20)


def whole(pattern: str) -> str:
    """The pattern for the text from its beginning to its end, as JSON Schema has it."""
    return f"^(?:{pattern})$"


def complaint(pattern: str) -> str:
    """Why the pattern cannot be used; empty where it can."""
    if len(pattern) > LONGEST_PATTERN:
        return f"the pattern has more than {LONGEST_PATTERN:,} characters"
    try:
        _compiled(pattern)
        _compiled(whole(pattern))
    except (ValueError, jsonschema_rs.ValidationError):
        return (
            "not a regular expression that can be matched in linear time: it is misspelled, too big, "
            "or uses look-around or back references"
        )
    return ""


def matches(pattern: str, text: str) -> bool:
    """Whether the whole text matches a pattern without complaint."""
    return bool(_compiled(whole(pattern)).is_valid(text))


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Any:
    return jsonschema_rs.Draft202012Validator({"pattern": pattern}, pattern_options=OPTIONS)
