"""Search attributes: what every filter finds, in which order, and that nothing is left behind."""

from __future__ import annotations

import asyncio
from typing import Any

from stepwell.model.attributes import Among, Compare, Every, Exists, Not, Some, Where, kind_of
from stepwell.model.base import Json
from stepwell.model.journal import RunFilter, RunRow
from stepwell.ports import Store
from stepwell.testing.store_conformance.support import Base, Journal, index_row

_REGIONS = ("eu", "us", 'o"dd \0 \U0001f40d')


class AttributeConformance(Base):
    """Search attributes."""

    async def _attributed(self, store: Store) -> list[RunRow]:
        """Runs with attributes of every kind, some without any; newest first."""
        rows = [
            index_row(
                f"run-{n:03d}",
                status=("running", "failed")[n % 2],
                created_at=n // 3,
                name=("orders", "refunds")[n % 2],
                attributes=_attributes(n),
            )
            for n in range(60)
        ]
        await asyncio.gather(*[Journal(store, row.id).send(row=row) for row in rows])
        return [row._replace(owner="engine-1") for row in reversed(rows)]

    async def _found(self, store: Store, where: RunFilter) -> list[RunRow]:
        found: list[RunRow] = []
        cursor = None
        while True:
            page = await store.list_runs(where, 7, cursor)
            found += page.rows
            cursor = page.next
            if cursor is None:
                return found

    async def test_every_filter_of_attributes_finds_what_it_says(self) -> None:
        store = await self.open_store("engine-1")
        rows = await self._attributed(store)
        asked: list[Where] = [
            Compare("amount", op, value)
            for op in ("eq", "ne", "lt", "le", "gt", "ge")
            for value in (20, 0.1, 2**62)
        ]
        asked += [Compare("region", op, region) for op in ("eq", "ne", "gt") for region in _REGIONS]
        asked += [Compare("rush", "eq", True), Compare("rush", "ne", True), Compare("amount", "eq", "20")]
        day = {"datetime": "2026-01-20T00:00:00.000000Z"}
        asked += [Compare("due", op, day) for op in ("eq", "lt", "ge")]
        asked += [Compare("due", "eq", day["datetime"]), Among("amount", (1, 7, "x")), Exists("rush")]
        asked += [Not(Exists("amount")), Not(Compare("amount", "gt", 20))]
        asked += [
            Every((Compare("amount", "gt", 5), Compare("region", "eq", "eu"), Not(Exists("rush")))),
            Some((Compare("amount", "lt", 3), Every((Exists("due"), Compare("region", "ne", "us"))))),
        ]
        for where in asked:
            wanted = [row for row in rows if holds(row.attributes, where)]
            assert await self._found(store, RunFilter(where=where)) == wanted, where
            some = [row for row in wanted if row.name == "orders" and row.status == "running"]
            both = RunFilter(where=where, name="orders", status=["running"])
            assert await self._found(store, both) == some, where
            many = RunFilter(where=where, status=["running", "failed"], created_after=2)
            assert await self._found(store, many) == [row for row in wanted if row.created_at >= 2], where
        await store.close()

    async def test_changed_attributes_are_found_and_old_ones_are_not(self) -> None:
        store = await self.open_store("engine-1")
        run = Journal(store, "run-1")
        row = index_row("run-1", attributes={"amount": 1, "region": "eu"})
        await run.add(row=row)
        changed = row._replace(attributes={"amount": 2})
        await run.add(row=changed)
        assert await self._found(store, RunFilter(where=Compare("amount", "eq", 1))) == []
        assert await self._found(store, RunFilter(where=Compare("region", "eq", "eu"))) == []
        (found,) = await self._found(store, RunFilter(where=Compare("amount", "eq", 2)))
        assert found.attributes == {"amount": 2}
        await store.rebuild([changed._replace(attributes={"amount": 3})], {})
        assert await self._found(store, RunFilter(where=Compare("amount", "eq", 2))) == []
        assert len(await self._found(store, RunFilter(where=Compare("amount", "eq", 3)))) == 1
        await store.close()


def _attributes(n: int) -> dict[str, Json]:
    if n % 10 == 9:
        return {}
    found: dict[str, Json] = {"amount": (n, 0.1, n / 3, 2**62)[n % 4], "region": _REGIONS[n % 3]}
    if n % 2:
        found["rush"] = n % 4 == 1
    if n % 5 < 2:
        found["due"] = {"datetime": f"2026-01-{n % 28 + 1:02d}T00:00:00.000000Z"}
    return found


def holds(attributes: Any, where: Where) -> bool:
    """What the filter means, in Python: for the tests of every store."""
    match where:
        case Compare(name, op, value):
            have = attributes.get(name)
            return have is not None and kind_of(have) == kind_of(value) and _compare(have, op, value)
        case Among(name, values):
            return any(holds(attributes, Compare(name, "eq", value)) for value in values)
        case Exists(name):
            return name in attributes
        case Not(part):
            return not holds(attributes, part)
        case Every(parts):
            return all(holds(attributes, part) for part in parts)
        case _:
            return any(holds(attributes, part) for part in where.parts)


def _compare(have: Any, op: str, value: Any) -> bool:
    if isinstance(have, dict):
        have, value = have["datetime"], value["datetime"]
    results: dict[str, bool] = {
        "eq": have == value,
        "ne": have != value,
        "lt": have < value,
        "le": have <= value,
        "gt": have > value,
        "ge": have >= value,
    }
    return results[op]
