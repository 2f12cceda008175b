"""The order of commits, and how far subscriptions have come."""

from __future__ import annotations

import asyncio

from stepwell.model.errors import InvalidInput
from stepwell.ports import Store
from stepwell.testing.store_conformance.support import Base, Journal, fails


class FeedConformance(Base):
    """The order of commits, and how far subscriptions have come."""

    async def test_the_feed_holds_every_turn_once_in_the_order_of_commits(self) -> None:
        store = await self.open_store("engine-1")
        assert await store.feed.position() == 0
        journals = [await self.run(store, f"run-{number}") for number in range(3)]
        for _ in range(4):
            for journal in journals:
                await journal.add()
        seen = await _all(store)
        assert [each[1:] for each in seen] == [
            *((f"run-{number}", 1) for number in range(3)),
            *((f"run-{number}", seq) for seq in range(2, 6) for number in range(3)),
        ]
        positions = [each[0] for each in seen]
        assert positions == sorted(set(positions))
        assert positions[-1] == await store.feed.position()
        await store.close()

    async def test_what_is_seen_has_nothing_missing_before_it_whoever_writes(self) -> None:
        first, second = await self.open_store("engine-1"), await self.open_store("engine-2")
        reader = await self.open_store(None)

        async def write(store: Store, name: str) -> None:
            for number in range(10):
                await self.run(store, f"{name}-{number}", turns=5)

        writing = asyncio.gather(write(first, "a"), write(second, "b"))
        seen: list[tuple[int, str, int]] = []
        while not writing.done() or len(seen) < 100:
            page = await reader.feed.after(seen[-1][0] if seen else 0, 7)
            seen += [(position, turn.run_id, turn.seq) for position, turn in page.turns]
        await writing
        assert seen == await _all(reader)
        by_run: dict[str, list[int]] = {}
        for _, run_id, seq in seen:
            by_run.setdefault(run_id, []).append(seq)
        assert list(by_run.values()) == [[1, 2, 3, 4, 5]] * 20
        for store in (first, second, reader):
            await store.close()

    async def test_a_turn_that_did_not_land_has_no_place_in_the_feed(self) -> None:
        first, second = await self.open_store("engine-1"), await self.open_store("engine-2")
        journal = await self.run(first, "run-1")
        late = Journal(second, "run-1")
        late.seq, late.tip = journal.seq, journal.tip
        await journal.add()
        lost = late.send()
        await asyncio.gather(lost, return_exceptions=True)
        assert lost.exception() is not None
        assert [(run_id, seq) for _, run_id, seq in await _all(second)] == [("run-1", 1), ("run-1", 2)]
        await first.close()
        await second.close()

    async def test_a_cursor_is_made_once_moves_on_and_survives(self) -> None:
        store = await self.open_store("engine-1")
        made = await store.feed.create("mail", 3, 100)
        assert made == ("mail", 3, 100, 100, 0, None)
        assert await store.feed.create("mail", 9, 200) == made
        assert await store.feed.advance("mail", 7, 300)
        assert not await store.feed.advance("mail", 6, 400)
        assert not await store.feed.advance("nobody", 8, 400)
        assert await store.feed.note_failure("mail", 2, "ValueError", 500)
        assert await store.feed.cursor("mail") == ("mail", 7, 100, 500, 2, "ValueError")
        await store.feed.create("audit", 0, 600)
        await store.close()
        again = await self.open_store("engine-2")
        assert [cursor.name for cursor in await again.feed.cursors()] == ["audit", "mail"]
        assert await again.feed.advance("mail", 7, 700)
        assert await again.feed.cursor("mail") == ("mail", 7, 100, 700, 0, None)
        assert await again.feed.delete("mail")
        assert not await again.feed.delete("mail")
        assert await again.feed.cursor("mail") is None
        await again.close()

    async def test_bad_names_of_subscriptions_are_refused(self) -> None:
        store = await self.open_store("engine-1")
        for name in ("", "../mail", "a/b", "x" * 200, "ä", "mail\n"):
            await fails(asyncio.ensure_future(store.feed.create(name, 0, 1)), InvalidInput)
        assert await store.feed.cursors() == []
        await store.close()

    async def test_one_holds_a_subscription_at_a_time(self) -> None:
        first, second = await self.open_store("engine-1"), await self.open_store(None)
        assert await first.feed.hold("mail")
        assert not await second.feed.hold("mail")
        assert await second.feed.hold("audit")
        first.feed.let_go("mail")
        assert await second.feed.hold("mail")
        await second.close()
        assert await first.feed.hold("mail")
        await first.close()


async def _all(store: Store) -> list[tuple[int, str, int]]:
    page = await store.feed.after(0, 100_000)
    return [(position, turn.run_id, turn.seq) for position, turn in page.turns]
