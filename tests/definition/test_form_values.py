"""What people fill in: per-field errors all at once; the value as it was chosen, and the output that is made of it."""

from __future__ import annotations

import pytest

from stepwell.definition.forms.reading import read_fields
from stepwell.definition.forms.values import check_values, defaults, missing, outputs
from stepwell.model.base import Json
from stepwell.model.errors import InvalidForm, InvalidInput
from tests.support.hostile import FILE

SHA = FILE["file"]


def wrong(kind: str, value: Json, complete: bool = True, **members: Json) -> list[str]:
    return check_values(
        read_fields([{"id": "a", "kind": kind, **members}]), {"a": value}, complete=complete
    ).get("a", [])


@pytest.mark.spec("N5")
@pytest.mark.parametrize(
    ("kind", "members", "good", "bad", "words"),
    [
        ("text", {"minLength": 2, "maxLength": 3}, ["ab", "äöü"], ["a", "abcd"], "character"),
        ("text", {}, ["", "a\tb", "<b>", "\u202ex"], ["a\nb", "a\rb", "\0", "\x1b", "\u2028"], "one line"),
        ("text", {"multiline": True}, ["a\nb", "\0"], ["\ud800", "a\udfffb"], "surrogate"),
        ("text", {"pattern": "[a-z]+|[0-9]+", "message": "letters or digits"}, ["ab", "12"], ["a1", "", "ab!"], "letters or digits"),
        ("text", {"pattern": "x"}, ["x"], ["xx", "axb"], "must match x"),
        ("text", {"required": True}, ["a"], ["", None], "needed"),
        ("integer", {"minimum": 1, "exclusiveMaximum": 5}, [1, 4, 4.0], [0, 5, 2**70, 10**5000], "must be"),
        ("integer", {}, [2**63 - 1, -(2**63) + 1, 2.0], [True, False, "1", 1.5, float("nan"), float("inf"), 1e300, 2**63], "whole number"),
        ("number", {"exclusiveMinimum": 0, "maximum": 1}, [0.5, 1, 5e-324], [0, -0.0, 1.0000001, float("nan"), float("inf"), 10**400], "must be"),
        ("number", {}, [1, 2**70, -1e308], [True, "1", None, [], {}], "a number"),
        ("checkbox", {"required": True}, [True], [False, None], "ticked"),
        ("checkbox", {}, [True, False], [1, 0, "true", "on"], "true or false"),
        ("choice", {"options": ["a", "b"]}, ["a"], ["c", "A", "a "], "not one of: a, b"),
        ("choice", {"options": ["a"], "allowCustom": True}, ["a", "z"], ["", 1, ["a"]], "must"),
        ("choices", {"options": ["a", "b", "c"], "minCount": 2, "maxCount": 2}, [["a", "b"]], [["a"], ["a", "b", "c"]], "choices"),
        ("choices", {"options": ["a", "b"]}, [[], ["b", "a"]], [["a", "a"]], "twice"),
        ("datetime", {}, ["2026-11-21T15:30:00+01:00", "2026-11-21t14:30:00.5z"], ["2026-11-21", "2026-11-21T15:30:00", "2026-11-21 15:30:00Z"], "zone"),
        ("datetime", {}, ["2024-02-29T00:00:00Z"], ["2026-02-29T00:00:00Z", "2026-04-31T00:00:00Z"], "no such day"),
        ("datetime", {"minimum": "2026-01-01T00:00:00Z"}, ["2026-01-01T01:00:00+01:00"], ["2026-01-01T00:59:59+01:00"], "earlier"),
        ("datetime", {"maximum": "2026-01-01T00:00:00Z"}, ["2025-12-31T19:00:00-05:00"], ["2025-12-31T19:00:01-05:00"], "later"),
        ("duration", {}, ["PT1.5S", "P1Y2M3W4DT5H6M7S"], ["P", "PT", "1h", "-PT1S", " PT1S"], "duration"),
        ("duration", {"minimum": "PT1M", "maximum": "PT1H"}, ["PT60S", "PT60M"], ["PT59S", "P1D"], "than PT"),
        ("file", {"suffixes": [".CSV"]}, [FILE, {**FILE, "name": "X.Csv"}], [{**FILE, "name": "x.csv.exe"}, {**FILE, "name": "x.txt"}], "must end in .CSV"),
        ("file", {"maxSize": 10}, [FILE], [{**FILE, "size": 11}, {**FILE, "size": 50 * 2**20}], "at most 10 bytes"),
        ("file", {"types": ["text/*"]}, [FILE, {**FILE, "type": "TEXT/plain"}], [{**FILE, "type": "image/png"}], "must be of type"),
        ("file", {}, [FILE], [{**FILE, "name": name} for name in ("../x", "a/b", "a\\b", "..", ".", "a\0")], "not the name of a file"),
        ("files", {"minCount": 1, "maxCount": 2}, [[FILE], [FILE, FILE]], [[], [FILE] * 3], "e"),
        ("files", {"suffixes": [".txt"]}, [[]], [[FILE]], "file 1: 'data.csv' must end in .txt"),
        ("reference", {"options": ["rig-1"]}, ["rig-1"], ["rig-2", {"ref": "a.b"}], "one of"),
        ("reference", {}, ["anything", {"ref": "a.b"}, {"ref": "global"}], ["", {"ref": "a.b.c"}, {"ref": "a", "x": 1}, {}], "must"),
        ("reference", {"options": ["rig-1"], "default": "spare"}, ["spare", "rig-1"], ["other"], "one of"),
    ],
)  # fmt: skip
def test_rules_of_each_kind(
    kind: str, members: dict[str, Json], good: list[Json], bad: list[Json], words: str
) -> None:
    for value in good:
        assert wrong(kind, value, **members) == []
    for value in bad:
        assert value is None or wrong(kind, value, **members), value
        assert all(words in text for text in wrong(kind, value, **members))


