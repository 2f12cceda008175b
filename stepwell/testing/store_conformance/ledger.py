"""What a store writes down beside the journal: runs to be started, kept results, slots of rates."""

from __future__ import annotations

import asyncio

from stepwell.model.ledger import FollowUp, Kept, Rate
from stepwell.testing.store_conformance.support import Base, Journal

_RATE = Rate("calls", 3, 10)


class LedgerConformance(Base):
    """`model.ledger.Ledger`."""

    async def test_what_is_to_be_started_is_written_with_its_turn(self) -> None:
        store = await self.open_store("engine-1")
        run = Journal(store, "run-1")
        await run.send(follow_ups=("next-1", "next-2"))
        await Journal(store, "run-2").send(follow_ups=("next-3",))
        first = [FollowUp("next-1", "run-1", 1), FollowUp("next-2", "run-1", 1)]
        assert list(await store.ledger.follow_ups()) == [*first, FollowUp("next-3", "run-2", 1)]
        assert list(await store.ledger.follow_ups("run-1")) == first
        await store.ledger.started("next-1")
        await store.ledger.started("next-1")
        await store.ledger.put_follow_ups([FollowUp("next-2", "other", 9), FollowUp("next-4", "run-1", 1)])
        assert [order.run_id for order in await store.ledger.follow_ups()] == ["next-2", "next-3", "next-4"]
        assert (await store.ledger.follow_ups())[0].source == "run-1"

    async def test_a_turn_that_does_not_land_starts_nothing(self) -> None:
        store = await self.open_store("engine-1")
        first, second = Journal(store, "run-1"), Journal(store, "run-1")
        await first.send()
        await asyncio.gather(second.send(follow_ups=("next-1",)), return_exceptions=True)
        assert not await store.ledger.follow_ups()

    async def test_results_are_kept_until_they_expire_or_are_forgotten(self) -> None:
        store = await self.open_store("engine-1")
        ledger = store.ledger
        for n, output in enumerate([{"a": [1, None]}, 2**70, "ü\0"]):
            kept = Kept("mod:f", f"key-{n}", output, "run-1/do/0/f", 100 + n)
            await ledger.keep(kept, 50)
            assert await ledger.kept("mod:f", f"key-{n}", 99 + n) == kept
            assert await ledger.kept("mod:f", f"key-{n}", 100 + n) is None
            assert await ledger.kept("mod:g", f"key-{n}", 50) is None
        await ledger.keep(Kept("mod:f", "key-0", "new", "run-2/do/0/f", 200), 100)
        found = await ledger.kept("mod:f", "key-0", 150)
        assert found is not None and (found.output, found.source) == ("new", "run-2/do/0/f")
        await ledger.keep(Kept("mod:g", "key-0", 1, "run-3/do/0/g", 200), 100)
        assert await ledger.forget("key-0", "mod:f") == 1
        assert await ledger.kept("mod:f", "key-0", 150) is None
        assert await ledger.forget("key-0") == 1
        assert await ledger.forget("key-0") == 0

    async def test_no_window_holds_more_slots_than_the_rate_allows(self) -> None:
        store, other = await self.open_store("engine-1"), await self.open_store("engine-2")
        taken = await asyncio.gather(
            *[(store, other)[n % 2].ledger.take_slot(_RATE, 1000) for n in range(10)]
        )
        assert sorted(taken) == [1000, 1000, 1000, 1010, 1010, 1010, 1020, 1020, 1020, 1030]
        assert await store.ledger.take_slot(_RATE, 1035) == 1035
        assert await other.ledger.take_slot(_RATE, 1035) == 1035
        assert await store.ledger.take_slot(_RATE, 1036) == 1040, "1030 and twice 1035 are within one window"
        assert await store.ledger.take_slot(_RATE._replace(name="others"), 1036) == 1036
        slots = sorted([*taken, 1035, 1035, 1040])
        assert all(slots[n + 3] - slots[n] >= 10 for n in range(len(slots) - 3))
