"""Large and deep documents take seconds, and never more than that."""

from __future__ import annotations

import json
import time

import pytest

from stepwell.definition.parse import parse, parse_document
from stepwell.model.errors import InvalidDefinition
from tests.definition.helpers import HEAD

TASK = """\
  - task{n}:
      call: http
      with:
        method: get
        endpoint: https://example.com/api/{n}
        query: {{search: "${{ .q }}", page: 3}}
      output:
        as: .items[{n}].name
      then: continue
"""
BUDGET = 60
"""Seconds of a slow machine: it takes 7 on a good one."""


def large(count: int) -> str:
    return HEAD + "do:\n" + "".join(TASK.format(n=n) for n in range(count))


def nested(levels: int) -> str:
    lines, indent = [], ""
    for level in range(levels):
        lines += [f"{indent}  - t{level}:", f"{indent}      do:"]
        indent += "      "
    return HEAD + "do:\n" + "\n".join([*lines, f"{indent}  - last: {{set: {{a: 1}}}}"]) + "\n"


def test_ten_megabytes():
    text = large(45_000)
    assert len(text) > 9_900_000
    begin = time.process_time()
    assert len(parse(text).tasks) == 45_000
    assert time.process_time() - begin < BUDGET


def test_a_problem_at_the_end_of_much():
    text = large(5_000) + "  - last: {sett: 1}\n"
    with pytest.raises(InvalidDefinition) as caught:
        parse(text)
    (found,) = caught.value.findings
    assert (found.line, found.pointer) == (text.count("\n"), "/do/5000/last")


def test_many_problems_are_all_told():
    with pytest.raises(InvalidDefinition) as caught:
        parse(large(2_000).replace("then:", "thn:"))
    assert len(caught.value.findings) == 2_000


def test_fifty_levels():
    begin = time.process_time()
    definition = parse(nested(50))
    assert time.process_time() - begin < 5
    assert len(definition.tasks) == 51
    assert len(parse_document(json.loads(json.dumps(definition.document))).tasks) == 51


def test_the_deepest_that_is_taken_and_the_first_that_is_not():
    assert len(parse(nested(65)).tasks) == 66
    with pytest.raises(InvalidDefinition, match="nested more than 200 levels"):
        parse(nested(67))


def test_the_time_grows_with_the_depth_not_with_its_power():
    def seconds(levels: int) -> float:
        text = nested(levels)
        begin = time.process_time()
        for _ in range(3):
            parse(text)
        return time.process_time() - begin

    seconds(2)
    assert seconds(60) < 100 * max(seconds(6), 0.001)


def test_deep_data():
    for inner in ("x", "'${ .x }'"):
        text = HEAD + "do:\n  - a:\n      set:\n        x: " + "[" * 190 + inner + "]" * 190 + "\n"
        assert len(parse(text).tasks) == 1
