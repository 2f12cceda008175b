"""What jq is given and what comes back: no value changes, nothing is read but the data."""

from __future__ import annotations

import math

import pytest

from stepwell.definition.expression import (
    Deferred,
    ExpressionError,
    Risk,
    evaluate,
    evaluate_source,
    expression,
    truth,
)

NOW = 1_795_230_159_000_001


def value(text, data=None, **variables):
    return evaluate(expression(text), data, variables, NOW)


@pytest.mark.parametrize(
    ("text", "data", "expected"),
    [
        ("empty", 1, None),
        (".[] | select(. > 1)", [1, 2], 2),
        (".[]", [1, 2], [1, 2]),
        ("[.[]]", [], []),
        ('.a // "none"', {}, "none"),
        ("false", 1, False),
        (".a.b?", {"a": 3}, None),
        ('"Hello \\(.n)"', {"n": "you"}, "Hello you"),
        (".a # a comment", {"a": 1}, 1),
        ('. + "\\u0000é😀"', "x", "x\u0000é😀"),
        ("{a, n: (.n + 1)}", {"a": 1.5, "n": 1}, {"a": 1.5, "n": 2}),
    ],
)
def test_results(text, data, expected):
    assert value(text, data) == expected


@pytest.mark.spec("X3")
def test_whole_values_keep_their_type():
    assert value("[.a, .b] | .", {"a": 1.0, "b": True}) == [1.0, True]
    assert isinstance(value("[.a] | .[0]", {"a": 1.0}), float)


def test_variables_are_data():
    assert value("$context.a + $item", None, context={"a": 1}, item=2) == 3
    with pytest.raises(ExpressionError, match="no variable \\$item"):
        value("$item + 1", None)


def test_now_is_the_given_time():
    assert value("now", None) == 1_795_230_159.000001
    assert value("now | floor | todate", None) == "2026-11-21T03:02:39Z"
    assert evaluate_source("[range(2)] | map(now)", None, {}, 5_000_000) == [5, 5]


@pytest.mark.parametrize(
    "text",
    [
        "[.a] | .[0]",
        "{x: .a} | .x",
        ".a | select(. != null)",
        "[.b, .a] | max",
        ".a as $x | $x",
        "[.a] | first",
    ],
)
@pytest.mark.parametrize("big", [2**70, 2**70 + 1, 2**53 + 1, -(2**60), 10**30])
def test_large_integers_are_handed_on(text, big):
    assert evaluate_source(text, {"a": big, "b": -(10**40)}, {}, NOW) == big


@pytest.mark.parametrize(
    "text", [".a + 1", ".a - .b", ".a * 2", "-.a", ".a % 10", ".a / 3 | floor", "[.a] | add + 0"]
)
@pytest.mark.parametrize("big", [2**70, 2**70 + 1, 2**53 + 1])
def test_calculating_with_large_integers_is_refused(text, big):
    with pytest.raises(ExpressionError, match=r"beyond ±2\^53.*string"):
        evaluate_source(text, {"a": big, "b": 1}, {}, NOW)


def test_integers_that_become_large_are_refused():
    assert value(".a * 2", {"a": 2**51}) == 2**52
    with pytest.raises(ExpressionError, match="keep it as a string"):
        value(".a * 2", {"a": 2**53})
    with pytest.raises(ExpressionError, match="keep it as a string"):
        value(".a * 1000", {"a": 10**15})


def test_large_integers_beside_a_calculation():
    assert value("{id: .id, n: (.n + 1)}", {"id": 2**70, "n": 1}) == {"id": 2**70, "n": 2}
    assert value(".id == $item.id", {"id": 2**70}, item={"id": 2**70}) is True
    assert value(".id == $item.id", {"id": 2**70}, item={"id": 2**70 + 1}) is False
    assert value(".id | tostring", {"id": 2**70 + 1}) == str(2**70 + 1)
    assert value('"no \\(.id)"', {"id": 2**70}) == f"no {2**70}"
    assert value(".ids | sort", {"ids": [2**70, 2**60, 1]}) == [1, 2**60, 2**70]


