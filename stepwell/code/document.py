"""The document that stands for a Python workflow: a valid Open Workflow definition, so that everything which knows
definitions (storing, listing, running by name) knows it too."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from stepwell.definition.model import Definition
from stepwell.definition.parse import parse_document
from stepwell.model.base import SECOND, Duration, Json
from stepwell.model.errors import InvalidInput

NAME: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
VERSION: Final = re.compile(r"(\d+)(?:\.(\d+))?(?:\.(\d+))?([-+][0-9A-Za-z.+-]+)?")


def name_of(function: str) -> str:
    """`checkout_order` becomes `checkout-order`: names of definitions are DNS labels (RFC 1123)."""
    return re.sub(r"[^a-z0-9]+", "-", function.lower()).strip("-")[:63].strip("-") or "workflow"


def checked_name(name: str) -> str:
    if not NAME.fullmatch(name):
        raise InvalidInput(
            f"{name!r} cannot be the name of a workflow: small letters, digits and hyphens, at most 63",
            hint=f"write name={name_of(name)!r}",
        )
    return name


def checked_version(version: str | int) -> str:
    """`2` and `2.1` are short for `2.0.0` and `2.1.0` (semver.org 2.0.0)."""
    found = VERSION.fullmatch(str(version))
    if found is None:
        raise InvalidInput(f"{version!r} is no version: write 1.2.0, or 2 for 2.0.0")
    return f"{found[1]}.{found[2] or 0}.{found[3] or 0}{found[4] or ''}"


def document_of(
    namespace: str,
    name: str,
    version: str,
    code: str,
    summary: str,
    timeout: Duration | None,
    hooks: Mapping[str, str] = MappingProxyType({}),
    deadline: Mapping[str, Duration] | None = None,
) -> Definition:
    metadata: dict[str, Json] = {"code": code}
    if hooks:
        metadata["hooks"] = {outcome: {"workflow": reference} for outcome, reference in hooks.items()}
    if deadline is not None:
        metadata["deadline"] = {name: milliseconds(span) for name, span in deadline.items()}
    head: dict[str, Json] = {
        "dsl": "1.0.3",
        "namespace": namespace,
        "name": name,
        "version": version,
        "metadata": metadata,
    }
    if summary:
        head["summary"] = summary
    document = {
        "document": head,
        "do": [{name: {"call": "python", "with": {"function": name}}}],
    }
    if timeout is not None:
        document["timeout"] = {"after": milliseconds(timeout)}
    return parse_document(document, code)


def milliseconds(span: Duration) -> dict[str, Json]:
    return {"milliseconds": max(1, span * 1_000 // SECOND)}
