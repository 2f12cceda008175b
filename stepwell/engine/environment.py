"""What the rules get to know in a turn: expressions evaluated within limits, secrets, chance."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from stepwell.definition.expression import Deferred, Expression, ExpressionError, evaluate
from stepwell.kernel.ruling import BEGINS_PER_TURN, Environment
from stepwell.model.approvals import MASK, CallPolicy
from stepwell.model.base import Instant, Json, new
from stepwell.model.calls import Code
from stepwell.ports import Dice


class Memo:
    """What was computed elsewhere for one decision, in the order in which it was asked for.

    A decision is a function of its arguments: made again, it asks for the same values in the same order. An
    `ExpressionError` stands for itself.
    """

    __slots__ = ("_asked", "results")

    def __init__(self) -> None:
        self.results: list[Json | ExpressionError] = []
        self._asked = 0

    def rewind(self) -> None:
        """The decision is made again."""
        self._asked = 0

    def recall(self, expression: Expression, data: Json, variables: Mapping[str, Json], now: Instant) -> Json:
        """`evaluate`, but for what is known by now."""
        try:
            return evaluate(expression, data, variables, now)
        except Deferred:
            if self._asked == len(self.results):
                raise
        known = self.results[self._asked]
        self._asked += 1
        if isinstance(known, ExpressionError):
            raise known
        return known


class Surroundings:
    """Makes the `Environment` of each turn. `secrets` maps names to values; `runtime` is `$runtime`; `policy`
    says what may be called here."""

    def __init__(
        self,
        dice: Dice,
        secrets: Mapping[str, Json],
        runtime: Mapping[str, Json],
        policy: CallPolicy | None = None,
    ) -> None:
        self._secrets, self._runtime, self._policy = secrets, runtime, policy
        self.roll = dice.roll
        self.redact = redactor(secrets)
        self.plain = self.redact is None and policy is None
        """there is nothing to mask, and whatever is asked for is allowed"""

    def environment(
        self, chance: float, memo: Memo | None = None, *, hold: bool = False, code: Code | None = None
    ) -> Environment:
        """`hold`: nothing may begin in this turn. `code`: the workflow's own, where it has some."""
        evaluates, begins = evaluate if memo is None else memo.recall, 0 if hold else BEGINS_PER_TURN
        return new(
            Environment,
            (evaluates, chance, self._secrets, self.redact, self._runtime, begins, code, self._policy),
        )


def redactor(secrets: Mapping[str, Json]) -> Callable[[Json], Json] | None:
    """A function that masks every occurrence of a secret in a value: in texts, in keys, and as a number. None if
    there are no secrets."""
    scalars = {leaf for value in secrets.values() for leaf in _leaves(value) if leaf != ""}
    texts = sorted(map(str, scalars), key=len, reverse=True)
    numbers = scalars - set(texts)
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
        if isinstance(value, int | float) and not isinstance(value, bool) and value in numbers:
            return MASK
        return value

    return redact


def _leaves(value: Json) -> list[str | int | float]:
    """The texts and numbers of a secret, however deep."""
    if isinstance(value, dict):
        return [leaf for item in value.values() for leaf in _leaves(item)]
    if isinstance(value, list):
        return [leaf for item in value for leaf in _leaves(item)]
    return [value] if isinstance(value, str | int | float) and not isinstance(value, bool) else []