def test_large_floats_stay_floats():
    given = {"a": 1.5e20, "b": 1e300}
    found = value("[.a, .b] | .", given)
    assert found == [1.5e20, 1e300]
    assert all(isinstance(each, float) for each in found)
    assert value(".b * 2", given) == 2e300


@pytest.mark.parametrize(
    ("bad", "name"),
    [(math.nan, "NaN"), (math.inf, "Infinity"), (-math.inf, "-Infinity"), ("\ud800", "surrogate")],
)
def test_what_json_cannot_hold_is_refused_by_name(bad, name):
    with pytest.raises(ExpressionError, match=name):
        value(".a | tostring", {"a": bad})


def test_texts_that_look_like_them_are_kept():
    assert (
        value('.a + "!"', {"a": "NaN -Infinity 12345678901234567890"})
        == "NaN -Infinity 12345678901234567890!"
    )


REFUSED = [
    "env", "env.HOME", "$ENV", "$ENV.PATH", "input", "[inputs]", "input_filename", "input_line_number", "debug",
    'debug("x")', "stderr", "halt", "halt_error", "halt_error(1)", "get_search_list", 'import "a" as a; 1',
    'include "a"; 1', "modulemeta", "$__prog_args", "get_prog_origin", "get_jq_origin", "now | localtime",
    'strflocaltime("%H")', '"\\(env)"', "{a: env}", "{(env.A): 1}", "[.a, env]", 'def f: env; f', "{$ENV}",
]  # fmt: skip


@pytest.mark.parametrize("text", REFUSED)
def test_reaching_out_is_refused(text):
    assert expression(text).refused is not None
    for attempt in (lambda: value(text, {}), lambda: evaluate_source(text, {}, {}, NOW)):
        with pytest.raises(ExpressionError, match="refused"):
            attempt()


@pytest.mark.parametrize(
    "text", [".env", "{env: 1}", "{input: .input}", '."debug"', '"env"', "$input", ". # env"]
)
def test_names_that_only_look_like_it_are_not(text):
    assert expression(text).refused is None


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("$a.b + $c", {"a", "c"}),
        ('"\\($a) $b"', {"a"}),
        ('"$a"', set()),
        (". # $a", set()),
        ("$__loc__.line", set()),
        (". as $x | $x + $y", {"y"}),
        ("$item as $item | $item", {"item"}),
        ("reduce .[] as [$a, {b: $c}] (0; . + $a + $c + $d)", {"d"}),
        ("def f($p): $p + $q; f(1)", {"q"}),
        ("label $out | break $out", set()),
        ("{$a}", {"a"}),
    ],
)
def test_the_variables_that_it_needs(text, names):
    assert expression(text).names == names


def test_guarded_ones_are_deferred_with_what_they_need():
    with pytest.raises(Deferred) as caught:
        value("[range($n)]", {"a": 1}, n=3, other=4)
    deferred = caught.value
    assert (deferred.source, deferred.data, deferred.variables) == ("[range($n)]", {"a": 1}, {"n": 3})


def test_weighty_ones_are_deferred_with_much_data():
    found = expression(".items | map(select(.id == $item))")
    assert found.risk is Risk.PLAIN
    few, many = [{"id": n} for n in range(5)], [{"id": n} for n in range(5000)]
    assert evaluate(found, {"items": few}, {"item": 3}, NOW) == [{"id": 3}]
    with pytest.raises(Deferred):
        evaluate(found, {"items": many}, {"item": 3}, NOW)
    assert len(value(".items | map(.id)", {"items": many})) == 5000


def test_what_fails_says_why():
    with pytest.raises(ExpressionError, match="cannot be added"):
        value(". + 1", "a")
    with pytest.raises(ExpressionError, match="no such thing"):
        value('error("no such thing")', None)
    with pytest.raises(ExpressionError, match="withheld"):
        value("$secrets.key + 1", None, secrets={"key": "hunter2"})


def test_deeply_nested_data_is_an_error_not_a_crash():
    deep = None
    for _ in range(5000):
        deep = [deep]
    with pytest.raises(ExpressionError, match="deep"):
        value("[.] | length", deep)


def test_truth_is_that_of_jq():
    assert [truth(v) for v in (None, False, True, 0, "", [], {})] == [
        False,
        False,
        True,
        True,
        True,
        True,
        True,
    ]
