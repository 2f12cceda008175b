"""JSON values with `${…}` in them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic_core import to_json

from stepwell.definition.jq.language import expression
from stepwell.definition.jq.tokens import CLOSE, OPEN, tokenize
from stepwell.definition.jq.words import Expression, ExpressionError
from stepwell.model.base import Json

Evaluate = Callable[[Expression], Json]
_Piece = str | Expression


@dataclass(frozen=True, slots=True)
class _Text:
    """Text that expressions are interpolated into."""

    pieces: tuple[_Piece, ...]


@dataclass(frozen=True, slots=True)
class Template:
    """A value in which strings may be expressions. A string that is exactly `${ … }` keeps the type of its
    value; `${…}` within longer text interpolates: strings as they are, everything else as compact JSON.
    """

    source: Json
    """as written"""
    node: Any
    """the same, with `Expression`s and texts in the place of strings; None when constant"""
    expressions: tuple[Expression, ...] = ()

    @property
    def constant(self) -> bool:
        """True when there is no expression in it."""
        return not self.expressions

    @staticmethod
    def of(value: Json) -> Template:
        """Only `${…}` counts as an expression. Raises `ExpressionError` for a `${` that is not closed."""
        found: list[Expression] = []
        node = _node(value, found)
        return Template(value, node if found else None, tuple(found))

    @staticmethod
    def expression(value: Json) -> Template:
        """For the places where a bare string is an expression too (`input.from`, `output.as`, `set`, …)."""
        if not isinstance(value, str):
            return Template.of(value)
        found = expression(value)
        return Template(value, found, (found,))

    def render(self, evaluate: Evaluate) -> Json:
        """The value, expressions evaluated in document order. A constant gives the very same object each
        time.
        """
        return _render(self.node, evaluate) if self.expressions else self.source

    def as_jq(self) -> str:
        """The template as one expression, for the places that take nothing else."""
        return _jq(self.node if self.expressions else self.source)


def _render(node: Any, evaluate: Evaluate) -> Json:
    kind = type(node)
    if kind is Expression:
        return evaluate(node)
    if kind is dict:
        return {key: _render(member, evaluate) for key, member in node.items()}
    if kind is list:
        return [_render(member, evaluate) for member in node]
    if kind is _Text:
        return "".join(p if isinstance(p, str) else _interpolated(evaluate(p)) for p in node.pieces)
    return node


def _jq(node: Any) -> str:
    if isinstance(node, Expression):
        return f"({node.source}\n)"
    if isinstance(node, dict):
        return "{" + ", ".join(f"{_json(key)}: {_jq(member)}" for key, member in node.items()) + "}"
    if isinstance(node, list):
        return "[" + ", ".join(map(_jq, node)) + "]"
    if isinstance(node, _Text):
        parts = (_json(p)[1:-1] if isinstance(p, str) else f"\\({p.source}\n)" for p in node.pieces)
        return f'"{"".join(parts)}"'
    return _json(node)


def _json(value: Json) -> str:
    return to_json(value, inf_nan_mode="constants").decode()


def _interpolated(value: Json) -> str:
    if isinstance(value, str):
        return value
    try:
        return _json(value)
    except ValueError as error:
        raise ExpressionError(f"the value cannot be written into text: {error}") from None


def _node(value: Json, found: list[Expression]) -> Any:
    if isinstance(value, str):
        return _string(value, found) if "${" in value else value
    if isinstance(value, dict):
        return {key: _node(member, found) for key, member in value.items()}
    if isinstance(value, list):
        return [_node(member, found) for member in value]
    return value


def _string(text: str, found: list[Expression]) -> Any:
    pieces = tuple(split(text))
    found += [piece for piece in pieces if isinstance(piece, Expression)]
    solid = [piece for piece in pieces if not isinstance(piece, str) or piece.strip()]
    if len(solid) == 1 and isinstance(solid[0], Expression):
        return solid[0]
    return _Text(pieces)


def split(text: str) -> Iterator[_Piece]:
    """The literal parts and the expressions of a text, in order."""
    at = 0
    while (start := text.find("${", at)) >= 0:
        if start > at:
            yield text[at:start]
        end = closing(text, start + 2)
        yield expression(text[start + 2 : end])
        at = end + 1
    if at < len(text):
        yield text[at:]


@lru_cache(2000)
def closing(text: str, at: int) -> int:
    """Where the `}` is that ends the expression beginning at `at`. Raises `ExpressionError`."""
    depth = 0
    for token in tokenize(text[at:]):
        if token.kind == "op" and token.text in OPEN:
            depth += 1
        elif token.kind == "op" and token.text in CLOSE:
            if depth == 0 and token.text == "}":
                return at + token.at
            depth -= 1
    raise ExpressionError(f"a ${{ is not closed in {text[:60]!r}")
