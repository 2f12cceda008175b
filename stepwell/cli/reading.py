"""Definitions from files, without an engine."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from stepwell.definition.model import Definition, SubworkflowBody
from stepwell.definition.parse import NOWHERE, parse
from stepwell.definition.reading.issue import Issue
from stepwell.definition.source import read
from stepwell.model.errors import Finding, InvalidDefinition, InvalidInput


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


def placed(error: InvalidDefinition, path: Path, definition: Definition) -> InvalidDefinition:
    """The same error with file and line for what was found where only the definition was known: its workflows."""
    own = [
        found
        for found in error.findings
        if found.file == NOWHERE
        and found.pointer in definition.tasks
        and isinstance(definition.tasks[found.pointer].body, SubworkflowBody)
    ]
    issues = [Issue(found.code, found.message, found.pointer, found.hint, key=True) for found in own]
    others: Sequence[Finding] = [found for found in error.findings if found not in own]
    return InvalidDefinition([*read(read_bytes(path), str(path)).findings(issues), *others])
