"""Procedures as a whole: what is said of them, archives, files, blueprints, runs of versions, and their end."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from stepwell import Conflict, InvalidDefinition, InvalidInput, NotFound, TransitionRefused
from stepwell.model.errors import InUse
from tests.engine.helpers import FakeClock, open_at
from tests.versions.helpers import changed, document, task

ONE, TWO, THREE = (document(task("a", n)) for n in (1, 2, 3))
NAME = "stand/hotfire"


def runs(name: str, *, child: str = "hotfire", version: str = "1.0.0", **extra: Any) -> dict[str, Any]:
    called = {"namespace": "stand", "name": child, "version": version, **extra}
    return document({"c": {"run": {"workflow": called}}}, name=name)


@pytest.mark.spec("N16")
async def test_what_is_said_of_a_procedure_has_no_versions(tmp_path: Path) -> None:
    async with open_at(tmp_path / "a.db", FakeClock()) as engine:
        first = await engine.create_procedure(ONE, by="ada")
        view = await engine.edit_procedure(
            NAME, title="Hotfire", labels=["b", "a", "b"], properties={"stand": "A2"}, by="bob"
        )
        assert (view["title"], view["labels"], view["updated_by"]) == ("Hotfire", ["b", "a"], "bob")
        view = await engine.edit_procedure(NAME, description="x" * 100, published=True)
        assert (view["title"], view["published"], view["properties"]) == ("Hotfire", True, {"stand": "A2"})
        assert (await engine.show_procedure(NAME))["head"]["commit"] == first["commit"]
        odd: list[dict[str, Any]] = [
            {"labels": "abc"}, {"labels": [1]}, {"properties": {"a": 1}}, {"title": 5}, {"published": "yes"},
            {"labels": [""]}, {"properties": []},
        ]  # fmt: skip
        for given in odd:
            with pytest.raises(InvalidInput):
                await engine.edit_procedure(NAME, **given)
        assert (await engine.show_procedure(NAME))["labels"] == ["b", "a"]


@pytest.mark.spec("N16")
async def test_an_archived_procedure_takes_nothing_new(tmp_path: Path) -> None:
    async with open_at(tmp_path / "a.db") as engine:
        first = await engine.create_procedure(ONE)
        await engine.create_branch(NAME, "dev")
        await engine.commit_procedure(TWO, message="two", branch="dev")
        assert (await engine.archive_procedure(NAME, by="ada"))["archived"]
        for refused in (
            engine.commit_procedure(TWO, message="x"),
            engine.save_draft(NAME, TWO),
            engine.merge_branch(NAME, "dev", message="x"),
            engine.roll_back_procedure(NAME, "dev"),
            engine.start_procedure(NAME),
        ):
            with pytest.raises(TransitionRefused, match="unarchive"):
                await refused
        assert [one["procedure"] for one in await engine.procedures(archived=True)] == [NAME]
        assert await engine.procedures(archived=False) == []
        await engine.unarchive_procedure(NAME)
        assert (await engine.show_procedure(NAME))["head"]["commit"] == first["commit"]
        assert (await engine.commit_procedure(TWO, message="x"))["created"]


@pytest.mark.spec("N16")
async def test_a_run_keeps_the_version_that_it_was_started_with(tmp_path: Path) -> None:
    async with open_at(tmp_path / "a.db") as engine:
        first = await engine.create_procedure(ONE)
        await engine.create_tag(NAME, "v1")
        await engine.create_branch(NAME, "dev")
        await engine.commit_procedure(TWO, message="two", branch="dev")
        draft = await engine.save_draft(NAME, THREE, branch="dev")
        for options, value in (
            ({}, 1), ({"tag": "v1"}, 1), ({"branch": "dev"}, 2), ({"commit": draft["commit"][:10]}, 3),
        ):  # fmt: skip
            handle = await engine.start_procedure(NAME, **options)
            assert await handle.result() == {"value": value}, options
        await engine.discard_draft(NAME, branch="dev")
        assert await engine.compact_drafts(older_than_days=0, keep=0) == 0, "a run was started from it"
        assert (await engine.procedure_at(NAME, draft["commit"]))["document"] == THREE
        wrong = await engine.save_draft(NAME, {"do": []}, branch="dev")
        with pytest.raises(InvalidDefinition):
            await engine.start_procedure(NAME, commit=wrong["commit"])
        with pytest.raises(InvalidInput, match="one of them"):
            await engine.start_procedure(NAME, branch="dev", tag="v1")
        assert (await engine.show_procedure(NAME))["head"]["commit"] == first["commit"]


@pytest.mark.spec("S8")
async def test_main_is_what_others_run(tmp_path: Path) -> None:
    async with open_at(tmp_path / "a.db") as engine:
        first = await engine.create_procedure(ONE)
        await engine.commit_procedure(TWO, message="two")
        await engine.create_branch(NAME, "dev")
        await engine.commit_procedure(
            changed(THREE, "document", "version", to="9.0.0"), message="3", branch="dev"
        )
        for version in ("latest", "1.0.0", "^1.0", "~1.0.0"):
            assert await engine.run(runs("parent", version=version)) == {"value": 2}, version
        await engine.roll_back_procedure(NAME, first["commit"])
        for version in ("latest", "1.0.0", "^1.0"):
            assert await engine.run(runs("parent", version=version)) == {"value": 1}, version
        await engine.save_draft(NAME, THREE)
        assert await engine.run(runs("parent", version="latest")) == {"value": 1}
        await engine.add_definition(changed(TWO, "document", "version", to="1.7.0"))
        assert await engine.run(runs("parent", version="^1.2")) == {"value": 2}
        with pytest.raises(InvalidDefinition, match="not known"):
            await engine.run(runs("parent", version="^3"))


@pytest.mark.spec("S8")
async def test_what_others_run_cannot_be_deleted(tmp_path: Path) -> None:
    async with open_at(tmp_path / "a.db") as engine:
        await engine.create_procedure(document({"w": {"wait": {"hours": 1}}}))
        await engine.create_procedure(runs("parent", version="^1"))
        await engine.add_definition(runs("other"))
        parents = await engine.procedure_parents(NAME)
        assert [(one["workflow"], one["pointer"], one["wants"]) for one in parents] == [
            ("stand/other:1.0.0", "/do/0/c", "1.0.0"),
            ("stand/parent:1.0.0", "/do/0/c", "^1"),
        ]
        with pytest.raises(InUse, match="stand/parent:1.0.0 at /do/0/c wants") as told:
            await engine.delete_procedure(NAME)
        assert len(told.value.reasons) == 2
        await engine.delete_procedure("stand/parent")
        await engine.add_definition(changed(ONE, "document", "name", to="other"))
        assert await engine.procedure_parents(NAME) == []
        handle = await engine.start_procedure(NAME)
        with pytest.raises(InUse, match=handle.run_id):
            await engine.delete_procedure(NAME)
        await handle.cancel()
        await handle.wait()
        assert (await engine.delete_procedure(NAME))["deleted"]
        with pytest.raises(NotFound):
            await engine.show_procedure(NAME)
        with pytest.raises(InvalidDefinition, match="not known"):
            await engine.start(runs("third", version="latest"))
        assert (await engine.show(handle.run_id))["status"] == "cancelled", "its document is kept"
        again = await engine.create_procedure(document({"w": {"wait": {"hours": 1}}}))
        assert again["parent"] is None
        await engine.start(runs("third", version="latest"))


@pytest.mark.spec("S8")
async def test_circles_and_wrong_inputs_are_found_when_a_definition_is_added(tmp_path: Path) -> None:
    async with open_at(tmp_path / "a.db") as engine:
        await engine.add_definition(runs("a", child="b", version="latest"))
        await engine.create_procedure(runs("b", child="c", version="^1"))
        both = runs("c", child="a")
        both["do"] += [{"d": {"run": {"workflow": {"namespace": "stand", "name": "c", "version": "~1.0"}}}}]
        with pytest.raises(InvalidDefinition) as told:
            await engine.create_procedure(both)
        assert [(one.code, one.message, one.pointer) for one in told.value.findings] == [
            ("cyclic-workflow", "workflows run each other in a circle: stand/c:1.0.0 → stand/a:1.0.0 → stand/b:1.0.0 "
             "→ stand/c:1.0.0", "/do/0/c"),
            ("cyclic-workflow", "workflows run each other in a circle: stand/c:1.0.0 → stand/c:1.0.0", "/do/1/d"),
        ]  # fmt: skip
        with pytest.raises(NotFound):
            await engine.show_procedure("stand/c")
        schema = {
            "schema": {
                "document": {"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}}
            }
        }
        await engine.add_definition(document(name="typed", input=schema))
        for wrong in ({}, {"n": "x"}):
            with pytest.raises(InvalidDefinition, match="does not take this input") as found:
                await engine.add_definition(runs("parent", child="typed", input=wrong))
            assert found.value.findings[0].pointer == "/do/0/c/run/workflow/input"
        assert await engine.run(runs("parent", child="typed", input={"n": 1})) == {"a": 1}
        late = await engine.start(runs("parent", child="typed", input={"n": "${ .n }"}), {"n": "x"})
        view = await late.wait()
        assert (view["status"], view["error"]["status"]) == ("failed", 400)
        assert "does not take this input" in view["error"]["detail"]
        assert (await engine.list(parent_id=late.run_id))["runs"] == [], "nothing was stored of it"


@pytest.mark.spec("S8")
async def test_workflows_are_not_inside_each_other_without_end(tmp_path: Path) -> None:
    async with open_at(tmp_path / "a.db") as engine:
        await engine.add_definition(document(name="p0"))
        for number in range(1, 32):
            await engine.add_definition(runs(f"p{number}", child=f"p{number - 1}"))
        with pytest.raises(InvalidDefinition, match="33 workflows are inside each other; 32 may be"):
            await engine.add_definition(runs("p32", child="p31"))


@pytest.mark.spec("S8")
async def test_a_file_has_all_of_a_procedure(tmp_path: Path) -> None:
    async with open_at(tmp_path / "a.db", FakeClock()) as engine:
        await engine.create_procedure(ONE, by="ada", labels=["x"])
        await engine.create_branch(NAME, "dev")
        await engine.commit_procedure(TWO, message="two", branch="dev")
        await engine.commit_procedure(changed(ONE, "document", "title", to="x"), message="title")
        await engine.merge_branch(NAME, "dev", message="both")
        await engine.create_tag(NAME, "v1", at="dev")
        await engine.save_draft(NAME, "no document")
        file = await engine.export_procedure(NAME)
        with_drafts = await engine.export_procedure(NAME, drafts=True)
        wanted = await engine.procedure_history(NAME)
        assert not (await engine.import_procedure(file))["created"]
    assert len(with_drafts["commits"]) == len(file["commits"]) + 1
    file = json.loads(json.dumps(file))
    for name, exported in (("b", file), ("c", json.loads(json.dumps(with_drafts)))):
        async with open_at(tmp_path / f"{name}.db", FakeClock()) as engine:
            made = await engine.import_procedure(exported)
            assert made["created"]
            assert await engine.procedure_history(NAME) == wanted or name == "c"
            assert (await engine.show_procedure(NAME))["labels"] == ["x"]
            assert {**await engine.export_procedure(NAME, drafts=name == "c")} == exported
            assert await engine.run(runs("parent", version="latest")) == {"value": 2}
            assert (await engine.procedure_at(NAME, draft=True))["draft"] == (name == "c")
    async with open_at(tmp_path / "d.db") as engine:
        await engine.create_procedure(THREE)
        with pytest.raises(Conflict, match="another procedure"):
            await engine.import_procedure(file)


@pytest.mark.spec("S8")
async def test_a_file_that_was_changed_is_refused_whole(tmp_path: Path) -> None:
    async with open_at(tmp_path / "a.db", FakeClock()) as engine:
        await engine.create_procedure(ONE)
        await engine.commit_procedure(TWO, message="two")
        file = await engine.export_procedure(NAME)
        await engine.delete_procedure(NAME)
        odd: list[Any] = [None, 5, [], {}, {"stepwell_procedure": 2}, {**file, "stepwell_procedure": True}]
        for path, value in (
            (("documents", next(iter(file["documents"])), "do"), []), (("documents",), {}), (("documents",), []),
            (("commits", 0, "message"), "other"), (("commits", 0, "id"), "0" * 40), (("commits",), []),
            (("commits", 1, "parent"), None), (("commits", 0, "at"), "1"), (("commits", 0, "x"), 1),
            (("commits",), list(reversed(file["commits"]))), (("commits", 0, "working"), 1), (("commits", 0), 5),
            (("pointers",), []), (("pointers", 0, "commit"), "0" * 40), (("pointers", 0, "kind"), "x"),
            (("pointers", 0, "name"), "../x"), (("pointers", 0, "at"), None), (("namespace",), "x"),
            (("name",), "../../etc"), (("labels",), "abc"), (("created_at",), "x"), (("archived",), 1),
        ):  # fmt: skip
            odd.append(changed(file, *path, to=value))
        for given in odd:
            with pytest.raises((InvalidInput, InvalidDefinition)):
                await engine.import_procedure(deepcopy(given))
        assert await engine.procedures() == []
        assert (await engine.import_procedure(file))["created"]


@pytest.mark.spec("S8")
async def test_a_template_is_where_others_begin(tmp_path: Path) -> None:
    async with open_at(tmp_path / "a.db") as engine:
        await engine.create_procedure(ONE, title="Hotfire", labels=["engine"])
        with pytest.raises(TransitionRefused, match="no template"):
            await engine.create_from(NAME, "stand/new")
        await engine.edit_procedure(NAME, template=True)
        made = await engine.create_from(NAME, "stand/new", by="ada", title="New")
        assert made["message"].startswith("From template stand/hotfire at ")
        shown = await engine.show_procedure("stand/new")
        assert (shown["title"], shown["labels"], shown["template"]) == ("New", ["engine"], False)
        assert (await engine.procedure_at("stand/new"))["document"] == changed(
            ONE, "document", "name", to="new"
        )
        with pytest.raises(Conflict):
            await engine.create_from(NAME, "stand/new")
        for odd in ("stand/New", "x y", "a/b/c"):
            with pytest.raises(InvalidInput):
                await engine.create_from(NAME, odd)
