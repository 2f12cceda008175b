"""The facade for programs without a loop has every verb, with its arguments, and says where it cannot be used."""

from __future__ import annotations

import inspect
import threading
from pathlib import Path
from typing import Any

import pytest

from stepwell import BlockingStepwell, Conflict, InvalidInput, StoreUnavailable, connect, flow, step, workflow
from stepwell.client.client import Client
from stepwell.model.feed import Committed
from stepwell.model.queues import Queue

pytestmark = pytest.mark.spec("U1", "U14")

INSIDE = {"hints", "filtered", "start_slot", "engine", "file", "blobs"}
"""what the facade, the scheduler and the command line need of a client"""


@workflow(name="blocking-greet")
def greet(name: str, times: int = 1) -> str:
    flow.set_event("name", name)
    for _ in range(times):
        flow.write_stream("lines", f"hello {name}")
    flow.close_stream("lines")
    return f"hello {name}"


@workflow(name="blocking-patient")
def patient() -> Any:
    return flow.wait_for_signal("go")


def public(kind: type) -> dict[str, Any]:
    return {name: value for name, value in inspect.getmembers(kind) if not name.startswith("_")}


def test_every_verb_is_there_with_its_arguments() -> None:
    verbs, blocking = public(Client), public(BlockingStepwell)
    assert set(verbs) - set(blocking) == INSIDE - {"engine"}
    for name in set(verbs) & set(blocking):
        if callable(verbs[name]):
            same = [inspect.signature(each[name]).parameters for each in (blocking, verbs)]
            assert same[0] == same[1], name
    assert inspect.signature(BlockingStepwell.start).return_annotation == "str"


def test_schedules_and_queues(tmp_path: Path) -> None:
    with connect(tmp_path / "a.db", queues=[Queue("calm", concurrency=1)]) as engine:
        made = engine.schedule("s", greet, "Ann", every=3_600, queue="calm")
        assert made["name"] == engine.schedules()[0]["name"] == engine.schedule_view("s")["name"] == "s"
        assert len(engine.upcoming("s", 3)) == 3
        run_id = engine.trigger_schedule("s", key="now")
        assert engine.trigger_schedule("s", key="now") == run_id and engine.result(run_id) == "hello Ann"
        assert [line["run_id"] for line in engine.firings("s")["firings"]] == [run_id]
        assert engine.pause_schedule("s", "holidays")["paused"] and not engine.resume_schedule("s")["paused"]
        engine.delete_schedule("s")
        assert engine.schedules() == []
        assert engine.pause_queue("calm")["paused"]
        waiting = engine.start(greet, "Bo", queue="calm")
        assert engine.queue("calm")["waiting"] == 1
        engine.resume_queue("calm")
        assert engine.result(waiting) == "hello Bo"


def test_what_a_run_says(tmp_path: Path) -> None:
    with connect(tmp_path / "a.db") as engine:
        run_id = engine.start(greet, "Ann", 2)
        assert list(engine.stream(run_id, "lines")) == ["hello Ann", "hello Ann"]
        assert engine.result(run_id) == "hello Ann"
        assert engine.variables(run_id) == {"name": "Ann"} and engine.get_event(run_id, "name") == "Ann"
        assert engine.history(run_id)[0]["type"] == "run.created"
        assert "flowchart" in engine.graph(run_id=run_id) and engine.doctor()["ok"]
        again = engine.rerun(run_id)
        assert engine.result(again) == "hello Ann" and engine.show(again)["rerun_of"] == run_id
        asked = engine.start(patient)
        assert engine.signal(asked, "go", 7)["status"] == "delivered" and engine.result(asked) == 7


def test_events_and_subscriptions(tmp_path: Path) -> None:
    with connect(tmp_path / "a.db") as engine:
        heard: list[str] = []
        told: list[str] = []

        def handler(committed: Committed) -> None:  # on a thread: it may ask
            heard.append(engine.show(committed.run_id)["status"])

        subscription = engine.subscribe("all", handler, events=["run.completed"])
        end = engine.on_event(lambda run_id, seq, at, event: told.append(type(event).__name__))
        first = engine.start(greet, "Ann")
        engine.result(first)
        subscription.caught_up()
        end()
        assert heard == ["completed"] and told[0] == "RunCreated" and told[-1] == "RunCompleted"
        assert engine.subscriptions()[0]["behind"] == 0 and subscription.position > 0
        engine.result(engine.start(greet, "Bo"))
        assert told[-1] == "RunCompleted" and told.count("RunCompleted") == 1
        following = engine.events(events=["run.created"], follow=True)
        assert next(following).run_id == first
        following.close()  # type: ignore[attr-defined]
        with pytest.raises(InvalidInput, match="no such event"):
            engine.events(events=["nothing"])
        subscription.close()
        engine.unsubscribe("all")
        assert engine.subscriptions() == []


def test_archives(tmp_path: Path) -> None:
    with connect(tmp_path / "a.db") as engine:
        run_id = engine.start(greet, "Ann")
        engine.result(run_id)
        plan = engine.plan_archive()
        receipt = engine.apply_archive(plan["token"], to=tmp_path / "old.jsonl")
        assert engine.archives() == [receipt] and engine.count() == {}
        engine.restore_archive(tmp_path / "old.jsonl")
        assert engine.count() == {"completed": 1}
        engine.set_retention("blocking-greet", keep_seconds=5)
        assert len(engine.retentions()) == 1


def test_the_engine_does_not_wait_for_itself(tmp_path: Path) -> None:
    said: list[Exception] = []
    with connect(tmp_path / "a.db") as engine:

        @step(name="blocking-asks")
        async def asks() -> str:
            return str(engine.count())

        @step(name="blocking-asks-plainly")
        def asks_plainly() -> str:
            return str(engine.count())

        @workflow(name="blocking-asking")
        async def asking() -> list[str]:
            try:
                await asks()
            except Conflict as error:
                said.append(error)
            return asks_plainly()  # type: ignore[return-value]

        assert engine.result(engine.start(asking)) == "{'running': 1}"
        assert "the engine's own thread, which would wait for itself" in str(said)


def test_after_the_end_it_says_so(tmp_path: Path) -> None:
    engine = connect(tmp_path / "a.db")
    run_id = engine.start(patient)
    lines = engine.stream(run_id, "lines")
    engine.close()
    engine.close()
    for ask in (engine.count, lambda: engine.start(greet, "Ann"), lambda: next(lines)):
        with pytest.raises(StoreUnavailable, match="the engine is closed"):
            ask()
    assert "stepwell" not in [thread.name for thread in threading.enumerate()]
