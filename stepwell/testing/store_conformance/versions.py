"""Versions of definitions: commits that are written only where nobody has written since, and drafts that go."""

from __future__ import annotations

import asyncio
from typing import Any

from stepwell.model import errors
from stepwell.model.journal import DefinitionRow
from stepwell.model.versions import Commit, Moved, Pointer, Procedure, ProcedureKey, Removal, commit_id
from stepwell.ports import Store
from stepwell.testing.store_conformance.support import Base, fails

KEY = ProcedureKey("stand", "hotfire")


def procedure(**fields: Any) -> Procedure:
    return Procedure(
        KEY, 1, 5, "ada", 5, "ada", **{"labels": ["engine"], "properties": {"stand": "A2"}, **fields}
    )


def commit(message: str, parent: str | None = None, **fields: Any) -> Commit:
    made = Commit(
        "",
        parent,
        message=message,
        author="ada",
        at=7,
        **{"merge_parent": None, "content": message, **fields},
    )
    return made._replace(id=commit_id(KEY, made))


FIRST = commit("first", definition_version="1.0.0")
MAIN = Pointer("main", "branch", FIRST.id, 5, "ada")


class VersionConformance(Base):
    """Procedures, commits, branches and tags."""

    async def _made(self, store: Store) -> None:
        assert await store.versions.create(procedure(), [FIRST], [MAIN], {"first": {"n": 2**70}})

    async def _line(
        self, store: Store, *messages: str, parent: Commit = FIRST, **fields: Any
    ) -> list[Commit]:
        """Commits one after the other; drafts all after the same."""
        head, made = (await store.versions.head(KEY, fields.get("branch", "main"))) or parent, []
        for message in messages:
            moved = await store.versions.commit(
                KEY, commit(message, head.base, **fields), {"of": message}, head.id
            )
            assert moved.done
            assert moved.head is not None
            head = moved.head
            made.append(head)
        return made

    async def test_a_procedure_and_its_versions_come_back_as_they_are(self) -> None:
        store = await self.open_store("engine-1")
        await self._made(store)
        assert await store.versions.procedure(KEY) == procedure()
        assert list(await store.versions.procedures()) == [procedure()]
        assert not await store.versions.procedures("other")
        assert await store.versions.head(KEY, "main") == FIRST._replace(number=1)
        assert list(await store.versions.pointers(KEY)) == [MAIN]
        assert await store.versions.content("first") == {"n": 2**70}
        await fails(asyncio.ensure_future(store.versions.content("second")), errors.NotFound)
        assert not await store.versions.create(procedure(title="other"), [commit("x")], [], {"x": {}})
        assert await store.versions.find(KEY, commit("x").id) == []
        await fails(asyncio.ensure_future(store.versions.content("x")), errors.NotFound)
        await store.close()

    async def test_what_is_said_of_it_is_written_where_nobody_has_since(self) -> None:
        store = await self.open_store("engine-1")
        await self._made(store)
        edited = procedure(title="Hotfire", archived=True, labels=["a", "b"])
        assert await store.versions.edit(edited) == edited._replace(version=2)
        assert await store.versions.edit(edited) is None
        assert await store.versions.procedure(KEY) == edited._replace(version=2)
        await store.close()

    async def test_a_commit_moves_its_branch_only_from_where_it_is_expected(self) -> None:
        first, second = await self.open_store("engine-1"), await self.open_store(None)
        await self._made(first)
        theirs = commit("theirs", FIRST.id)
        moved = await second.versions.commit(KEY, theirs, {}, FIRST.id)
        assert moved == Moved(True, theirs._replace(number=2))
        mine = commit("mine", FIRST.id)
        assert await first.versions.commit(KEY, mine, {}, FIRST.id) == Moved(False, theirs._replace(number=2))
        assert await first.versions.find(KEY, mine.id) == []
        assert await first.versions.commit(KEY, mine._replace(branch="dev"), {}, FIRST.id) == Moved(False)
        gone = await first.versions.commit(ProcedureKey("no", "no"), mine, {}, FIRST.id)
        assert gone == Moved(False, gone=True)
        assert await first.versions.edit(procedure(archived=True)) is not None
        late = await first.versions.commit(KEY, commit("late", theirs.id), {}, theirs.id)
        assert late == Moved(False, theirs._replace(number=2), archived=True)
        await first.close()
        await second.close()

    async def test_of_many_that_commit_at_once_one_does(self) -> None:
        first, second = await self.open_store("engine-1"), await self.open_store(None)
        await self._made(first)
        done = await asyncio.gather(
            *(
                (first, second)[number % 2].versions.commit(KEY, commit(f"{number}", FIRST.id), {}, FIRST.id)
                for number in range(10)
            )
        )
        assert sum(moved.done for moved in done) == 1
        head = await first.versions.head(KEY, "main")
        assert head is not None
        assert {moved.head for moved in done} == {head}
        assert len(await first.versions.history(KEY, head.id, 99, drafts=True)) == 2
        await first.close()
        await second.close()

    async def test_history_has_children_before_parents_in_pages(self) -> None:
        store = await self.open_store("engine-1")
        await self._made(store)
        await store.versions.point(KEY, Pointer("dev", "branch", FIRST.id, 6, "ada"))
        (side,) = await self._line(store, "side", branch="dev")
        (second,) = await self._line(store, "second")
        moved = await store.versions.commit(
            KEY, commit("merge", second.id, merge_parent=side.id), {}, second.id
        )
        assert moved.head is not None
        listed: list[str] = []
        before = None
        while page := await store.versions.history(KEY, moved.head.id, 2, before):
            listed += [one.message for one in page]
            before = page[-1].number
        assert listed == ["merge", "second", "side", "first"]
        assert [one.message for one in await store.versions.history(KEY, side.id, 9)] == ["side", "first"]
        links = await store.versions.graph(KEY)
        assert [(link.id, link.parent, link.merge_parent) for link in links][-1] == (
            moved.head.id, second.id, side.id,
        )  # fmt: skip
        assert [one.id for one in await store.versions.find(KEY, side.id[:12])] == [side.id]
        await store.close()

    async def test_drafts_are_in_no_history_unless_asked_and_go(self) -> None:
        store = await self.open_store("engine-1")
        await self._made(store)
        problem = {"code": "task-kind", "line": 3}
        drafts = await self._line(store, "d1", "d2", "d3", "d4", working=True, problems=[problem])
        assert drafts[3].problems == [problem]
        assert {draft.parent for draft in drafts} == {FIRST.id}
        (second,) = await self._line(store, "second")
        assert second.parent == FIRST.id
        assert [one.message for one in await store.versions.history(KEY, second.id, 9)] == ["second", "first"]
        shown = await store.versions.history(KEY, second.id, 9, drafts=True)
        assert [one.message for one in shown] == ["second", "d4", "d3", "d2", "d1", "first"]
        await store.versions.point(KEY, Pointer("good", "tag", drafts[0].id, 6, "ada"))
        assert await store.versions.keep(KEY, [drafts[1].id])
        assert not await store.versions.keep(KEY, [drafts[2].id, "no"])
        assert await store.versions.compact(7, 0) == 0, "an instant is not before itself"
        assert await store.versions.compact(8, 1) == 1
        assert await store.versions.compact(8, 0, ProcedureKey("other", "other")) == 0
        assert await store.versions.compact(8, 0, KEY) == 1
        shown = await store.versions.history(KEY, second.id, 9, drafts=True)
        assert [one.message for one in shown] == ["second", "d2", "d1", "first"]
        await fails(asyncio.ensure_future(store.versions.content("d4")), errors.NotFound)
        assert await store.versions.content("d1") == {"of": "d1"}
        await store.close()

    async def test_a_save_leaves_so_many_drafts(self) -> None:
        store = await self.open_store("engine-1")
        await self._made(store)
        head = FIRST.id
        for number in range(6):
            draft = commit(f"d{number}", FIRST.id, working=True)
            moved = await store.versions.commit(KEY, draft, {}, head, keep_drafts=2)
            assert moved.head is not None
            head = moved.head.id
        shown = await store.versions.history(KEY, FIRST.id, 9, drafts=True)
        assert [one.message for one in shown] == ["d5", "d4", "first"]
        await store.close()

    async def test_branches_and_tags_share_their_names(self) -> None:
        store = await self.open_store("engine-1")
        await self._made(store)
        tag = Pointer("v1", "tag", FIRST.id, 6, "ada")
        assert await store.versions.point(KEY, tag) is None
        assert await store.versions.point(KEY, tag._replace(kind="branch")) == tag
        absent = Pointer("none", "tag", "0" * 40, 6, "ada")
        await fails(asyncio.ensure_future(store.versions.point(KEY, absent)), errors.NotFound)
        assert list(await store.versions.pointers(KEY)) == [MAIN, tag]
        moved = await store.versions.commit(KEY, commit("x", FIRST.id, branch="v1"), {}, FIRST.id)
        assert moved == Moved(False), "a tag does not move"
        assert not await store.versions.unpoint(KEY, tag._replace(commit="0" * 40))
        assert await store.versions.unpoint(KEY, tag)
        assert list(await store.versions.pointers(KEY)) == [MAIN]
        await store.close()

    async def test_a_branch_moves_back(self) -> None:
        store = await self.open_store("engine-1")
        await self._made(store)
        (draft,) = await self._line(store, "draft", working=True)
        assert not (await store.versions.move(KEY, "main", FIRST.id, FIRST.id, 8, "bob")).done
        moved = await store.versions.move(KEY, "main", FIRST.id, draft.id, 8, "bob")
        assert moved == Moved(True, FIRST._replace(number=1))
        assert list(await store.versions.pointers(KEY)) == [MAIN._replace(at=8, by="bob")]
        await store.close()

    async def test_what_is_deleted_is_found_no_more_except_by_its_hash(self) -> None:
        store = await self.open_store("engine-1")
        row = DefinitionRow("first", *KEY, "1.0.0", {"n": "needle"}, 5)
        assert await store.versions.create(procedure(), [FIRST], [MAIN], {"first": {"n": "needle"}}, [row])
        assert list(await store.definitions(*KEY)) == [row]
        assert list(await store.versions.documents("needle")) == [row]
        assert not await store.versions.documents("hay")
        run = await self.run(store, "run-1", namespace=KEY.namespace, name=KEY.name, definition_hash="first")
        assert await store.versions.delete(procedure()) == Removal(False, ["run-1"])
        ended = {"namespace": KEY.namespace, "name": KEY.name, "definition_hash": "first"}
        await run.add(row=(await self._row(store))._replace(status="completed", **ended))
        assert await store.versions.delete(procedure()._replace(version=9)) == Removal(False)
        assert await store.versions.delete(procedure()) == Removal(True)
        assert await store.versions.procedure(KEY) is None
        assert not await store.definitions(*KEY)
        assert await store.definition("first") == row
        assert not await store.versions.documents("needle")
        await store.put_definition(row._replace(created_at=9))
        assert list(await store.definitions(*KEY)) == [row._replace(created_at=9)]
        await store.close()

    async def _row(self, store: Store) -> Any:
        row = await store.row("run-1")
        assert row is not None
        return row
