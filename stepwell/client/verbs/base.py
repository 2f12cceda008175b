"""What every family of verbs stands on: the engine, and how a definition is named."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from stepwell.client.hints import with_file
from stepwell.client.starting import check_subworkflows
from stepwell.code.workflow import Workflow
from stepwell.definition.model import Definition
from stepwell.definition.parse import parse, parse_document
from stepwell.engine.engine import Engine
from stepwell.model.errors import InvalidInput, StepwellError
from stepwell.ports import Blobs

Source = Definition | Mapping[str, Any] | Path | str | Workflow[Any, Any]
"""A definition: parsed, as a JSON object, the path of its file, its text, or `namespace/name:version` of a stored
one; or a Python workflow."""


class Verbs:
    """Made with the engine that does what is asked."""

    file: str | None = None
    """the database file, where the commands in hints have to name it"""
    blobs: Blobs | None = None
    """where files are kept"""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._queues_known: set[str] = set()

    @contextlib.contextmanager
    def hints(self) -> Iterator[None]:
        """Commands in the hints of what goes wrong here name the file."""
        try:
            yield
        except StepwellError as error:
            if self.file is not None:
                error.hint = with_file(error.hint, self.file)
            raise

    async def definition(self, source: Source) -> Definition:
        """The definition that a source stands for. Raises `InvalidDefinition`, `NotFound`."""
        if isinstance(source, Definition):
            return source
        if isinstance(source, Workflow):
            return source.definition
        if isinstance(source, Mapping):
            return parse_document(source)
        if isinstance(source, Path):
            content = await asyncio.to_thread(_read, source)
            return parse(content, str(source))
        if "\n" in source or ": " in source or source.lstrip().startswith("{"):
            return parse(source)
        if source.endswith((".yaml", ".yml", ".json")):
            raise InvalidInput(f"{source!r} looks like a file", hint=f"pass Path({source!r})")
        namespace, _, rest = source.rpartition("/")
        name, _, version = rest.partition(":")
        return await self.engine.library.find(namespace or "default", name, version or "latest")

    async def add_definition(self, source: Source) -> Definition:
        """Store a definition, so that workflows can run it by name. What it runs itself may come later, but not in a
        circle. Raises `InvalidDefinition`."""
        definition = await self.definition(source)
        await check_subworkflows(self.engine.library, definition, adding=True)
        await self.engine.library.add(definition)
        return definition


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"cannot read {path}: {error.strerror}") from error
