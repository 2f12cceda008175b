"""Runs jq in this process. Programs are compiled once; data, variables and the time are their input."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, NamedTuple

import jq

from stepwell.definition.jq.binding import names
from stepwell.definition.jq.exact import from_text, large_numbers, substituted, to_text, witnesses
from stepwell.definition.jq.risk import refusal
from stepwell.definition.jq.tokens import balanced, tokenize
from stepwell.definition.jq.words import ExpressionError
from stepwell.model.base import SECOND, Instant, Json

_DATA: Final = "$__stepwell_data"
_NOW: Final = "$__stepwell_now"
_CACHED: Final = 2000


class Program(NamedTuple):
    """A compiled expression. `large` are the numbers beyond ±2^53 that its author wrote into it."""

    run: Any
    names: tuple[str, ...]
    timed: bool
    divides: bool
    large: Mapping[str, Json]


def wrapped(source: str, variables: tuple[str, ...], timed: bool) -> str:
    """A program whose input is `[data, now if timed, variables…]`; its one result is the JSON text of all
    results.
    """
    slots = [_DATA, *([_NOW] if timed else []), *(f"${name}" for name in variables)]
    clock = f"def now: {_NOW}; " if timed else ""
    return f". as [{', '.join(slots)}] | {clock}{_DATA} | [{source}\n] | tojson"


@lru_cache(_CACHED)
def program(source: str) -> Program:
    """Raises `ExpressionError` for what jq does not take."""
    tokens = tokenize(source)
    refused = refusal(tokens)
    if refused is not None:
        raise ExpressionError(refused)
    if not tokens or not balanced(tokens):
        raise ExpressionError("its brackets or quotes are not closed" if tokens else "it is empty")
    variables = tuple(sorted(names(tokens)))
    timed = any(token.kind == "ident" and token.text == "now" for token in tokens)
    try:
        run = jq.compile(wrapped(source, variables, timed))
    except ValueError as error:
        raise ExpressionError(first_line(str(error))) from None
    numbers = "[" + ",".join(token.text for token in tokens if token.kind == "number") + "]"
    divides = any(token.text in ("%", "%=") for token in tokens)
    return Program(run, variables, timed, divides, _written(numbers))


def _written(numbers: str) -> Mapping[str, Json]:
    try:
        return large_numbers(numbers)
    except ValueError:
        return {}  # spelled in a way that JSON does not know, such as 007


def first_line(message: str) -> str:
    """jq's complaint without its drawing of the place."""
    return message.removeprefix("jq: error: ").partition("\n")[0]


def evaluate_source(source: str, data: Json, variables: Mapping[str, Json], now: Instant) -> Json:
    """The value of a jq expression (none: None, several: a list), whatever its risk.

    Raises `ExpressionError`. An expression that does not end does not end here either.
    """
    compiled = program(source)
    return run_text(compiled, input_text(compiled, data, variables, now))


def input_text(compiled: Program, data: Json, variables: Mapping[str, Json], now: Instant) -> str:
    parts = [data]
    if compiled.timed:
        parts.append(now / SECOND)
    try:
        parts += [variables[name] for name in compiled.names]
    except KeyError as missing:
        raise ExpressionError(f"there is no variable ${missing.args[0]} here") from None
    return to_text(parts)


def run_text(compiled: Program, text: str) -> Json:
    large = large_numbers(text)
    result = _run(compiled, text)
    if large:
        _prove_untouched(compiled, text, result, large)
    results = from_text(result, {**large, **compiled.large})
    return results[0] if len(results) == 1 else results or None


def _run(compiled: Program, text: str) -> str:
    try:
        return str(compiled.run.input_text(text).first())
    except ValueError as error:
        if "secrets" in compiled.names:
            raise ExpressionError("it failed; the reason is withheld, for it could tell a secret") from None
        raise ExpressionError(first_line(str(error)) or "it failed") from None
    except StopIteration:
        raise ExpressionError("it stopped without a value") from None


def _prove_untouched(compiled: Program, text: str, result: str, large: Mapping[str, Json]) -> None:
    """Run again with other large integers: the same result, but for these, shows that none was calculated
    with.
    """
    others = witnesses(large)
    if not others:
        return
    spelled = ", ".join(list(others)[:3])
    complaint = (
        f"the expression calculates with {spelled}, beyond ±2^53, where jq is not exact: keep it as a string"
    )
    if compiled.divides:
        raise ExpressionError(complaint)
    try:
        second = _run(compiled, substituted(text, others))
    except ExpressionError:
        raise ExpressionError(complaint) from None
    if substituted(second, {other: spelling for spelling, other in others.items()}) != result:
        raise ExpressionError(complaint)
