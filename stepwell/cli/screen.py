"""Putting words on the screen. What comes from runs is not trusted: control characters never reach a terminal."""

from __future__ import annotations

import contextlib
import json
import math
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextvars import ContextVar
from io import TextIOWrapper
from typing import Any, Final, TextIO

import click

_CONTROLS: Final = (*(code for code in range(0x20) if chr(code) not in "\n\t"), *range(0x7F, 0xA0))
_TURNS: Final = (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
"""These turn the direction of text around."""
_UNSAFE: Final = dict.fromkeys((*_CONTROLS, *_TURNS), "�")


_RESULTS: Final[ContextVar[TextIO | None]] = ContextVar("stepwell_results", default=None)
"""Where results go while something else stands in for standard output."""


def clean(text: str) -> str:
    """The text without characters that a terminal would obey."""
    return text.translate(_UNSAFE)


def line(text: str, width: int = 0) -> str:
    """One line of it, cut at `width` if that is given."""
    flat = " ".join(clean(text).split())
    return flat if not width or len(flat) <= width else flat[: max(0, width - 1)] + "…"


def lines_of(text: str, indent: str = "") -> list[str]:
    """Its lines, cleaned, with the blanks that they begin with; those after the first one further in by `indent`."""
    first, *others = [part.rstrip() for part in clean(text).split("\n")] or [""]
    return [first, *(indent + part for part in others if part)]


def say(text: str = "", *, err: bool = False) -> None:
    """Print a text. Styles (`tint`) are to be given as `parts`."""
    click.echo(clean(text), err=err)


def tint(text: str, style: str = "", *, bold: bool = False) -> str:
    """Cleaned text in a colour of click and rich alike; `write` drops the colour where there is no terminal."""
    return click.style(clean(text), fg=style or None, bold=bold or None)


def write(text: str) -> None:
    """Print a text that was made with `tint`."""
    click.echo(text, color=None if on_terminal() and not os.environ.get("NO_COLOR") else False)


def pretty(value: Any) -> str:
    """JSON for people."""
    return clean(json.dumps(value, indent=2, ensure_ascii=False))


def print_json(value: Any) -> None:
    """One JSON object on one line, in ASCII: safe on every terminal and in every locale.

    JSON has no NaN and no Infinity (RFC 8259, 6): they are texts in it.
    """
    try:
        text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    except ValueError:  # there is such a number: this is rare, and the others need not be looked for
        text = json.dumps(_in_words(value), separators=(",", ":"), allow_nan=False)
    click.echo(text, file=_RESULTS.get())


def _in_words(value: Any) -> Any:
    """The same with "NaN", "Infinity" and "-Infinity" in the place of these numbers."""
    if isinstance(value, Mapping):
        return {_in_words(name): _in_words(member) for name, member in value.items()}
    if isinstance(value, list | tuple):
        return [_in_words(member) for member in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


@contextlib.contextmanager
def one_result(as_json: bool) -> Iterator[None]:
    """With --json, what the functions of steps print goes to standard error: standard output holds one object."""
    if not as_json:
        yield
        return
    token = _RESULTS.set(sys.stdout)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        _RESULTS.reset(token)


def on_terminal() -> bool:
    """Whether standard output is a terminal that can be drawn on."""
    return sys.stdout.isatty() and os.environ.get("TERM", "") not in ("", "dumb", "unknown")


def can_draw() -> bool:
    """Whether the output can take the symbols of the tree."""
    return (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"


def prepare() -> None:
    """A character that the output cannot take is no reason to fail."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            with contextlib.suppress(ValueError, OSError):
                stream.reconfigure(errors="replace")


def table(rows: Sequence[Sequence[str]], *, gap: int = 2) -> list[str]:
    """Columns side by side; the last one is not padded."""
    if not rows:
        return []
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        (" " * gap).join(
            [*(cell.ljust(width) for cell, width in zip(row[:-1], widths, strict=False)), row[-1]]
        )
        for row in rows
    ]
