"""The JSON Schema of a form says what `check_values` says: looked at with an independent validator, over random fields
and values."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stepwell.definition.forms.reading import read_fields
from stepwell.definition.forms.schema import json_schema
from stepwell.definition.forms.values import check_values
from stepwell.definition.rules.checker import Checker
from stepwell.definition.rules.fields import FIELDS
from stepwell.model.base import Json
from tests.support.hostile import FILES, HOSTILE

FLAG = st.booleans()
NUMBERS = st.one_of(st.integers(-5, 5), st.floats(-5, 5).map(lambda n: round(n, 1)))
COUNTS = st.integers(0, 3)
OPTIONS = st.lists(st.sampled_from(["a", "b", "c", "ä", "x y"]), min_size=1, max_size=4, unique=True)
TEXTS = st.one_of(
    st.text("ab1 -\näK\u212a", max_size=6),
    st.sampled_from(["a", "b", "c", "ab", "2026-11-21T10:00:00Z", "PT1H", "rig.a"]),
)
PATTERNS = st.sampled_from(["[a-b]+", "(a|b)*1?", "a.b|c", "", "^a", "b$", r"\w+", r"\S*", "(a+)+"])

MEMBERS: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "text": {"multiline": FLAG, "minLength": COUNTS, "maxLength": COUNTS, "pattern": PATTERNS},
    "integer": dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), NUMBERS),
    "number": dict.fromkeys(("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"), NUMBERS),
    "checkbox": {},
    "choice": {"options": OPTIONS, "allowCustom": FLAG},
    "choices": {"options": OPTIONS, "allowCustom": FLAG, "minCount": COUNTS, "maxCount": COUNTS},
    "datetime": {},
    "duration": {},
    "file": {"suffixes": st.lists(st.sampled_from([".csv", ".K", "x+y", ".tar.gz"]), min_size=1, max_size=2), "types": st.just(["text/*"]), "maxSize": st.just(100)},
    "files": {"suffixes": st.just([".CsV"]), "types": st.just(["text/csv", "Image/*"]), "minCount": COUNTS, "maxCount": COUNTS},
    "reference": {"options": OPTIONS, "allowCustom": FLAG, "default": st.sampled_from(["zz", {"ref": "rig.a"}])},
}  # fmt: skip


EXCEPTIONS = (
    "'P9999Y'",
    "'P999999999999999Y'",
    "'9999-12-31T23:59:59-23:59'",
    "'size': 1.0",
    "0" * 60,
    "17976931348623159",
)
"""What JSON Schema cannot say: see `json_schema`."""


def fine(value: Json) -> bool:
    """What both can be asked: JSON that the validator's own language can hold."""
    text = repr_of(value)
    return not any(word in text for word in ("nan", "inf", "\\ud8", "\\udc", "\\udf"))


def repr_of(value: Json) -> str:
    try:
        return ascii(value)[:10_000]
    except (RecursionError, ValueError):
        return "nan"


VALUES = [value for value in HOSTILE if fine(value) and not (isinstance(value, str) and len(value) > 200_001)]
USUAL = [value for value in VALUES if not any(word in repr_of(value) for word in EXCEPTIONS)]
USUAL_FILES = [value for value in FILES if value in USUAL]
OF_KIND: dict[str, st.SearchStrategy[Json]] = {
    "text": TEXTS, "integer": NUMBERS, "number": NUMBERS, "checkbox": FLAG, "choice": TEXTS, "choices": st.lists(TEXTS, max_size=4),
    "datetime": st.datetimes().map(lambda t: f"{t.isoformat()}Z"), "duration": st.builds("P{}DT{}H".format, COUNTS, COUNTS),
    "file": st.sampled_from(USUAL_FILES), "files": st.lists(st.sampled_from(USUAL_FILES), max_size=4),
    "reference": st.one_of(TEXTS, st.builds(lambda ref: {"ref": ref}, TEXTS)),
}  # fmt: skip


@st.composite
def a_field(draw: st.DrawFn, kind: str) -> Json:
    members = {
        name: draw(values) for name, values in MEMBERS[kind].items() if draw(FLAG) or name == "options"
    }
    return {"id": "it", "kind": kind, "required": draw(FLAG), **members}


@pytest.mark.spec("N5")
@pytest.mark.parametrize("kind", list(MEMBERS))
@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_schema_and_check_agree(kind: str, data: st.DataObject) -> None:
    given_field = data.draw(a_field(kind))
    if Checker([given_field], {}).run(FIELDS):
        return
    fields = read_fields([given_field])
    schema = json_schema(fields)
    validator = jsonschema_rs.Draft202012Validator(
        schema, pattern_options=jsonschema_rs.RegexOptions(), validate_formats=True
    )
    values = data.draw(st.lists(st.one_of(OF_KIND[kind], st.sampled_from(USUAL)), min_size=1, max_size=20))
    for value in values:
        cleared = {} if value is None else {"it": value}
        said = check_values(fields, cleared, complete=True)
        assert validator.is_valid(cleared) == (not said), (given_field, value, said)
    assert validator.is_valid({}) == (not check_values(fields, {}, complete=True))
    assert not validator.is_valid({"other": 1})


@pytest.mark.spec("N5")
@pytest.mark.parametrize("kind", list(MEMBERS))
def test_schema_and_check_agree_on_hostile_values(kind: str) -> None:
    options = {"options": ["a", "b"]} if kind in ("choice", "choices") else {}
    fields = read_fields([{"id": "it", "kind": kind, **options}])
    validator = jsonschema_rs.Draft202012Validator(
        json_schema(fields), pattern_options=jsonschema_rs.RegexOptions(), validate_formats=True
    )
    unequal = [
        repr_of(value)
        for value in VALUES
        if validator.is_valid({"it": value}) != (not check_values(fields, {"it": value}, complete=True))
    ]
    assert len(unequal) == {"duration": 2, "datetime": 1, "file": 1, "number": 3}.get(kind, 0)
    assert all(any(word in value for word in EXCEPTIONS) for value in unequal)


def test_it_is_a_schema_with_words_for_people() -> None:
    fields = read_fields(
        [{"id": "p", "kind": "number", "label": "Pressure", "description": "in the tank", "default": 2}]
    )
    schema = json_schema(fields)
    assert jsonschema_rs.meta.is_valid(schema)
    assert schema["properties"]["p"] == {
        "title": "Pressure",
        "description": "in the tank",
        "default": 2,
        "type": "number",
    }
    assert schema["required"] == []
