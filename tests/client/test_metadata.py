"""What people call a run: set at start, changed at any time, apart from its state (SPEC N13, N17)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stepwell import InvalidInput, NotFound
from tests.engine.helpers import FakeClock, flow, open_at

WAIT = flow("do:\n  - a: {wait: {hours: 1}}\n")
NOTHING: dict[str, Any] = {
    "title": None, "description": None, "labels": [], "properties": {}, "author": None, "archived": False,
}  # fmt: skip


async def kinds(engine: Any, run_id: str) -> list[str]:
    return [event["type"] async for event in engine.history(run_id)]


@pytest.mark.spec("N13")
async def test_a_run_has_what_it_was_started_with(tmp_path: Path) -> None:
    async with open_at(tmp_path / "a.db", FakeClock()) as engine:
        plain = (await engine.start(WAIT)).run_id
        given = {
            "title": "Hotfire 12",
            "description": "on *stand* A2",
            "properties": {"stand": "A2", "x": ""},
        }
        run_id = (await engine.start(WAIT, labels=["engine", "test", "engine"], author="ada", **given)).run_id
        wanted = NOTHING | given | {"labels": ["engine", "test"], "author": "ada"}
        assert await engine.metadata(run_id) == wanted
        assert await engine.metadata(plain) == NOTHING
        assert wanted.items() <= (await engine.show(run_id)).items()
    async with open_at(tmp_path / "a.db", FakeClock(), recover=False) as again:
        assert await again.metadata(run_id) == wanted


@pytest.mark.spec("N13")
async def test_what_is_not_given_stays_and_what_is_empty_goes(tmp_path: Path) -> None:
    async with open_at(tmp_path / "a.db", FakeClock()) as engine:
        run_id = (await engine.start(WAIT, title="A", labels=["x"], properties={"p": "1"})).run_id
        before = await engine.show(run_id)
        changed = await engine.set_metadata(run_id, description="D")
        assert changed == NOTHING | {
            "title": "A",
            "description": "D",
            "labels": ["x"],
            "properties": {"p": "1"},
        }
        changed = await engine.set_metadata(run_id, labels=[], title=None)
        assert changed == NOTHING | {"description": "D", "properties": {"p": "1"}}
        await engine.set_metadata(run_id, labels=[], archived=False, properties={"p": "1"})  # nothing new
        await engine.set_metadata(run_id)
        assert (await kinds(engine, run_id)).count("run.metadata_set") == 2
        after = await engine.show(run_id)
        same = ("status", "steps", "counts", "context", "started_at")
        assert [after[name] for name in same] == [before[name] for name in same]


@pytest.mark.spec("N13")
async def test_it_can_be_changed_in_every_state_and_by_others(tmp_path: Path) -> None:
    clock = FakeClock()
    async with open_at(tmp_path / "a.db", clock) as engine:
        run_id = (await engine.start(WAIT)).run_id
        await engine.pause(run_id)
        assert (await engine.set_metadata(run_id, title="paused"))["title"] == "paused"
        async with open_at(tmp_path / "a.db", clock, guest=True) as guest:
            await guest.set_metadata(run_id, labels=["seen"])
        await engine.cancel(run_id)
        await engine.wait(run_id)
        await engine.set_metadata(run_id, archived=True)
        view = await engine.show(run_id)
        assert (view["title"], view["labels"], view["archived"]) == ("paused", ["seen"], True)
        assert view["status"] == "cancelled"
        assert (await engine.doctor())["ok"]


@pytest.mark.spec("N13")
@pytest.mark.parametrize(
    "given",
    [
        {"title": ""}, {"title": " "}, {"title": 7}, {"title": "x" * 501}, {"title": "\ud800"},
        {"description": "x" * 20_001}, {"labels": "engine"}, {"labels": [""]}, {"labels": [1]}, {"labels": None},
        {"labels": [f"l{n}" for n in range(65)]}, {"properties": {"": "x"}}, {"properties": {"a": 1}},
        {"properties": [["a", "b"]]}, {"properties": {f"p{n}": "" for n in range(65)}}, {"archived": 1},
    ],
    ids=lambda given: repr(given)[:40],
)  # fmt: skip
async def test_what_cannot_be_is_refused_and_changes_nothing(tmp_path: Path, given: dict[str, Any]) -> None:
    async with open_at(tmp_path / "a.db", FakeClock()) as engine:
        run_id = (await engine.start(WAIT, title="kept")).run_id
        with pytest.raises(InvalidInput):
            await engine.set_metadata(run_id, **({"description": "other"} | given))
        assert await engine.metadata(run_id) == NOTHING | {"title": "kept"}
        if "archived" not in given and given.get("labels", ()) is not None:
            with pytest.raises(InvalidInput):
                await engine.start(WAIT, **given)
        assert len((await engine.list())["runs"]) == 1
        with pytest.raises(NotFound):
            await engine.set_metadata("nobody", title="x")


async def test_a_rerun_and_a_fork_are_called_the_same(tmp_path: Path) -> None:
    clock = FakeClock()
    async with open_at(tmp_path / "a.db", clock) as engine:
        run_id = (await engine.start(WAIT, title="A", labels=["x"], author="ada")).run_id
        await engine.set_metadata(run_id, title="B")
        wanted = NOTHING | {"title": "B", "labels": ["x"]}
        assert await engine.metadata((await engine.rerun(run_id)).run_id) == wanted
        assert await engine.metadata((await engine.fork(run_id, "a")).run_id) == wanted


async def test_secrets_are_masked(tmp_path: Path) -> None:
    async with open_at(tmp_path / "a.db", FakeClock(), secrets={"token": "hush-hush"}) as engine:
        run_id = (await engine.start(WAIT, title="hush-hush!", properties={"token": "a hush-hush b"})).run_id
        await engine.set_metadata(run_id, labels=["hush-hush"], description="hush-hush")
        view = await engine.metadata(run_id)
        assert (view["title"], view["properties"]["token"]) == ("***!", "a *** b")
        assert (view["labels"], view["description"]) == (["***"], "***")
