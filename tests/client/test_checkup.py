"""`doctor` finds what is wrong, says what to do, goes on past a bad run, and can make the indexes anew (B4, Q19)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import apsw
import pytest

from stepwell.client.pieces import event_views, find_step
from stepwell.model import events as e
from stepwell.model import problem
from stepwell.model.errors import Conflict, NotFound
from stepwell.model.journal import Turn
from stepwell.testing import Kit
from tests.engine.helpers import CountingIds, FakeClock, flow, open_at

pytestmark = pytest.mark.spec("Q19", "B4")

DONE = flow("do: [{a: {set: {x: 1}}}, {b: {set: {y: 2}}}]")
OPEN = flow("do: [{nap: {wait: {hours: 1}}}]", "open")


class House:
    """A file with two completed runs (one with a key and tags) and an open one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.clock = FakeClock()
        self.ids = CountingIds()

    def open(self, **settings: Any) -> Any:
        return open_at(self.path, self.clock, ids=self.ids, **settings)

    def tamper(self, sql: str, *values: Any) -> None:
        db = apsw.Connection(str(self.path))
        db.execute(sql, values)
        assert db.changes() > 0
        db.close()

    async def doctor(self, **options: Any) -> dict[str, Any]:
        async with self.open(guest=True) as stepwell:
            return dict(await stepwell.doctor(**options))


@pytest.fixture
async def house(tmp_path: Path) -> House:
    house = House(tmp_path / "a.db")
    async with house.open() as stepwell:
        house.first = (await stepwell.start(DONE, {"n": 1}, key="k-1", tags={"t": "v"})).run_id  # type: ignore[attr-defined]
        house.second = (await stepwell.start(DONE, {"n": 2})).run_id  # type: ignore[attr-defined]
        house.third = (await stepwell.start(OPEN)).run_id  # type: ignore[attr-defined]
    return house


def codes(view: dict[str, Any], severity: str = "error") -> set[tuple[str, str | None]]:
    return {(found["code"], found["run_id"]) for found in view["findings"] if found["severity"] == severity}


async def test_a_sound_file_is_fine_and_open_runs_are_a_notice(house: Any) -> None:
    view = await house.doctor()
    assert (view["ok"], view["runs"], view["open_runs"], view["rebuilt"]) == (True, 3, 1, False)
    assert codes(view) == set()
    assert codes(view, "notice") == {("not_carried_on", house.third)}
    async with house.open() as stepwell:
        assert (await stepwell.doctor())["findings"] == []


async def test_a_row_that_lies_is_found_and_made_anew(house: Any) -> None:
    house.tamper("UPDATE runs SET status = 'failed', open = 0 WHERE id = ?", house.second)
    house.tamper("DELETE FROM runs WHERE id = ?", house.first)
    house.tamper("DELETE FROM keys")
    view = await house.doctor()
    assert not view["ok"]
    found = codes(view)
    assert {("row_differs", house.second), ("row_missing", house.first)} <= found
    assert all("doctor --rebuild" in f["action"] for f in view["findings"] if f["severity"] == "error")
    assert "status" in next(f["message"] for f in view["findings"] if f["code"] == "row_differs")


@pytest.mark.parametrize("mode", ["guest", "engine"])
async def test_rebuilt_indexes_are_those_that_were_there(house: Any, mode: str) -> None:
    async def picture(stepwell: Any) -> Any:
        page = await stepwell.list()
        runs = [{k: v for k, v in run.items() if k != "updated_at"} for run in page["runs"]]
        return runs, await stepwell.engine.store.find_key("k-1"), await stepwell.list(tags={"t": "v"})

    async with house.open(guest=True) as stepwell:
        before = await picture(stepwell)
    house.tamper("DELETE FROM keys")
    house.tamper("UPDATE runs SET status = 'failed', name = 'x' WHERE id = ?", house.second)
    async with house.open(guest=mode == "guest", recover=False) as stepwell:
        view = await stepwell.doctor(rebuild=True)
        assert view["ok"] and view["rebuilt"], view
        after = await picture(stepwell)
    assert after[:2] == before[:2]
    assert [run["run_id"] for run in after[2]["runs"]] == [house.first]
    async with house.open() as stepwell:  # the key still stands for the same run, and the open run goes on
        assert (await stepwell.start(DONE, {"n": 1}, key="k-1")).run_id == house.first
        assert house.third in stepwell.engine.actors


