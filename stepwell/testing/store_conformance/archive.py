"""Runs on their way out of the store and back."""

from __future__ import annotations

import asyncio
from typing import Any

from stepwell.model import errors
from stepwell.model.archive import ArchiveItem, Retention, Selection
from stepwell.model.journal import KeyClaim, RunFilter
from stepwell.ports import Store
from stepwell.testing.store_conformance.support import Base, Journal, created, fails, index_row

RECEIPT = {"made_at_us": 5, "state": "removing", "removed": 0, "kept": [], "finished_at": None}


class ArchiveConformance(Base):
    """Archives."""

    async def _ended(self, store: Store, run_id: str, **fields: Any) -> Journal:
        """A run of two turns that failed."""
        run = Journal(store, run_id)
        claim = KeyClaim(f"key of {run_id}", "f")
        await run.add(created(run_id), row=index_row(run_id, key=claim.key), claim=claim)
        ended = index_row(run_id, "failed", ended_at=9, key=claim.key, tags={"t": "1"}, attributes={"n": 1})
        await run.add(row=ended._replace(**fields))
        return run

    async def test_ended_runs_are_candidates(self) -> None:
        store = await self.open_store("engine-1")
        for number in range(4):
            await self._ended(store, f"run-{number}", ended_at=number + 1)
        await self.run(store, "open")
        found = await store.archive.candidates(Selection(4))
        assert [(each.id, each.seq) for each in found] == [("run-0", 2), ("run-1", 2), ("run-2", 2)]
        found = await store.archive.candidates(Selection(99, ("failed",), "orders", "default", None, 3))
        assert [each.id for each in found] == ["run-0"]
        assert await store.archive.candidates(Selection(99, ("completed",))) == []
        assert await store.archive.size(["run-0", "run-1"]) == (
            4,
            (await store.archive.size(["run-0"]))[1] * 2,
        )
        await store.close()

    async def test_a_removed_run_is_gone_its_key_is_not_and_it_comes_back_as_it_was(self) -> None:
        store = await self.open_store("engine-1")
        run = await self._ended(store, "run-1")
        row = await store.row("run-1")
        exported = await store.archive.export("run-1")
        assert row is not None
        assert exported.row == row._replace(owner=None)
        await store.archive.begin("a", RECEIPT, [ArchiveItem("run-1", "run-1", 2)])
        await store.archive.begin("a", {**RECEIPT, "made_at_us": 6}, [])  # once for each id
        assert await store.archive.unfinished() == ["a"]
        receipt = await store.archive.remove("a", 7)
        assert (receipt["removed"], receipt["state"], receipt["made_at_us"]) == (1, "done", 5)
        assert await store.archive.receipt("a") == receipt
        assert await store.archive.unfinished() == []
        assert await store.row("run-1") is None
        assert await store.turns("run-1") == []
        assert (await store.list_runs(RunFilter(tags={"t": "1"}), 9)).rows == []
        assert await store.find_key("key of run-1") == ("run-1", "f")
        left = await store.archive.tombstone("run-1")
        assert left is not None
        assert (left.archive_id, left.status, left.ended_at) == ("a", "failed", 9)
        await fails(run.send(row=row), errors.SeqConflict)  # whoever has read it before
        await fails(Journal(store, "run-1").send(row=index_row("run-1")), errors.SeqConflict)
        assert [finding async for finding in store.check()] == []
        await store.rebuild([], {})
        assert await store.find_key("key of run-1") == ("run-1", "f")

        assert (await store.archive.put_back([exported], [])).restored == 1
        assert (await store.archive.put_back([exported], [])).present == 1
        assert await store.row("run-1") == exported.row
        assert len((await store.list_runs(RunFilter(tags={"t": "1"}), 9)).rows) == 1
        assert (await store.load("run-1")).tip == exported.turns[-1].hash
        assert await store.archive.tombstone("run-1") is None
        run.seq, run.tip = 2, exported.turns[-1].hash
        await run.add(row=index_row("run-1", "running"))
        assert (await store.archive.put_back([exported], [])).differing == ["run-1"]
        await store.close()

    async def test_a_family_of_which_one_has_changed_is_kept(self) -> None:
        store = await self.open_store("engine-1")
        for run_id in ("a-1", "a-2", "b-1"):
            await self._ended(store, run_id)
        run = Journal(store, "a-2")
        run.seq, run.tip = 2, (await store.load("a-2")).tip
        items = [ArchiveItem(run_id[0], run_id, 2) for run_id in ("a-1", "a-2", "b-1")]
        await store.archive.begin("x", RECEIPT, items)
        await run.add(row=index_row("a-2", "failed", ended_at=10))
        receipt = await store.archive.remove("x", 7)
        assert (receipt["removed"], receipt["kept"], receipt["state"]) == (1, ["a-1", "a-2"], "done")
        assert [row.id for row in (await store.list_runs(RunFilter(), 9)).rows] == ["a-2", "a-1"]
        await store.close()

    async def test_what_does_not_match_its_hash_is_not_put_back(self) -> None:
        store = await self.open_store("engine-1")
        await self._ended(store, "run-1")
        exported = await store.archive.export("run-1")
        first, last = exported.turns
        other = await self.open_store("engine-2")
        for turns in ([first._replace(at=7), last], [last], [], [first, last._replace(body=b"[]")]):
            wrong = exported._replace(turns=turns, row=exported.row._replace(id="run-2"))
            (outcome,) = await asyncio.gather(other.archive.put_back([wrong], []), return_exceptions=True)
            assert isinstance(outcome, errors.StoreDamaged)
        assert await store.row("run-2") is None
        await other.close()
        await store.close()

    async def test_policies_are_kept(self) -> None:
        store = await self.open_store("engine-1")
        one, two = Retention("a", "x", 5, 0, None, 1), Retention("b", "x", 6, 7, "/somewhere", 2)
        for policy in (two, one._replace(keep_for=9), one):
            await store.archive.set_retention(policy)
        await store.rebuild([], {})
        assert await store.archive.retentions() == [one, two]
        assert await store.archive.drop_retention("a", "x")
        assert not await store.archive.drop_retention("a", "x")
        await store.close()
