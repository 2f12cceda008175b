"""The words of a jq program. Only as much as it takes to judge it; jq itself is the judge of its syntax."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

_TOKEN: Final = re.compile(
    r"""
      (?P<space>     [ \t\r\n]+ | \#(?:\\\\|\\\n|[^\n\\]|\\(?![\\\n]))* )
    | (?P<field>     \.[A-Za-z_][A-Za-z_0-9]* )
    | (?P<number>    (?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)? )
    | (?P<variable>  \$(?:[A-Za-z_][A-Za-z_0-9]*::)*[A-Za-z_][A-Za-z_0-9]* )
    | (?P<format>    @[A-Za-z0-9_]+ )
    | (?P<ident>     (?:[A-Za-z_][A-Za-z_0-9]*::)*[A-Za-z_][A-Za-z_0-9]* )
    | (?P<op>        \?//=? | //=? | \.\. | [!=<>|+\-*/%]= | [.?|,:=\[\]{}()+\-*/%<>;] )
    | (?P<quote>     " )
    """,
    re.VERBOSE,
)
_STRING: Final = re.compile(r'(?:[^"\\]|\\[^(])*')

OPEN: Final = frozenset("([{")
CLOSE: Final = {")": "(", "]": "[", "}": "{"}


class Token(NamedTuple):
    """`kind`: field, number, variable, format, ident, op, string or unknown. `at` is an offset in the source.

    A string's text is what stands between its quotes; with an interpolation it is several tokens: the string
    up to `\\(`, then `(`, the words inside, `)`, and the string that goes on, whose kind is `strand`.
    """

    kind: str
    text: str
    at: int


def tokenize(source: str) -> list[Token]:
    """All tokens, spaces and comments left out. Never fails: what is no jq is `unknown`."""
    found: list[Token] = []
    depths: list[int] = []  # of the brackets around each open interpolation
    depth, at, end = 0, 0, len(source)
    while at < end:
        match = _TOKEN.match(source, at)
        if match is None:
            found.append(Token("unknown", source[at], at))
            at += 1
            continue
        kind, text = match.lastgroup or "", match[0]
        start, at = at, match.end()
        if kind == "quote":
            at, opened = _string(source, at, "string", found)
            if opened:
                depths.append(depth)
                depth += 1
        elif kind != "space":
            found.append(Token(kind, text, start))
            if text in OPEN:
                depth += 1
            elif text in CLOSE:
                depth -= 1
                if depths and depths[-1] == depth and text == ")":
                    depths.pop()
                    at, opened = _string(source, at, "strand", found)
                    if opened:
                        depths.append(depth)
                        depth += 1
    return found


def _string(source: str, at: int, kind: str, found: list[Token]) -> tuple[int, bool]:
    """Read on to the closing quote, or to an interpolation: the position after it, and whether it was the
    latter.
    """
    match = _STRING.match(source, at)
    end = match.end() if match is not None else at
    if source.startswith('"', end):
        found.append(Token(kind, source[at:end], at))
        return end + 1, False
    if source.startswith("\\(", end):
        found.append(Token(kind, source[at:end], at))
        found.append(Token("op", "(", end + 1))
        return end + 2, True
    found.append(Token("unknown", '"', at))
    return len(source), False


def balanced(tokens: list[Token]) -> bool:
    """Whether every bracket is closed by its own kind, so that the program stays whole inside brackets."""
    stack: list[str] = []
    for kind, text, _ in tokens:
        if kind == "unknown":
            return False
        if kind != "op":
            continue
        if text in OPEN:
            stack.append(text)
        elif text in CLOSE and (not stack or stack.pop() != CLOSE[text]):
            return False
    return not stack
