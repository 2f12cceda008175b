"""A form as a JSON Schema, for those who speak that: clients, models, other programs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from stepwell.definition.forms.field import Field
from stepwell.model.base import Json

DRAFT: Final = "https://json-schema.org/draft/2020-12/schema"


def json_schema(fields: Sequence[Field]) -> dict[str, Json]:
    """The values of a complete form, those that were cleared left out.

    It says the same as `check_values`, but for what JSON Schema cannot say: the bounds of points and lengths of time
    (`formatMinimum` and `formatMaximum` tell them), the very last instant and the longest duration, numbers that no
    `double` can hold, and that the size of a file is not written as `1.0`. Patterns are without look-around.
    """
    return {
        "$schema": DRAFT,
        "type": "object",
        "properties": {field.id: _told(field) | field.schema() for field in fields},
        "required": [field.id for field in fields if field.obligatory],
        "additionalProperties": False,
    }


def _told(field: Field) -> dict[str, Json]:
    """What a schema says for people."""
    told = {"title": field.label, "description": field.description, "default": field.default}
    return {name: text for name, text in told.items() if text not in ("", None)}
