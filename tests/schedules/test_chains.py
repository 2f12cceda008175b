"""Runs of a schedule that continue as new: a slot is over when the last run of its chain is (and has begun at all)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from stepwell import flow, workflow
from stepwell.model.queues import Queue
from stepwell.testing import FrozenClock, Kit, kill_everywhere

pytestmark = pytest.mark.spec("U14", "Q15")

START = datetime(2026, 3, 28, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@workflow(name="chain-poller")
async def poller(rounds: int, pause: float = 20.0) -> int:
    """So many runs, one after the other."""
    await flow.sleep(pause)
    if rounds > 1:
        flow.continue_as_new(rounds - 1, pause)
    return rounds


def kit_at(path: Path, **settings: Any) -> Kit:
    return Kit(path, clock=FrozenClock(START), **settings)


async def fired(kit: Kit) -> list[tuple[str, str, str | None]]:
    page = await kit.engine.firings("s", limit=1_000)
    return [(one["slot"][11:16], one["outcome"], one["status"]) for one in reversed(page["firings"])]


async def open_runs(kit: Kit) -> int:
    counted = await kit.engine.list(limit=1_000)
    return sum(run["status"] in ("pending", "running", "cancelling") for run in counted["runs"])


async def test_a_slot_is_skipped_while_the_chain_goes_on(tmp_path: Path) -> None:
    async with kit_at(tmp_path / "x.db") as kit:
        await kit.engine.schedule("s", poller, 7, every=60)
        await kit.advance(MINUTE + timedelta(seconds=10))
        for _ in range(3):
            await kit.advance(MINUTE)
            assert await open_runs(kit) == 1
        assert await fired(kit) == [
            ("12:01", "started", "completed"), ("12:02", "skipped", None), ("12:03", "skipped", None),
            ("12:04", "started", "running"),
        ]  # fmt: skip
        (line,) = [one for one in (await kit.engine.firings("s"))["firings"] if one["status"] == "completed"]
        assert line["at"] == "2026-03-28T12:01:00.000000Z"
        assert (await kit.engine.show(line["run_id"]))["continued_from"] is not None
        await kit.check()


async def test_the_next_slot_waits_for_the_whole_chain(tmp_path: Path) -> None:
    async with kit_at(tmp_path / "x.db") as kit:
        await kit.engine.schedule("s", poller, 4, every=60, overlap="queue_one")
        await kit.advance(2 * MINUTE + timedelta(seconds=19))
        assert [outcome for _, outcome, _ in await fired(kit)] == ["started", "waiting"]
        await kit.advance(timedelta(seconds=1))
        assert await fired(kit) == [("12:01", "started", "completed"), ("12:02", "started", "running")]
        await kit.check()


async def test_a_later_slot_cancels_where_the_chain_stands(tmp_path: Path) -> None:
    async with kit_at(tmp_path / "x.db") as kit:
        await kit.engine.schedule("s", poller, 1_000, 7.0, every=60, overlap="cancel_running")
        await kit.advance(3 * MINUTE)
        states = [status for _, _, status in await fired(kit)]
        assert states == ["cancelled", "cancelled", "running"] and await open_runs(kit) == 1
        await kit.check()


async def test_after_counts_from_the_end_of_the_chain(tmp_path: Path) -> None:
    async with kit_at(tmp_path / "x.db") as kit:
        await kit.engine.schedule("s", poller, 3, after=60)
        await kit.advance(MINUTE * 5)
        assert [slot for slot, *_ in await fired(kit)] == ["12:00", "12:02", "12:04"]
        await kit.check()


async def test_the_index_made_anew_is_the_same(tmp_path: Path) -> None:
    async with kit_at(tmp_path / "x.db") as kit:
        await kit.engine.schedule("s", poller, 9, every=60)
        await kit.advance(2 * MINUTE + timedelta(seconds=5))
        before = (await kit.engine.firings("s"))["firings"]
        assert (await kit.engine.doctor(rebuild=True))["ok"]
        assert (await kit.engine.firings("s"))["firings"] == before
        await kit.advance(MINUTE)
        assert [outcome for _, outcome, _ in await fired(kit)] == ["started", "skipped", "skipped"]
        await kit.check()


async def test_a_run_that_waits_in_a_queue_has_not_ended(tmp_path: Path) -> None:
    async with kit_at(tmp_path / "x.db", queues=[Queue("narrow", concurrency=1)]) as kit:
        await kit.engine.pause_queue("narrow")
        await kit.engine.schedule("s", poller, 1, every=60, queue="narrow")
        await kit.advance(2 * MINUTE)
        assert [line[1:] for line in await fired(kit)] == [("started", "pending"), ("skipped", None)]
        await kit.engine.resume_queue("narrow")
        await kit.advance(MINUTE)
        assert [line[1:] for line in await fired(kit)][:2] == [("started", "completed"), ("skipped", None)]
        await kit.check()


@pytest.mark.spec("Q20")
@pytest.mark.parametrize("overlap", ["skip", "queue_one", "cancel_running"])
async def test_killed_at_every_commit_no_two_chains_go_on(overlap: str) -> None:
    async def play(kit: Kit) -> list[Any]:
        if kit.clock.time < START:
            kit.clock.set(START)
        end = START + 2 * MINUTE
        await kit.engine.schedule(
            "s", poller, 2, 40, every=60, overlap=overlap, start=START + MINUTE, end=end
        )
        seen = []
        while kit.clock.time < START + timedelta(minutes=4):
            await kit.advance_to(kit.clock.time + timedelta(seconds=30))
            seen.append(await open_runs(kit))
        assert max(seen, default=0) <= 1
        return [line for line in await fired(kit) if line[1] == "started"]

    survey = await kill_everywhere(play)
    assert survey.commits > 8
