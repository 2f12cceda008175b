"""A problem before its place in the text is known."""

from __future__ import annotations

from typing import NamedTuple


class Issue(NamedTuple):
    """`at` is (line, column) where it is known already; `key` asks for the place of the member's name. `lacking`:
    nothing is wrong but that something is missing yet."""

    code: str
    message: str
    pointer: str = ""
    hint: str = ""
    key: bool = False
    at: tuple[int, int] | None = None
    lacking: bool = False


def escape(name: str) -> str:
    """A name as a segment of a JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1") if "~" in name or "/" in name else name


def unescape(segment: str) -> str:
    """The name behind a segment of a JSON pointer."""
    return segment.replace("~1", "/").replace("~0", "~")
