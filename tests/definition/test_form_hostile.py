"""Every kind of field meets every hostile value: it is told what is wrong, or gives the value back as it was."""

from __future__ import annotations

import time

import pytest

from stepwell.definition.forms.reading import KINDS, read_fields
from stepwell.definition.forms.values import check_values, missing, outputs
from stepwell.definition.rules.checker import Checker
from stepwell.definition.rules.fields import FIELDS
from stepwell.model.errors import InvalidForm
from tests.support.hostile import HOSTILE

PLAIN = {
    "choice": {"options": ["a", "b"]},
    "choices": {"options": ["a", "b"]},
    "reference": {},
}
STRICT = {
    "text": {"minLength": 2, "maxLength": 9_000, "pattern": "(a+)+(b|bb)*", "required": True},
    "integer": {"minimum": 1, "exclusiveMaximum": 100},
    "number": {"exclusiveMinimum": 0, "maximum": 1e300},
    "checkbox": {"required": True},
    "choice": {"options": ["a"], "allowCustom": True, "required": True},
    "choices": {"options": ["a", "b"], "allowCustom": True, "minCount": 2, "maxCount": 3},
    "datetime": {"minimum": "2026-01-01T00:00:00Z", "maximum": "2026-12-31T00:00:00Z"},
    "duration": {"minimum": "PT1S", "maximum": "P1D"},
    "file": {"suffixes": [".csv", ".K"], "types": ["text/*"], "maxSize": 50 * 2**20 - 1},
    "files": {"suffixes": [".csv"], "types": ["text/csv"], "minCount": 1, "maxCount": 2},
    "reference": {"options": ["a"], "default": {"ref": "a.b"}},
}


def seconds() -> float:
    return time.thread_time()


@pytest.mark.spec("N5", "N6")
@pytest.mark.parametrize("kind", list(KINDS))
def test_every_value_gets_an_answer(kind: str) -> None:
    assert len(HOSTILE) >= 200
    accepted = refused = 0
    for options in (PLAIN.get(kind, {}), STRICT[kind]):
        fields = read_fields([{"id": "it", "kind": kind, **options}])
        for value in HOSTILE:
            begun = seconds()
            for complete in (True, False):
                wrong = check_values(fields, {"it": value}, complete=complete)
                assert set(wrong) <= {"it"}
                assert all(len(text) < 500 and text.isprintable() for text in wrong.get("it", []))
            wrong = check_values(fields, {"it": value}, complete=False)
            assert missing(fields, {"it": value}) == ["it"] or not wrong
            if wrong:
                refused += 1
                str(InvalidForm(wrong)).encode()
                with pytest.raises(InvalidForm):
                    outputs(fields, {"it": value}, resolve=str)
            else:
                accepted += 1
                kept_as_it_was(value)
                kept_as_it_was(outputs(fields, {"it": value}, resolve=str))
            assert seconds() - begun < 0.5, f"{kind} took too long over {str(value)[:60]}"
    assert accepted and refused


def kept_as_it_was(value: object) -> None:
    """What is accepted can be put on record, and is the same when it is read."""
    assert repr(decode_value(value)) == repr(value)


def decode_value(value: object) -> object:
    from pydantic_core import from_json, to_json

    return from_json(to_json(value, inf_nan_mode="constants"))


@pytest.mark.spec("N5")
def test_hostile_names_of_fields() -> None:
    for name in (v for v in HOSTILE if isinstance(v, str)):
        wrong = check_values((), {name: 1}, complete=True)
        assert list(wrong) == [name] and len(wrong[name][0]) < 200
        str(InvalidForm(wrong)).encode()
    many = check_values((), {f"f{n}": 1 for n in range(10_000)}, complete=True)
    assert len(many) == 101 and "9,900 more" in many[""][0]
    for values in (v for v in HOSTILE if not isinstance(v, dict)):
        assert list(check_values((), values, complete=True)) == [""]


@pytest.mark.spec("N5")
@pytest.mark.parametrize("kind", list(KINDS))
def test_hostile_definitions_of_fields(kind: str) -> None:
    """Any value for any member is refused, or makes a field that works."""
    members = [
        "id",
        "label",
        "required",
        "default",
        "options",
        "minimum",
        "minLength",
        "pattern",
        "suffixes",
        "types",
        "maxSize",
        "minCount",
    ]
    for value in (v for v in HOSTILE if not (isinstance(v, str) and len(v) > 10_000)):
        for member in members:
            given = [{"id": "it", "kind": kind, **PLAIN.get(kind, {}), member: value}]
            if not Checker(given, {}).run(FIELDS):
                (field,) = read_fields(given)
                check_values([field], {field.id: "x"}, complete=True)
                field.schema()
    for value in HOSTILE:
        assert Checker(value, {}).run(FIELDS) or value == []
        assert Checker([value], {}).run(FIELDS)
