"""What people filled in: checked field by field, all at once; and what later steps read of it.

The chosen *value* is kept as it was given. The *output* is made from it: an instant in UTC, a whole number without a
fraction, what a reference leads to.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from stepwell.definition.forms.field import Field, Resolve, shown, wrong_kind
from stepwell.model.base import Json
from stepwell.model.errors import InvalidForm

WHOLE: Final = ""
"""the key of what is wrong with the values as a whole"""
_MOST_UNKNOWN: Final = 100


def check_values(fields: Sequence[Field], values: Json, *, complete: bool) -> dict[str, list[str]]:
    """All that is wrong, by field id; empty where nothing is.

    `complete` False: only what is there is looked at, as while a form is being filled in. None is no value.
    """
    if not isinstance(values, Mapping):
        return {WHOLE: [wrong_kind("an object with a value per field", values)]}
    found = {field.id: _wrong(field, values.get(field.id), complete) for field in fields}
    return {name: faults for name, faults in (found | _unknown(fields, values)).items() if faults}


def outputs(
    fields: Sequence[Field], values: Mapping[str, Json], resolve: Resolve | None = None
) -> dict[str, Json]:
    """The typed outputs, by field id. A field without a value has none, but for a checkbox: that is false.

    Raises `InvalidForm`, and what `resolve` raises where a reference leads to nothing.
    """
    if wrong := check_values(fields, values, complete=False):
        raise InvalidForm(wrong)
    given = {field.id: _with_value(field, values) for field in fields}
    return {
        field.id: field.output(given[field.id], resolve) for field in fields if given[field.id] is not None
    }


def missing(fields: Sequence[Field], values: Mapping[str, Json]) -> list[str]:
    """Ids of the fields without which the form cannot be submitted yet."""
    return [field.id for field in fields if _wrong(field, values.get(field.id), True)]


def defaults(fields: Sequence[Field]) -> dict[str, Json]:
    """What stands in a form that nobody has touched."""
    return {field.id: field.default for field in fields if field.default is not None}


def _wrong(field: Field, value: Json, complete: bool) -> list[str]:
    faults = [] if value is None else list(field.faults(value))
    if not faults and complete and (lack := field.lacks(value)):
        return [lack]
    return faults


def _unknown(fields: Sequence[Field], values: Mapping[str, Json]) -> dict[str, list[str]]:
    known = {field.id for field in fields}
    unknown = [name for name in values if name not in known]
    told: dict[str, list[str]] = {
        str(name): [f"there is no field {shown(str(name))}"] for name in unknown[:_MOST_UNKNOWN]
    }
    if len(unknown) > _MOST_UNKNOWN:
        told[WHOLE] = [f"{len(unknown) - _MOST_UNKNOWN:,} more fields are not known here"]
    return told


def _with_value(field: Field, values: Mapping[str, Json]) -> Json:
    value = values.get(field.id)
    return False if value is None and field.kind == "checkbox" else value
