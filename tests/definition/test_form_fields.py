"""What a document may say of the fields of a form; every problem is told at once, with its place."""

from __future__ import annotations

from typing import Any

import pytest

from stepwell.definition.forms.choices import ChoiceField, Option
from stepwell.definition.forms.reading import KINDS, read_field, read_fields, written
from stepwell.definition.rules.checker import Checker
from stepwell.definition.rules.fields import FIELDS
from stepwell.model.base import Json

pytestmark = pytest.mark.spec("N5")


def told(*fields: Json) -> list[tuple[str, str]]:
    return sorted(
        (issue.pointer, f"{issue.message} ({issue.hint})") for issue in Checker([*fields], {}).run(FIELDS)
    )


ALL = [
    {"id": "note", "kind": "text", "label": "Note", "multiline": True, "minLength": 1, "maxLength": 80, "unit": "", "default": "x"},
    {"id": "serial", "kind": "text", "pattern": "[A-Z]{2}-[0-9]{4}", "message": "two letters, a dash, four digits"},
    {"id": "count", "kind": "integer", "minimum": 0, "exclusiveMaximum": 10, "default": 3},
    {"id": "pressure", "kind": "number", "exclusiveMinimum": 0, "maximum": 2.5, "unit": "bar"},
    {"id": "sure", "kind": "checkbox", "required": True, "default": False},
    {"id": "valve", "kind": "choice", "options": ["A", {"value": "B", "label": "Valve B"}], "look": "buttons", "default": "B"},
    {"id": "seen", "kind": "choices", "options": ["x", "y"], "allowCustom": True, "minCount": 1, "maxCount": 2},
    {"id": "when", "kind": "datetime", "minimum": "2026-01-01T00:00:00Z"},
    {"id": "hold", "kind": "duration", "minimum": "PT1S", "maximum": "PT10M", "default": "PT30S"},
    {"id": "log", "kind": "file", "suffixes": [".csv"], "types": ["text/*"], "maxSize": 1000},
    {"id": "photos", "kind": "files", "suffixes": [".jpg", ".png"], "maxCount": 3},
    {"id": "rig", "kind": "reference", "resource": "asset", "options": ["rig-1"], "default": {"ref": "prepare.rig"}},
]  # fmt: skip


def test_every_kind_can_be_written() -> None:
    assert told(*ALL) == []
    fields = read_fields(ALL)
    assert {field.kind for field in fields} == set(KINDS)
    assert [field.id for field in fields] == [given["id"] for given in ALL]
    (valve,) = (field for field in fields if field.id == "valve")
    assert valve == ChoiceField(
        id="valve", options=(Option("A", "A"), Option("B", "Valve B")), look="buttons", default="B"
    )
    assert read_fields(None) == read_fields([]) == ()


def test_all_problems_at_once_with_places_and_hints() -> None:
    found = told(
        {"id": "a", "kind": "txt"},
        {"id": "1a", "kind": "text", "requird": True, "minLength": "3"},
        {"id": "a", "kind": "choice"},
        {"kind": "integer", "minimum": 5, "maximum": 4},
        "text",
        {"id": "started_at", "kind": "text"},
        {"id": "b"},
    )
    assert found == [
        ("/0/kind", "'txt' is no kind of field (did you mean `text`?)"),
        ("/1/id", "'1a' is not the id of a field: a letter or _, then letters, digits and _ ()"),
        ("/1/minLength", "`minLength` must be a whole number, not text ()"),
        ("/1/requird", "`requird` is not known here (did you mean `required`?)"),
        ("/2/id", "another field has the id `a` (give it an id of its own)"),
        ("/2/options", "there is nothing to choose from: give `options`, or set `allowCustom` ()"),
        ("/3", "`id` is missing ()"),
        ("/4", "a field must be an object, not text ()"),
        (
            "/5/id",
            "the id `started_at` stands for the step itself where its fields are read (take another one)",
        ),
        ("/6", "the field needs a `kind` (one of " + ", ".join(KINDS) + ")"),
    ]


