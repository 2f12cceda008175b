"""Finds the expressions of a document that jq does not take: many in one compilation, for each one costs a
millisecond.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypeVar

import jq

from stepwell.definition.jq.tokens import tokenize
from stepwell.definition.jq.words import Expression, Risk

T = TypeVar("T")
_BATCH: Final = 200
_PLACE: Final = re.compile(r" at <top-level>, line (\d+), column (\d+):?")
_DRAWING: Final = re.compile(r"\n.*", re.DOTALL)


def syntax_errors(expressions: Iterable[tuple[T, Expression]]) -> list[tuple[T, str]]:
    """The expressions that are no jq, each with the reason; equal sources are compiled once."""
    asked = list(expressions)
    sources = {e.source: e for _, e in asked if e.risk is not Risk.PATH and e.refused is None}
    wrong: dict[str, str] = {}
    batch: list[tuple[str, frozenset[str]]] = []
    for source, found in sources.items():
        if found.whole:
            batch.append((source, found.names))
        else:
            # it could close the brackets of others: alone
            wrong[source] = _complaint(source, found.names) or "its brackets or quotes are not closed"
    for start in range(0, len(batch), _BATCH):
        wrong.update(_search(batch[start : start + _BATCH]))
    return [(where, wrong[e.source]) for where, e in asked if e.source in wrong]


def _search(batch: Sequence[tuple[str, frozenset[str]]]) -> Iterator[tuple[str, str]]:
    """Halve what does not compile until the culprits are found."""
    if _compiles(batch):
        return
    if len(batch) == 1:
        source, names = batch[0]
        complaint = _complaint(source, names)
        if complaint is not None:
            yield source, complaint
        return
    middle = len(batch) // 2
    yield from _search(batch[:middle])
    yield from _search(batch[middle:])


def _compiles(batch: Sequence[tuple[str, frozenset[str]]]) -> bool:
    every = sorted({name for _, names in batch for name in names} | {"__stepwell"})
    bodies = "\n".join(f"def f{n}: ({tame(source)}\n);" for n, (source, _) in enumerate(batch))
    calls = ", ".join(f"f{n}" for n in range(len(batch)))  # what nobody calls is not checked
    try:
        jq.compile(f". as [{', '.join('$' + name for name in every)}] | {bodies} {calls}")
    except ValueError:
        return False
    return True


def tame(source: str) -> str:
    """The same program with every number made 1, of the same length.

    jq calculates with constants while it compiles: `"a" * 2000000000` would take the memory of this process.
    """
    parts, end = [], 0
    for token in tokenize(source):
        if token.kind == "number":
            parts += [source[end : token.at], "1".ljust(len(token.text))]
            end = token.at + len(token.text)
    return "".join(parts) + source[end:]


def _complaint(source: str, names: frozenset[str]) -> str | None:
    """What jq says of one expression, with the line and column in it."""
    bound = f". as [{', '.join('$' + name for name in sorted(names))}] | " if names else ""
    try:
        jq.compile(bound + tame(source))
    except ValueError as error:
        return _shown(str(error), len(bound))
    return None


def _shown(message: str, shift: int) -> str:
    text = _DRAWING.sub("", message.removeprefix("jq: error: "))
    place = _PLACE.search(text)
    if place is None:
        return text
    line, column = int(place[1]), int(place[2])
    if line == 1:
        column = max(1, column - shift)
    where = f"column {column}" if line == 1 else f"line {line}, column {column}"
    return _PLACE.sub("", text) + f", at {where} of the expression"
