"""Documents as graphs: everything that is wrong with one is told at once, each at its node."""

from __future__ import annotations

import contextlib
import copy
import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stepwell.definition.graph.display import display
from stepwell.definition.graph.edges import Edges
from stepwell.definition.nested import to_nested
from stepwell.definition.parse import INCOMPLETE, findings, parse, parse_document
from stepwell.definition.source import read
from stepwell.model.errors import InvalidDefinition, NotLinear
from tests.definition.test_check import JUNK, _places
from tests.people.support import procedure

pytestmark = pytest.mark.spec("S7")

FIELDS = "{fields: [{id: stand, kind: text}], sections: [{id: prep}, {id: run, sections: [{id: hot}]}]}"


def told(body: str, metadata: str = FIELDS) -> list[tuple[str, str]]:
    """(code, pointer) of every finding."""
    return [(found.code, found.pointer) for found in findings(procedure(body, metadata=metadata))]


def form(name: str, *after: str, more: str = "", options: str = "") -> str:
    return (
        f"\n  - {name}: {{call: form, with: {{fields: [{{id: p, kind: number}}]{more}}}, "
        f"metadata: {{after: [{', '.join(after)}]{options}}}}}"
    )


def use(expression: str, *after: str, name: str = "use") -> str:
    return f"\n  - {name}: {{set: {{x: '${{ {expression} }}'}}, metadata: {{after: [{', '.join(after)}]}}}}"


def test_everything_is_told_at_once_with_its_place() -> None:
    document = procedure(
        """
  - this: {set: {a: 1}, metadata: {after: [this, nobody]}}
  - b: {set: {a: 1}, metadata: {after: [c]}}
  - c: {set: {a: 1}, metadata: {after: [b, b]}}
  - d: {set: {a: 1}, then: b, metadata: {after: [e]}}
  - e: {switch: [{x: {when: "true", then: b}}], metadata: {after: [d], section: nowhere}}
  - f: {set: {a: 1}, metadata: {required: true, optional: true, assign: {people: []}}}
""",
        metadata="{sections: [{id: s}, {id: t, sections: [{id: s}]}]}",
    )
    found = findings(document, "a.yaml")
    assert {(each.code, each.pointer) for each in found} == {
        ("duplicate-section", "/document/metadata/procedure/sections/1/sections/0/id"),
        ("reserved-name", "/do/0/this"),
        ("self-edge", "/do/0/this/metadata/after/0"),
        ("unknown-task", "/do/0/this/metadata/after/1"),
        ("graph-cycle", "/do/1/b/metadata/after"),
        ("duplicate-edge", "/do/2/c/metadata/after/1"),
        ("leap-in-graph", "/do/3/d/then"),
        ("graph-cycle", "/do/3/d/metadata/after"),
        ("leap-in-graph", "/do/4/e/switch/0/x/then"),
        ("unknown-section", "/do/4/e/metadata/section"),
        ("option", "/do/5/f/metadata/optional"),
        ("nobody", "/do/5/f/metadata/assign"),
    }
    assert all(each.line > 1 and each.column > 1 and each.file == "a.yaml" for each in found)
    with pytest.raises(InvalidDefinition, match="b → c → b"):
        parse(document)


def test_a_graph_that_is_right_is_taken() -> None:
    body = (
        form("check", options=", section: prep, required: true")
        + use("$steps.check.p > 3 and $steps.check.started_by != null", "check", name="pump")
        + form("close", "pump", "check", more=", captures: []", options=", section: hot")
        + use("$fields.stand + $steps.close.status + $steps.check.status", "close")
    )
    assert told(body) == []
    assert parse(procedure(body, metadata=FIELDS)).do.after == {
        "check": (),
        "pump": ("check",),
        "close": ("pump", "check"),
        "use": ("close",),
    }