@pytest.mark.parametrize(
    ("kind", "members", "pointer", "words"),
    [
        ("text", {"minLength": 3, "maxLength": 2}, "maxLength", "below"),
        ("text", {"message": "no"}, "message", "there is none"),
        ("text", {"pattern": "("}, "pattern", "linear time"),
        ("text", {"pattern": r"(a)\1"}, "pattern", "linear time"),
        ("text", {"pattern": "(?=a)b"}, "pattern", "linear time"),
        ("text", {"pattern": "a)|(?:b"}, "pattern", "linear time"),
        ("text", {"pattern": "a" * 1001}, "pattern", "more than 1,000"),
        ("text", {"pattern": "((a{999}){999}){999}"}, "pattern", "too big"),
        ("text", {"maxLength": 200_000}, "maxLength", "more than 100000"),
        ("text", {"default": 1}, "default", "must be text"),
        ("text", {"default": "a\nb"}, "default", "one line"),
        ("text", {"options": ["a"]}, "options", "not known here"),
        ("integer", {"minimum": 1, "exclusiveMinimum": 0}, "exclusiveMinimum", "keep one"),
        ("integer", {"minimum": 3, "maximum": 2}, "maximum", "nothing fits"),
        ("number", {"exclusiveMinimum": 3, "maximum": 3}, "maximum", "nothing fits"),
        ("number", {"maximum": float("nan")}, "maximum", "finite"),
        ("number", {"minimum": -float("inf")}, "minimum", "finite"),
        ("number", {"minimum": 10**400}, "minimum", "finite"),
        ("number", {"default": 3, "maximum": 2}, "default", "at most 2"),
        ("checkbox", {"default": "yes"}, "default", "true or false"),
        ("choice", {"options": ["a", "a"]}, "options", "twice"),
        ("choice", {"options": [""]}, "options", "empty"),
        ("choice", {"options": [1]}, "options/0", "text"),
        ("choice", {"options": ["a"], "default": "b"}, "default", "not one of: a"),
        ("choice", {"options": ["a"], "look": "radio"}, "look", "not known"),
        ("choices", {"options": ["a"], "minCount": 2}, "minCount", "there are 1"),
        ("choices", {"options": ["a"], "required": True, "maxCount": 0}, "maxCount", "below"),
        ("choices", {"options": ["a"], "default": ["a", "a"]}, "default", "twice"),
        ("datetime", {"minimum": "yesterday"}, "minimum", "not a date"),
        ("datetime", {"minimum": "2026-02-02T00:00:00Z", "maximum": "2026-02-02T00:00:00+01:00"}, "maximum", "below"),
        ("duration", {"maximum": "1h"}, "maximum", "not a duration"),
        ("duration", {"default": "PT2S", "maximum": "PT1S"}, "default", "longer than PT1S"),
        ("file", {"suffixes": ["/etc"]}, "suffixes/0", "end of a file's name"),
        ("file", {"suffixes": []}, "suffixes", "empty"),
        ("file", {"types": ["csv"]}, "types/0", "media type"),
        ("files", {"minCount": 2, "maxCount": 1}, "maxCount", "below"),
        ("reference", {"default": {"ref": "a.b.c"}}, "default", "step.field"),
        ("reference", {"options": ["a"], "default": 5}, "default", "must be text"),
    ],
)  # fmt: skip
def test_contradictions_are_named(kind: str, members: dict[str, Json], pointer: str, words: str) -> None:
    (found,) = told({"id": "a", "kind": kind, **members})
    assert found[0] == f"/0/{pointer}"
    assert words in found[1]


@pytest.mark.spec("N5")
def test_a_field_is_written_as_it_was_read() -> None:
    documents: list[dict[str, Any]] = [
        {
            "id": "a",
            "kind": "text",
            "label": "A",
            "multiline": True,
            "minLength": 1,
            "pattern": "x+",
            "message": "m",
        },
        {"id": "b", "kind": "number", "unit": "bar", "exclusiveMinimum": 0, "maximum": 2.5, "default": 1},
        {
            "id": "c",
            "kind": "choices",
            "options": [{"value": "x", "label": "X"}],
            "minCount": 1,
            "allowCustom": True,
        },
        {
            "id": "d",
            "kind": "files",
            "suffixes": [".csv"],
            "types": ["text/csv"],
            "maxSize": 7,
            "required": True,
        },
        {"id": "e", "kind": "reference", "resource": "asset", "default": {"ref": "prepare.rig"}},
        *({"id": "x", "kind": kind} for kind in KINDS),
    ]
    for document in documents:
        assert written(read_field(document)) == document
        assert read_field(written(read_field(document))) == read_field(document)
