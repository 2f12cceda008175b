"""Steps that go through a queue: runs of their own, within the queue's limits (SPEC U3, Q6)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from stepwell import Stepwell, flow, step, workflow
from stepwell.model.queues import Queue

going: list[int] = []
most: list[int] = []


@dataclass
class Photo:
    number: int
    name: str


class Blurred(Exception):
    pass


@step(queue="photos", priority=3)
async def develop(photo: Photo, times: int = 1) -> Photo:
    going.append(photo.number)
    most.append(len(going))
    if photo.number < 0:
        going.remove(photo.number)
        raise Blurred(photo.name)
    going.remove(photo.number)
    return Photo(photo.number * 2 * times, photo.name)


@workflow
async def album(count: int) -> list[Photo]:
    return await flow.gather(*[develop(Photo(n, f"p{n}"), times=1) for n in range(count)])


@workflow
async def developing() -> str:
    try:
        await develop(Photo(-1, "dark"))
    except Blurred as error:
        return f"blurred: {error}"
    return "sharp"


@pytest.mark.spec("U3")
async def test_a_queued_step_is_a_run_of_its_own(tmp_path: Path) -> None:
    async with Stepwell.open(tmp_path / "x.db", queues=[Queue("photos", concurrency=2)]) as engine:
        handle = await engine.start(album, 5)
        assert await handle.result(20) == [Photo(n * 2, f"p{n}") for n in range(5)]
        children = (await engine.list(parent_id=handle.run_id))["runs"]
        assert len(children) == 5
        assert {child["name"] for child in children} == {"develop"}
        assert (await engine.doctor())["ok"]


async def test_its_exception_is_caught_as_its_own(tmp_path: Path) -> None:
    async with Stepwell.open(tmp_path / "x.db", queues=[Queue("photos")]) as engine:
        assert await engine.run(developing) == "blurred: dark"


async def test_outside_a_run_it_is_the_function() -> None:
    assert await develop(Photo(3, "x")) == Photo(6, "x")
