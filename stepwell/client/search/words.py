"""A search as people write it, and the tree that it means.

    label:engine and not state:failed and text:"leak check" and created>=7d

What stands side by side is joined by `and`; a word without a field is looked for as text. `or` binds weakest, then
`and`, then `not`; parentheses as usual. In quotes every character stands for itself (a quote after a backslash).
"""

from __future__ import annotations

import re
from typing import Any, Final, NamedTuple

from stepwell.client.search.fields import TIMES
from stepwell.model.errors import InvalidQuery
from stepwell.model.search import DEEPEST

Tree = dict[str, Any]
LONGEST: Final = 10_000

_TOKENS: Final = re.compile(
    r"""(?P<space>\s+)
    | (?P<sign>[()])
    | (?P<word>(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^\s()"'])+)""",
    re.VERBOSE,
)
_PIECES: Final = re.compile(r""""(?P<double>(?:[^"\\]|\\.)*)"|'(?P<single>[^']*)'|(?P<plain>[^"']+)""")
_FIELD: Final = re.compile(r"(?P<field>[A-Za-z_]+)(?P<sign>:|>=|<=|>|<)")
_BOUNDS: Final = {">=": "after", "<": "before"}
_WORDS: Final = frozenset({"and", "or", "not"})


class _Token(NamedTuple):
    kind: str
    text: str
    column: int


class _Wrong(Exception):
    def __init__(self, token: _Token, what: str) -> None:
        super().__init__(f"column {token.column}: {what}")


def read_words(text: str) -> Tree:
    """The tree. Raises `InvalidQuery`."""
    if len(text) > LONGEST:
        raise InvalidQuery([f"a search has at most {LONGEST:,} characters, not {len(text):,}"])
    try:
        return _Words(text).read()
    except _Wrong as wrong:
        raise InvalidQuery([str(wrong)]) from None


class _Words:
    """Recursive descent."""

    def __init__(self, source: str) -> None:
        self._tokens = _split(source)
        self._next = 0
        self._depth = 0

    def read(self) -> Tree:
        tree = self._either()
        if self._peek().kind != "end":
            raise _Wrong(self._peek(), "this parenthesis closes nothing")
        return tree

    def _either(self) -> Tree:
        parts = [self._both()]
        while self._take("or"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else {"or": parts}

    def _both(self) -> Tree:
        parts = [self._one()]
        while self._take("and") or not (self._is("or") or self._is(")") or self._peek().kind == "end"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else {"and": parts}

    def _one(self) -> Tree:
        self._depth += 1
        if self._depth > DEEPEST:
            raise _Wrong(self._peek(), f"a search is at most {DEEPEST} levels deep")
        try:
            if self._take("not"):
                return {"not": self._one()}
            if self._take("("):
                inner = self._either()
                if not self._take(")"):
                    raise _Wrong(self._peek(), "`)` is wanted")
                return inner
            return self._question()
        finally:
            self._depth -= 1

    def _question(self) -> Tree:
        token = self._peek()
        if token.kind != "word" or token.text.lower() in _WORDS:
            found = f"not {token.text!r}" if token.text else "but it ends here"
            raise _Wrong(token, f"a question is wanted, like label:engine or a word, {found}")
        self._next += 1
        return _question(token)

    def _peek(self) -> _Token:
        return self._tokens[self._next]

    def _is(self, text: str) -> bool:
        return self._peek().text.lower() == text

    def _take(self, text: str) -> bool:
        found = self._is(text)
        self._next += found
        return found


def _split(source: str) -> list[_Token]:
    tokens, at = [], 0
    while at < len(source):
        found = _TOKENS.match(source, at)
        if found is None:
            raise _Wrong(_Token("?", source[at], at + 1), "this quote is not closed")
        if found.lastgroup != "space":
            tokens.append(_Token(str(found.lastgroup), found[0], at + 1))
        at = found.end()
    return [*tokens, _Token("end", "", len(source) + 1)]


def _question(token: _Token) -> Tree:
    found = _FIELD.match(token.text)
    if found is None:
        return {"text": _plain(token.text)}
    field, sign, value = found["field"].lower(), found["sign"], _plain(token.text[found.end() :])
    if not value:
        raise _Wrong(token, f"something is wanted after {field}{sign}")
    if sign == ":":
        return {field: value}
    if field not in TIMES:
        raise _Wrong(token, f"{field} is no time: only times are compared; write {field}:{value}")
    if sign not in _BOUNDS:
        raise _Wrong(token, f"write {field}>=… (from then on) or {field}<… (before)")
    return {field: {_BOUNDS[sign]: value}}


def _plain(text: str) -> str:
    """Without the quotes, wherever they stand."""
    return "".join(_piece(found) for found in _PIECES.finditer(text))


def _piece(found: re.Match[str]) -> str:
    if found["double"] is not None:
        return re.sub(r"\\(.)", r"\1", found["double"], flags=re.DOTALL)
    return found["single"] if found["single"] is not None else found["plain"]