@pytest.mark.parametrize(
    ("expression", "codes"),
    [
        ("$steps.a.p", []),
        ("$steps.b.p", []),
        ('$steps["a"]["p"]', []),
        ("$steps.a", []),
        ("$steps.this.started_at", []),
        ("$steps.beside.status", []),
        ("$steps.beside.p", ["not-before"]),
        ("$steps.later.p", ["not-before"]),
        ("$steps.nobody.p", ["unknown-step"]),
        ("$steps.a.q", ["unknown-field"]),
        ("$steps.beside.q", ["not-before", "unknown-field"]),
        ("$steps.a.p + $steps.nobody.q + $fields.none", ["unknown-field", "unknown-step"]),
        ("$fields.stand", []),
        ("$fields.stnad", ["unknown-field"]),
    ],
)
def test_an_expression_names_what_is_there_by_then(expression: str, codes: list[str]) -> None:
    body = (
        form("a")
        + form("b", "a")
        + form("beside", "a")
        + f"\n  - use: {{set: {{x: '${{ {expression} }}'}}, metadata: {{after: [b]}}}}"
        + form("later", "use")
    )
    assert sorted(code for code, _ in told(body)) == sorted(codes)


def test_a_line_is_a_graph_too() -> None:
    line = """
  - a: {call: form, with: {fields: [{id: p, kind: number}]}}
  - b: {set: {x: "${ $steps.a.p + $steps.c.p }"}}
  - c: {call: form, with: {fields: [{id: p, kind: number}]}}
"""
    assert told(line) == [("not-before", "/do/1/b/set/x")]
    leaps = line.replace("}}\n  - b", "}, then: c}\n  - b")
    assert told(leaps) == [], "of a list that says itself where to go on, the order is not known"


def test_lists_within_see_the_lists_around_them() -> None:
    body = (
        form("a")
        + """
  - block:
      do:
        - inner: {set: {x: "${ $steps.a.p }"}}
        - ask: {call: form, with: {fields: [{id: q, kind: text}]}}
        - after: {set: {x: "${ $steps.ask.q }", y: "${ $steps.inner.x }", z: "${ $steps.later.p }"}}
      metadata: {after: [a]}
"""
        + form("later", "block")
    )
    assert told(body) == [
        ("unknown-step", "/do/1/block/do/2/after/set/y"),
        ("not-before", "/do/1/block/do/2/after/set/z"),
    ]


def test_actions_conditions_and_fields_are_looked_at() -> None:
    body = form(
        "a",
        more=", condition: {expression: '${ $steps.a.q }'}, actions: [{set: {x: '${ $steps.this.q }'}}]",
    ) + (
        "\n  - b: {call: form, with: {fields: [{id: r, kind: reference, default: {ref: a.q}},"
        " {id: s, kind: reference, default: {ref: nowhere}}]}, metadata: {after: [a]}}"
    )
    assert {code for code, _ in told(body)} == {"unknown-field"}
    assert len(told(body)) == 4


def test_where_outputs_are_shaped_or_come_from_elsewhere_anything_goes() -> None:
    body = """
  - a: {call: form, with: {fields: [{id: p, kind: number}]}, output: {as: '${ {sum: .p} }'}, metadata: {after: []}}
  - b: {call: http, with: {method: get, endpoint: 'http://x'}, metadata: {after: [a]}}
  - c: {set: {x: '${ $steps.a.sum + $steps.b.whatever }'}, metadata: {after: [b]}}
"""
    assert told(body) == []


def test_branches_do_not_wait_for_each_other() -> None:
    body = """
  - both:
      fork:
        branches:
          - a: {set: {x: 1}}
          - b: {set: {x: 1}, metadata: {after: [a]}}
"""
    assert told(body) == [("option", "/do/0/both/fork/branches/1/b/metadata/after")]


def test_what_can_never_begin_is_told() -> None:
    stop = "\n  - stop: {raise: {error: {type: x, status: 500}}, metadata: {after: [], required: true}}"
    assert told(stop + form("a", "stop")) == [("never-begins", "/do/0/stop")]
    assert told(stop) == []
    assert told(stop.replace(", required: true", "") + form("a", "stop")) == [], "somebody can skip it"
    assert told(stop.replace("raise", "if: .bad, raise") + form("a", "stop")) == []


def test_required_with_an_if_is_allowed() -> None:
    assert told("\n  - a: {if: .x, call: form, metadata: {after: [], required: true}}") == []


def test_a_document_that_is_no_procedure_has_no_fields_and_sections_of_its_own() -> None:
    text = procedure(use("$fields.a") + form("b", options=", section: mine"))
    text = text.replace("  metadata:\n    procedure: {}\n", "")
    assert [(f.code, f.pointer) for f in findings(text)] == [("unknown-field", "/do/0/use/set/x")]


