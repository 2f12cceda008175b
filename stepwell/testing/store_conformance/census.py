"""Looking at many runs together: every filter, every order, counts, engines, bytes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from stepwell.model import errors
from stepwell.model.events import StepCompleted
from stepwell.model.journal import EngineRow, RunFilter, RunOrder, RunRow
from stepwell.ports import Store
from stepwell.testing.store_conformance.support import Base, Journal, index_row

TYPES = ("https://example.com/errors/busy", "https://example.com/errors/not-busy", "busy", "%")
OPEN = ("pending", "running", "paused")


class CensusConformance(Base):
    """Looking at many runs together."""

    async def _mixed(self, store: Store, count: int = 90) -> list[RunRow]:
        """Runs that differ in everything that can be filtered, in the order in which they were made."""
        rows = []
        for number in range(count):
            status = ("running", "completed", "failed", "paused")[number % 4]
            ended = None if status in OPEN else 1_000 - number
            failed = status == "failed"
            row = index_row(
                f"{number % 7:02x}-{number:04d}",
                status=status,
                created_at=number // 3,
                name=("orders", "refunds")[number % 2],
                version=("1.0.0", "2.0.0")[number % 5 == 0],
                rerun_of="00-0000" if number % 9 == 4 else None,
                key="one" if number == 5 else None,
                updated_at=(number * 37) % 101 if ended is None else ended,
                ended_at=ended,
                error={"type": TYPES[number // 4 % len(TYPES)], "status": 500} if failed else None,
            )
            rows.append(row)
        await asyncio.gather(*[Journal(store, row.id).send(row=row) for row in rows])
        return [row._replace(owner="engine-1") for row in rows]

    async def _all_pages(self, store: Store, where: RunFilter, size: int) -> list[RunRow]:
        found: list[RunRow] = []
        cursor = None
        while True:
            page = await store.list_runs(where, size, cursor)
            found += page.rows
            if page.next is None:
                return found
            assert len(page.rows) == size
            cursor = page.next

    async def test_every_filter_in_every_order_lists_and_counts_what_it_says(self) -> None:
        store = await self.open_store("engine-1")
        rows = await self._mixed(store)
        for where, matches in FILTERS:
            wanted = [row for row in rows if matches(row)]
            assert wanted or where in EMPTY, where
            for order, key in ORDERS.items():
                in_order = sorted(wanted, key=key, reverse=order is not RunOrder.OLDEST)
                for size in (4, 500):
                    assert await self._all_pages(store, where._replace(order=order), size) == in_order, where
            counts = dict.fromkeys({row.status for row in wanted}, 0)
            for row in wanted:
                counts[row.status] += 1
            assert await store.count_runs(where) == counts, where
        await store.close()

    async def test_pages_in_other_orders_have_no_gaps_and_no_doubles_while_runs_are_added(self) -> None:
        store = await self.open_store("engine-1")
        rows = await self._mixed(store, 30)
        for order, key in ORDERS.items():
            found: list[RunRow] = []
            cursor = None
            for number in range(100):
                page = await store.list_runs(RunFilter(order=order, name="orders"), 4, cursor)
                found += page.rows
                cursor = page.next
                if cursor is None:
                    break
                late = index_row(f"new-{order}-{number}", created_at=5_000 + number, name="orders")
                await Journal(store, late.id).add(row=late)
            wanted = [row for row in rows if row.name == "orders"]
            old = [row for row in found if not row.id.startswith("new-")]
            assert old == sorted(wanted, key=key, reverse=order is not RunOrder.OLDEST), order
        await store.close()

    async def test_a_cursor_is_good_for_its_own_order_only(self) -> None:
        store = await self.open_store("engine-1")
        await self._mixed(store, 10)
        for order in RunOrder:
            cursor = (await store.list_runs(RunFilter(order=order), 2)).next
            for other in RunOrder:
                call = store.list_runs(RunFilter(order=other), 2, cursor)
                (outcome,) = await asyncio.gather(call, return_exceptions=True)
                assert isinstance(outcome, errors.InvalidInput) == (other is not order), (order, other)
        await store.close()

    async def test_engines_are_known_with_what_belongs_to_them(self) -> None:
        first = await self.open_store("engine-1")
        guest = await self.open_store(None)
        assert await guest.engines() == [EngineRow("engine-1", True, 0)]
        await self.run(first, "run-1", status="running")
        await self.run(first, "run-2", status="completed")
        second = await self.open_store("engine-2")
        await self.run(second, "run-3", status="paused")
        await Journal(guest, "run-4").add(row=index_row("run-4"))
        wanted = [EngineRow("engine-1", True, 1), EngineRow("engine-2", True, 1), EngineRow(None, False, 1)]
        assert await guest.engines() == wanted
        await second.close()
        assert (await guest.engines())[1] == EngineRow("engine-2", False, 1)
        await first.adopt("engine-1")
        assert await guest.engines() == [EngineRow("engine-1", True, 3)]
        await guest.close()
        await first.close()

    async def test_the_size_is_told_in_bytes(self) -> None:
        store = await self.open_store("engine-1")
        await self.run(store, "run-1", turns=3)
        size = await store.size()
        assert {"bytes", "free_bytes", "log_bytes"} <= set(size)
        assert size["bytes"] > 0
        assert all(isinstance(value, int) and value >= 0 for value in size.values())
        await store.close()

    async def test_hashes_are_found_wherever_they_stand(self) -> None:
        store = await self.open_store("engine-1")
        one, two, three = ("1a" * 32, "2b" * 32, "3c" * 32)
        run = Journal(store, "run-1")
        value = {"file": one, "deep": [f"see {two}!"], three: None, "long": "4d" * 33, "big": ("5E" * 32)}
        await run.send(StepCompleted("/do/0/a", value))
        assert {one, two, three} <= set(await store.mentioned())
        assert not {"4d" * 32, "5E" * 32, "5e" * 32} & set(await store.mentioned())


Matches = Callable[[RunRow], bool]

ORDERS: dict[RunOrder, Callable[[RunRow], tuple[int, str]]] = {
    RunOrder.NEWEST: lambda row: (row.created_at, row.id),
    RunOrder.OLDEST: lambda row: (row.created_at, row.id),
    RunOrder.UPDATED: lambda row: (row.updated_at, row.id),
}


def _type(row: RunRow) -> object:
    return row.error["type"] if row.error is not None else None


EMPTY = (
    RunFilter(id_prefix="zz"),
    RunFilter(not_owners=["engine-1"]),
    RunFilter(owners=[]),
    RunFilter(error_type="us"),
    RunFilter(key="on", open=True),
)
FILTERS: list[tuple[RunFilter, Matches]] = [
    (RunFilter(), lambda row: True),
    (RunFilter(status=["failed", "paused"]), lambda row: row.status in ("failed", "paused")),
    (RunFilter(version="2.0.0"), lambda row: row.version == "2.0.0"),
    (
        RunFilter(version="2.0.0", name="orders", status=["running"]),
        lambda row: row.version == "2.0.0" and row.name == "orders" and row.status == "running",
    ),
    (RunFilter(rerun_of="00-0000"), lambda row: row.rerun_of == "00-0000"),
    (RunFilter(error_type=TYPES[0]), lambda row: _type(row) == TYPES[0]),
    (RunFilter(error_type="busy"), lambda row: _type(row) in (TYPES[0], "busy")),
    (RunFilter(error_type="%"), lambda row: _type(row) == "%"),
    (RunFilter(error_type="us"), lambda row: False),
    (RunFilter(id_prefix="03"), lambda row: row.id.startswith("03")),
    (
        RunFilter(id_prefix="0", status=["paused", "running"]),
        lambda row: row.status in ("paused", "running"),
    ),
    (RunFilter(id_prefix="zz"), lambda row: False),
    (RunFilter(key="one"), lambda row: row.key == "one"),
    (RunFilter(key="on", open=True), lambda row: False),
    (RunFilter(open=True), lambda row: row.status in OPEN),
    (
        RunFilter(open=True, status=["paused"], name="refunds"),
        lambda row: row.status == "paused" and row.name == "refunds",
    ),
    (RunFilter(open=False), lambda row: row.status not in OPEN),
    (RunFilter(open=False, name="orders"), lambda row: row.status not in OPEN and row.name == "orders"),
    (RunFilter(owners=["engine-1", "x"]), lambda row: True),
    (RunFilter(owners=[]), lambda row: False),
    (RunFilter(not_owners=["engine-1"]), lambda row: False),
    (RunFilter(not_owners=[], open=True), lambda row: row.status in OPEN),
    (RunFilter(updated_after=20, updated_before=60), lambda row: 20 <= row.updated_at < 60),
    (
        RunFilter(updated_after=20, status=["failed", "running"]),
        lambda row: row.updated_at >= 20 and row.status in ("failed", "running"),
    ),
    (RunFilter(ended_after=950), lambda row: row.ended_at is not None and row.ended_at >= 950),
    (
        RunFilter(ended_before=950, name="orders"),
        lambda row: row.ended_at is not None and row.ended_at < 950 and row.name == "orders",
    ),
    (RunFilter(created_after=5, created_before=9), lambda row: 5 <= row.created_at < 9),
]  # fmt: skip
