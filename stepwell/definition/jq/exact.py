"""Values go to jq and come back as JSON text. Nothing may change on the way: this module sees to it.

jq keeps the digits of a number that it only hands on, and calculates in doubles. So an integer beyond ±2^53
is exact in a result only if it was handed on; anything else that large is refused, not rounded. NaN, the
infinities and lone surrogates have no place in JSON and are refused by name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from pydantic_core import PydanticSerializationError, from_json, to_json

from stepwell.definition.jq.words import ExpressionError
from stepwell.model.base import Json

EXACT: Final = 1 << 53
"""Integers up to here are exact as doubles."""

_DIGITS: Final = re.compile(r"[0-9](?:[0-9]{15}|[eE]\+?[1-9])")
_NUMBER: Final = re.compile(r'"(?:[^"\\]|\\.)*"|-?[0-9]+(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?')
_REMEDY: Final = "keep it as a string"


def to_text(value: Json) -> str:
    """The JSON text of a value."""
    try:
        text = to_json(value, inf_nan_mode="constants").decode()
    except (PydanticSerializationError, UnicodeEncodeError, ValueError) as error:
        raise ExpressionError(_why_not_json(value, error)) from None
    if "NaN" in text or "Infinity" in text:
        _refuse_nan(text)
    return text


def _why_not_json(value: Json, error: Exception) -> str:
    said = str(error)
    if "surrogate" in said:
        return "the data holds a lone surrogate (half a character), which jq cannot keep: replace it first"
    if "depth" in said or "recursion" in said or "Circular" in said:
        return "the data is nested too deeply for jq"
    return f"the data holds what is no JSON: {said}"


def _refuse_nan(text: str) -> None:
    for name in re.findall(r'"(?:[^"\\]|\\.)*"|-?Infinity|NaN', text):
        if not name.startswith('"'):
            raise ExpressionError(
                f"the data holds {name}, which jq would change: take it out or keep it as a string"
            )


def large_numbers(text: str) -> dict[str, Json]:
    """The whole numbers beyond ±2^53 in a JSON text, by spelling. A cheap look first: mostly there are
    none.
    """
    if _DIGITS.search(text) is None:
        return {}
    found: dict[str, Json] = {}
    for number in _NUMBER.findall(text):
        if not number.startswith('"') and number not in found and len(number) > 3:
            value = from_json(number)
            if abs(value) > EXACT and (isinstance(value, int) or value.is_integer()):
                found[number] = value
    return found


def witnesses(large: Mapping[str, Json]) -> dict[str, str]:
    """For each large integer another one of like size, in the same order, that no double can hold."""
    found: dict[str, str] = {}
    last: int | None = None
    for spelling, value in sorted(large.items(), key=lambda item: item[1]):
        if isinstance(value, float):
            continue
        other = (value + max(abs(value) // 1024, 1021)) | 1
        if last is not None and other <= last:
            other = last + 2
        while int(float(other)) == other or str(other) in large:
            other += 2
        found[spelling] = str(other)
        last = other
    return found


def substituted(text: str, replacements: Mapping[str, str]) -> str:
    """The JSON text with whole numbers replaced. Spellings stand also within strings (`tostring` makes
    them).
    """
    pattern = re.compile("|".join(re.escape(s) for s in sorted(replacements, key=len, reverse=True)))
    return pattern.sub(lambda match: replacements[match[0]], text)


def from_text(text: str, allowed: Mapping[str, Json]) -> Json:
    """The value of jq's JSON text; `allowed` are the large numbers that came in."""
    try:
        value = from_json(text)
    except ValueError as error:
        raise ExpressionError(f"the value cannot be read back from jq: {error}") from None
    if _DIGITS.search(text) is None:
        return value
    large = large_numbers(text)
    if not large:
        return value
    came_in = {number: number for number in allowed.values()}
    floats = any(isinstance(number, float) for number in came_in)
    for spelling, number in large.items():
        if number not in came_in and not (floats and isinstance(number, float)):
            raise ExpressionError(
                f"{spelling} lies beyond ±2^53, where jq does not calculate exactly: {_REMEDY}"
            )
    return _restored(value, came_in)


def _restored(value: Json, came_in: Mapping[Json, Json]) -> Json:
    """Large numbers as they came in: jq writes the float 1.5e20 as an integer."""
    if isinstance(value, dict):
        return {key: _restored(member, came_in) for key, member in value.items()}
    if isinstance(value, list):
        return [_restored(member, came_in) for member in value]
    if type(value) is int or type(value) is float:
        return came_in.get(value, value)
    return value