def test_every_circle_is_told() -> None:
    edges = Edges({"a": "c", "b": "a", "c": "b", "d": "e", "e": "d", "f": "ae", "g": ""})
    assert [" ".join(circle) for circle in edges.circles()] == ["a b c a", "d e d"]
    assert edges.order == ["g"]


def test_the_order_is_topological_and_stable() -> None:
    for seed in range(50):
        chance = random.Random(seed)
        names = [f"t{number}" for number in range(12)]
        rank = chance.sample(range(12), 12)
        parents = {
            name: [
                other
                for other in names
                if rank[int(other[1:])] < rank[int(name[1:])] and chance.random() < 0.2
            ]
            for name in names
        }
        edges = Edges(parents)
        places = {name: place for place, name in enumerate(edges.order)}
        assert len(places) == 12, seed
        assert all(places[parent] < places[name] for name in names for parent in parents[name]), seed
        for one in names:
            for other in names:
                found, todo = set(), list(parents[other])
                while todo:
                    found.add(name := todo.pop())
                    todo += parents[name]
                assert edges.before(one, other) == (one in found), (seed, one, other)
    assert Edges({"c": "", "b": "", "a": "b"}).order == ["c", "b", "a"]


def test_of_a_draft_what_is_missing_is_no_mistake() -> None:
    draft = """
document: {dsl: '1.0.3', namespace: stand, name: hotfire, title: }
do:
  - fill: {}
  - ask: {call: form, with: {fields: [{id: p}], actions: [{}]}, metadata: {assign: {}}}
  - get: {call: http, with: {method: get, url: x}}
  -
"""
    plain = {(f.code, f.pointer) for f in findings(draft)}
    found = {(f.code, f.pointer) for f in findings(draft, draft=True)}
    assert len(plain) == len(found)
    assert {pointer for code, pointer in found if code == INCOMPLETE} == {
        "/document",
        "/document/title",
        "/do/0/fill",
        "/do/1/ask/with/fields/0",
        "/do/1/ask/with/actions/0",
        "/do/1/ask/metadata/assign",
        "/do/2/get/with",
        "/do/3",
    }
    assert [pair for pair in found if pair[0] != INCOMPLETE] == [("unknown-property", "/do/2/get/with/url")]
    assert {f.code for f in findings("", draft=True)} == {INCOMPLETE}


def test_a_long_line_is_checked_in_time() -> None:
    line = "".join(f"\n  - s{n}: {{call: form, with: {{content: a}}}}" for n in range(1_000))
    found = told(line + "\n  - use: {set: {x: '${ $steps.s0.completed_at + $steps.s0.q }'}}")
    assert found == [("unknown-field", "/do/1000/use/set/x")]


WHOLE = read(
    procedure(
        form("check", more=", verdict: true, refer: {people: [a]}", options=", section: prep, required: true")
        + use("$steps.check.p > 3 and $fields.stand", "check", name="pump")
        + form(
            "close", "pump", "check", more=", captures: []", options=", section: hot, assign: {groups: [a]}"
        )
        + "\n  - b: {do: [{c: {call: form, with: {fields: [{id: q, kind: text}]}}}, {d: {set: {x: '${ $steps.c.q }'}}}]}",
        metadata=FIELDS,
    )
).value


@given(st.data())
@settings(max_examples=300, deadline=None)
def test_no_graph_makes_it_stumble(data: Any) -> None:
    """A good procedure with bad values put into it is either taken, shown and converted, or refused with findings."""
    assert parse_document(WHOLE)
    changed = copy.deepcopy(WHOLE)
    junk = [
        *JUNK,
        ["check", "check"],
        "this",
        "$steps.x",
        "${ $steps.pump.y + $fields.z }",
        [{"id": "p"}],
        None,
    ]
    for _ in range(data.draw(st.integers(1, 3))):
        *way, last = data.draw(st.sampled_from([path for path in _places(changed) if path]))
        at = changed
        for name in way:
            at = at[name]
        at[last] = copy.deepcopy(data.draw(st.sampled_from(junk)))
    try:
        definition = parse_document(changed)
    except InvalidDefinition as refused:
        assert refused.findings
        return
    assert len(list(display(definition).steps())) == len(definition.do.tasks)
    with contextlib.suppress(NotLinear):
        to_nested(definition)
