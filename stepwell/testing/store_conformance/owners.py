"""Which engine carries a run on, and how it learns what others did."""

from __future__ import annotations

import asyncio

from stepwell.model.events import RunCompleted
from stepwell.testing.store_conformance.support import Base, index_row


class OwnerConformance(Base):
    """Which engine carries a run on, and how it learns what others did."""

    async def test_an_engine_adopts_what_a_dead_one_left(self) -> None:
        first = await self.open_store("engine-1")
        await self.run(first, "run-1", created_at=3)
        await self.run(first, "run-2", created_at=2)
        await self.run(first, "run-3", created_at=1, priority=-1)
        await self.run(first, "run-4", created_at=4, priority=9)
        await self.run(first, "run-5", status="completed")
        second = await self.open_store("engine-2")
        await self.run(second, "run-6", created_at=9)
        assert await second.adopt("engine-2") == ["run-6"]
        assert await second.owner_alive("run-1")
        await first.close()
        assert not await second.owner_alive("run-1")
        assert await second.adopt("engine-2", only="run-2") == ["run-2"]
        assert await second.adopt("engine-2") == ["run-4", "run-2", "run-1", "run-6", "run-3"]
        row = await second.row("run-1")
        assert row is not None
        assert row.owner == "engine-2"
        assert await second.owner_alive("run-1")
        assert not await second.owner_alive("nobody")
        await second.close()

    async def test_two_that_adopt_at_once_share_out(self) -> None:
        first = await self.open_store("engine-1")
        for number in range(20):
            await self.run(first, f"run-{number:02d}")
        second, third = await self.open_store("engine-2"), await self.open_store("engine-3")
        await first.close()
        two, three = await asyncio.gather(second.adopt("engine-2"), third.adopt("engine-3"))
        assert sorted([*two, *three]) == [f"run-{number:02d}" for number in range(20)]
        await second.close()
        await third.close()

    async def test_a_write_does_not_change_the_owner(self) -> None:
        first, second = await self.open_store("engine-1"), await self.open_store("engine-2")
        journal = await self.run(first, "run-1")
        journal.store = second
        await journal.add(row=index_row("run-1", owner="engine-2"), foreign=True)
        row = await first.row("run-1")
        assert row is not None
        assert row.owner == "engine-1"
        await first.close()
        await second.close()

    async def test_the_owner_is_told_once_of_what_others_append(self) -> None:
        first, second = await self.open_store("engine-1"), await self.open_store("engine-2")
        journal = await self.run(first, "run-1")
        assert await first.take_foreign("engine-1") == []
        journal.store = second
        await journal.add(foreign=True)
        await journal.add(foreign=True)
        assert await second.take_foreign("engine-2") == []
        assert await first.take_foreign("engine-1") == ["run-1"]
        assert await first.take_foreign("engine-1") == []
        await journal.add(RunCompleted(), row=index_row("run-1", status="completed"), foreign=True)
        assert await first.take_foreign("engine-1") == ["run-1"]
        await first.close()
        await second.close()

    async def test_what_nobody_owns_goes_to_the_first_engine_that_looks(self) -> None:
        engine, guest = await self.open_store("engine-1"), await self.open_store(None)
        journal = await self.run(guest, "run-1")
        row = await guest.row("run-1")
        assert row is not None
        assert row.owner is None
        assert not await guest.owner_alive("run-1")
        assert await engine.take_foreign("engine-1") == ["run-1"]
        row = await guest.row("run-1")
        assert row is not None
        assert row.owner == "engine-1"
        await journal.add()
        assert await engine.take_foreign("engine-1") == ["run-1"]
        assert await engine.adopt("engine-1") == ["run-1"]
        await engine.close()
        await guest.close()

    async def test_a_run_that_ended_without_an_owner_concerns_nobody(self) -> None:
        engine, guest = await self.open_store("engine-1"), await self.open_store(None)
        await self.run(guest, "run-1", status="completed")
        assert await engine.take_foreign("engine-1") == []
        assert await engine.adopt("engine-1") == []
        await engine.close()
        await guest.close()

    async def test_changed_tells_of_others_only(self) -> None:
        first, second = await self.open_store("engine-1"), await self.open_store("engine-2")
        first.changed()
        second.changed()
        await self.run(first, "run-1", turns=5)
        await first.flush()
        assert not first.changed()
        assert second.changed()
        assert not second.changed()
        await first.close()
        await second.close()
