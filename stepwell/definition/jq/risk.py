"""Judges an expression before it runs: is it refused, is it short work, or might it not end?

The judgement reads words, it does not understand the program; so it trusts only what it knows to be harmless.
What is not known, loops within loops, generates combinations, repeats, matches patterns or defines functions
is guarded.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from stepwell.definition.jq.lexicon import (
    ARGUMENTS,
    KEYWORDS,
    LOOPS,
    REFUSED,
    SQUARE,
    STEADY,
    SWEEPS,
    SWELLING,
)
from stepwell.definition.jq.tokens import CLOSE, OPEN, Token
from stepwell.definition.jq.words import Risk

LONGEST: Final = 2000
"""Characters of an expression that is still short work."""
MOST_PIPES: Final = 12
MOST_SUMS: Final = 12
MOST_GROWTH: Final = 64
"""How many times the data may be found in the result: `[., .] | [., .]` makes four of one."""
LARGEST_FACTOR: Final = 1000
MOST_WEIGHT: Final = 2

_GUARDED_OPS: Final = frozenset({"..", "?//", "unknown"})
_ASSIGNS: Final = frozenset({"=", "|=", "+=", "-=", "*=", "/=", "%=", "//="})


def refusal(tokens: list[Token]) -> str | None:
    """Why the program may never run, None if it may."""
    suspects = [at for at, t in enumerate(tokens) if t.text in REFUSED and t.kind in ("ident", "variable")]
    if suspects:
        keys = _keys(tokens)
        for at in suspects:
            if not keys[at]:
                word = tokens[at].text
                return f"{word} is refused in expressions: it {REFUSED[word]}"
    return None


def assess(source: str, tokens: list[Token]) -> tuple[Risk, bool]:
    """PLAIN or GUARDED, and whether its cost or its result may grow faster than its data."""
    if len(source) > LONGEST:
        return Risk.GUARDED, True
    judge = _Judge(tokens, _keys(tokens))
    judge.read()
    if judge.guarded or judge.over_measure():
        return Risk.GUARDED, True
    weight = judge.loops + judge.squares
    weighty = weight > 1 or judge.squares > 0 or (weight == 1 and (judge.sweeps > 0 or judge.variables > 0))
    return Risk.PLAIN, weighty or judge.factor > 1 or judge.growth > 8


def _keys(tokens: list[Token]) -> list[bool]:
    """For each token whether it is a key of an object construction: `{env: 1}` names no function."""
    found: list[bool] = []
    stack: list[str] = []
    for at, (kind, text, _) in enumerate(tokens):
        before = tokens[at - 1].text if at and tokens[at - 1].kind == "op" else ""
        found.append(kind == "ident" and bool(stack) and stack[-1] == "{" and before in ("{", ","))
        if kind == "op" and text in OPEN:
            stack.append(text)
        elif kind == "op" and text in CLOSE and stack:
            stack.pop()
    return found


@dataclass(slots=True)
class _Bracket:
    """An open bracket: `[` (list), `index`, `{` (object), `(` (group) or the word whose arguments it
    holds.
    """

    kind: str
    arguments: int = 1
    begin: int = 0


@dataclass(slots=True)
class _Judge:
    """Goes through the words once and counts what makes an expression heavy."""

    tokens: list[Token]
    keys: list[bool]
    guarded: bool = False
    loops: int = 0
    squares: int = 0
    sweeps: int = 0
    variables: int = 0
    pipes: int = 0
    sums: int = 0
    products: int = 0
    factor: float = 1
    growth: int = 1
    terms: int = 0
    generates: bool = False
    assigns: bool = False
    reaches: bool = False
    """an index in brackets, or getpath: with an assignment it can make a huge array"""
    stack: list[_Bracket] = field(default_factory=list)

    def read(self) -> None:
        for at, (kind, text, _) in enumerate(self.tokens):
            if kind == "unknown" or self.guarded:
                self.guarded = True
                return
            if kind == "op":
                self.operator(at, text)
            elif kind == "ident" and not self.keys[at]:
                self.word(at, text)
            elif kind == "field" or self.keys[at]:
                self.terms += kind == "field" or self.shorthand(at)
            elif kind == "variable":
                self.terms += 1
                self.variables += 1
            elif kind == "format":
                self.growth *= SWELLING
                self.sweeps += 1
        self.stage()
        self.guarded = self.guarded or bool(self.stack)

    def over_measure(self) -> bool:
        return (
            self.loops > 1
            or self.loops + self.squares > MOST_WEIGHT
            or self.pipes > MOST_PIPES
            or self.sums > MOST_SUMS
            or self.products > 1
            or self.factor > LARGEST_FACTOR
            or self.growth > MOST_GROWTH
            or (self.assigns and (self.reaches or self.loops > 0))
        )

    def stage(self) -> None:
        """A pipe ends here: what follows sees the result of this many terms."""
        self.growth *= max(1, self.terms)
        if self.generates and self.terms > 1:
            self.squares += 1  # every element beside the whole
        self.terms, self.generates = 0, False

    def operator(self, at: int, text: str) -> None:
        if text in _GUARDED_OPS:
            self.guarded = True
        elif text in OPEN:
            self.open(at, text)
        elif text in CLOSE:
            self.close(at, text)
        elif text == "|":
            self.pipes += 1
            self.stage()
        elif text in (",", ";"):
            self.separator(text)
        elif text == ".":
            self.terms += not self.ends_term(at - 1)
        elif text == "+":
            self.sums += 1
        elif text in ("*", "*="):
            self.product(at)
        elif text == "-" and self.ends_term(at - 1) and self.kind(at + 1) != "number":
            self.squares += 1
        if text in _ASSIGNS:
            self.assigns = True

    def separator(self, text: str) -> None:
        inner = self.stack[-1].kind if self.stack else ""
        if text == ";":
            if not self.stack:
                self.guarded = True
            else:
                self.stack[-1].arguments += 1
        elif inner not in ("[", "{"):
            self.guarded = True  # several results where one is expected

    def product(self, at: int) -> None:
        """A number times something: a text times a number repeats the text."""
        self.products += 1
        factors = [
            float(self.tokens[n].text)
            for n in (at - 1, at + 1)
            if 0 <= n < len(self.tokens) and self.tokens[n].kind == "number"
        ]
        if factors:
            self.factor *= max(1.0, min(factors))
        else:
            self.guarded = True

    def open(self, at: int, text: str) -> None:
        kind = text
        if text == "[" and self.ends_term(at - 1, dot=True):
            kind = "index"
        elif text == "(" and at and self.tokens[at - 1].kind == "ident" and not self.keys[at - 1]:
            kind = self.tokens[at - 1].text
        self.stack.append(_Bracket(kind, begin=at))

    def close(self, at: int, text: str) -> None:
        if not self.stack:
            self.guarded = True
            return
        bracket = self.stack.pop()
        if bracket.kind == "index":
            if bracket.begin == at - 1:
                self.loops += 1
                self.generates = True
                self.squares += any(outer.kind != "[" for outer in self.stack)
            else:
                self.reaches = True
        elif text == ")" and bracket.kind != "(":
            self.call(bracket, at)

    def call(self, bracket: _Bracket, at: int) -> None:
        word = bracket.kind
        if bracket.arguments > ARGUMENTS.get(word, bracket.arguments):
            self.guarded = True
        elif f"{word}/1" in LOOPS:
            self.loops += 1
        elif word == "join" and (at - bracket.begin != 2 or self.tokens[at - 1].kind != "string"):
            self.guarded = True  # a long separator, found in the data

    def word(self, at: int, text: str) -> None:
        called = at + 1 < len(self.tokens) and self.tokens[at + 1].text == "(" and self.kind(at + 1) == "op"
        if text in LOOPS:
            self.loops += 1
        elif text in SQUARE:
            self.squares += 1
        elif text not in STEADY or (called and ARGUMENTS.get(text) == 0):
            self.guarded = True
        if text in SWEEPS:
            self.sweeps += 1
        if text in ("tojson", "tostring"):
            self.growth *= SWELLING if text == "tojson" else 1
        if text in ("getpath", "first", "last"):
            self.reaches = True

    def shorthand(self, at: int) -> bool:
        """Whether the key there stands for a path: `{id}` is `{id: .id}`."""
        return not (at + 1 < len(self.tokens) and self.tokens[at + 1].text == ":")

    def kind(self, at: int) -> str:
        return self.tokens[at].kind if 0 <= at < len(self.tokens) else ""

    def ends_term(self, at: int, dot: bool = False) -> bool:
        """Whether the word there ends a term, so that `[` after it is an index and `-` a subtraction."""
        if at < 0:
            return False
        kind, text, _ = self.tokens[at]
        if kind == "op":
            return text in ("]", ")", "}", "?", "..") or (dot and text == ".")
        return not (kind == "ident" and text in KEYWORDS and text != "end")
