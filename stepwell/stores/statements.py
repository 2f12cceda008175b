"""SQL by name: every statement lives in a .sql file, under a line `-- name: …`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import resources
from typing import Final

_NAME: Final = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


def statements(dialect: str) -> Mapping[str, str]:
    """All named statements of a dialect. A name that occurs twice is a mistake and raises `ValueError`."""
    found: dict[str, str] = {}
    for file in (resources.files("stepwell.stores") / "sql" / dialect).iterdir():
        if not file.name.endswith(".sql"):
            continue
        parts = _NAME.split(file.read_text("utf-8"))
        for name, text in zip(parts[1::2], parts[2::2], strict=True):
            if name in found:
                raise ValueError(f"{file.name}: a second statement named {name}")
            found[name] = text.strip()
    return found
