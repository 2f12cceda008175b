"""Listing, counting, three tiers of detail, many runs at once, and how the whole store stands."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stepwell import BlockingStepwell, connect
from stepwell.client.detail import at_detail, event_at_detail, shape_of
from stepwell.client.filters import instant_of, run_filter
from stepwell.model.base import iso
from stepwell.model.errors import InvalidInput, StepwellError
from tests.engine.helpers import FakeClock, flow, open_at, until

ADD = flow("do: [{add: {set: {sum: '${ .a + 1 }'}}}]", "add")
BAD = flow("do: [{a: {raise: {error: {type: 'https://x/broken', status: 500, title: bad}}}}]", "bad")
NAP = flow("do: [{nap: {wait: {seconds: 600}}}]", "nap")
SECRET = "hunter2"
NOW = FakeClock().now()


def ids(view: dict[str, Any]) -> list[str]:
    return [run["run_id"] for run in view["runs"]]


async def failed(engine: Any) -> str:
    handle = await engine.start(BAD)
    await handle.wait()
    return str(handle.run_id)


# --- filters --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "ago"), [("90s", 90), ("1.5m", 90), ("2h", 7_200), ("1d", 86_400), ("1w", 604_800)]
)
def test_times_can_be_how_long_ago(text: str, ago: int) -> None:
    assert instant_of(text, NOW) == NOW - ago * 1_000_000


def test_times_can_be_written_out() -> None:
    assert instant_of(iso(NOW), 0) == NOW
    assert instant_of("1970-01-02", 0) == 86_400_000_000
    assert instant_of("1970-01-01T01:00+01:00", 5) == 0
    assert instant_of(77, 0) == 77


@pytest.mark.parametrize(
    "where",
    [{"created_after": "yesterday"}, {"created_after": 1.5}, {"status": ["gone"]}, {"colour": "red"}, {"updated_before": True}],
)  # fmt: skip
def test_filters_that_cannot_be_are_refused(where: Any) -> None:
    with pytest.raises(InvalidInput):
        run_filter(where, NOW)


def test_an_order_that_there_is_not_is_refused() -> None:
    with pytest.raises(InvalidInput, match="sorted"):
        run_filter({}, NOW, "best")


@pytest.mark.spec("Q11")
async def test_runs_are_found_by_what_they_are(tmp_path: Path) -> None:
    clock = FakeClock()
    async with open_at(tmp_path / "x.db", clock) as engine:
        good = (await engine.start(ADD, {"a": 1}, tags={"team": "red"})).run_id
        await engine.result(good)
        clock.advance(60)
        bad = await failed(engine)
        again = (await engine.rerun(good)).run_id
        await engine.result(again)
        nap = (await engine.start(NAP, attributes={"amount": 7})).run_id
        assert await engine.matching(where="amount > 5", open=True) == [nap]
        assert await engine.count(where="amount > 5") == {"running": 1}
        assert ids(await engine.list(error_type="broken")) == [bad]
        assert ids(await engine.list(error_type="https://x/broken", status=["completed"])) == []
        assert ids(await engine.list(rerun_of=good)) == [again]
        assert ids(await engine.list(open=True)) == ids(await engine.list(carried_on=True)) == [nap]
        assert ids(await engine.list(carried_on=False)) == []
        assert ids(await engine.list(tags={"team": "red"}, sort="oldest")) == [good, again]
        assert ids(await engine.list(created_before="30s")) == [good]
        assert set(ids(await engine.list(ended_after="30s"))) == {bad, again}
        assert ids(await engine.list(id_prefix=good)) == [good]
        assert ids(await engine.list(version="2.0.0")) == []
        assert await engine.count() == {"completed": 2, "failed": 1, "running": 1}
        assert await engine.count(name="add") == {"completed": 2}
        assert ids(await engine.list(sort="updated"))[-1] == good
    async with open_at(tmp_path / "x.db", clock, guest=True) as guest:
        assert ids(await guest.list(carried_on=False)) == [nap]
        assert ids(await guest.list(carried_on=True)) == []


# --- tiers ----------------------------------------------------------------------------------------


@pytest.mark.spec("Q11")
async def test_payloads_are_in_the_full_tier_alone(tmp_path: Path) -> None:
    async with open_at(tmp_path / "x.db") as engine:
        source = flow(f"do: [{{a: {{set: {{word: {SECRET}, n: '${{ .n }}'}}}}}}]")
        run_id = (await engine.start(source, {"n": [1, 2], "word": SECRET}, variables={"v": SECRET})).run_id
        await engine.result(run_id)
        for detail, seen in (("summary", False), ("standard", False), ("full", True)):
            views = [
                await engine.show(run_id, detail=detail),
                await engine.list(detail=detail),
                [event async for event in engine.history(run_id, detail=detail)],
            ]
            assert [SECRET in str(view) for view in views] == [seen] * 3, detail
        assert SECRET in str(await engine.show(run_id))
        assert SECRET not in str(await engine.list())
        standard = await engine.show(run_id, detail="standard")
        assert standard["input"] == {"type": "object", "bytes": 28, "members": 2}
        assert standard["steps"][0]["output"]["members"] == 2
        summary = await engine.show(run_id, detail="summary")
        assert not {"input", "output", "variables", "context"} & set(summary)
        assert "attempts" not in summary["steps"][0]
        (row,) = (await engine.list(detail="standard"))["runs"]
        assert (row["input"]["type"], row["counts"]) == ("object", {"completed": 1})
        for call in (engine.show(run_id, detail="all"), engine.list(detail="all")):
            with pytest.raises(InvalidInput):
                await call


def test_shapes_say_what_and_how_large_and_nothing_else() -> None:
    assert shape_of(None) is None
    assert shape_of([1, 2]) == {"type": "array", "bytes": 5, "items": 2}
    assert shape_of("é") == {"type": "string", "bytes": 4}
    assert shape_of(True) == {"type": "boolean", "bytes": 4}
    assert shape_of(float("nan")) == {"type": "number", "bytes": 3}


def test_every_payload_of_an_event_and_a_run_is_known() -> None:
    event = {"seq": 1, "type": "step.completed", "step": "/do/0/a", "output": SECRET}
    assert event_at_detail(event, "summary") == {"seq": 1, "type": "step.completed", "step": "/do/0/a"}
    with pytest.raises(InvalidInput):
        at_detail({"steps": []}, "some")


# --- many at once ---------------------------------------------------------------------------------


@pytest.mark.spec("U13")
async def test_many_runs_get_an_answer_each(tmp_path: Path) -> None:
    async with open_at(tmp_path / "x.db", FakeClock()) as engine:
        naps = [(await engine.start(NAP)).run_id for _ in range(3)]
        bad = await failed(engine)
        assert await engine.matching(open=True) == naps[::-1]
        view = await engine.steer_many("cancel", [naps[0], bad, "nobody", naps[1], naps[0]], reason="enough")
        assert (view["total"], view["done"], view["refused"]) == (4, 2, 2)
        assert [result["ok"] for result in view["results"]] == [True, False, False, True]
        errors = [result["error"] and result["error"]["type"] for result in view["results"]]
        assert errors == [None, "transition_refused", "not_found", None]
        await until(lambda: not any(naps[n] in engine.engine.actors for n in (0, 1)))
        assert (await engine.show(naps[0]))["cancel_reason"] == "enough"
        assert (await engine.list(open=True))["runs"][0]["run_id"] == naps[2]
        with pytest.raises(InvalidInput):
            await engine.steer_many("delete", naps)


# --- how the store stands -------------------------------------------------------------------------


@pytest.mark.spec("Q19")
async def test_the_status_tells_what_needs_somebody(tmp_path: Path) -> None:
    clock = FakeClock()
    async with open_at(tmp_path / "x.db", clock) as engine:
        first = (await engine.start(NAP)).run_id
        second = (await engine.start(NAP)).run_id
        await failed(engine)
        view = await engine.status()
        assert (view["ok"], view["findings"]) == (True, [])
        assert (view["runs"]["total"], view["runs"]["open"]) == (3, 2)
        assert view["runs"]["by_status"]["running"] == 2
        assert view["runs"]["by_status"]["cancelled"] == 0
        assert [run["run_id"] for run in view["open"]] == [first, second]
        assert view["open"][0]["reason"] == "waiting_for_timer"
        assert [engine["alive"] for engine in view["engines"]] == [True]
        await engine.pause(second)
        view = await engine.status()
        assert view["ok"], "a pause is what somebody wanted"
        (paused,) = view["findings"]
        assert (paused["code"], paused["severity"], paused["run_ids"]) == ("paused", "notice", [second])
    async with open_at(tmp_path / "x.db", clock, guest=True) as guest:
        view = await guest.status()
        assert not view["ok"]
        lost = view["findings"][0]
        assert (lost["code"], lost["count"], lost["action"]) == ("not_carried_on", 2, "stepwell serve")
        assert all(finding["action"] for finding in view["findings"])


# --- from programs --------------------------------------------------------------------------------


async def test_hints_of_the_python_door_name_the_file(tmp_path: Path) -> None:
    path = tmp_path / "my shop.db"
    async with open_at(path, FakeClock()) as engine:
        bad = await failed(engine)
        for call in (engine.result(bad), engine.cancel(bad)):
            with pytest.raises(StepwellError) as caught:
                await call
            assert f"stepwell runs explain --db '{path}' {bad}" in caught.value.hint


def test_programs_without_a_loop_have_the_same_verbs(tmp_path: Path) -> None:
    with connect(tmp_path / "x.db") as stepwell:
        run_id = stepwell.start(ADD, {"a": 1})
        assert stepwell.result(run_id, timeout=30) == {"sum": 2}
        assert stepwell.show(run_id, detail="summary")["status"] == "completed"
        assert ids(stepwell.list(name="add", sort="oldest")) == [run_id]
        assert stepwell.count() == {"completed": 1}
        assert stepwell.status()["ok"]
        assert stepwell.timeline(run_id)["run_id"] == run_id
        assert stepwell.graph(run_id=run_id).startswith("flowchart")
        assert stepwell.history(run_id)[0]["type"] == "run.created"
        assert stepwell.doctor()["ok"]
        stepwell.set_variables(stepwell.start(NAP), colour="red")
        assert stepwell.steer_many("pause", stepwell.matching(open=True))["done"] == 1
        assert stepwell.explain(run_id)["reason"] == "completed"
        assert "Everything about a run" in (BlockingStepwell.show.__doc__ or "")
