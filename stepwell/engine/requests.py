"""What tells one request to start a run from another."""

from __future__ import annotations

import hashlib

from pydantic_core import to_json

from stepwell.definition.model import Definition
from stepwell.model.base import Json
from stepwell.model.errors import InvalidInput


def fingerprint(definition: Definition, input: Json) -> str:
    """SHA-256 (hex) of what a key stands for: the definition and the input."""
    try:
        body = to_json(_ordered(input), inf_nan_mode="constants")
    except Exception as error:
        raise InvalidInput(f"the input is not JSON: {error}") from error
    name = (
        definition.hash if definition.code is None else definition.reference
    )  # code changes, and stays the same
    return hashlib.sha256(name.encode() + b"\n" + body).hexdigest()


def _ordered(value: Json) -> Json:
    """The value with object members sorted: their order does not make it another body."""
    if isinstance(value, dict):
        return {name: _ordered(value[name]) for name in sorted(value)}
    if isinstance(value, list | tuple):
        return [_ordered(item) for item in value]
    return value
