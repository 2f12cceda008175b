"""Events: what is emitted, listened to and consumed. Checked in full, though none of it can run yet."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from stepwell.definition.rules.common import (
    DATA,
    DURATION,
    EXPRESSION,
    LITERAL,
    NAME,
    ONLY_EXPRESSION,
    OUTPUT,
    TEMPLATE,
    URI,
    among,
)
from stepwell.definition.rules.nouns import (
    Anything,
    Either,
    Examiner,
    Many,
    Record,
    Scope,
    Shape,
    Special,
    Whole,
)
from stepwell.model.base import Json

_ATTRIBUTES: Final[dict[str, Shape]] = {
    "id": TEMPLATE,
    "source": URI,
    "type": TEMPLATE,
    "time": TEMPLATE,
    "subject": TEMPLATE,
    "datacontenttype": TEMPLATE,
    "dataschema": URI,
    "data": DATA,
}
_CORRELATION: Final = Record(
    {"from": EXPRESSION, "expect": EXPRESSION}, required=("from",), others=Anything()
)
FILTER: Final = Record(
    {"with": Record(_ATTRIBUTES, others=DATA, least=1), "correlate": Record(others=_CORRELATION)},
    required=("with",),
)

_ALL: Final = Record({"all": Many(FILTER)})
_ONE: Final = Record({"one": FILTER})
_CONSUMED: Final = Record(
    {"all": Many(FILTER), "any": Many(FILTER), "one": FILTER}, one_of=("all", "any", "one")
)
_ANY: Final = Record({"any": Many(FILTER), "until": Either(text=EXPRESSION, record=_CONSUMED)})
_NONE: Final = Record(dict(_CONSUMED.members), one_of=_CONSUMED.one_of)


def _strategy(checker: Examiner, value: Json, pointer: str, scope: Scope) -> None:
    """`all`, `one`, or `any`, which alone may go on `until` something."""
    shapes = {"all": _ALL, "one": _ONE, "any": _ANY}
    present = [name for name in shapes if name in value] if isinstance(value, Mapping) else []
    checker.push(shapes[present[0]] if len(present) == 1 else _NONE, value, pointer, scope)


STRATEGY: Final = Special(_strategy)
READ: Final = among("data", "envelope", "raw")
LISTEN: Final = Record({"to": STRATEGY, "read": READ}, required=("to",))
EMIT: Final = Record(
    {"event": Record({"with": Record(_ATTRIBUTES, required=("type",), others=DATA)}, others=DATA)},
    required=("event",),
)


def iterator_scope(record: Mapping[str, Json], name: str, scope: Scope) -> Scope:
    """What is inside a `foreach` sees its item and its index."""
    if name not in ("do", "output", "export"):
        return scope
    given = (record.get("item", "item"), record.get("at", "index"))
    return scope.knowing(*(each for each in given if isinstance(each, str)))


ITERATOR: Final = Record(
    {"item": NAME, "at": NAME, "do": "tasks", "output": OUTPUT, "export": OUTPUT}, rescope=iterator_scope
)
SUBSCRIPTION: Final = Record(
    {
        "filter": ONLY_EXPRESSION,
        "consume": Record(
            {"for": DURATION, "amount": Whole(0), "while": ONLY_EXPRESSION, "until": ONLY_EXPRESSION},
            one_of=("amount", "while", "until"),
        ),
        "foreach": ITERATOR,
    },
    required=("consume",),
)
MESSAGE: Final = Record({"payload": DATA, "headers": DATA, "correlationId": LITERAL})
