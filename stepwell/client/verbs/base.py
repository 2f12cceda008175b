"""What every family of verbs stands on: those that only look on a `Reading`, the others on an `Engine`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from stepwell.client.hints import with_file
from stepwell.model.errors import InvalidInput, StepwellError
from stepwell.ports import Blobs

if TYPE_CHECKING:  # who only looks needs neither the language nor an engine
    from stepwell.code.workflow import Workflow
    from stepwell.definition.model import Definition
    from stepwell.engine.engine import Engine
    from stepwell.engine.reading import Reading

Source: TypeAlias = "Definition | Mapping[str, Any] | Path | str | Workflow[Any, Any]"
"""A definition: parsed, as a JSON object, the path of its file, its text, or `namespace/name:version` of a stored
one; or a Python workflow."""


class Looks:
    """What verbs stand on that change nothing."""

    engine: Reading
    file: str | None = None
    """the database file, where the commands in hints have to name it"""
    blobs: Blobs | None = None
    """where files are kept"""

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
        from stepwell.code.workflow import Workflow
        from stepwell.definition.model import Definition
        from stepwell.definition.parse import parse, parse_document
        from stepwell.workers.copies import own_copy

        if isinstance(source, Definition):
            return source
        if isinstance(source, Workflow):
            return source.definition
        if isinstance(source, Mapping):
            return parse_document(own_copy(source))
        if isinstance(source, Path):
            content = await asyncio.to_thread(_read, source)
            return parse(content, str(source))
        if not isinstance(source, str):
            raise no_source(source)
        if "\n" in source or ": " in source or source.lstrip().startswith("{"):
            return parse(source)
        if source.endswith((".yaml", ".yml", ".json")):
            raise InvalidInput(f"{source!r} looks like a file", hint=f"pass Path({source!r})")
        namespace, _, rest = source.rpartition("/")
        name, _, version = rest.partition(":")
        return await self.engine.library.find(namespace or "default", name, version or "latest")


class Verbs(Looks):
    """Made with the engine that does what is asked."""

    engine: Engine

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._queues_known: set[str] = set()

    async def add_definition(self, source: Source) -> Definition:
        """Store a definition, so that workflows can run it by name. What it runs itself may come later, but not in a
        circle. Raises `InvalidDefinition`."""
        from stepwell.client.starting import check_subworkflows

        definition = await self.definition(source)
        await check_subworkflows(self.engine.library, definition, adding=True)
        await self.engine.library.add(definition)
        return definition


def no_source(given: object) -> InvalidInput:
    """What was given cannot be run. It is told what it is: a forgotten decorator, or a call too many, is common."""
    from stepwell.code.step import Step

    if isinstance(given, Step):
        said, hint = f"{given!r} is a step", "call it in a function with @workflow on it, and start that one"
    elif asyncio.iscoroutine(given):
        given.close()
        said = f"{getattr(given, '__name__', given)}(…) is the workflow called already"
        hint = "give the function and its arguments one after the other: start(function, 7)"
    elif callable(given):
        named = getattr(given, "__qualname__", None) or repr(given)
        said, hint = f"{named} is a plain function", "put @workflow on it"
    else:
        said = f"a {type(given).__name__} cannot be run"
        hint = "give a @workflow function, or a definition: its Path, text, object or namespace/name:version"
    return InvalidInput(said, hint=hint)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidInput(f"cannot read {path}: {error.strerror}") from error
