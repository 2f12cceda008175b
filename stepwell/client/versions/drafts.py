"""Documents as they are given, valid or not: read, with all that is wrong with them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, NamedTuple

from stepwell.definition.model import Definition
from stepwell.definition.parse import content_hash, problems
from stepwell.definition.source import Source as Read
from stepwell.definition.source import of_value, read
from stepwell.model.base import Json
from stepwell.model.errors import Finding, InvalidInput
from stepwell.model.versions import ProcedureKey

Given = Definition | Mapping[str, Any] | Path | str
"""A document: parsed, as an object, the path of its file, or its text."""

LARGEST: Final = 5_000_000
"""characters of a draft"""


class Draft(NamedTuple):
    """`document`: the object, or the text where it could not be read as one. `version`: the semantic version it has."""

    document: Json
    content: str
    version: str | None
    findings: tuple[Finding, ...]

    @property
    def problems(self) -> list[dict[str, Json]]:
        return [asdict(finding) for finding in self.findings]


async def draft_of(key: ProcedureKey, given: Given) -> Draft:
    """Never refuses a document for what is in it. Raises `InvalidInput` for a file that cannot be read, and for what is
    no text or object."""
    source = await _read(given)
    document = source.value if isinstance(source.value, Mapping) else source.text or ""
    try:
        findings = (
            list(problems(source, draft=True)) if isinstance(document, Mapping) else _unreadable(source)
        )
        hash = content_hash(document)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(
            f"the draft cannot be stored: {error}", hint="a draft is JSON, or its text"
        ) from error
    named = _said(document, "namespace"), _said(document, "name")
    if None not in named and named != tuple(key):
        message = f"the document is named {named[0]}/{named[1]}, the procedure {key}"
        findings.append(Finding("procedure-name", message, "/document/name", source.file))
    return Draft(document, hash, _said(document, "version"), tuple(findings))


async def _read(given: Given) -> Read:
    if isinstance(given, Definition):
        return of_value(given.document, given.reference)
    if isinstance(given, Mapping):
        return of_value(given, "<draft>")
    if isinstance(given, Path):
        try:
            content = await asyncio.to_thread(given.read_bytes)
        except OSError as error:
            raise InvalidInput(f"cannot read {given}: {error.strerror}") from error
        return _sized(content, str(given))
    if isinstance(given, str):
        return _sized(given, "<draft>")
    raise InvalidInput(f"a draft is a document, its text or its file, not {type(given).__name__}")


def _sized(content: str | bytes, file: str) -> Read:
    if len(content) > LARGEST:
        raise InvalidInput(f"{file} has more than {LARGEST:,} characters")
    source = read(content, file)
    if source.text is None and isinstance(content, str):
        source.text = content
    return source


def _unreadable(source: Read) -> list[Finding]:
    found = source.findings(source.issues)
    return found or [
        Finding("type", "a definition is an object with a `document` and a `do`", "", source.file)
    ]


def _said(document: Json, name: str) -> str | None:
    head = document.get("document") if isinstance(document, Mapping) else None
    value = head.get(name) if isinstance(head, Mapping) else None
    return value if isinstance(value, str) else None
