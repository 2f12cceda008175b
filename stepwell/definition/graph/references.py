"""What an expression names of the steps and fields around it: `$steps.NAME.FIELD`, `$fields.NAME`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

THIS: Final = "this"
"""The step itself."""

_STEP: Final = r"""\$steps\s*(?:\.\s*([A-Za-z_]\w*)|\.?\s*\[\s*"([^"\\]*)"\s*\]|\.\s*"([^"\\]*)")"""
_STEPS: Final = re.compile(_STEP + r"""(?:\s*\.\s*([A-Za-z_]\w*)|\s*\.?\s*\[\s*"([^"\\]*)"\s*\])?""")
_FIELDS: Final = re.compile(r"\$fields\s*\.\s*([A-Za-z_]\w*)")


def steps_in(source: str) -> Iterator[tuple[str, str | None]]:
    """(name of a task, name of what is read of it if that is said)."""
    for found in _STEPS.finditer(source):
        yield found[1] or found[2] or found[3], found[4] or found[5]


def fields_in(source: str) -> Iterator[str]:
    """Names of global fields."""
    for found in _FIELDS.finditer(source):
        yield found[1]
