"""Expressions that are no jq are found in bulk."""

from __future__ import annotations

import time

from stepwell.definition.expression import expression, syntax_errors


def test_culprits_are_found_among_many():
    given = [(n, expression(f".a{n} + {n}")) for n in range(450)]
    given[17] = (17, expression(".a +"))
    given[300] = (300, expression(".a | nosuch"))
    given[301] = (301, expression(".a) | (.b"))
    given[302] = (302, expression('"open'))
    given[303] = (303, expression(".x["))
    found = dict(syntax_errors(given))
    assert list(found) == [17, 300, 301, 302, 303]
    assert "column 4" in found[17]
    assert found[300].startswith("nosuch/0 is not defined")


def test_lines_and_columns_are_those_of_the_expression():
    ((_, complaint),) = syntax_errors([("x", expression("$item\n  | nosuch"))])
    assert "line 2, column 5" in complaint
    ((_, complaint),) = syntax_errors([("x", expression("$item | nosuch"))])
    assert "at column 9" in complaint


def test_variables_and_definitions_are_fine():
    texts = [
        "$any + $thing",
        "def f: 1; f",
        ". as $x | $x",
        "1 # comment",
        "reduce .[] as $i (0; . + $i)",
        "@json",
    ]
    assert syntax_errors((text, expression(text)) for text in texts) == []


def test_many_are_quick():
    given = [(n, expression(f".a | map(.x + {n}) | length > {n}")) for n in range(5000)]
    begin = time.process_time()
    assert syntax_errors(given) == []
    assert time.process_time() - begin < 8
