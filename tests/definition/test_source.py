"""Texts become values by YAML 1.2, and what is wrong with them is found at its place."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest

from stepwell.definition.source import read


def found(text):
    source = read(text)
    return [(f.code, f.line, f.column) for f in source.findings(source.issues)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on: yes", {"on": "yes"}),
        ("a: 12:30", {"a": "12:30"}),
        ("a: 010", {"a": 10}),
        ("a: 0o17", {"a": 15}),
        ("a: 0x1F", {"a": 31}),
        ("a: 1_000", {"a": "1_000"}),
        ("a: 1e3", {"a": 1000.0}),
        ("a: .5", {"a": 0.5}),
        ("a: ~", {"a": None}),
        ("a:", {"a": None}),
        ("a: True", {"a": True}),
        ("a: 'true'", {"a": "true"}),
        ("a: -.inf", {"a": -math.inf}),
        ("a: 1.0.0", {"a": "1.0.0"}),
        ("a: 2021-01-01", {"a": "2021-01-01"}),
        ("a: !!str 5", {"a": "5"}),
        ("a: |\n  x\n  y\n", {"a": "x\ny\n"}),
        ("a: &x [1]\nb: *x", {"a": [1], "b": [1]}),
        ("'404': x", {"404": "x"}),
        ("a: 1180591620717411303425", {"a": 2**70 + 1}),
        ('{"a": [1, {"b": "\\ud83d\\ude00"}], "c": 1.0}', {"a": [1, {"b": "😀"}], "c": 1.0}),
        ("{a: 1, b: [x]}", {"a": 1, "b": ["x"]}),
        ("\ufeffa: 1", {"a": 1}),
    ],
)
def test_values(text, value):
    source = read(text)
    assert source.issues == []
    assert source.value == value
    assert read(text.encode()).value == value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: 2\na: 3", [("duplicate-key", 3, 1)]),
        ('{"a": 1,\n "b": {"c": 1, "c": 2}}', [("duplicate-key", 2, 16)]),
        ("a: &x\n  b: *x", [("alias", 2, 6)]),
        ("a: *nowhere", [("alias", 1, 4)]),
        ("a: !python/object x", [("value", 1, 4)]),
        ("a: !thing {b: 1}", [("tag", 1, 4)]),
        ("a: &x {b: 1}\nc:\n  <<: *x", [("merge-key", 3, 3)]),
        ("404: x", [("key", 1, 1)]),
        ("a:\n  null: x", [("key", 2, 3)]),
        ("? [a]\n: 1", [("key", 1, 3)]),
        ("a: 1\n---\nb: 1", [("documents", 2, 1)]),
        ("a: [1, 2", [("syntax", 2, 1)]),
        ("a: b: c", [("syntax", 1, 5)]),
        ("a:\n\tb: 1", [("syntax", 2, 1)]),
        ("a: 1e999", [("value", 1, 4)]),
        ("a: " + "9" * 5000, [("value", 1, 4)]),
        ("", [("empty", 1, 1)]),
        ("# nothing", [("empty", 1, 1)]),
        ("a: x\0y", [("encoding", 1, 5)]),
        ("a: 1\nb: \x07", [("encoding", 2, 4)]),
        (b"a: 1\nb: \xff\xfe", [("encoding", 2, 4)]),
        (b"\xff\xfea\x00", [("encoding", 1, 1)]),
        ('{"a": NaN}', [("value", 1, 7)]),
        ('{"a": "\\ud800"}', [("value", 1, 7)]),
        ("a: 1\nb: !x 1\na: 2\n7: 1", [("value", 2, 4), ("duplicate-key", 3, 1), ("key", 4, 1)]),
    ],
)
def test_flaws(text, expected):
    assert found(text) == expected


def test_a_bomb_of_aliases_does_not_go_off():
    names = "abcdefghijk"
    lines = ["a: &a [" + ", ".join(["x"] * 10) + "]"]
    lines += [f"{new}: &{new} [{', '.join([f'*{old}'] * 10)}]" for old, new in pairwise(names)]
    assert [code for code, _, _ in found("\n".join(lines))] == ["alias"]


def test_a_long_text_copied_often_is_a_bomb_too():
    text = "a: &a " + "x" * 50_000 + "\nb: [" + ", ".join(["*a"] * 1000) + "]"
    assert [code for code, _, _ in found(text)] == ["alias"]


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_depth_is_limited_and_never_a_crash(opening):
    assert read("a:\n " + opening * 150 + "x" + {"[": "]", "{a: ": "}"}.get(opening, "") * 150).issues == []
    assert found("a:\n " + opening * 100_000)[0][0] == "nesting"
    assert found('{"a": ' + "[" * 100_000)[0][0] in ("nesting", "syntax")


def test_places_are_those_of_names_and_values():
    from stepwell.definition.reading.issue import Issue

    for text in ("a:\n  'b/c~d':\n    - 1\n    - e: 5\n", '{"a":\n  {"b/c~d":\n   [1,\n    {"e": 5}]}}'):
        source = read(text)
        places = [
            Issue("x", "value", "/a/b~1c~0d/1/e"),
            Issue("x", "name", "/a/b~1c~0d/1/e", key=True),
            Issue("x", "nearest", "/a/b~1c~0d/7/q"),
        ]
        lines = [(f.message, f.line) for f in source.findings(places)]
        assert sorted(lines) == [("name", 4), ("nearest", 3), ("value", 4)]
        columns = {f.message: f.column for f in source.findings(places)}
        assert columns["value"] > columns["name"]
