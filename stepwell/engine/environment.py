"""What the rules get to know in a turn: expressions evaluated within limits, secrets, chance."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from stepwell.definition.expression import Deferred, Expression, ExpressionError, evaluate
from stepwell.kernel.ruling import BEGINS_PER_TURN, Environment
from stepwell.model.base import Instant, Json
from stepwell.ports import Dice

MASK = "***"

Memo = dict[Any, Json]
"""What was computed elsewhere for this turn, by `Deferred.key`; an `ExpressionError` stands for itself."""


class Surroundings:
    """Makes the `Environment` of each turn. `secrets` maps names to values; `runtime` is `$runtime`."""

    def __init__(self, dice: Dice, secrets: Mapping[str, Json], runtime: Mapping[str, Json]) -> None:
        self._dice, self._secrets, self._runtime = dice, secrets, runtime
        self._redact = redactor(secrets)

    def environment(self, *, confidential: bool, memo: Memo | None = None, hold: bool = False) -> Environment:
        """`confidential`: the definition declares secrets. `hold`: nothing may begin in this turn."""
        return Environment(
            evaluate if memo is None else _remembering(memo),
            self._dice.roll(),
            self._secrets,
            self._redact if confidential else None,
            self._runtime,
            0 if hold else BEGINS_PER_TURN,
        )


def _remembering(memo: Memo) -> Callable[[Expression, Json, Mapping[str, Json], Instant], Json]:
    def recall(expression: Expression, data: Json, variables: Mapping[str, Json], now: Instant) -> Json:
        try:
            return evaluate(expression, data, variables, now)
        except Deferred as deferred:
            if deferred.key not in memo:
                raise
            known = memo[deferred.key]
            if isinstance(known, ExpressionError):
                raise known from None
            return known

    return recall


def redactor(secrets: Mapping[str, Json]) -> Callable[[Json], Json] | None:
    """A function that replaces every occurrence of a secret's text in a value; None if there are no secrets."""
    texts = sorted(
        {text for value in secrets.values() for text in _texts(value) if text}, key=len, reverse=True
    )
    if not texts:
        return None

    def redact(value: Json) -> Json:
        if isinstance(value, str):
            for text in texts:
                if text in value:
                    value = value.replace(text, MASK)
            return value
        if isinstance(value, dict):
            return {redact(name): redact(item) for name, item in value.items()}
        if isinstance(value, list | tuple):
            return type(value)(map(redact, value))
        return value

    return redact


def _texts(value: Json) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [text for item in value.values() for text in _texts(item)]
    if isinstance(value, list):
        return [text for item in value for text in _texts(item)]
    return []
