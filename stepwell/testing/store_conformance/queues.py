"""The queues of a store: what may begin, in which order, and that no limit is ever passed."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from stepwell.model.errors import SeqConflict, UniqueTaken
from stepwell.model.journal import RunFilter
from stepwell.model.queues import Claim, Queue, QueueEntry, Standing
from stepwell.ports import Store
from stepwell.testing.store_conformance.support import Base, Journal, created, fails, index_row

NOW = 5_000_000
SECOND = 1_000_000


def ids(claim: Claim) -> list[str]:
    return [claimed.run_id for claimed in claim.runs]


class QueueConformance(Base):
    """Queues, claims and their limits."""

    async def put(self, store: Store, *names: str, **fields: Any) -> list[Journal]:
        """Runs that wait in a queue."""
        return [await self._put(store, name, **fields) for name in names]

    async def _put(self, store: Store, run_id: str, **fields: Any) -> Journal:
        given: dict[str, Any] = {"queue": "default", "standing": Standing.WAITING, "due": NOW}
        given |= {"priority": 0, "partition": ""}
        journal = Journal(store, run_id)
        entry = QueueEntry(run_id, **(given | fields))
        await journal.add(created(run_id), row=index_row(run_id, status="pending"), entry=entry)
        return journal

    async def end(self, store: Store, *run_ids: str) -> None:
        for run_id in run_ids:
            journal = Journal(store, run_id)
            loaded = await store.load(run_id)
            journal.seq, journal.tip = len(loaded.turns), loaded.tip
            await journal.add(row=index_row(run_id, status="completed"))

    async def two(self) -> tuple[Store, Store]:
        return await self.open_store("engine-1"), await self.open_store("engine-2")

    async def close(self, *stores: Store) -> None:
        for store in stores:
            await store.close()

    async def test_what_waits_is_given_once_and_belongs_to_who_got_it(self) -> None:
        one, two = await self.two()
        await self.put(one, "a", "b", "c")
        assert await two.adopt("engine-2") == []
        first = await two.queues.claim("engine-2", NOW, 2)
        assert ids(first) == ["a", "b"]
        assert first.left
        assert {claimed.definition_hash for claimed in first.runs} == {"abc"}
        assert ids(await one.queues.claim("engine-1", NOW, 9)) == ["c"]
        assert ids(await one.queues.claim("engine-1", NOW, 9)) == []
        row = await one.row("a")
        assert row is not None
        assert row.owner == "engine-2"
        entry = await one.queues.entry("a")
        assert entry is not None
        assert entry.standing is Standing.BEGUN
        await two.close()
        assert await one.adopt("engine-1") == ["a", "b", "c"]
        await one.close()

    async def test_what_waits_is_open_and_nobody_lacks_it(self) -> None:
        store, other = await self.two()
        await self.put(store, "a", "b")
        await Journal(store, "c").add(created("c"), row=index_row("c", created_at=NOW))
        await self.end(store, "b")
        for where in (RunFilter(open=True), RunFilter(open=True, status=["pending", "running", "failed"])):
            assert {row.id for row in (await store.list_runs(where, 10)).rows} == {"a", "c"}
            assert sum((await store.count_runs(where)).values()) == 2
        assert [
            row.id for row in (await store.list_runs(RunFilter(open=True, status=["pending"]), 9)).rows
        ] == ["a"]
        assert (await store.list_runs(RunFilter(open=True, status=["failed"]), 9)).rows == []
        assert [row.id for row in (await store.list_runs(RunFilter(open=False), 9)).rows] == ["b"]
        lost = RunFilter(open=True, not_owners=["engine-1", "engine-2"])
        assert (await store.list_runs(lost, 9)).rows == []
        await self.close(store, other)

    async def test_higher_priorities_come_first_then_who_came_first(self) -> None:
        (store, other) = await self.two()
        await self.put(store, "late", due=NOW - 1)
        await self.put(store, "early", due=NOW - 2)
        await self.put(store, "low", due=NOW - 9, priority=-1)
        await self.put(store, "high", due=NOW, priority=5)
        assert ids(await store.queues.claim("engine-1", NOW, 9)) == ["high", "early", "late", "low"]
        await self.close(store, other)

    async def test_a_delayed_run_waits_for_its_time(self) -> None:
        (store, other) = await self.two()
        await self.put(store, "a", standing=Standing.DELAYED, due=NOW + SECOND)
        claim = await store.queues.claim("engine-1", NOW, 9)
        assert (claim.runs, claim.next) == ((), NOW + SECOND)
        assert ids(await other.queues.claim("engine-2", NOW + SECOND, 9)) == ["a"]
        await self.close(store, other)

    async def test_concurrency_counts_over_all_engines_until_the_end(self) -> None:
        one, two = await self.two()
        await one.queues.put(Queue("few", concurrency=3))
        await self.put(one, *"abcdef", queue="few")
        assert ids(await one.queues.claim("engine-1", NOW, 2)) == ["a", "b"]
        assert ids(await two.queues.claim("engine-2", NOW, 9)) == ["c"]
        assert ids(await two.queues.claim("engine-2", NOW, 9)) == []
        await self.end(one, "a")
        assert ids(await two.queues.claim("engine-2", NOW, 9)) == ["d"]
        (depth,) = [found for found in await one.queues.list(NOW) if found.queue.name == "few"]
        assert (depth.running, depth.waiting, depth.oldest) == (3, 2, NOW)
        await self.close(one, two)

    async def test_what_a_dead_engine_began_still_counts(self) -> None:
        one, two = await self.two()
        await one.queues.put(Queue("one", concurrency=1))
        await self.put(one, "a", "b", queue="one")
        assert ids(await one.queues.claim("engine-1", NOW, 9)) == ["a"]
        await one.close()
        assert await two.adopt("engine-2") == ["a"]
        assert ids(await two.queues.claim("engine-2", NOW, 9)) == []
        await self.end(two, "a")
        assert ids(await two.queues.claim("engine-2", NOW, 9)) == ["b"]
        await two.close()

    async def test_a_worker_takes_no_more_than_its_own_limit(self) -> None:
        one, two = await self.two()
        await one.queues.put(Queue("each", worker_concurrency=2))
        await self.put(one, *"abcde", queue="each")
        first = await one.queues.claim("engine-1", NOW, 9)
        assert (ids(first), first.left) == (["a", "b"], True)
        assert ids(await one.queues.claim("engine-1", NOW, 9)) == []
        assert ids(await two.queues.claim("engine-2", NOW, 9)) == ["c", "d"]
        await self.close(one, two)

    async def test_a_rate_holds_over_a_sliding_window(self) -> None:
        one, two = await self.two()
        await one.queues.put(Queue("slow", rate=(2, 10.0)))
        await self.put(one, *"abcde", queue="slow")
        assert ids(await one.queues.claim("engine-1", NOW, 1)) == ["a"]
        second = await two.queues.claim("engine-2", NOW + 4 * SECOND, 9)
        assert (ids(second), second.next) == (["b"], NOW + 10 * SECOND)
        none = await one.queues.claim("engine-1", NOW + 10 * SECOND - 1, 9)
        assert (ids(none), none.next) == ([], NOW + 10 * SECOND)
        assert ids(await one.queues.claim("engine-1", NOW + 10 * SECOND, 9)) == ["c"]
        assert ids(await one.queues.claim("engine-1", NOW + 13 * SECOND, 9)) == []
        assert ids(await one.queues.claim("engine-1", NOW + 14 * SECOND, 9)) == ["d"]
        await self.close(one, two)

    async def test_partitions_take_turns(self) -> None:
        one, two = await self.two()
        await self.put(one, *(f"a{n}" for n in range(6)), partition="a")
        await self.put(one, "b0", "b1", partition="b")
        await self.put(one, "c0", "c1", partition="c")
        assert ids(await one.queues.claim("engine-1", NOW, 4)) == ["a0", "b0", "c0", "a1"]
        assert ids(await two.queues.claim("engine-2", NOW, 3)) == ["b1", "c1", "a2"]
        assert ids(await one.queues.claim("engine-1", NOW, 9)) == ["a3", "a4", "a5"]
        await self.close(one, two)

    async def test_a_partition_has_a_limit_of_its_own(self) -> None:
        one, two = await self.two()
        await one.queues.put(Queue("fair", partition_concurrency=1))
        await self.put(one, "a0", "a1", queue="fair", partition="a")
        await self.put(one, "b0", queue="fair", partition="b")
        assert ids(await one.queues.claim("engine-1", NOW, 9)) == ["a0", "b0"]
        await self.end(one, "b0")
        assert ids(await two.queues.claim("engine-2", NOW, 9)) == []
        await self.end(one, "a0")
        assert ids(await two.queues.claim("engine-2", NOW, 9)) == ["a1"]
        await self.close(one, two)

    async def test_no_queue_starves_beside_a_long_one(self) -> None:
        (store, other) = await self.two()
        await store.queues.put(Queue("short"))
        await self.put(store, *(f"a{n:02}" for n in range(20)))
        await self.put(store, "b0", "b1", queue="short")
        claimed = ids(await store.queues.claim("engine-1", NOW, 6))
        assert {"b0", "b1"} < set(claimed)
        assert len(claimed) >= 5
        await self.close(store, other)

    async def test_a_paused_queue_gives_nothing(self) -> None:
        one, two = await self.two()
        await one.queues.put(Queue("mail", paused=True))
        await self.put(one, "a", queue="mail")
        assert ids(await two.queues.claim("engine-2", NOW, 9)) == []
        await one.queues.put(Queue("mail", concurrency=5))
        assert ids(await two.queues.claim("engine-2", NOW, 9)) == [], "who sets limits does not let it go on"
        await one.queues.put(Queue("mail", paused=False))
        assert ids(await two.queues.claim("engine-2", NOW, 9)) == ["a"]
        await self.close(one, two)

    async def test_only_the_queues_and_the_code_that_were_asked_for(self) -> None:
        one, two = await self.two()
        await one.queues.put(Queue("mail"))
        await self.put(one, "a", queue="mail")
        await self.put(one, "b")
        await self.put(one, "c", code="default/order:1.0.0")
        await self.put(one, "d", code="default/order:2.0.0")
        claim = one.queues.claim
        assert ids(await claim("engine-1", NOW, 9, ["default"], ["default/order:2.0.0"])) == ["b", "d"]
        assert ids(await claim("engine-1", NOW, 9, [], None)) == []
        assert ids(await claim("engine-1", NOW, 9, ["mail"])) == ["a"]
        assert ids(await claim("engine-1", NOW, 9)) == ["c"]
        await self.close(one, two)

    async def test_one_open_run_for_a_unique_key(self) -> None:
        one, two = await self.two()
        await self.put(one, "a", unique="k")
        journal = Journal(two, "b")
        entry = QueueEntry("b", "default", Standing.WAITING, 0, "", NOW, unique="k")
        beside = self.run(two, "x")
        sent = journal.send(created("b"), row=index_row("b", status="pending"), entry=entry)
        await beside
        taken: UniqueTaken = await fails(sent, UniqueTaken)
        assert taken.run_id == "a"
        assert await two.row("b") is None
        await one.queues.claim("engine-1", NOW, 9)
        await fails(Journal(two, "b").send(created("b"), row=index_row("b"), entry=entry), UniqueTaken)
        await self.end(one, "a")
        await self.put(two, "b", unique="k")
        await self.put(two, "c", unique="k2", until_begun=True)
        await two.queues.claim("engine-2", NOW, 9)
        await self.put(two, "d", unique="k2")
        await self.close(one, two)

    async def test_an_heir_takes_the_unique_key_over(self) -> None:
        """In the commit that creates it, or not at all; from then on the key is the heir's."""
        one, two = await self.two()
        await self.put(one, "a", unique="k")
        await one.queues.claim("engine-1", NOW, 9)
        heir = QueueEntry("b", "default", Standing.WAITING, 0, "", NOW, unique="k", heir_of="a")
        await self.put(two, "b", unique="k", heir_of="a")
        stranger = QueueEntry("c", "default", Standing.WAITING, 0, "", NOW, unique="k")
        sent = Journal(two, "c").send(created("c"), row=index_row("c", status="pending"), entry=stranger)
        assert (await fails(sent, UniqueTaken)).run_id == "b"
        again = Journal(one, "b").send(created("b"), row=index_row("b", status="pending"), entry=heir)
        await fails(again, SeqConflict)
        assert {entry.run_id: entry.unique for entry in await one.queues.entries()} == {"a": None, "b": "k"}
        await self.end(one, "a")
        sent = Journal(two, "c").send(created("c"), row=index_row("c", status="pending"), entry=stranger)
        assert (await fails(sent, UniqueTaken)).run_id == "b"
        await self.end(one, "b")
        await self.put(two, "c", unique="k")
        late = QueueEntry("d", "default", Standing.WAITING, 0, "", NOW, unique="k", heir_of="a")
        sent = Journal(two, "d").send(created("d"), row=index_row("d", status="pending"), entry=late)
        assert (await fails(sent, UniqueTaken)).run_id == "c", (
            "what it would have inherited was another's by then"
        )
        await self.close(one, two)

    async def test_a_deadline_that_passed_is_told(self) -> None:
        one, two = await self.two()
        await self.put(one, "a", deadline=NOW + SECOND, standing=Standing.HELD)
        await self.put(one, "b", deadline=NOW + 2 * SECOND)
        await one.queues.put(Queue("default", paused=True))
        claim = await one.queues.claim("engine-1", NOW, 9)
        assert (claim.expired, claim.next) == ((), NOW + SECOND)
        assert (await two.queues.claim("engine-2", NOW + 2 * SECOND, 9)).expired == ("a", "b")
        await self.close(one, two)

    async def test_engines_that_claim_at_once_never_pass_a_limit(self) -> None:
        stores: Sequence[Store] = [await self.open_store(f"engine-{n}") for n in range(4)]
        await stores[0].queues.put(Queue("few", concurrency=7))
        for n in range(60):
            await self._put(stores[n % 4], f"run-{n:02}", queue="few")
        seen: Counter[str] = Counter()
        while seen.total() < 60:
            claims = await asyncio.gather(
                *(s.queues.claim(f"engine-{n}", NOW, 3) for n, s in enumerate(stores))
            )
            got = [run_id for claim in claims for run_id in ids(claim)]
            (depth,) = [found for found in await stores[0].queues.list(NOW) if found.queue.name == "few"]
            assert depth.running <= 7
            seen.update(got)
            await self.end(stores[0], *got)
        assert set(seen.values()) == {1}
        await self.close(*stores)

    async def test_a_call_wakes_the_others_and_not_oneself(self) -> None:
        one, two = await self.two()
        heard: list[str] = []
        told = asyncio.Event()

        def hear() -> None:
            heard.append("two")
            told.set()

        if not two.listen(hear):
            pytest.skip("this store's processes cannot wake each other here")
        one.listen(lambda: heard.append("one"))
        one.call_others()
        await asyncio.wait_for(told.wait(), 10)
        assert heard == ["two"]
        await self.close(one, two)

    async def test_which_runs_have_ended(self) -> None:
        one, two = await self.two()
        await self.put(one, "a", "b")
        await self.run(one, "c", status="completed")
        assert set(await two.ended(["a", "b", "c", "unheard-of"])) == {"c", "unheard-of"}
        assert list(await two.ended([])) == []
        await self.close(one, two)

    async def test_a_row_alone_moves_no_run_in_its_queue(self) -> None:
        one, two = await self.two()
        (journal,) = await self.put(one, "a")
        await journal.add(row=index_row("a", status="pending", tags={"x": "1"}))
        assert await two.adopt("engine-2") == []
        assert ids(await two.queues.claim("engine-2", NOW, 9)) == ["a"]
        await journal.add(row=index_row("a", status="pending", tags={"x": "2"}))
        assert await two.adopt("engine-2") == ["a"]
        assert ids(await one.queues.claim("engine-1", NOW, 9)) == []
        again = QueueEntry("a", "default", Standing.WAITING, 0, "", NOW, round=1)
        await journal.add(row=index_row("a", status="pending"), entry=again)
        assert await two.adopt("engine-2") == []
        (claimed,) = (await one.queues.claim("engine-1", NOW, 9)).runs
        assert claimed.round == 1
        await self.close(one, two)
