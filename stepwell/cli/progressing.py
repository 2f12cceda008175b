"""How far long work has come, on one line of a terminal that is written over and gone at the end.

It goes to standard error, so that results stay what they are; where nobody watches, or a program reads the results,
there is nothing.
"""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import Final

from stepwell.cli.screen import line
from stepwell.model.base import Report

Progress = Callable[[int, int], None]
"""Called with how many are through, and how many there are (0: not known)."""

FEWEST: Final = 20
"""what has fewer parts is through before anybody asks"""
PARTS: Final = 100
"""the line is written so often, however many there are"""
EVERY: Final = 100
"""… and where that is not known, once in so many"""


@contextlib.contextmanager
def progress(what: str, *, quiet: bool = False) -> Iterator[Progress]:
    """`what: 120 of 1,000`."""
    shown, last = [0], [-1]

    def told(done: int, total: int) -> None:
        part = done * PARTS // total if total else done // EVERY
        few = total < FEWEST if total else not part
        if few or part == last[0]:
            return
        last[0] = part
        text = line(f"{what}: {done:,}" + (f" of {total:,}" if total else ""))
        _write("\r" + text.ljust(shown[0]))
        shown[0] = len(text)

    if quiet or not sys.stderr.isatty():
        yield lambda done, total: None
        return
    try:
        yield told
    finally:
        if shown[0]:
            _write("\r" + " " * shown[0] + "\r")


@contextlib.contextmanager
def steps(*, quiet: bool = False) -> Iterator[Report]:
    """The same for work of several parts: each is called with its name first."""
    with contextlib.ExitStack() as shown:
        parts: dict[str, Progress] = {}

        def part(what: str, done: int, total: int) -> None:
            if what not in parts:
                parts[what] = shown.enter_context(progress(what, quiet=quiet))
            parts[what](done, total)

        yield part


def _write(text: str) -> None:
    with contextlib.suppress(OSError):
        sys.stderr.write(text)
        sys.stderr.flush()
