"""The lifecycle events of the language as CloudEvents: by rule, with ids that let a receiver deduplicate."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from stepwell.model import events as e
from stepwell.model.feed import Committed
from stepwell.model.problem import runtime
from stepwell.telemetry.cloudevents import TASK, WORKFLOW, About, cloudevents
from tests.telemetry.helpers import CANARY, be_busy, open_busy

ABOUT = About("samples", "order", "1.0.0")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


@pytest.mark.spec("S4")
async def test_a_life_in_cloud_events(tmp_path: Path) -> None:
    received: list[dict] = []
    async with open_busy(tmp_path / "x.db") as stepwell:
        subscription = await stepwell.subscribe("outside", received.append, cloudevents=True)
        run_id = await be_busy(stepwell)
        await subscription.caught_up()
        read = [envelope async for envelope in stepwell.cloudevents()]
    assert received == read
    assert max(Counter(envelope["id"] for envelope in read).values()) == 1
    assert CANARY not in json.dumps(read)
    mine = [envelope for envelope in read if envelope["source"] == f"/stepwell/runs/{run_id}"]
    types = [envelope["type"].removeprefix("io.serverlessworkflow.") for envelope in mine]
    assert types[0] == "workflow.started.v1"
    assert types[-1] == "workflow.faulted.v1"
    assert types.count("task.created.v1") == len({each["subject"] for each in mine if "task" in each["data"]})
    for envelope in mine:
        assert envelope["specversion"] == "1.0"
        assert TIME.fullmatch(envelope["time"])
        data = envelope["data"]
        assert data.get("name", data.get("workflow")) == f"busy-{run_id}.test"
        assert [name for name in data if name.endswith("At")]
    assert mine[0]["data"]["definition"] == {"namespace": "test", "name": "busy", "version": "1.0.0"}
    assert mine[-1]["data"]["error"] == {"type": "https://x.test/no", "title": "No", "status": 418}
    assert {each["data"]["task"] for each in mine if each["subject"].endswith("one")} == {
        "/do/2/each/do/0/one"
    }


async def test_only_some_of_them(tmp_path: Path) -> None:
    received: list[dict] = []
    async with open_busy(tmp_path / "x.db") as stepwell:
        subscription = await stepwell.subscribe(
            "outside", received.append, cloudevents=True, events=["run.failed", "variables.set"]
        )
        await be_busy(stepwell)
        await subscription.caught_up()
    assert [each["type"] for each in received] == ["io.serverlessworkflow.workflow.faulted.v1"]


@pytest.mark.parametrize("kind", [*WORKFLOW, *TASK], ids=lambda kind: e.NAMES[kind])
def test_each_event_gives_the_same_every_time(kind: type) -> None:
    given = {"step": "/do/0/a", "error": runtime(CANARY), "path": "/do/0/a", "kind": "set", "scope": "", "due": 1,
             "run_id": "run-2", "generation": 2, "reason": "x"}  # fmt: skip
    event = kind(**{name: given[name] for name in kind._fields if name in given})
    committed = Committed(7, "run-1", 3, 1, 1_700_000_000_000_000, event)
    made = cloudevents(committed, ABOUT)
    assert made == cloudevents(committed, ABOUT)
    assert made[-1]["id"] == "run-1/3/1"
    assert made[-1]["time"] == "2023-11-14T22:13:20.000000Z"
    assert CANARY not in json.dumps(made)
    assert ("error" in made[-1]["data"]) == (".faulted." in made[-1]["type"])
