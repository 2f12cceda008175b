"""The nested form: a tree of titles and steps that becomes a line of steps in sections, and back."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from typing import Any

import pytest

from stepwell.definition.graph.display import display
from stepwell.definition.nested import from_nested, is_nested, to_nested
from stepwell.definition.parse import parse, parse_document
from stepwell.definition.source import read
from stepwell.model.errors import InvalidInput, NotLinear
from tests.people.support import Procedure, procedure

pytestmark = pytest.mark.spec("N1")

NESTED = """
title: Leak check
description: Weekly.
labels: [engine]
fields: [{id: operator, kind: text}]
steps:
  - title: Preparation
    steps:
      - step: {valves: {call: form, metadata: {required: true}}}
      - title: Preparation
        description: Of the tank.
        steps:
          - step: {tank: {call: form}}
  - step: {settle: {wait: PT1S}}
  - {id: last, title: Nothing yet, steps: []}
"""


def nested(text: str = NESTED) -> Any:
    source = read(text)
    assert not source.issues
    return source.value


async def test_groups_become_sections_and_steps_a_line_that_runs() -> None:
    document = from_nested(nested())
    assert document == {
        "document": {
            "dsl": "1.0.3",
            "namespace": "default",
            "name": "leak-check",
            "version": "1.0.0",
            "title": "Leak check",
            "metadata": {
                "procedure": {
                    "description": "Weekly.",
                    "labels": ["engine"],
                    "fields": [{"id": "operator", "kind": "text"}],
                    "sections": [
                        {
                            "id": "preparation",
                            "title": "Preparation",
                            "sections": [
                                {"id": "preparation_2", "title": "Preparation", "description": "Of the tank."}
                            ],
                        },
                        {"id": "last", "title": "Nothing yet"},
                    ],
                }
            },
        },
        "do": [
            {"valves": {"call": "form", "metadata": {"section": "preparation", "required": True}}},
            {"tank": {"call": "form", "metadata": {"after": ["valves"], "section": "preparation_2"}}},
            {"settle": {"wait": "PT1S", "metadata": {"after": ["tank"]}}},
        ],
    }
    async with Procedure(parse_document(document)) as p:  # type: ignore[arg-type]
        await p.submit("valves")
        await p.submit("tank")
        await p.kit.advance(1)
        assert (await p.run()).status == "completed"


def test_there_and_back() -> None:
    document = from_nested(nested())
    back = to_nested(parse_document(document))
    assert back["title"] == "Leak check"
    assert [sorted(item) for item in back["steps"]] == [
        ["id", "steps", "title"],
        ["step"],
        ["id", "steps", "title"],
    ]
    assert from_nested(back) == document
    assert is_nested(back)
    assert not is_nested(document)


def some_items(chance: random.Random, numbers: Iterator[int], depth: int) -> list[Any]:
    found: list[Any] = []
    for number in itertools.islice(numbers, chance.randrange(5 - depth)):
        if depth < 4 and chance.random() < 0.5:
            inside = some_items(chance, numbers, depth + 1)
            found.append({"id": f"g{number}", "title": f"Group {number}", "steps": inside})
        else:
            found.append({"step": {f"s{number}": {"call": "form", "with": {"content": "x"}}}})
    return sorted(found, key=empty)  # what has no steps has no place among steps: it stands behind them


def test_any_tree_comes_back_as_it_was() -> None:
    for seed in range(60):
        steps = some_items(random.Random(seed), itertools.count(), 0)
        tree = {"title": "T", "timeout": {"after": "PT1H"}, "steps": steps}
        back = to_nested(parse_document(from_nested(tree)))
        assert back.pop("document") == {
            "dsl": "1.0.3", "namespace": "default", "name": "t", "version": "1.0.0",
        }, seed  # fmt: skip
        assert back == tree, seed


def empty(item: Any) -> bool:
    return "steps" in item and all(map(empty, item["steps"]))


@pytest.mark.parametrize(
    ("body", "metadata", "step", "why"),
    [
        ("  - a: {set: {x: 1}}\n  - b: {set: {x: 1}, metadata: {after: []}}", "{}", "b", "comes after nothing, not after only a"),
        ("  - a: {set: {x: 1}}\n  - b: {set: {x: 1}, metadata: {after: [a]}}\n  - c: {set: {x: 1}, metadata: {after: [a, b]}}",
         "{}", "c", "comes after a, b, not after only b"),
        ("  - a: {set: {x: 1}, then: c}\n  - b: {set: {x: 1}}\n  - c: {set: {x: 1}}", "{}", "a", "says itself"),
        ("  - a: {set: {x: 1}, metadata: {section: s}}\n  - b: {set: {x: 1}}\n  - c: {set: {x: 1}, metadata: {section: s}}",
         "{sections: [{id: s}]}", "c", "section s, which other steps come after already"),
    ],
)  # fmt: skip
def test_what_is_no_line_is_refused_by_its_first_step(body: str, metadata: str, step: str, why: str) -> None:
    with pytest.raises(NotLinear, match=why) as caught:
        to_nested(parse(procedure(body, metadata=metadata)))
    assert caught.value.step == step


def test_only_procedures_have_a_nested_form() -> None:
    text = procedure("  - a: {set: {x: 1}}").replace("  metadata:\n    procedure: {}\n", "")
    with pytest.raises(NotLinear, match="is no procedure"):
        to_nested(parse(text))


def test_the_line_counts_not_the_order_in_the_document() -> None:
    text = procedure("  - b: {set: {x: 1}, metadata: {after: [a]}}\n  - a: {set: {x: 1}}")
    assert [*map(list, (item["step"] for item in to_nested(parse(text))["steps"]))] == [["a"], ["b"]]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[]", "a nested procedure is an object"),
        ("{title: a}", "/steps: a list of steps and groups is wanted"),
        ("{steps: [{step: {a: {}}, steps: []}]}", "/steps/0: an item has either"),
        ("{steps: [1]}", "/steps/0: an item has either"),
        ("{steps: [{step: {a: {}, b: {}}}]}", "/steps/0/step: one task"),
        ("{steps: [{step: {a: 1}}]}", "/steps/0/step/a: a task is an object"),
        ("{steps: [{step: {a: {metadata: 1}}}]}", "/steps/0/step/a/metadata: an object"),
        (
            "{steps: [{step: {a: {metadata: {after: []}}}}]}",
            "/metadata/after: in the nested form the order says it",
        ),
        ("{steps: [{steps: [{step: {a: {metadata: {section: x}}}}]}]}", "/metadata/section: in the nested"),
        ("{steps: [{id: a, steps: []}, {id: a, steps: []}]}", "/steps/1/id: another group"),
        ("{steps: [{id: 7, steps: []}]}", "/steps/0/id: an id is text"),
        ("{steps: [], do: []}", "/do: not known here"),
        ("{steps: [], document: 1}", "/document: an object"),
        ("{steps: " + "[{steps: " * 60 + "[]" + "}]" * 60 + "}", "more than 50 levels deep"),
    ],
)
def test_what_cannot_be_understood_is_told_with_its_place(text: str, why: str) -> None:
    with pytest.raises(InvalidInput, match=why.replace("[", r"\[")):
        from_nested(nested(text))


def test_steps_and_sections_are_shown_in_the_order_in_which_they_can_be_done() -> None:
    text = procedure(
        """
  - close: {set: {x: 1}, metadata: {after: [hot, check], section: end}}
  - hot: {set: {x: 1}, metadata: {after: [check], section: inner}}
  - free: {set: {x: 1}, metadata: {after: []}}
  - check: {set: {x: 1}, metadata: {after: [], section: main}}
""",
        metadata="{sections: [{id: end}, {id: none}, {id: main, sections: [{id: inner}]}]}",
    )
    shown = display(parse(text))
    assert shown.as_json() == {
        "top": [{"step": "free"}, {"section": "main"}, {"section": "end"}, {"section": "none"}],
        "sections": {
            "end": [{"step": "close"}],
            "none": [],
            "main": [{"step": "check"}, {"section": "inner"}],
            "inner": [{"step": "hot"}],
        },
    }
    assert list(shown.steps()) == ["free", "check", "hot", "close"]
