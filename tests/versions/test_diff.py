"""How two documents differ, and what that means for runs."""

from __future__ import annotations

import random
from typing import Any

import pytest

from stepwell.definition.parse import content_hash
from stepwell.definition.versions.classify import Begun, Level, classify
from stepwell.definition.versions.diff import change_view, diff, lines
from stepwell.definition.versions.meaning import fingerprint
from stepwell.definition.versions.outline import assembled, outline, path_of
from tests.versions.helpers import Document, changed, document, loop, task

FORM: Document = {
    "fill": {
        "call": "form",
        "with": {"title": "Fill", "fields": [{"id": "pressure", "kind": "number", "label": "p"}]},
        "metadata": {"section": "prep"},
    }
}
PROCEDURE: Document = {
    "labels": ["engine"],
    "fields": [{"id": "stand", "kind": "text"}],
    "sections": [{"id": "prep", "title": "Preparation", "sections": [{"id": "gas", "title": "Gas"}]}],
}


def procedure(*tasks: Document) -> Document:
    made = document(*tasks)
    made["document"]["metadata"] = {"procedure": PROCEDURE}
    return made


def said(before: Any, after: Any) -> list[tuple[str, str, str]]:
    return [(change.how.value, change.kind.value, change.place) for change in diff(before, after)]


@pytest.mark.spec("N16", "S8")
def test_every_kind_of_change_is_told_by_name() -> None:
    old = procedure(FORM, task("b"), loop("each", task("one"), task("two")), task("c"))
    new = changed(old, "do", 0, "fill", "with", "fields", 0, "label", to="Pressure")
    new = changed(new, "do", 2, "each", "do", to=[task("two"), task("three")])
    new = changed(new, "do", 1, to=task("b", 2))
    new = changed(new, "document", "title", to="Hotfire")
    new = changed(new, "document", "metadata", "procedure", "sections", 0, "sections", to=[])
    assert said(old, new) == [
        ("added", "document", "document/title"),
        ("changed", "field", "fill.pressure"),
        ("changed", "task", "b"),
        ("added", "task", "each/do/three"),
        ("removed", "section", "prep/gas"),
        ("removed", "task", "each/do/one"),
    ]
    assert lines(diff(old, new)) == [
        "+ document document/title",
        "~ field fill.pressure",
        '    label: "p" → "Pressure"',
        "~ task b",
        "    set.value: 1 → 2",
        "+ task each/do/three",
        "- section prep/gas",
        "- task each/do/one",
    ]
    views = [change_view(change) for change in diff(old, new)]
    assert views[2]["details"] == [{"path": "set.value", "before": 1, "after": 2}]
    assert views[3]["after"] == {"set": {"value": 1}}
    assert views[5]["before"] == {"set": {"value": 1}}


@pytest.mark.spec("N16")
def test_what_moves_is_not_added_and_removed() -> None:
    old = document(task("a"), task("b"), task("c"), loop("each", task("in")))
    assert said(old, document(task("b"), task("c"), task("a"), loop("each", task("in")))) == [
        ("moved", "task", "a")
    ]
    assert said(old, document(task("b"), task("c"), loop("each", task("in"), task("a")))) == [
        ("moved", "task", "each/do/a")
    ]
    assert lines(diff(old, document(task("b"), task("a"), task("c"), old["do"][3]))) == [
        "> task b (from place 2 to 1)"
    ]
    assert said(old, dict(reversed(old.items()))) == [], "the order of members means nothing"


def test_values_are_compared_as_json() -> None:
    for one, other in ((1, True), (0, False), (1, 1.0), ([], {}), (None, 0), ("1", 1), ([1], [1, 1])):
        assert diff(document(task("a", one)), document(task("a", other))), (one, other)
        assert diff(document(task("a", one)), document(task("a", one))) == []


def test_drafts_that_are_no_documents_can_be_compared() -> None:
    odd = [
        "",
        "text",
        {},
        {"do": 5},
        {"do": [5, {}, {"a": 1, "b": 2}, {"c": None}]},
        {"document": []},
        {"use": {"functions": 3}},
    ]
    for one in odd:
        assert diff(one, one) == []
        for other in (*odd, document()):
            assert bool(lines(diff(one, other))) == (one != other) or outline(one) == outline(other)


def test_a_document_is_put_together_again_from_its_parts() -> None:
    flow = procedure(
        FORM,
        loop("each", task("one"), {"again": {"try": [task("x")], "catch": {"do": [task("y")]}}}),
        {"split": {"fork": {"compete": True, "branches": [task("l"), task("r")]}}},
    )
    flow["use"] = {"functions": {"f": {"set": {"a": 1}}}, "secrets": ["s"]}
    assert content_hash(assembled(list(outline(flow).values()))) == content_hash(flow)


