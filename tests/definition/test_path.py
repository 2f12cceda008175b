"""Paths are computed natively, and mean what jq means by them."""

from __future__ import annotations

import math

import jq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic_core import from_json, to_json

from stepwell.definition.expression import ExpressionError, Risk, evaluate, expression

NOW = 1_795_230_159_000_001


def value(text, data=None, **variables):
    found = expression(text)
    assert found.risk is Risk.PATH, found
    return evaluate(found, data, variables, NOW)


@pytest.mark.parametrize(
    ("text", "data", "expected"),
    [
        (".", {"a": 1}, {"a": 1}),
        ("${ .a.b }", {"a": {"b": 2}}, 2),
        ('."x y"', {"x y": 3}, 3),
        ('.a."b c".d', {"a": {"b c": {"d": 4}}}, 4),
        ('.a["b"]', {"a": {"b": 5}}, 5),
        ('.["a"].["b"]', {"a": {"b": 5}}, 5),
        (".a[0]", {"a": [6]}, 6),
        (".a[-1]", {"a": [6, 7]}, 7),
        (".[1.9]", [1, 2], 2),
        (".[-0.5]", [1, 2], 1),
        (".[5]", [1], None),
        (".[-5]", [1], None),
        (".a.b.c", {"a": None}, None),
        (".missing", {}, None),
        (".a[0].b", {"a": None}, None),
        ("null", 1, None),
        ("true", 1, True),
        ("-12", 1, -12),
        ("1.50", 1, 1.5),
        ('"a\\u00e9\\n"', 1, "aé\n"),
        ("[ .a, [.b] ]", {"a": 1, "b": 2}, [1, [2]]),
        ('{a: .x, "b c": 1, and: true, x}', {"x": 9}, {"a": 9, "b c": 1, "and": True, "x": 9}),
        ("[]", 1, []),
        ("{}", 1, {}),
    ],
)
def test_a_path_gives_its_value(text, data, expected):
    assert value(text, data) == expected


def test_variables_are_looked_up():
    assert value("$context.a", None, context={"a": 1}) == 1
    assert value("{$item, i: $index}", None, item=3, index=0) == {"item": 3, "i": 0}


@pytest.mark.parametrize(
    ("text", "data"), [(".a", []), (".a", 5), (".a", "x"), (".[0]", {}), (".[0]", "x"), (".a.b", {"a": True})]
)
def test_a_wrong_step_is_an_error(text, data):
    with pytest.raises(ExpressionError, match="cannot take"):
        value(text, data)


def test_values_are_handed_on_untouched():
    deep = {"n": 2**70 + 1, "nan": math.nan, "text": "\ud800", "f": 1.0}
    assert value(".", deep) is deep
    assert value(".a", {"a": deep}) is deep
    assert value("[.n]", deep) == [2**70 + 1]
    assert math.isnan(value("{x: .nan}", deep)["x"])
    assert value(".text", deep) == "\ud800"
    assert value("12345678901234567890123") == 12345678901234567890123


@pytest.mark.parametrize(
    "text",
    [".[]", ".a?", ".[1:2]", ".a | .b", ".a + 1", '"x\\(.a)"', "(.a)", "[.[]]", "{(.a): 1}", ".. ", "1e3"],
)
def test_more_than_a_path_is_left_to_jq(text):
    assert expression(text).risk is not Risk.PATH


names = st.sampled_from(["a", "b", "x y", "", "é", "0"])
numbers = st.one_of(st.integers(-(2**53), 2**53), st.floats(allow_nan=False, allow_infinity=False, width=32))
leaves = st.one_of(st.none(), st.booleans(), st.integers(-5, 5), st.text(max_size=4))
documents = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=20,
)


def _field(name):
    return f".{name}" if name in ("a", "b") else f".{to_json(name).decode()}"


steps = st.one_of(
    names.map(_field),
    names.map(lambda name: f"[{to_json(name).decode()}]"),
    st.integers(-3, 3).map(lambda place: f"[{place}]"),
)


@st.composite
def paths(draw):
    found = "".join(draw(st.lists(steps, max_size=4)))
    if draw(st.booleans()):
        return "$v" + found
    return found if found.startswith(".") else "." + found


@st.composite
def safe(draw):
    inner = draw(st.lists(paths(), min_size=1, max_size=3))
    form = draw(st.sampled_from(["path", "list", "object"]))
    if form == "list":
        return f"[{', '.join(inner)}]"
    if form == "object":
        return "{" + ", ".join(f"k{n}: {path}" for n, path in enumerate(inner)) + "}"
    return inner[0]


@given(documents, documents, safe())
@settings(max_examples=300, deadline=None)
def test_native_equals_jq(data, variable, text):
    found = expression(text)
    assert found.risk is Risk.PATH, text
    program = jq.compile(f". as [$d, $v] | $d | [{text}] | tojson")
    try:
        expected = from_json(program.input_text(to_json([data, variable]).decode()).first())[0]
    except ValueError:
        with pytest.raises(ExpressionError):
            evaluate(found, data, {"v": variable}, NOW)
        return
    assert evaluate(found, data, {"v": variable}, NOW) == expected
