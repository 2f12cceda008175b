"""Paths, literals and constructions of them, computed in Python: a microsecond, and no value is touched."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from pydantic_core import from_json

from stepwell.definition.jq.tokens import Token
from stepwell.definition.jq.words import ExpressionError, Native
from stepwell.model.base import Json

_LITERALS: Final[dict[str, Json]] = {"true": True, "false": False, "null": None}
_DEEPEST: Final = 30
_LONGEST_NUMBER: Final = 4000


def native(tokens: list[Token]) -> Native | None:
    """The expression as a Python function, None where it is more than this module understands."""
    try:
        reader = _Reader(tokens)
        found = reader.value(0)
        return found if reader.at == len(tokens) else None
    except _NotNative:
        return None


class _NotNative(Exception):
    pass


class _Reader:
    """Recursive descent: value = path | literal | array | object."""

    __slots__ = ("at", "tokens")

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens, self.at = tokens, 0

    def peek(self, ahead: int = 0) -> tuple[str, str]:
        if self.at + ahead < len(self.tokens):
            kind, text, _ = self.tokens[self.at + ahead]
            return kind, text
        return "", ""

    def take(self, text: str) -> bool:
        if self.peek() != ("op", text):
            return False
        self.at += 1
        return True

    def need(self, text: str) -> None:
        if not self.take(text):
            raise _NotNative

    def value(self, depth: int) -> Native:
        if depth > _DEEPEST:
            raise _NotNative
        kind, text = self.peek()
        if kind in ("field", "variable") or (kind, text) == ("op", "."):
            return self.path()
        if (kind, text) == ("op", "["):
            return self.array(depth)
        if (kind, text) == ("op", "{"):
            return self.object(depth)
        return _constant(self.literal())

    def path(self) -> Native:
        kind, text, _ = self.tokens[self.at]
        steps: list[str | int | float] = []
        variable: str | None = None
        if kind == "variable":
            if text in ("$__loc__", "$ENV") or "::" in text:
                raise _NotNative
            variable = text[1:]
            self.at += 1
        elif kind == "op":
            self.at += 1
            if self.peek()[0] == "string":
                steps.append(self.string())
            elif self.peek() == ("op", "["):
                steps.append(self.index())
        while True:
            kind, text = self.peek()
            if kind == "field":
                steps.append(text[1:])
                self.at += 1
            elif (kind, text) == ("op", "["):
                steps.append(self.index())
            elif (kind, text) == ("op", ".") and (steps or variable is not None):
                self.at += 1
                steps.append(self.index() if self.peek() == ("op", "[") else self.string())
            else:
                return _walk(variable, tuple(steps))

    def index(self) -> str | int | float:
        self.need("[")
        kind, _ = self.peek()
        found: str | int | float = self.string() if kind == "string" else self.number()
        self.need("]")
        return found

    def literal(self) -> Json:
        kind, text = self.peek()
        if kind == "string":
            return self.string()
        if kind == "ident" and text in _LITERALS:
            self.at += 1
            return _LITERALS[text]
        return self.number()

    def number(self) -> int | float:
        """Digits with at most a sign and a fraction; jq has its own way with exponents."""
        minus = self.take("-")
        kind, text = self.peek()
        if kind != "number" or len(text) > _LONGEST_NUMBER or "e" in text.lower() or not text[0].isdigit():
            raise _NotNative
        self.at += 1
        number: int | float = int(text) if text.isdigit() else float(text)
        if isinstance(number, float) and (math.isinf(number) or text.endswith(".")):
            raise _NotNative
        return -number if minus else number

    def string(self) -> str:
        kind, text = self.peek()
        if kind != "string" or self.peek(1) == ("op", "(") or "\\(" in text:
            raise _NotNative
        self.at += 1
        try:
            return str(from_json(f'"{text}"'))
        except ValueError:
            raise _NotNative from None

    def array(self, depth: int) -> Native:
        self.need("[")
        parts: list[Native] = []
        if not self.take("]"):
            parts.append(self.value(depth + 1))
            while self.take(","):
                parts.append(self.value(depth + 1))
            self.need("]")
        return lambda data, variables: [part(data, variables) for part in parts]

    def object(self, depth: int) -> Native:
        self.need("{")
        parts: dict[str, Native] = {}
        if not self.take("}"):
            self.member(parts, depth)
            while self.take(","):
                self.member(parts, depth)
            self.need("}")
        members = tuple(parts.items())
        return lambda data, variables: {name: part(data, variables) for name, part in members}

    def member(self, parts: dict[str, Native], depth: int) -> None:
        kind, text = self.peek()
        if kind == "variable" and text != "$__loc__" and "::" not in text:
            self.at += 1
            parts[text[1:]] = _walk(text[1:], ())
            return
        if kind == "ident" and "::" not in text:
            name = text
            self.at += 1
        else:
            name = self.string()
        parts[name] = self.value(depth + 1) if self.take(":") else _walk(None, (name,))


def _constant(value: Json) -> Native:
    return lambda data, variables: value


def _walk(variable: str | None, steps: tuple[str | int | float, ...]) -> Native:
    if variable is None:
        if len(steps) == 1 and isinstance(steps[0], str):
            return _one_field(steps[0])
        return lambda data, variables: _follow(data, steps)
    return lambda data, variables: _follow(_variable(variables, variable), steps)


def _one_field(name: str) -> Native:
    def get(data: Json, variables: Mapping[str, Json]) -> Json:
        return data.get(name) if type(data) is dict else _step(data, name)

    return get


def _variable(variables: Mapping[str, Json], name: str) -> Json:
    try:
        return variables[name]
    except KeyError:
        raise ExpressionError(f"there is no variable ${name} here") from None


def _follow(value: Json, steps: tuple[str | int | float, ...]) -> Json:
    for step in steps:
        value = value.get(step) if type(value) is dict and type(step) is str else _step(value, step)
    return value


def _step(value: Json, step: str | int | float) -> Json:
    if value is None:
        return None
    if isinstance(step, str):
        if isinstance(value, Mapping):
            return value.get(step)
        raise ExpressionError(f'cannot take "{step}" of {kind_of(value)}')
    if not isinstance(value, list | tuple):
        raise ExpressionError(f"cannot take element {step} of {kind_of(value)}")
    place = int(step)
    if place < 0:
        place += len(value)
    return value[place] if 0 <= place < len(value) else None


def kind_of(value: Json) -> str:
    """What a value is, for messages."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, str):
        return "a string"
    if isinstance(value, int | float):
        return "a number"
    return "an object" if isinstance(value, Mapping) else "an array"
