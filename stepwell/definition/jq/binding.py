"""Which variables an expression needs from outside, and which it binds itself."""

from __future__ import annotations

from typing import Final

from stepwell.definition.jq.tokens import CLOSE, OPEN, Token

_WHERE: Final = "$__loc__"


def names(tokens: list[Token]) -> frozenset[str]:
    """The variables that it mentions before it binds them, without `$`.

    Where a name is bound it is taken to stay so to the end: jq complains of the rare expression that needs both.
    """
    bound = _bindings(tokens) if any(t.text in ("as", "label", "def") for t in tokens) else {}
    return frozenset(
        t.text[1:]
        for at, t in enumerate(tokens)
        if t.kind == "variable" and t.text != _WHERE and at < bound.get(t.text, len(tokens))
    )


def _bindings(tokens: list[Token]) -> dict[str, int]:
    """The place where each variable is bound for the first time."""
    found: dict[str, int] = {}
    for at, (kind, text, _) in enumerate(tokens):
        if kind != "ident":
            continue
        if text == "as":
            places = _pattern(tokens, at + 1)
        elif text == "label":
            places = [at + 1]
        elif text == "def":
            places = _parameters(tokens, at + 2)
        else:
            continue
        for place in places:
            if place < len(tokens) and tokens[place].kind == "variable":
                found.setdefault(tokens[place].text, place)
    return found


def _pattern(tokens: list[Token], at: int) -> list[int]:
    """The variables of a pattern: `$x`, `[$a, $b]`, `{a: $x, $b, ("c" + .k): $y}`."""
    found: list[int] = []
    depth, computed = 0, 0
    while at < len(tokens):
        kind, text, _ = tokens[at]
        if depth == 0 and kind == "op" and text in ("|", "("):
            break
        if kind == "op" and text in OPEN:
            computed += text == "(" or computed > 0
            depth += 1
        elif kind == "op" and text in CLOSE:
            computed -= computed > 0
            depth -= 1
        elif kind == "variable" and not computed:
            found.append(at)
        at += 1
    return found


def _parameters(tokens: list[Token], at: int) -> list[int]:
    """The `$` parameters of a function definition."""
    found: list[int] = []
    while at < len(tokens) and tokens[at].text != ":":
        found.append(at)
        at += 1
    return found
