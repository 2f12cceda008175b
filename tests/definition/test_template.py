"""Values with `${…}` in them."""

from __future__ import annotations

import pytest

from stepwell.definition.expression import ExpressionError, Risk, Template, evaluate, expression

DATA = {"n": 1, "s": "text", "l": [1, 2], "none": None}


def rendered(value):
    return Template.of(value).render(lambda found: evaluate(found, DATA, {}, 0))


@pytest.mark.spec("X3")
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("${ .n }", 1),
        ("  ${.l}\n", [1, 2]),
        ("a ${ .n } b", "a 1 b"),
        ("${.s}${.n}", "text1"),
        ("${ .l } and ${ .none }", "[1,2] and null"),
        ('${ {a: "}"} | .a } ends', "} ends"),
        ('${ "\\(.s + "}")" }', "text}"),
        ("$notan ${ .n }$", "$notan 1$"),
        (".n", ".n"),
        ("{petId}", "{petId}"),
        ({"a": ["${ .n }", {"b": "x${.n}"}], "c": 3}, {"a": [1, {"b": "x1"}], "c": 3}),
        ({"${ .n }": "keys are literal"}, {"${ .n }": "keys are literal"}),
    ],
)
def test_rendering(value, expected):
    assert rendered(value) == expected


def test_constants_are_the_same_object():
    value = {"a": [1, {"b": "x"}]}
    template = Template.of(value)
    assert template.constant
    assert template.render(lambda found: pytest.fail("nothing to evaluate")) is value


def test_where_bare_text_is_an_expression():
    for text in (".n", "${ .n }", " ${.n} "):
        assert Template.expression(text).render(lambda found: evaluate(found, DATA, {}, 0)) == 1
    assert Template.expression({"a": ".n", "b": "${ .n }"}).render(lambda f: evaluate(f, DATA, {}, 0)) == {
        "a": ".n",
        "b": 1,
    }


def test_its_expressions_are_known():
    template = Template.of({"a": "${ .x }", "b": "y ${ $z } ${ .q | length }"})
    assert [found.source for found in template.expressions] == [".x", "$z", ".q | length"]
    assert not template.constant


@pytest.mark.parametrize("text", ["${ .a", "x ${ {a: 1 ", '${ "}" '])
def test_not_closed(text):
    with pytest.raises(ExpressionError, match="not closed"):
        Template.of(text)


@pytest.mark.parametrize(
    "value", [[1, "a\\(b)", {"c": None}], ["${ .n }", 'x ${ .s } "q"', {"a": "${ .l | length }"}]]
)
def test_as_one_expression(value):
    as_one = expression(Template.of(value).as_jq())
    assert as_one.risk is not Risk.GUARDED
    assert evaluate(as_one, DATA, {}, 0) == rendered(value)
