"""Runs that programs of their own drive: nobody's, and found by the claims on their steps."""

from __future__ import annotations

from stepwell.model.driven import DRIVEN
from stepwell.model.journal import RunFilter
from stepwell.ports import Store
from stepwell.ports.driven import Ending
from stepwell.testing.store_conformance.support import Base, Journal, created, index_row

REFERENCE = "default/orders:1.0.0"


class ClaimConformance(Base):
    """Runs of the step store."""

    async def _driven(self, store: Store, run_id: str, lease_until: int | None = None) -> Journal:
        journal = Journal(store, run_id)
        row = index_row(run_id, code=DRIVEN, lease_until=lease_until)
        await journal.add(created(run_id), row=row, unowned=True)
        return journal

    async def test_what_is_driven_from_outside_is_nobodys_and_nobody_is_told(self) -> None:
        first, guest = await self.open_store("engine-1"), await self.open_store(None)
        journal = await self._driven(first, "run-1")
        row = await first.row("run-1")
        assert row is not None
        assert (row.owner, row.code) == (None, DRIVEN)
        journal.store = guest
        await journal.add(unowned=True)
        for codes in ((), (REFERENCE,)):
            assert await first.adopt("engine-1", codes=codes) == []
            assert await first.adopt("engine-1", only="run-1", codes=codes) == []
            assert await first.take_foreign("engine-1", codes) == []
        assert all(engine.open_runs == 0 for engine in await first.engines())
        assert (await first.list_runs(RunFilter(open=True, not_owners=()), 10)).rows == []
        await first.close()
        await guest.close()

    async def test_runs_are_found_by_the_first_claim_that_expires(self) -> None:
        store = await self.open_store(None)
        journals = [await self._driven(store, f"run-{n}", lease_until=n or None) for n in range(6)]

        async def found(before: int) -> list[str]:
            page = await store.list_runs(RunFilter(open=True, lease_before=before), 10)
            return sorted(row.id for row in page.rows)

        assert await found(0) == []
        assert await found(3) == ["run-1", "run-2", "run-3"]
        await journals[1].add(row=index_row("run-1", code=DRIVEN, lease_until=9), unowned=True)
        await journals[2].add(row=index_row("run-2", code=DRIVEN), unowned=True)
        assert await found(5) == ["run-3", "run-4", "run-5"]
        rows = [row for n in range(6) if (row := await store.row(f"run-{n}")) is not None]
        await store.rebuild(rows, {})
        assert await found(9) == ["run-1", "run-3", "run-4", "run-5"]
        only = await store.list_runs(RunFilter(code=DRIVEN), 10)
        assert len(only.rows) == 6 and not (await store.list_runs(RunFilter(code="a:b"), 10)).rows
        await store.close()

    async def test_runs_are_found_by_when_time_ends_them(self) -> None:
        store = await self.open_store(None)
        for n, at in enumerate((30, None, 10, 20, 10)):
            given = index_row(f"run-{n}", code=DRIVEN, ends_at=at)
            await Journal(store, given.id).add(created(given.id), row=given, unowned=True)

        async def found(now: int, limit: int = 10, after: Ending | None = None) -> list[str]:
            return [one.run_id for one in await store.driven.out_of_time(now, limit, after)]

        for _ in range(2):
            assert await found(9) == []
            assert await found(10) == ["run-2", "run-4"]
            assert await found(99) == ["run-2", "run-4", "run-3", "run-0"]
            assert await found(99, limit=1) == ["run-2"]
            assert await found(99, limit=2, after=Ending(10, "run-2")) == ["run-4", "run-3"]
            assert [await store.driven.next_end(after) for after in (0, 9, 10, 29, 30)] == [
                10,
                10,
                20,
                30,
                None,
            ]
            rows = [row for n in range(5) if (row := await store.row(f"run-{n}")) is not None]
            await store.rebuild(rows, {})
        await store.close()
