"""Expressions: read once, evaluated by the means that their risk asks for."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from stepwell.definition.jq.binding import names
from stepwell.definition.jq.path import native
from stepwell.definition.jq.risk import assess, refusal
from stepwell.definition.jq.run import input_text, program, run_text
from stepwell.definition.jq.tokens import balanced, tokenize
from stepwell.definition.jq.words import Expression, ExpressionError, Risk
from stepwell.model.base import Instant, Json

WEIGHTY_LIMIT: Final = 2048
"""Characters of data from which on a weighty expression is guarded."""


class Deferred(Exception):
    """The expression must be evaluated elsewhere, by a guard. `variables` are those that it mentions."""

    def __init__(self, source: str, data: Json, variables: Mapping[str, Json]) -> None:
        super().__init__(source)
        self.source, self.data, self.variables = source, data, variables


@lru_cache(16384)
def expression(text: str) -> Expression:
    """An expression from its text, bare or as `${ … }`. Never fails: `syntax_errors` tells what jq does not
    take.
    """
    source = text.strip()
    if source.startswith("${") and source.endswith("}"):
        source = source[2:-1].strip()
    tokens = tokenize(source)
    mentioned = names(tokens)
    refused = refusal(tokens)
    if refused is None:
        computed = native(tokens)
        if computed is not None:
            return Expression(source, mentioned, Risk.PATH, native=computed)
    risk, weighty = assess(source, tokens)
    return Expression(source, mentioned, risk, refused, weighty, balanced(tokens))


def evaluate(expression: Expression, data: Json, variables: Mapping[str, Json], now: Instant) -> Json:
    """The value: no result is None, several are a list. `now` is the time that jq's `now` tells.

    Raises `ExpressionError`, and `Deferred` for what must be guarded.
    """
    if expression.native is not None:
        return expression.native(data, variables)
    if expression.refused is not None:
        raise ExpressionError(expression.refused)
    if expression.risk is Risk.GUARDED:
        raise deferred(expression, data, variables)
    compiled = program(expression.source)
    text = input_text(compiled, data, variables, now)
    if expression.weighty and len(text) > WEIGHTY_LIMIT:
        raise deferred(expression, data, variables)
    return run_text(compiled, text)


def deferred(expression: Expression, data: Json, variables: Mapping[str, Json]) -> Deferred:
    mentioned = {name: variables[name] for name in expression.names if name in variables}
    return Deferred(expression.source, data, mentioned)


def truth(value: Json) -> bool:
    """jq's truth: only false and null are false."""
    return value is not None and value is not False