@pytest.mark.spec("N5")
def test_all_fields_are_told_at_once() -> None:
    fields = read_fields(
        [
            {"id": "a", "kind": "integer", "required": True, "minimum": 1},
            {"id": "b", "kind": "text", "minLength": 3, "pattern": "[a-z]*"},
            {"id": "c", "kind": "checkbox", "required": True},
            {"id": "d", "kind": "choices", "options": ["x", "y"]},
        ]
    )
    values = {"a": 0, "b": "1", "c": False, "d": ["z", "x", "x", 5], "e": 1}
    found = check_values(fields, values, complete=True)
    assert {name: len(faults) for name, faults in found.items()} == {"a": 1, "b": 2, "c": 1, "d": 3, "e": 1}
    error = InvalidForm(found)
    assert isinstance(error, InvalidInput) and error.fields == found
    assert error.kind == "invalid_form"
    for name, faults in found.items():
        assert all(f"{name!r}: {fault}" in str(error) for fault in faults)


@pytest.mark.spec("N5")
def test_while_it_is_being_filled_in_only_what_is_there_counts() -> None:
    fields = read_fields(
        [
            {"id": "a", "kind": "text", "required": True},
            {"id": "b", "kind": "choices", "options": ["x", "y"], "minCount": 2},
            {"id": "c", "kind": "checkbox", "required": True},
            {"id": "d", "kind": "files", "required": True},
            {"id": "e", "kind": "integer"},
        ]
    )
    begun: dict[str, Json] = {"b": ["x"], "c": False, "d": [], "e": None}
    assert check_values(fields, begun, complete=False) == {}
    assert missing(fields, begun) == ["a", "b", "c", "d"] == list(check_values(fields, begun, complete=True))
    assert check_values(fields, {"b": ["q"]}, complete=False) != {}
    whole = {"a": "t", "b": ["x", "y"], "c": True, "d": [FILE]}
    assert missing(fields, whole) == [] and check_values(fields, whole, complete=True) == {}
    assert missing(fields, {**whole, "e": "five"}) == ["e"]
    assert check_values(fields, {**whole, "a": None}, complete=True) == {"a": ["a value is needed"]}


@pytest.mark.spec("N6")
def test_values_and_outputs_are_kept_apart() -> None:
    fields = read_fields(
        [
            {"id": "n", "kind": "integer"},
            {"id": "when", "kind": "datetime"},
            {"id": "rig", "kind": "reference"},
            {"id": "spare", "kind": "reference", "options": ["r"], "default": {"ref": "plan.spare"}},
            {"id": "sure", "kind": "checkbox"},
            {"id": "note", "kind": "text"},
            {"id": "hold", "kind": "duration"},
        ]
    )
    values = {
        "n": 3.0,
        "when": "2026-11-21T15:30:00.1234567+01:00",
        "rig": {"ref": "prepare.rig"},
        "note": None,
        "hold": "PT90S",
        **defaults(fields),
    }
    asked: list[str] = []

    def resolve(ref: str) -> Json:
        asked.append(ref)
        return f"the {ref}"

    found = outputs(fields, values, resolve)
    assert found == {
        "n": 3,
        "when": "2026-11-21T14:30:00.123456Z",
        "rig": "the prepare.rig",
        "spare": "the plan.spare",
        "sure": False,
        "hold": "PT90S",
    }
    assert type(found["n"]) is int
    assert asked == ["prepare.rig", "plan.spare"]
    assert values["rig"] == {"ref": "prepare.rig"} and values["n"] == 3.0


@pytest.mark.spec("N6")
def test_a_reference_that_leads_to_nothing_is_the_callers_error() -> None:
    fields = read_fields([{"id": "rig", "kind": "reference"}])

    def unset(ref: str) -> Json:
        raise LookupError(f"{ref} is not set")

    with pytest.raises(LookupError, match=r"a\.b is not set"):
        outputs(fields, {"rig": {"ref": "a.b"}}, unset)
    with pytest.raises(InvalidForm, match="cannot be read here"):
        outputs(fields, {"rig": {"ref": "a.b"}})
    for found in (None, 5, "", ["x"], "a" * 2000):
        with pytest.raises(InvalidForm, match=r"what a\.b holds must"):
            outputs(fields, {"rig": {"ref": "a.b"}}, lambda ref, found=found: found)


@pytest.mark.spec("N6")
@pytest.mark.parametrize(
    ("given", "instant"),
    [
        ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000000Z"),
        ("2026-03-01T00:30:00+01:00", "2026-02-28T23:30:00.000000Z"),
        ("2023-12-31T23:30:00-00:45", "2024-01-01T00:15:00.000000Z"),
        ("1000-01-01T00:00:00.000001+23:59", "0999-12-31T00:01:00.000001Z"),
        ("1969-12-31T23:59:59.999999999Z", "1969-12-31T23:59:59.999999Z"),
    ],
)
def test_instants_are_exact(given: str, instant: str) -> None:
    (field,) = read_fields([{"id": "a", "kind": "datetime"}])
    found = outputs([field], {"a": given})["a"]
    assert found.rjust(27, "0") == instant
    assert wrong("datetime", "9999-12-31T23:59:59-23:59") == ["too far in the future"]
