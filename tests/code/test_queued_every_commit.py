"""Runs and steps that go through a queue, killed at every commit (SPEC B5, Q6)."""

from __future__ import annotations

import pytest

from stepwell import flow, step, workflow
from stepwell.model.queues import Queue
from stepwell.testing import Kit, kill_everywhere

QUEUES = [Queue("photos", concurrency=2), Queue("albums", worker_concurrency=1)]


@step(queue="photos")
async def enlarge(number: int) -> int:
    return number * 2


@step
async def bind(numbers: list[int]) -> int:
    return sum(numbers)


@workflow(name="photo-album")
async def photo_album(count: int) -> int:
    return await bind(await flow.map(enlarge, range(count)))


@pytest.mark.spec("Q6")
@pytest.mark.spec("B5")
async def test_queued_steps_killed_at_every_commit() -> None:
    survey = await kill_everywhere(lambda kit: kit.run(photo_album, 3), queues=QUEUES)
    assert survey.crashes >= survey.commits


@pytest.mark.spec("Q6")
@pytest.mark.spec("B5")
async def test_a_queued_run_killed_at_every_commit() -> None:
    async def scenario(kit: Kit) -> object:
        first = await kit.start(photo_album, 1, queue="albums", key="first")
        second = await kit.start(photo_album, 2, queue="albums", key="second", priority=5)
        return [await kit.result(first), await kit.result(second)]

    survey = await kill_everywhere(scenario, queues=QUEUES)
    assert survey.crashes >= survey.commits