def test_the_pointer_of_a_task_leads_to_its_part() -> None:
    for pointer, path, rest in (
        ("/do/0/loop/do/1/charge", ("do", "loop", "do", "charge"), ""),
        ("/do/0/split/fork/branches/1/r~1x", ("do", "split", "fork", "branches", "r/x"), ""),
        ("/do/12/t/try/0/0/catch/do/3/4", ("do", "t", "try", "0", "catch", "do", "4"), ""),
        ("/use/functions/f/do/0/x", ("use", "functions", "f", "do", "x"), ""),
        ("/do/0/fill/with/actions/0/http", ("do", "fill"), "/with/actions/0/http"),
        ("/do/0/loop/do", ("do", "loop"), "/do"),
        ("/use/functions", (), "/use/functions"),
        ("/do", (), "/do"),
        ("", (), ""),
    ):
        assert path_of(pointer) == (path, rest)


@pytest.mark.spec("Q16")
def test_the_fingerprint_is_that_of_what_matters() -> None:
    flow = procedure(FORM, task("b", metadata={"title": "B", "priority": 1}))
    same = changed(flow, "document", "title", to="another")
    same = changed(same, "document", "version", to="1.0.1")
    same = changed(same, "document", "metadata", "procedure", "sections", to=[])
    same = changed(same, "do", 0, "fill", "with", "title", to="another")
    same = changed(same, "do", 0, "fill", "with", "fields", 0, "label", to="another")
    same = changed(same, "do", 1, "b", "metadata", "title", to="another")
    assert fingerprint(same) == fingerprint(flow)
    assert classify(flow, same).level is Level.COMPATIBLE
    assert len(classify(flow, same).reasons) == 7
    for path, value in (
        (("do", 1, "b", "metadata", "priority"), 2),
        (("do", 0, "fill", "with", "fields", 0, "kind"), "text"),
        (("document", "metadata", "failurePolicy"), "failFast"),
        (("do", 1, "b", "set", "value"), 2),
        (("do",), list(reversed(flow["do"]))),
    ):
        other = changed(flow, *path, to=value)
        assert fingerprint(other) != fingerprint(flow), path
        assert classify(flow, other).level is not Level.COMPATIBLE, path


@pytest.mark.spec("Q16")
@pytest.mark.parametrize(
    ("after", "level"),
    [
        ([FORM, task("b"), task("c")], Level.MIGRATION),
        ([FORM], Level.INCOMPATIBLE),
        ([task("b"), FORM], Level.MIGRATION),
        ([FORM, {"b": {"wait": {"seconds": 1}}}], Level.INCOMPATIBLE),
        ([FORM, task("b", 2)], Level.MIGRATION),
        ([changed(FORM, "fill", "with", "fields", to=[*FORM["fill"]["with"]["fields"], {"id": "t"}]), task("b")],
         Level.COMPATIBLE),
        ([changed(FORM, "fill", "with", "fields", 0, "required", to=True), task("b")], Level.MIGRATION),
    ],
)  # fmt: skip
def test_differences_are_classified(after: list[Document], level: Level) -> None:
    assert classify(document(FORM, task("b")), document(*after)).level is level


@pytest.mark.spec("Q16")
def test_what_a_run_has_begun_stands_in_the_way_and_all_of_it_is_told() -> None:
    old = document(task("done"), FORM, task("later"), task("last"))
    form = changed(FORM, "fill", "with", "fields", to=[{"id": "other", "kind": "text", "required": True}])
    new = document(form, {"later": {"wait": {"seconds": 1}}}, task("new"))
    nothing = classify(old, new, Begun({}))
    assert nothing.level is Level.MIGRATION
    assert not nothing.blockers
    begun = classify(old, new, Begun({("do", "done"): False, ("do", "fill"): True}))
    assert [(one.place, one.why) for one in begun.blockers] == [
        ("fill.other", "a required field was added to a form that is being filled in"),
        ("done", "removed, and it has begun"),
        ("fill.pressure", "removed, and it has begun"),
    ]
    assert classify(
        old, changed(old, "do", 1, "fill", "with", "x", to=1), Begun({("do", "fill"): True})
    ).blockers
    through = classify(old, changed(old, "do", 1, "fill", "with", "x", to=1), Begun({("do", "fill"): False}))
    assert through.level is Level.MIGRATION


def test_any_two_documents_differ_as_their_changes_say() -> None:
    seed = random.randrange(10**6)
    print("seed", seed)
    dice = random.Random(seed)
    for _ in range(300):
        one, other = _any(dice), _any(dice)
        assert diff(one, one) == []
        assert (diff(one, other) == []) == (content_hash(one) == content_hash(other))
        if not diff(one, other):
            assert fingerprint(one) == fingerprint(other)


def _any(dice: random.Random, depth: int = 2) -> Document:
    def tasks(left: int) -> list[Document]:
        names = dice.sample("abcde", dice.randint(1, 4))
        return [
            loop(name, *tasks(left - 1)) if left and dice.random() < 0.3 else task(name, dice.randint(0, 1))
            for name in names
        ]

    return document(*tasks(depth))
