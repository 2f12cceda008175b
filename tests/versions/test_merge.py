"""Merging: what only one side changed is taken, what both changed is told at once."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from stepwell import InvalidInput, TransitionRefused
from stepwell.definition.parse import content_hash
from stepwell.definition.versions.graph import common_ancestor
from stepwell.definition.versions.merge import merge
from stepwell.model.errors import MergeConflict, VersionConflict
from stepwell.model.versions import Link
from tests.engine.helpers import open_at
from tests.versions.helpers import Document, changed, document, loop, task

NAME = "stand/hotfire"
BASE = document(task("a"), task("b"), loop("each", task("in")), task("c"))


def same(one: Document, other: Document) -> bool:
    return content_hash(one) == content_hash(other)


@pytest.mark.spec("N16")
def test_what_one_side_changed_is_taken() -> None:
    ours = changed(BASE, "do", 0, to=task("a", 2))
    ours = changed(ours, "document", "title", to="Hotfire")
    theirs = changed(BASE, "do", 1, to=task("b", 3))
    theirs = changed(theirs, "do", 2, to=loop("each", task("in"), task("new")))
    merged = merge(BASE, ours, theirs)
    assert merged.clashes == []
    wanted = document(task("a", 2), task("b", 3), loop("each", task("in"), task("new")), task("c"))
    wanted["document"]["title"] = "Hotfire"
    assert same(merged.document, wanted)
    assert list(merged.document) == ["document", "do"]


@pytest.mark.spec("N16")
def test_all_conflicts_are_told_at_once() -> None:
    ours = document(task("a", 2), loop("each", task("in"), task("new", 1)), task("c", 5))
    theirs = document(task("a", 3), task("b", 7), task("c"))
    theirs = changed(theirs, "document", "version", to="1.1.0")
    ours = changed(ours, "document", "version", to="2.0.0")
    merged = merge(BASE, ours, theirs, ("main", "dev"))
    assert sorted(map(str, merged.clashes)) == [
        "document document/version: changed in main and in dev, differently",
        "task a: changed in main and in dev, differently",
        "task b: removed in main, changed in dev",
        "task each/do/new: added or changed in main, but what it is in was removed in dev",
    ]
    assert merged.document == {}


@pytest.mark.spec("N16")
def test_the_order_of_a_line_of_tasks_is_not_guessed() -> None:
    both = merge(BASE, document(task("x"), *BASE["do"]), document(task("y"), *BASE["do"]))
    assert [clash.why for clash in both.clashes] == ["their order was changed in ours and in theirs"]
    apart = merge(BASE, document(task("x"), *BASE["do"]), document(*BASE["do"], task("y")))
    assert same(apart.document, document(task("x"), *BASE["do"], task("y")))
    a, b, each, c = BASE["do"]
    moved = merge(BASE, document(b, a, each, c), document(a, b, c, each))
    assert [clash.why for clash in moved.clashes] == ["their order was changed in ours and in theirs"]
    one = merge(BASE, document(b, a, each, c), document(a, b, each, task("c", 2)))
    assert same(one.document, document(b, a, each, task("c", 2)))
    graph = document(a, task("b", metadata={"after": ["a"]}))
    beside = [task(name, metadata={"after": ["a"]}) for name in "xy"]
    free = merge(graph, document(*graph["do"], beside[0]), document(*graph["do"], beside[1]))
    assert not free.clashes, "the order of a graph means nothing"
    assert {next(iter(one)) for one in free.document["do"]} == {"a", "b", "x", "y"}


def test_merging_with_nothing_changes_nothing() -> None:
    seed = random.randrange(10**6)
    print("seed", seed)
    dice = random.Random(seed)
    for _ in range(200):
        other = document(*(task(name, dice.randint(0, 2)) for name in dice.sample("abcdef", 4)))
        assert same(merge(BASE, BASE, other).document, other)
        assert same(merge(BASE, other, BASE).document, other)
        assert same(merge(BASE, other, other).document, other)
        third = document(*(task(name, dice.randint(0, 2)) for name in dice.sample("abcdef", 4)))
        one, two = merge(other, BASE, third), merge(other, third, BASE)
        assert bool(one.clashes) == bool(two.clashes)


@pytest.mark.spec("N16")
def test_the_newest_common_ancestor() -> None:
    links = [
        Link("a", None, None, 1), Link("b", "a", None, 2), Link("c", "a", None, 3), Link("d", "b", "c", 4),
        Link("e", "c", "b", 5), Link("f", "d", None, 6), Link("z", None, None, 7),
    ]  # fmt: skip
    for one, other, found in (
        ("b", "c", "a"), ("d", "c", "c"), ("f", "b", "b"), ("d", "e", "c"), ("f", "f", "f"), ("f", "z", None),
        ("gone", "a", None),
    ):  # fmt: skip
        assert common_ancestor(links, one, other) == found == common_ancestor(links, other, one)
    line = [Link(f"{n}", f"{n - 1}" if n else None, None, n) for n in range(50_000)]
    assert common_ancestor(line, "49999", "20000") == "20000"


@pytest.mark.spec("N16")
async def test_a_branch_comes_into_main(tmp_path: Path) -> None:
    async with open_at(tmp_path / "a.db") as engine:
        first = await engine.create_procedure(BASE)
        await engine.create_branch(NAME, "dev")
        side = await engine.commit_procedure(document(*BASE["do"], task("d")), message="d", branch="dev")
        forward = await engine.merge_branch(NAME, "dev", message="in", expected=first["commit"])
        assert (forward["merge"], forward["commit"]) == ("forward", side["commit"])
        assert (await engine.merge_branch(NAME, "dev", message="in"))["merge"] == "nothing"
        main = await engine.commit_procedure(
            document(task("a", 2), *BASE["do"][1:], task("d")), message="a 2"
        )
        side = await engine.commit_procedure(document(*BASE["do"], task("d", 2)), message="d 2", branch="dev")
        with pytest.raises(VersionConflict):
            await engine.merge_branch(NAME, "dev", message="in", expected=first["commit"])
        with pytest.raises(InvalidInput, match="itself"):
            await engine.merge_branch(NAME, "main", message="in")
        merged = await engine.merge_branch(NAME, "dev", message="both", by="ada", expected=main["commit"])
        assert (merged["merge"], merged["parent"], merged["merge_parent"]) == (
            "merged", main["commit"], side["commit"],
        )  # fmt: skip
        assert (await engine.procedure_at(NAME))["document"]["do"][0] == task("a", 2)
        assert (await engine.procedure_at(NAME))["document"]["do"][-1] == task("d", 2)
        found = await engine.engine.library.find("stand", "hotfire", "latest")
        assert found.hash == merged["definition_hash"]


@pytest.mark.spec("N16")
async def test_conflicts_are_settled_by_hand(tmp_path: Path) -> None:
    async with open_at(tmp_path / "a.db") as engine:
        await engine.create_procedure(BASE)
        await engine.create_branch(NAME, "dev")
        await engine.commit_procedure(changed(BASE, "do", 0, to=task("a", 2)), message="2")
        side = await engine.commit_procedure(
            changed(BASE, "do", 0, to=task("a", 3)), message="3", branch="dev"
        )
        with pytest.raises(MergeConflict, match="--merges dev") as told:
            await engine.merge_branch(NAME, "dev", message="both")
        assert told.value.reasons == ("task a: changed in main and in dev, differently",)
        settled = await engine.commit_procedure(
            changed(BASE, "do", 0, to=task("a", 5)), message="settled", merges="dev"
        )
        assert settled["merge_parent"] == side["commit"]
        assert (await engine.merge_branch(NAME, "dev", message="in"))["merge"] == "nothing"
        await engine.save_draft(NAME, BASE, branch="dev", by="bob")
        with pytest.raises(TransitionRefused, match="draft of bob"):
            await engine.merge_branch(NAME, "dev", message="in")
