"""Definitions from files, without an engine."""

from __future__ import annotations

import asyncio
from pathlib import Path

from stepwell.definition.model import Definition
from stepwell.definition.parse import parse
from stepwell.model.errors import InvalidInput


async def read_definition(path: Path) -> Definition:
    """Raises `InvalidInput` for a file that cannot be read, `InvalidDefinition`."""
    return parse(await asyncio.to_thread(read_bytes, path), str(path))


def read_bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidInput(
            f"cannot read {path}: {error.strerror}", hint="give the path of a definition"
        ) from error
