"""Fields as documents write them, made into nouns. The kinds of fields, by name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from typing import Final

from stepwell.definition.forms.choices import ChoiceField, ChoicesField, Option, ReferenceField
from stepwell.definition.forms.field import Field
from stepwell.definition.forms.files import FileField, FilesField
from stepwell.definition.forms.numbers import CheckboxField, IntegerField, NumberField
from stepwell.definition.forms.texts import TextField
from stepwell.definition.forms.times import DatetimeField, DurationField
from stepwell.model.base import Json

KINDS: Final[Mapping[str, type[Field]]] = {
    kind.kind: kind
    for kind in (
        TextField,
        IntegerField,
        NumberField,
        CheckboxField,
        ChoiceField,
        ChoicesField,
        DatetimeField,
        DurationField,
        FileField,
        FilesField,
        ReferenceField,
    )
}
RESERVED: Final = frozenset(
    {
        "this",
        "status",
        "created_at",
        "started_at",
        "submitted_at",
        "completed_at",
        "skipped_at",
        "failed_at",
        "updated_at",
        *(f"{what}_by" for what in ("started", "submitted", "completed", "skipped", "failed", "updated")),
        "start_time",
        "end_time",
    }
)
"""Names that stand for the step itself where its fields are read."""

_CAPITAL: Final = re.compile("[A-Z]")
_SNAKE: Final = re.compile("_([a-z])")


def read_fields(given: Json) -> tuple[Field, ...]:
    """The fields of a list that `rules.fields` has no complaints about."""
    return tuple(map(read_field, given or ()))


def read_field(given: Mapping[str, Json]) -> Field:
    members = {_snake(name): _member(name, value) for name, value in given.items() if name != "kind"}
    return KINDS[given["kind"]](**members)


def written(field: Field) -> dict[str, Json]:
    """The field as a document writes it: only what is not usual."""
    usual = ((each.name, each.default, getattr(field, each.name)) for each in fields(field))
    members = {_camel(name): _plain(value) for name, default, value in usual if value != default}
    return {"id": field.id, "kind": field.kind} | members


def _camel(name: str) -> str:
    return _SNAKE.sub(lambda found: found[1].upper(), name)


def _plain(value: Json) -> Json:
    if isinstance(value, Option):
        return value._asdict()
    return [_plain(item) for item in value] if isinstance(value, tuple) else value


def contradictions(field: Field) -> Iterator[tuple[str, str]]:
    """(member, message) of what makes no sense in one field, its default included."""
    found = [*field.contradictions()]
    yield from found
    if not found and field.default is not None:
        yield from (("default", f"the default {fault}") for fault in field.faults(field.default))


def _snake(name: str) -> str:
    return _CAPITAL.sub(lambda found: "_" + found[0].lower(), name)


def _member(name: str, value: Json) -> Json:
    if name == "options":
        return _options(value)
    return tuple(value) if name in ("suffixes", "types") else value


def _options(given: Sequence[Json]) -> tuple[Option, ...]:
    return tuple(
        Option(one, one) if isinstance(one, str) else Option(one["value"], one.get("label", one["value"]))
        for one in given
    )
