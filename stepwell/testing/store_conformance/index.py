"""What is written beside the turns: rows, keys, definitions; and finding it again."""

from __future__ import annotations

import asyncio

from stepwell.model import errors
from stepwell.model.journal import DefinitionRow, KeyClaim, RunFilter, RunRow
from stepwell.ports import Store
from stepwell.testing.store_conformance.support import Base, Journal, fails, index_row


class IndexConformance(Base):
    """What is written beside the turns: rows, keys, definitions; and finding it again."""

    async def test_rows_are_written_with_their_turns(self) -> None:
        store = await self.open_store("engine-1")
        full = index_row(
            "run-1", priority=5, tags={"a": "1", "é": "\0\U0001f40d"}, key="k", parent_id="p", rerun_of="r"
        )
        journal = Journal(store, "run-1")
        await journal.add(row=full)
        assert await store.row("run-1") == full._replace(owner="engine-1")
        ended = full._replace(
            status="failed", updated_at=9, ended_at=9, error={"status": 500, "detail": "\0"}
        )
        await journal.add(row=ended)
        assert await store.row("run-1") == ended._replace(owner="engine-1")
        await store.close()

    async def test_a_key_is_claimed_once(self) -> None:
        store = await self.open_store("engine-1")
        await Journal(store, "run-1").add(claim=KeyClaim("order \0 7", "f1"), row=index_row("run-1"))
        assert await store.find_key("order \0 7") == ("run-1", "f1")
        for run_id, fingerprint in (("run-2", "f1"), ("run-3", "f2")):
            refused = Journal(store, run_id)
            futures = [
                refused.send(claim=KeyClaim("order \0 7", fingerprint), row=index_row(run_id)),
                refused.send(),
            ]
            for future in futures:
                error = await fails(future, errors.KeyTaken)
                assert (error.key, error.run_id, error.fingerprint) == ("order \0 7", "run-1", "f1")
            assert await store.turns(run_id) == []
            assert await store.row(run_id) is None
        await store.close()

    async def test_of_two_claims_in_one_commit_the_first_wins(self) -> None:
        store = await self.open_store("engine-1")
        futures = [Journal(store, f"run-{n}").send(claim=KeyClaim("k", str(n))) for n in range(3)]
        await futures[0]
        for future in futures[1:]:
            assert (await fails(future, errors.KeyTaken)).run_id == "run-0"
        assert await store.find_key("k") == ("run-0", "0")
        await store.close()

    async def test_definitions_are_kept_under_their_hash(self) -> None:
        store = await self.open_store("engine-1")
        one = DefinitionRow("h1", "default", "orders", "1.0.0", {"do": [], "big": 2**70}, 5)
        two = DefinitionRow("h2", "default", "orders", "1.1.0", {"do": [1]}, 6)
        other = DefinitionRow("h3", "ops", "cleanup", "1.0.0", {"do": [2]}, 7)
        await Journal(store, "run-1").add(definition=one)
        await store.put_definition(two)
        await store.put_definition(other)
        await store.put_definition(one._replace(created_at=99))
        assert await store.definition("h1") == one
        assert await store.definitions() == [one, two, other]
        assert await store.definitions("default") == [one, two]
        assert await store.definitions("default", "orders", "1.1.0") == [two]
        assert await store.definitions(name="cleanup") == [other]
        assert await store.definitions("nowhere") == []
        await store.close()

    async def _many(self, store: Store, count: int) -> list[RunRow]:
        """Runs of all kinds, several of them created in the same instant; newest first."""
        rows = []
        for number in range(count):
            row = index_row(
                f"run-{number:04d}",
                status=("running", "completed", "failed", "paused")[number % 4],
                created_at=number // 3,
                name=("orders", "refunds")[number % 2],
                namespace=("default", "ops")[number % 5 == 0],
                parent_id="run-0000" if number % 6 == 1 else None,
                tags={"team": "ab"[number % 2], "n": str(number % 10)} if number % 3 else {},
            )
            rows.append(row)
        await asyncio.gather(*[Journal(store, row.id).send(row=row) for row in rows])
        return [row._replace(owner="engine-1") for row in reversed(rows)]

    async def _pages(self, store: Store, where: RunFilter, size: int) -> list[RunRow]:
        found: list[RunRow] = []
        cursor = None
        while True:
            page = await store.list_runs(where, size, cursor)
            assert len(page.rows) <= size
            found += page.rows
            if page.next is None:
                return found
            assert len(page.rows) == size
            cursor = page.next

    async def test_every_filter_lists_what_it_says(self) -> None:
        store = await self.open_store("engine-1")
        rows = await self._many(store, 120)
        filters = [
            RunFilter(),
            RunFilter(status=["failed"]),
            RunFilter(status=["failed", "running", "failed"]),
            RunFilter(name="orders"),
            RunFilter(name="refunds", status=["completed", "paused"]),
            RunFilter(namespace="ops"),
            RunFilter(namespace="ops", name="orders"),
            RunFilter(tags={"team": "a"}),
            RunFilter(tags={"team": "b", "n": "7"}, status=["failed", "paused"]),
            RunFilter(parent_id="run-0000"),
            RunFilter(parent_id="run-0000", status=["completed"], name="refunds"),
            RunFilter(created_after=10, created_before=30),
            RunFilter(status=["running"], created_after=10, created_before=11),
            RunFilter(name="nothing"),
            RunFilter(tags={"team": "c"}),
        ]
        for where in filters:
            wanted = [row for row in rows if _matches(row, where)]
            for size in (1, 7, 500):
                assert await self._pages(store, where, size) == wanted, where
        await store.close()

    async def test_pages_have_no_gaps_and_no_doubles_while_runs_are_added(self) -> None:
        store = await self.open_store("engine-1")
        rows = await self._many(store, 60)
        found: list[RunRow] = []
        cursor = None
        for number in range(100):
            page = await store.list_runs(RunFilter(), 4, cursor)
            found += page.rows
            cursor = page.next
            if cursor is None:
                break
            await Journal(store, f"new-{number}").add(
                row=index_row(f"new-{number}", created_at=1000 + number)
            )
        assert found == rows
        await store.close()

    async def test_pages_that_cannot_be_are_refused(self) -> None:
        store = await self.open_store("engine-1")
        for limit, cursor in ((0, None), (10, "no cursor"), (10, ""), (10, "W10="), (10, "é")):
            call = store.list_runs(RunFilter(), limit, cursor)
            (outcome,) = await asyncio.gather(call, return_exceptions=True)
            assert isinstance(outcome, errors.InvalidInput), (limit, cursor)
        await store.close()

    async def test_check_finds_nothing_in_a_sound_store(self) -> None:
        store = await self.open_store("engine-1")
        await Journal(store, "run-1").add(row=index_row("run-1"), claim=KeyClaim("k", "f"))
        await self.run(store, "run-2", turns=30)
        assert [finding async for finding in store.check()] == []
        assert [run_id async for run_id in store.all_runs()] == ["run-1", "run-2"]
        await store.close()

    async def test_check_finds_what_is_missing_in_the_index(self) -> None:
        store = await self.open_store("engine-1")
        await Journal(store, "run-1").add()
        found = [finding async for finding in store.check()]
        assert [(finding.code, finding.run_id) for finding in found] == [("row_missing", "run-1")]
        assert found[0].message
        assert found[0].action
        await store.close()

    async def test_the_index_can_be_made_anew(self) -> None:
        store = await self.open_store("engine-1")
        await self.run(store, "run-1", turns=2)
        await Journal(store, "run-2").add(claim=KeyClaim("old", "f"))
        rows = [index_row("run-1", tags={"a": "1"}), index_row("run-2", status="completed")]
        await store.rebuild(rows, {"new": ("run-2", "f2")})
        assert (await store.list_runs(RunFilter(), 10)).rows == rows[::-1]
        assert (await store.list_runs(RunFilter(tags={"a": "1"}), 10)).rows == rows[:1]
        assert await store.find_key("old") is None
        assert await store.find_key("new") == ("run-2", "f2")
        assert [finding async for finding in store.check()] == []
        await store.close()


def _matches(row: RunRow, where: RunFilter) -> bool:
    return (
        (not where.status or row.status in where.status)
        and (where.name is None or row.name == where.name)
        and (where.namespace is None or row.namespace == where.namespace)
        and (where.parent_id is None or row.parent_id == where.parent_id)
        and all(row.tags.get(name) == value for name, value in where.tags.items())
        and (where.created_after is None or row.created_at >= where.created_after)
        and (where.created_before is None or row.created_at < where.created_before)
    )
