"""Schedules: written only where nobody has written since, and firings that are facts of the runs they started."""

from __future__ import annotations

import asyncio
from typing import Any

from stepwell.model.schedules import Firing, Orders, Outcome, Overlap, Plan, Reason, Schedule, Standing
from stepwell.testing.store_conformance.support import Base, Journal, created, index_row

ORDERS = Orders(Plan(cron="0 2 * * *", zone="Europe/Berlin"), "abc", input={"n": 2**70}, tags={"a": "b"})


def schedule(name: str = "nightly", **fields: Any) -> Schedule:
    given: dict[str, Any] = {"created_at": 5, "updated_at": 5, "cursor": 5, "next_at": 10, **fields}
    return Schedule(name, 0, 0, ORDERS, **given)


def skipped(mark: str, at: int = 7) -> Firing:
    return Firing("nightly", mark, Outcome.SKIPPED, Reason.SLOT, at, note="why")


class ScheduleConformance(Base):
    """Schedules and firings."""

    async def test_a_schedule_comes_back_as_it_is(self) -> None:
        store = await self.open_store("engine-1")
        edited = await store.schedules.edit(schedule(), "created")
        assert edited == schedule()._replace(revision=1, version=1)
        assert await store.schedules.get("nightly") == edited
        assert await store.schedules.get("weekly") is None
        orders = Orders(Plan(every=7, start=1, end=9), None, "default/a", overlap=Overlap.ALLOW)
        other = await store.schedules.edit(schedule("another")._replace(orders=orders), "created")
        assert await store.schedules.all() == [other, edited]
        await store.close()

    async def test_who_has_read_an_older_version_writes_nothing(self) -> None:
        first, second = await self.open_store("engine-1"), await self.open_store(None)
        made = await first.schedules.edit(schedule(), "created")
        assert made is not None
        assert await second.schedules.edit(schedule(), "created") is None
        settled = await second.schedules.settle(made._replace(cursor=8))
        assert settled is not None
        assert (settled.revision, settled.version, settled.cursor) == (1, 2, 8)
        assert await first.schedules.settle(made._replace(cursor=9), [skipped("m")]) is None
        assert await first.schedules.edit(made, "edited") is None
        assert not await first.schedules.delete(made, 9)
        assert await first.schedules.get("nightly") == settled
        assert await first.schedules.firings("nightly", 9) == []
        await first.close()
        await second.close()

    async def test_of_many_that_write_at_once_one_does(self) -> None:
        store = await self.open_store("engine-1")
        made = await store.schedules.edit(schedule(), "created")
        assert made is not None
        done = await asyncio.gather(
            *(store.schedules.settle(made._replace(cursor=cursor)) for cursor in range(10))
        )
        assert sum(one is not None for one in done) == 1
        await store.close()

    async def test_a_name_that_comes_again_is_another_schedule(self) -> None:
        store = await self.open_store("engine-1")
        made = await store.schedules.edit(schedule(), "created")
        assert made is not None
        assert await store.schedules.delete(made, 6)
        again = await store.schedules.edit(schedule(), "created")
        assert again is not None
        assert again.revision == 3
        assert await store.schedules.settle(made) is None
        edits = await store.schedules.edits("nightly")
        assert [(edit.revision, edit.change) for edit in edits] == [
            (3, "created"), (2, "deleted"), (1, "created"),
        ]  # fmt: skip
        assert edits[0].orders == ORDERS
        await store.close()

    async def test_what_is_due(self) -> None:
        store = await self.open_store("engine-1")
        wanted: dict[str, dict[str, Any]] = {
            "late": {"next_at": 1}, "now": {"next_at": 5}, "later": {"next_at": 6}, "never": {"next_at": None},
            "held": {"next_at": None, "waiting": 3}, "paused": {"next_at": None, "waiting": 3, "paused": True},
        }  # fmt: skip
        for name, fields in wanted.items():
            assert await store.schedules.edit(schedule(name, **fields), "created") is not None
        assert {found.name for found in await store.schedules.due(5)} == {"late", "now", "held"}
        assert await store.schedules.next_at(5) == 6
        assert await store.schedules.next_at(6) is None
        await store.close()

    async def test_a_run_with_the_key_of_a_slot_is_its_firing(self) -> None:
        store = await self.open_store("engine-1")
        await store.schedules.note(skipped("2026-01-01"))
        journal = Journal(store, "run-1")
        row = index_row("run-1", key="schedule:nightly:2026-01-01", tags={"fired_by": "backfill"})
        await journal.add(created("run-1"), row=row)
        (firing,) = await store.schedules.firings("nightly", 9)
        assert firing[:7] == ("nightly", "2026-01-01", "started", "backfill", 1_000_000, "run-1", True)
        assert firing.status == "running"
        assert await store.schedules.standing("nightly", "2026-01-01") == Standing((), "run-1")
        assert await store.schedules.standing("nightly", "2026-01-02") == Standing(("run-1",), None)
        await store.schedules.note(skipped("2026-01-01"))
        assert (await store.schedules.firings("nightly", 9))[0].run_id == "run-1"
        await journal.add(row=row._replace(status="completed"))
        assert await store.schedules.standing("nightly", "2026-01-02") == Standing((), None)
        assert await store.schedules.last_fired("nightly") == "run-1"
        assert await store.schedules.last_fired("weekly") is None
        assert await store.schedules.started_between("nightly", "2025-12-31", "2026-01-01") == 1
        assert await store.schedules.started_between("nightly", "2026-01-01", "2026-01-02") == 0
        await store.close()

    async def test_firings_are_made_anew_from_the_runs(self) -> None:
        store = await self.open_store("engine-1")
        await store.schedules.note(skipped("2026-01-02"))
        row = index_row("run-1", key="schedule:nightly:2026-01-01", status="completed")
        await Journal(store, "run-1").add(created("run-1"), row=row)
        before = await store.schedules.firings("nightly", 9)
        await store.rebuild([row], {})
        assert await store.schedules.firings("nightly", 9) == before
        await store.rebuild([], {})
        assert [one.mark for one in await store.schedules.firings("nightly", 9)] == ["2026-01-02"]
        await store.close()

    async def test_firings_are_listed_newest_first_in_pages(self) -> None:
        store = await self.open_store("engine-1")
        for number in range(7):
            await store.schedules.note(skipped(f"m{number}", at=number // 2))
        await store.schedules.note(skipped("x")._replace(schedule="weekly"))
        listed: list[str] = []
        before = None
        while page := await store.schedules.firings("nightly", 3, before):
            listed += [firing.mark for firing in page]
            before = (page[-1].at, page[-1].mark)
        assert listed == [f"m{number}" for number in reversed(range(7))]
        await store.close()
