"""Turns: written once, in order, all or none."""

from __future__ import annotations

import asyncio
from typing import Any

from stepwell.model import errors
from stepwell.model.base import Json
from stepwell.model.events import StepCompleted
from stepwell.model.journal import Loaded, Turn
from stepwell.model.records import Run, State
from stepwell.testing.store_conformance.support import Base, Journal, created, fails, index_row, turn


class JournalConformance(Base):
    """Turns: written once, in order, all or none."""

    async def test_turns_come_back_as_they_were_appended(self) -> None:
        store = await self.open_store("engine-1")
        journal = await self.run(store, "run-1", turns=5)
        loaded = await store.load("run-1")
        assert loaded == Loaded(
            None,
            [turn("run-1", 1, created("run-1")), *(turn("run-1", n) for n in range(2, 6))],
            journal.tip,
        )
        assert await store.turns("run-1") == loaded.turns
        assert await store.turns("run-1", after=3) == loaded.turns[3:]
        assert await store.turns("run-1", after=1, limit=2) == loaded.turns[1:3]
        assert await store.turns("run-1", after=5) == []
        await store.close()

    async def test_they_come_back_after_opening_again(self) -> None:
        store = await self.open_store("engine-1")
        journal = await self.run(store, "run-1", turns=3)
        await store.close()
        again = await self.open_store("engine-2")
        loaded = await again.load("run-1")
        assert [each.seq for each in loaded.turns] == [1, 2, 3]
        assert loaded.tip == journal.tip
        await again.close()

    async def test_a_long_run_comes_back_whole(self) -> None:
        store = await self.open_store("engine-1")
        journal = Journal(store, "run-1")
        futures = [journal.send(row=index_row("run-1")) for _ in range(1500)]
        await asyncio.gather(*futures)
        loaded = await store.load("run-1")
        assert [each.seq for each in loaded.turns] == list(range(1, 1501))
        assert loaded.tip == journal.tip
        assert [each.seq for each in await store.turns("run-1", after=100, limit=1000)] == list(
            range(101, 1101)
        )
        await store.close()

    async def test_an_unknown_run_is_not_found(self) -> None:
        store = await self.open_store("engine-1")
        (outcome,) = await asyncio.gather(store.load("nobody"), return_exceptions=True)
        assert isinstance(outcome, errors.NotFound)
        assert await store.turns("nobody") == []
        assert await store.row("nobody") is None
        assert await store.find_key("nobody") is None
        assert await store.definition("nobody") is None
        await store.close()

    async def test_every_value_survives(self) -> None:
        store = await self.open_store("engine-1")
        deep: Json = "bottom"
        for _ in range(300):
            deep = [deep]
        values: list[Json] = [
            None, True, 0, -1, 2**70, -(2**200), 1.5, -0.0, 5e-324, 1e308, float("inf"),
            "", "\0 a\0b", "\U0001f40d", "é" * 500_000,
            [], {}, [[], {}, [None]], {"": {"a b": [1, {"c": None}]}}, {"\0": 1}, deep,
        ]  # fmt: skip
        journal = await self.run(store, "run-1")
        for value in values:
            await journal.add(StepCompleted("s", value))
        await journal.add(StepCompleted("s", [float("nan")]))
        *turns, last = (await store.load("run-1")).turns[1:]
        outputs = [output(each) for each in turns]
        assert outputs == values
        assert [type(each) for each in outputs] == [type(value) for value in values]
        assert str(output(last)) == "[nan]"
        await store.close()

    async def test_values_that_would_change_are_refused_and_nothing_is_stored(self) -> None:
        store = await self.open_store("engine-1")
        journal = await self.run(store, "run-1")
        loop: list[Any] = []
        loop.append(loop)
        endless: Json = None
        for _ in range(100_000):
            endless = [endless]
        surrogate = "\ud800"
        for value in ({1, 2}, b"bytes", (1, 2), {1: 2}, {None: 1}, {float("nan"): 1}, object(), surrogate,
                      {surrogate: 1}, [[{"a": {1}}]], 10**5000, loop, endless):  # fmt: skip
            future = None
            try:
                future = Journal(store, "run-2").send(StepCompleted("s", value))
            except errors.InvalidInput:
                pass
            assert future is None, f"{type(value)} was accepted"
        assert await store.turns("run-2") == []
        await journal.add()
        await store.close()
        while endless:  # taken apart by hand: freeing it in one go is deep too
            endless = endless[0]

    async def test_a_turn_that_exists_is_a_conflict_for_it_and_for_what_follows(self) -> None:
        store = await self.open_store("engine-1")
        await self.run(store, "run-1", turns=2)
        late, other = Journal(store, "run-1"), Journal(store, "run-2")
        late.seq = 1
        first, bystander, second = late.send(), other.send(row=index_row("run-2")), late.send()
        error = await fails(first, errors.SeqConflict)
        assert (error.run_id, error.seq) == ("run-1", 2)
        await fails(second, errors.SeqConflict)
        await bystander
        assert [each.seq for each in await store.turns("run-1")] == [1, 2]
        await store.close()

    async def test_turns_sent_ahead_fail_with_the_one_before_them(self) -> None:
        """An engine may send a turn while the one before is on its way: it must not be written if that one is
        not."""
        store = await self.open_store("engine-1")
        await self.run(store, "run-1", turns=1)
        late = Journal(store, "run-1")
        outcomes = []
        for _ in range(20):  # some meet the first in its commit, some come while it is in flight
            outcomes.append(late.send())
            await asyncio.wait([outcomes[0]], timeout=0)
            if outcomes[0].done():
                break
        for outcome in outcomes:
            await fails(outcome, errors.SeqConflict)
        await store.flush()
        assert [each.seq for each in await store.turns("run-1")] == [1]
        await store.close()

    async def test_one_of_two_stores_wins(self) -> None:
        one, two = await self.open_store("engine-1"), await self.open_store("engine-2")
        first, second = Journal(one, "run-1"), Journal(two, "run-1")
        outcomes = await asyncio.gather(first.send(), second.send(), return_exceptions=True)
        assert [type(outcome) for outcome in outcomes].count(errors.SeqConflict) == 1
        assert outcomes.count(None) == 1
        assert len((await one.load("run-1")).turns) == len((await two.load("run-1")).turns) == 1
        await one.close()
        await two.close()

    async def test_done_is_called_in_order_and_later(self) -> None:
        store = await self.open_store("engine-1")
        told: list[str] = []
        for number in range(50):
            run_id = f"run-{number % 7}"
            each = turn(run_id, number // 7 + 1)
            store.append(each, b"", lambda error, name=f"{number}": told.append(name))
        assert told == []
        await store.flush()
        assert told == [str(number) for number in range(50)]
        await store.close()

    async def test_a_fault_in_a_callback_harms_nobody_else(self) -> None:
        store = await self.open_store("engine-1")
        loop = asyncio.get_running_loop()
        faults: list[Any] = []
        loop.set_exception_handler(lambda loop, context: faults.append(context["exception"]))

        def done(error: BaseException | None) -> None:
            raise ZeroDivisionError

        store.append(turn("run-1", 1), b"", done)
        await Journal(store, "run-2").add()
        loop.set_exception_handler(None)
        assert [type(fault) for fault in faults] == [ZeroDivisionError]
        await store.close()

    async def test_flush_returns_when_all_is_durable(self) -> None:
        store = await self.open_store("engine-1")
        await store.flush()
        futures = [Journal(store, f"run-{number}").send() for number in range(100)]
        await store.flush()
        assert all(future.done() for future in futures)
        await store.close()

    async def test_a_closed_store_refuses(self) -> None:
        store = await self.open_store("engine-1")
        future = Journal(store, "run-1").send()
        await store.close()
        await store.close()
        await future
        await fails(Journal(store, "run-2").send(), errors.StoreUnavailable)
        (outcome,) = await asyncio.gather(store.load("run-1"), return_exceptions=True)
        assert isinstance(outcome, errors.StoreUnavailable)
        again = await self.open_store("engine-1")
        assert len(await again.turns("run-1")) == 1
        await again.close()

    async def test_snapshots_save_reading(self) -> None:
        store = await self.open_store("engine-1")
        journal = await self.run(store, "run-1", turns=3)
        run = Run("run-1", "default", "orders", "1.0.0", "abc", 1_000_000, seq=3)
        state = State(run, tip=journal.tip)
        await store.save_snapshot(state)
        assert await store.load("run-1") == Loaded(state, [], journal.tip)
        await journal.add()
        loaded = await store.load("run-1")
        assert loaded == Loaded(state, [turn("run-1", 4)], journal.tip)
        assert len(await store.turns("run-1")) == 4
        await store.close()

    async def test_a_snapshot_that_does_not_fit_the_journal_is_ignored(self) -> None:
        store = await self.open_store("engine-1")
        journal = await self.run(store, "run-1", turns=3)
        run = Run("run-1", "default", "orders", "1.0.0", "abc", 1_000_000, seq=3)
        await store.save_snapshot(State(run, tip=bytes(32)))
        loaded = await store.load("run-1")
        assert loaded.snapshot is None
        assert (len(loaded.turns), loaded.tip) == (3, journal.tip)
        await store.close()

    async def test_an_older_snapshot_does_not_replace_a_newer(self) -> None:
        store = await self.open_store("engine-1")
        journal = await self.run(store, "run-1", turns=2)
        old = State(Run("run-1", "default", "orders", "1.0.0", "abc", 1, seq=2), tip=journal.tip)
        await journal.add()
        new = State(Run("run-1", "default", "orders", "1.0.0", "abc", 1, seq=3), tip=journal.tip)
        await store.save_snapshot(new)
        await store.save_snapshot(old)
        assert (await store.load("run-1")).snapshot == new
        await store.close()


def output(turn: Turn) -> Json:
    """What the step that a turn completes gave."""
    (event,) = turn.events
    assert isinstance(event, StepCompleted)
    return event.output