async def test_a_damaged_run_stops_no_other_and_keeps_its_row(house: Any) -> None:
    house.tamper("UPDATE journal SET at = at + 1 WHERE run_id = ? AND seq = 1", house.first)
    view = await house.doctor()
    assert codes(view) == {("run_damaged", house.first)}
    assert view["runs"] == 3
    rebuilt = await house.doctor(rebuild=True)
    assert codes(rebuilt) == {("run_damaged", house.first)}
    async with house.open(guest=True) as stepwell:
        assert len((await stepwell.list())["runs"]) == 3
        assert (await stepwell.engine.store.find_key("k-1"))[0] == house.first


async def test_a_missing_key_or_definition_is_found(house: Any) -> None:
    house.tamper("DELETE FROM keys")
    house.tamper("DELETE FROM definitions WHERE name = 'open'")
    view = await house.doctor()
    assert codes(view) == {("key_missing", house.first), ("definition_missing", house.third)}


async def test_a_key_or_tag_that_leads_elsewhere_is_found_and_made_anew(house: Any) -> None:
    house.tamper("UPDATE keys SET fingerprint = 'x'")
    house.tamper("DELETE FROM run_tags")
    assert codes(await house.doctor()) == {("key_differs", house.first), ("tags_missing", house.first)}
    assert (await house.doctor(rebuild=True))["ok"]


@pytest.mark.parametrize(
    ("event", "code"), [(e.RunStarted(), "invariant_broken"), (e.RunResumed(), "replay_failed")]
)
async def test_a_journal_that_breaks_the_rules_is_found(house: Any, event: e.Event, code: str) -> None:
    """Its hashes are right: it is not rot, but a fault of whoever wrote it."""
    async with house.open() as stepwell:
        store = stepwell.engine.store
        row = (await store.row(house.first))._replace(
            id="odd", status="running", ended_at=None, key=None, tags={}
        )
        created = e.RunCreated("odd", row.namespace, row.name, row.version, row.definition_hash, {})
        store.append(Turn("odd", 1, row.created_at, [created, event]), b"", lambda error: None, row=row)
    view = await house.doctor()
    assert (code, "odd") in codes(view), view["findings"]
    assert view["runs"] == 4


async def test_indexes_are_not_rebuilt_while_another_engine_carries_runs_on(house: Any) -> None:
    async with house.open():
        with pytest.raises(Conflict, match=r"another engine carries run"):
            await house.doctor(rebuild=True)
        assert (await house.doctor())["ok"]


async def test_an_engine_keeps_its_own_runs_after_a_rebuild(house: Any) -> None:
    async with house.open() as stepwell:
        assert (await stepwell.doctor(rebuild=True))["ok"]
        assert await stepwell.engine.store.owner_alive(house.third)
        assert (await stepwell.cancel(house.third))["status"] == "cancelled"


# --- small views ----------------------------------------------------------------------------------

VIEW = {
    "run_id": "r",
    "steps": [
        {"id": "/do/0/loop", "path": "/do/0/loop", "name": "loop"},
        {"id": "/do/0/loop/do[0]/0/a", "path": "/do/0/loop/do/0/a", "name": "a"},
        {"id": "/do/0/loop/do[1]/0/a", "path": "/do/0/loop/do/0/a", "name": "a"},
    ],
}


@pytest.mark.parametrize("words", ["/do/0/loop", "loop"])
def test_a_step_is_found_by_id_path_or_name(words: str) -> None:
    assert find_step(VIEW, words)["id"] == "/do/0/loop"
    assert find_step(VIEW, "/do/0/loop/do[1]/0/a")["id"] == "/do/0/loop/do[1]/0/a"


def test_a_name_that_several_steps_have_is_refused_with_their_ids() -> None:
    with pytest.raises(NotFound) as raised:
        find_step(VIEW, "a")
    assert "/do/0/loop/do[1]/0/a" in raised.value.hint
    with pytest.raises(NotFound, match="has no step b"):
        find_step(VIEW, "b")


def test_events_are_json_and_leave_out_what_only_flowed_on() -> None:
    retrying = e.StepRetrying("/do/0/a", problem.runtime("no"), 2_000_000)
    turn = Turn("r", 3, 1_000_000, [e.StepStarted("/do/0/a", "/do/0/a", "set", "/do"), retrying])
    started, retried = event_views(turn)
    assert (started["seq"], started["type"], started["at"]) == (
        3,
        "step.started",
        "1970-01-01T00:00:01.000000Z",
    )
    assert "input" not in started
    assert retried["due"] == "1970-01-01T00:00:02.000000Z"
    assert retried["error"]["detail"] == "no"


async def test_the_status_of_a_file_says_how_many_open_runs_it_did_not_look_into() -> None:
    async with Kit() as kit:
        for _ in range(23):
            await kit.start(OPEN)
        view = await kit.engine.status()
        assert (view["runs"]["open"], len(view["open"]), view["unexplained"]) == (23, 20, 3)
