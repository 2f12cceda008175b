"""Words of a command line as values of a form: what each kind of field takes them for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stepwell.cli.people.values import Upload, read_values
from stepwell.definition.forms.reading import KINDS, read_field
from stepwell.model.errors import InvalidInput

OPTIONS = {"options": ["a", "b"]}
WORDS: list[tuple[str, str, Any]] = [
    ("text", "12", "12"),
    ("text", "true", "true"),
    ("text", '{"a": 1}', '{"a": 1}'),
    ("text", "", None),
    ("text", "a=b", "a=b"),
    ("integer", "12", 12),
    ("integer", "+12", 12),
    ("integer", "1e3", 1000.0),
    ("integer", "true", "true"),
    ("number", "-4.50", -4.5),
    ("number", "4,5", "4,5"),
    ("number", "[1]", "[1]"),
    ("checkbox", "Yes", True),
    ("checkbox", "0", False),
    ("checkbox", "perhaps", "perhaps"),
    ("checkbox", "", None),
    ("choice", "a", "a"),
    ("choices", "a", ["a"]),
    ("choices", '["a", "b"]', ["a", "b"]),
    ("choices", "[]", []),
    ("choices", "", None),
    ("datetime", "2026-11-21T09:00:00Z", "2026-11-21T09:00:00Z"),
    ("duration", "PT1H", "PT1H"),
    ("file", "@a/b.csv", Upload(Path("a/b.csv"))),
    ("file", '{"file": "x"}', {"file": "x"}),
    ("file", "b.csv", "b.csv"),
    ("files", "@b.csv", [Upload(Path("b.csv"))]),
    ("reference", "rig-7", "rig-7"),
    ("reference", '{"ref": "prepare.rig"}', {"ref": "prepare.rig"}),
]


@pytest.mark.spec("N5")
@pytest.mark.parametrize(("kind", "word", "value"), WORDS)
def test_a_word_is_taken_for(kind: str, word: str, value: Any) -> None:
    field = read_field({"id": "x", "kind": kind, **(OPTIONS if kind.startswith("choice") else {})})
    assert read_values([field], [f"x={word}"], None) == {"x": value}
    found = (read_values([field], [f"x={word}"], None) or {})["x"]
    assert type(found) is type(value)


def test_every_kind_is_tried() -> None:
    assert {kind for kind, _, _ in WORDS} == set(KINDS)


@pytest.mark.spec("N5")
def test_several_words_are_a_list_and_words_go_before_an_object() -> None:
    many = read_field({"id": "x", "kind": "choices", **OPTIONS})
    one = read_field({"id": "y", "kind": "integer"})
    assert read_values([many, one], ["x=a", "x=b"], '{"x": ["b"], "y": 1}') == {"x": ["a", "b"], "y": 1}
    assert read_values([], ["unknown=1"], None) == {"unknown": "1"}
    assert read_values([one], [], None) is None
    for words, text in ((["y"], None), (["=1"], None), ([], "[1]"), ([], "{")):
        with pytest.raises(InvalidInput):
            read_values([one], words, text)
