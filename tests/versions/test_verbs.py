"""Procedures and their versions, through the client, on a real file."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from stepwell import Conflict, InvalidDefinition, InvalidInput, NotFound, StoreError, TransitionRefused
from stepwell.model.errors import VersionConflict
from tests.engine.helpers import FakeClock, open_at
from tests.versions.helpers import changed, document, task

ONE = document(task("a"))
TWO = document(task("a"), task("b"))
THREE = document(task("a"), task("b", 2))
NAME = "stand/hotfire"


@pytest.mark.spec("N16")
async def test_commits_follow_each_other_and_are_kept(tmp_path: Path) -> None:
    async with open_at(tmp_path / "a.db", FakeClock()) as engine:
        first = await engine.create_procedure(ONE, by="ada", title="Hotfire", labels=["b", "a", "a"])
        assert first["created"]
        assert len(first["commit"]) == 40
        second = await engine.commit_procedure(TWO, message="more", by="bob", expected=first["commit"])
        assert (second["parent"], second["author"]) == (first["commit"], "bob")
        again = await engine.commit_procedure(TWO, message="more", by="bob")
        assert (again["commit"], again["created"]) == (second["commit"], False)
        with pytest.raises(Conflict, match="already"):
            await engine.create_procedure(ONE)
    async with open_at(tmp_path / "a.db") as engine:
        shown = await engine.show_procedure(NAME)
        assert (shown["title"], shown["labels"], shown["created_by"]) == ("Hotfire", ["b", "a"], "ada")
        assert (shown["head"]["commit"], shown["updated_by"]) == (second["commit"], "bob")
        assert [one["name"] for one in shown["branches"]] == ["main"]
        history = await engine.procedure_history(NAME)
        assert [one["message"] for one in history["commits"]] == ["more", "First version"]
        assert (await engine.procedure_at(NAME, first["commit"][:8]))["document"] == ONE
        assert [one["procedure"] for one in await engine.procedures()] == [NAME]
        assert await engine.procedures("other") == []


@pytest.mark.spec("N16")
async def test_who_expects_an_older_commit_is_told_who_was_faster(tmp_path: Path) -> None:
    async with open_at(tmp_path / "a.db", FakeClock()) as engine:
        first = await engine.create_procedure(ONE, by="ada")
        second = await engine.commit_procedure(TWO, message="faster", by="bob")
        for late in (
            engine.commit_procedure(THREE, message="late", expected=first["commit"]),
            engine.save_draft(NAME, THREE, expected=first["commit"][:9]),
            engine.roll_back_procedure(NAME, first["commit"], expected=first["commit"]),
        ):
            with pytest.raises(VersionConflict, match=f"bob made commit {second['commit'][:12]}") as told:
                await late
            assert told.value.head["commit"] == second["commit"]
            assert told.value.head["at"] == second["at"]
        assert len((await engine.procedure_history(NAME, drafts=True))["commits"]) == 2


@pytest.mark.spec("N16")
async def test_of_two_that_commit_at_once_one_is_refused_or_both_are_there(tmp_path: Path) -> None:
    async with open_at(tmp_path / "a.db") as one, open_at(tmp_path / "a.db", guest=True) as other:
        first = await one.create_procedure(ONE)
        done = await asyncio.gather(
            one.commit_procedure(TWO, message="one", expected=first["commit"]),
            other.commit_procedure(THREE, message="other", expected=first["commit"]),
            return_exceptions=True,
        )
        assert sorted(type(each).__name__ for each in done) == ["VersionConflict", "dict"]
        await asyncio.gather(
            *((one, other)[n % 2].commit_procedure(document(task("a", n)), message=f"{n}") for n in range(6))
        )
        line = (await one.procedure_history(NAME))["commits"]
        assert len(line) == 8
        assert [each["parent"] for each in line] == [*(each["commit"] for each in line[1:]), None]


@pytest.mark.spec("N16")
async def test_drafts_may_be_wrong_and_are_no_history(tmp_path: Path) -> None:
    clock = FakeClock()
    async with open_at(tmp_path / "a.db", clock) as engine:
        first = await engine.create_procedure(ONE)
        wrong = changed(ONE, "do", 0, "a", to={"sett": {"x": 1}})
        draft = await engine.save_draft(NAME, wrong, by="ada")
        assert draft["draft"]
        assert draft["message"] == "auto-save"
        assert draft["problems"]
        text = await engine.save_draft(NAME, "document: [\n", expected=draft["commit"])
        assert text["problems"][0]["line"]
        assert (await engine.procedure_at(NAME, draft=True))["document"] == "document: [\n"
        assert (await engine.procedure_at(NAME))["commit"] == first["commit"]
        other = await engine.save_draft(NAME, changed(TWO, "document", "name", to="else"))
        assert [each["code"] for each in other["problems"]] == ["procedure-name"]
        assert [each["commit"] for each in (await engine.procedure_history(NAME))["commits"]] == [
            first["commit"]
        ]
        assert len((await engine.procedure_history(NAME, drafts=True))["commits"]) == 4
        with pytest.raises(InvalidDefinition):
            await engine.commit_procedure(wrong, message="wrong")
        with pytest.raises(InvalidDefinition):
            await engine.roll_back_procedure(NAME, draft["commit"])
        second = await engine.commit_procedure(TWO, message="right", expected=other["commit"])
        assert second["parent"] == first["commit"]
        await engine.save_draft(NAME, THREE)
        assert (await engine.discard_draft(NAME))["discarded"]
        assert not (await engine.discard_draft(NAME))["discarded"]
        assert (await engine.show_procedure(NAME))["head"]["commit"] == second["commit"]
        await engine.create_tag(NAME, "odd", at=draft["commit"])
        assert await engine.compact_drafts(NAME, older_than_days=0, keep=0) == 0
        clock.advance(1_000_000)
        assert await engine.compact_drafts(NAME, older_than_days=0, keep=1) == 2
        left = (await engine.procedure_history(NAME, drafts=True))["commits"]
        assert [each["draft"] for each in left] == [True, False, True, False]


@pytest.mark.spec("N16")
async def test_branches_and_tags(tmp_path: Path) -> None:
    async with open_at(tmp_path / "a.db") as engine:
        first = await engine.create_procedure(ONE)
        await engine.create_branch(NAME, "dev", by="ada")
        second = await engine.commit_procedure(TWO, message="dev", branch="dev")
        tag = await engine.create_tag(NAME, "v1", at="dev")
        assert (tag["commit"], tag["created"]) == (second["commit"], True)
        assert not (await engine.create_tag(NAME, "v1", at="dev"))["created"]
        assert (await engine.show_procedure(NAME))["head"]["commit"] == first["commit"]
        for refused in (
            engine.create_branch(NAME, "v1"),
            engine.create_tag(NAME, "v1"),
            engine.create_tag(NAME, "main"),
            engine.create_branch(NAME, "dev"),
        ):
            with pytest.raises(Conflict, match="share their names"):
                await refused
        with pytest.raises(TransitionRefused):
            await engine.delete_branch(NAME, "main")
        with pytest.raises(InvalidInput, match="is a tag"):
            await engine.commit_procedure(THREE, message="x", branch="v1")
        with pytest.raises(InvalidInput, match="is a tag"):
            await engine.delete_branch(NAME, "v1")
        assert (await engine.delete_branch(NAME, "dev"))["deleted"]
        assert (await engine.procedure_at(NAME, "v1"))["document"] == TWO
        with pytest.raises(NotFound, match="dev"):
            await engine.commit_procedure(THREE, message="x", branch="dev")
        assert (await engine.delete_tag(NAME, "v1"))["deleted"]
        assert (await engine.procedure_at(NAME, second["commit"]))["document"] == TWO


@pytest.mark.spec("N16", "S8")
async def test_differences_and_going_back(tmp_path: Path) -> None:
    async with open_at(tmp_path / "a.db") as engine:
        first = await engine.create_procedure(ONE)
        await engine.commit_procedure(TWO, message="more")
        told = await engine.diff_procedure(NAME)
        assert told["lines"] == ["+ task b"]
        assert (told["level"], told["same_fingerprint"]) == ("migration", False)
        assert (await engine.diff_procedure(NAME, "main", first["commit"][:10]))["lines"] == ["- task b"]
        await engine.save_draft(NAME, THREE)
        assert (await engine.diff_procedure(NAME))["lines"] == ["~ task b", "    set.value: 1 → 2"]
        back = await engine.roll_back_procedure(NAME, first["commit"][:10], by="ada")
        assert (await engine.procedure_at(NAME))["document"] == ONE
        assert back["message"].startswith(f"Roll back to {first['commit'][:12]}")
        assert [one["message"] for one in (await engine.procedure_history(NAME, limit=2))["commits"]][
            1
        ] == "more"


@pytest.mark.spec("N16")
async def test_history_comes_in_pages(tmp_path: Path) -> None:
    async with open_at(tmp_path / "a.db") as engine:
        await engine.create_procedure(document(task("a", 0)), message="0")
        for number in range(1, 7):
            await engine.commit_procedure(document(task("a", number)), message=f"{number}")
        seen: list[str] = []
        cursor = None
        while True:
            page = await engine.procedure_history(NAME, limit=3, cursor=cursor)
            seen += [one["message"] for one in page["commits"]]
            cursor = page["next"]
            if cursor is None:
                break
        assert seen == list("6543210")
        for limit, odd in ((0, None), (1_001, None), (5, "x"), (5, "-1"), (5, "٣")):
            with pytest.raises(InvalidInput):
                await engine.procedure_history(NAME, limit=limit, cursor=odd)


@pytest.mark.spec("N16")
async def test_odd_names_are_refused_and_change_nothing(tmp_path: Path) -> None:
    async with open_at(tmp_path / "a.db") as engine:
        await engine.create_procedure(ONE)
        for odd in ("", "/", "a/b/c", "A/b", "../x", "stand/hot fire", "x" * 5_000, "stand/\0", "stand/ho%"):
            with pytest.raises((InvalidInput, NotFound)):
                await engine.show_procedure(odd)
        for odd in ("", " ", "-x", "x y", "abcdef1", "x" * 101, "é", "a\n"):
            with pytest.raises(InvalidInput):
                await engine.create_branch(NAME, odd)
        for message in ("", "  ", "x" * 10_001):
            with pytest.raises(InvalidInput):
                await engine.commit_procedure(TWO, message=message)
        for revision in ("", "nothing", "0000", "%", "'"):
            with pytest.raises(NotFound):
                await engine.procedure_at(NAME, revision)
        with pytest.raises(InvalidInput):
            await engine.save_draft(NAME, "x" * 5_000_001)
        bottomless: dict[str, Any] = {}
        bottomless["do"] = bottomless
        odd: list[Any] = [{"a": {1, 2}}, {1: 2}, {"a": "\ud800"}, {"a": 10**5_000}, 5, b"x", None, bottomless]
        for draft in odd:
            with pytest.raises(InvalidInput):
                await engine.save_draft(NAME, draft)
        for by in ("x" * 201, "a\nb", 5):
            with pytest.raises(InvalidInput):
                await engine.commit_procedure(TWO, message="x", by=by)  # type: ignore[arg-type]
        with pytest.raises(NotFound):
            await engine.commit_procedure(document(name="other"), message="x")
        assert len((await engine.procedure_history(NAME, drafts=True))["commits"]) == 1


@pytest.mark.spec("N16")
async def test_texts_that_are_no_documents_are_kept_as_drafts(tmp_path: Path) -> None:
    async with open_at(tmp_path / "a.db") as engine:
        await engine.create_procedure(ONE)
        for odd in (
            "[" * 5_000,
            "{" * 100_000,
            "\x00",
            "a: &a [*a]",
            "",
            "- 1",
            "5",
            "{}",
            "do: " + "[" * 5_000 + "]" * 5_000,
        ):
            draft = await engine.save_draft(NAME, odd)
            assert draft["problems"], odd[:20]
            assert (await engine.diff_procedure(NAME))["lines"]
            with pytest.raises(InvalidDefinition):
                await engine.start_procedure(NAME, commit=draft["commit"])
        assert (await engine.procedure_at(NAME))["document"] == ONE


@pytest.mark.spec("N16")
async def test_a_document_that_rots_is_found_before_it_is_run(tmp_path: Path) -> None:
    async with open_at(tmp_path / "a.db") as engine:
        await engine.create_procedure(ONE)
        writer = engine.engine.store._writer  # type: ignore[attr-defined]
        await writer.run(
            lambda db: db.execute("UPDATE procedure_contents SET document = replace(document, '1', '2')")
        )
        for asked in (engine.start_procedure(NAME), engine.roll_back_procedure(NAME, "main")):
            with pytest.raises((StoreError, InvalidDefinition)):
                await asked
