"""Lengths of time as people type them: `30d`, `12h`, `90m`, `45s`, `2w`, or a number of seconds."""

from __future__ import annotations

import re
from typing import Final

import click

_UNITS: Final = {"": 1, "s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_SHAPE: Final = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*([smhdw]?)")


def seconds(text: str) -> float:
    """What a length of time is in seconds; for options: `type=seconds`."""
    found = _SHAPE.fullmatch(text.strip())
    if found is None:
        raise click.BadParameter(f"{text!r} is no length of time: write it like 30d, 12h, 90m or 45s")
    return float(found[1]) * _UNITS[found[2]]
