"""The filter language, as data and as text: what becomes an `attributes.Where`.

    {"and": [{"amount": {"gt": 100}}, {"region": {"in": ["eu", "us"]}}, {"not": {"test": {"exists": true}}}]}
    amount > 100 and region in ("eu", "us") and not exists(test)

An object with several members means all of them; `{"region": "eu"}` is short for `{"region": {"eq": "eu"}}`. In text an
instant is written `@2026-11-21T03:42:39Z`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from pydantic_core import from_json

from stepwell.model import attributes as a
from stepwell.model.base import Json
from stepwell.model.errors import InvalidInput

DEEPEST: Final = 20
MOST: Final = 50
"""comparisons in one filter; values in one list"""

_OPERATORS: Final = frozenset({"eq", "ne", "lt", "le", "gt", "ge"})
_SIGNS: Final = {"=": "eq", "==": "eq", "!=": "ne", "<>": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}


def read_where(given: str | Mapping[str, Any]) -> a.Where:
    """The filter that is meant. Raises `InvalidInput` with the place of the mistake."""
    where = _Text(given).read() if isinstance(given, str) else _read(given, "where", 0)
    if _count(where) > MOST:
        raise InvalidInput(f"a filter has at most {MOST} comparisons, not {_count(where)}")
    return where


def _count(where: a.Where) -> int:
    if isinstance(where, a.Not):
        return _count(where.part)
    if isinstance(where, a.Every | a.Some):
        return sum(_count(part) for part in where.parts)
    return len(where.values) if isinstance(where, a.Among) else 1


def _joined(kind: type[a.Every] | type[a.Some], parts: list[a.Where]) -> a.Where:
    return parts[0] if len(parts) == 1 else kind(tuple(parts))


def _compare(name: str, op: str, value: object) -> a.Where:
    known = a.normal(value, name)
    if a.kind_of(known) == a.BOOLEAN and op not in ("eq", "ne"):
        raise InvalidInput(f"{name}: true and false have no order", hint="compare them with = or !=")
    return a.Compare(name, op, known)


# --- as data --------------------------------------------------------------------------------------


def _read(given: object, place: str, depth: int) -> a.Where:
    if depth > DEEPEST:
        raise InvalidInput(f"{place}: a filter is at most {DEEPEST} levels deep")
    if not isinstance(given, Mapping) or not given:
        raise InvalidInput(f"{place}: a filter is an object with at least one member", hint=_EXAMPLE)
    return _joined(a.Every, [_member(name, value, place, depth) for name, value in given.items()])


_EXAMPLE: Final = 'for example {"amount": {"gt": 100}}, combined by "and", "or" and "not"'


def _member(name: str, value: object, place: str, depth: int) -> a.Where:
    here = f"{place}.{name}"
    if name in ("and", "or"):
        if not isinstance(value, list | tuple) or not value:
            raise InvalidInput(f"{here}: a list of filters is wanted", hint=_EXAMPLE)
        parts = [_read(part, f"{here}[{number}]", depth + 1) for number, part in enumerate(value)]
        return _joined(a.Every if name == "and" else a.Some, parts)
    if name == "not":
        return a.Not(_read(value, here, depth + 1))
    try:
        return _asked(a.check_name(name), value)
    except InvalidInput as error:
        raise InvalidInput(f"{here}: {error.message}", hint=error.hint) from None


def _asked(name: str, value: object) -> a.Where:
    if not isinstance(value, Mapping) or list(value) == [a.INSTANT]:
        return _compare(name, "eq", value)
    parts = [_operation(name, op, operand) for op, operand in value.items()]
    if not parts:
        raise InvalidInput("nothing is asked of it", hint=_EXAMPLE)
    return _joined(a.Every, parts)


def _operation(name: str, op: str, operand: object) -> a.Where:
    if op in _OPERATORS:
        return _compare(name, op, operand)
    if op == "in":
        if not isinstance(operand, list | tuple) or not 0 < len(operand) <= MOST:
            raise InvalidInput(f"`in` wants a list of 1 to {MOST} values")
        return a.Among(name, tuple(a.normal(value, name) for value in operand))
    if op == "exists":
        if not isinstance(operand, bool):
            raise InvalidInput("`exists` is true or false")
        return a.Exists(name) if operand else a.Not(a.Exists(name))
    raise InvalidInput(
        f"there is no operator {op!r}", hint=f"use one of {', '.join(sorted(_OPERATORS))}, in, exists"
    )


def as_data(where: a.Where) -> dict[str, Json]:
    """The filter as data again."""
    match where:
        case a.Compare(name, op, value):
            return {name: {op: value}}
        case a.Among(name, values):
            return {name: {"in": list(values)}}
        case a.Exists(name):
            return {name: {"exists": True}}
        case a.Not(part):
            return {"not": as_data(part)}
        case a.Every(parts):
            return {"and": [as_data(part) for part in parts]}
        case _:
            return {"or": [as_data(part) for part in where.parts]}


# --- as text --------------------------------------------------------------------------------------


class _Token(NamedTuple):
    kind: str
    text: str
    at: int


_TOKENS: Final = re.compile(
    r"""(?P<space>\s+)
    | (?P<instant>@[0-9T:.+Zz-]+)
    | (?P<number>[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?(?![A-Za-z_]))
    | (?P<text>"(?:[^"\\]|\\.)*"|'[^']*')
    | (?P<sign><=|>=|!=|<>|==|=|<|>|\(|\)|,)
    | (?P<word>[A-Za-z_][A-Za-z0-9_.-]*)""",
    re.VERBOSE,
)
_LITERALS: Final = frozenset({"instant", "number", "text"})


class _Text:
    """Recursive descent: `or` binds weakest, then `and`, then `not`."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._tokens = self._split()
        self._next = 0
        self._depth = 0

    def read(self) -> a.Where:
        where = self._either()
        if self._peek().kind != "end":
            raise self._wrong("`and`, `or` or the end is wanted")
        return where

    def _split(self) -> list[_Token]:
        tokens, at = [], 0
        while at < len(self._source):
            found = _TOKENS.match(self._source, at)
            if found is None:
                raise self._wrong("this cannot be read", _Token("?", self._source[at], at))
            if found.lastgroup != "space":
                tokens.append(_Token(str(found.lastgroup), found[0], at))
            at = found.end()
        return [*tokens, _Token("end", "", at)]

    def _either(self) -> a.Where:
        return self._chain("or", self._both, a.Some)

    def _both(self) -> a.Where:
        return self._chain("and", self._one, a.Every)

    def _chain(self, word: str, part: Callable[[], a.Where], kind: type[a.Every] | type[a.Some]) -> a.Where:
        parts = [part()]
        while self._take_word(word):
            parts.append(part())
        return _joined(kind, parts)

    def _one(self) -> a.Where:
        self._depth += 1
        if self._depth > DEEPEST:
            raise self._wrong(f"a filter is at most {DEEPEST} levels deep")
        try:
            if self._take_word("not"):
                return a.Not(self._one())
            if self._take_sign("("):
                inner = self._either()
                self._want(")")
                return inner
            if self._take_word("exists"):
                self._want("(")
                name = self._name()
                self._want(")")
                return a.Exists(name)
            return self._comparison()
        finally:
            self._depth -= 1

    def _comparison(self) -> a.Where:
        name = self._name()
        if self._take_word("in"):
            return self._among(name)
        sign = self._peek()
        if sign.text not in _SIGNS:
            raise self._wrong(f"a comparison is wanted after {name}: =, !=, <, <=, >, >= or in")
        self._next += 1
        start = self._peek()
        try:
            return _compare(name, _SIGNS[sign.text], self._value(name))
        except InvalidInput as error:
            raise self._wrong(error.message, start) from None

    def _among(self, name: str) -> a.Where:
        self._want("(")
        values = [self._value(name)]
        while self._take_sign(","):
            values.append(self._value(name))
        self._want(")")
        return a.Among(name, tuple(values))

    def _name(self) -> str:
        token = self._peek()
        if token.kind != "word":
            raise self._wrong("the name of an attribute is wanted")
        try:
            name = a.check_name(token.text)
        except InvalidInput as error:
            raise self._wrong(error.message, token) from None
        self._next += 1
        return name

    def _value(self, name: str) -> Json:
        token = self._peek()
        if token.text.lower() in ("true", "false") and token.kind == "word":
            self._next += 1
            return token.text.lower() == "true"
        if token.kind not in _LITERALS:
            raise self._wrong('a value is wanted: 7, "text", true, false or @2026-11-21T03:42:39Z')
        self._next += 1
        try:
            return a.normal(_literal(token), name)
        except (InvalidInput, ValueError) as error:
            raise self._wrong(str(error).partition("\n")[0], token) from None

    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _take_word(self, word: str) -> bool:
        found = self._peek().kind == "word" and self._peek().text.lower() == word
        self._next += found
        return found

    def _take_sign(self, sign: str) -> bool:
        found = self._peek().kind == "sign" and self._peek().text == sign
        self._next += found
        return found

    def _want(self, sign: str) -> None:
        if not self._take_sign(sign):
            raise self._wrong(f"`{sign}` is wanted")

    def _wrong(self, what: str, token: _Token | None = None) -> InvalidInput:
        found = token or self._peek()
        shown = f"at {found.text!r}" if found.text else "at the end"
        return InvalidInput(
            f"the filter, column {found.at + 1} ({shown}): {what}",
            hint='for example: amount > 100 and region in ("eu", "us") and not exists(test)',
        )


def _literal(token: _Token) -> object:
    if token.kind == "instant":
        return {a.INSTANT: token.text[1:]}
    if token.kind == "number":
        text = token.text.removeprefix("+")
        return float(text) if any(sign in text for sign in ".eE") else int(text)
    return token.text[1:-1] if token.text[0] == "'" else from_json(token.text)
