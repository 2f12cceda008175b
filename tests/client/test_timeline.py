"""Where a run's time went: every phase of every step, from the journal alone (SPEC Q11, U2)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stepwell.client.timeline import PHASES, Timeline
from stepwell.model import commands as c
from stepwell.model import problem
from tests.engine.helpers import FakeClock, flow, open_at
from tests.kernel.helpers import Driver

pytestmark = pytest.mark.spec("Q11")

SHELL = "do: [work: {run: {shell: {command: 'true'}}}, more: {set: {x: 1}}]"
RETRY = """
do:
  - guarded:
      try: [work: {run: {shell: {command: 'true'}}}]
      catch: {retry: {delay: {seconds: 5}, limit: {attempt: {count: 3}}}}
"""
FORK = """
do:
  - both:
      fork:
        branches:
          - one: {run: {shell: {command: 'true'}}}
          - two: {run: {shell: {command: 'true'}}}
"""


def seen(driver: Driver) -> dict[str, Any]:
    timeline = Timeline("run")
    timeline.take(driver.journal)
    return timeline.as_json(driver.now)


def phases(view: dict[str, Any], name: str) -> list[tuple[str, float, int]]:
    """(phase, seconds, attempt) of the only step of this name."""
    (step,) = [step for step in view["steps"] if step["name"] == name]
    return [(one["phase"], one["seconds"], one["attempt"]) for one in step["intervals"]]


def test_a_retry_shows_its_attempts_and_the_time_between() -> None:
    driver = Driver(RETRY).start()
    driver.advance(1)
    driver.fail("work", problem.communication(503, "busy"))
    driver.advance(5)
    driver.advance(2)
    view = seen(driver)
    assert phases(view, "guarded") == [("running", 1, 1), ("backing_off", 5, 2), ("running", 2, 2)]
    steps = [step for step in view["steps"] if step["name"] == "work"]
    assert [(step["status"], step["seconds"]) for step in steps] == [("failed", 1), ("running", 2)]
    assert steps[0]["intervals"][0]["error"]["status"] == 503
    assert view["totals"] == {**dict.fromkeys(PHASES, 0.0), "running": 3, "backing_off": 5}
    assert (steps[1]["end"], view["end"]) == (None, None)


def test_a_pause_is_an_interval_of_the_run_and_of_what_it_holds_back() -> None:
    driver = Driver(SHELL).start()
    driver.advance(1)
    driver.send(c.PauseRun("tea"))
    driver.advance(2)
    driver.complete("work")
    driver.advance(4)
    driver.send(c.ResumeRun())
    view = seen(driver)
    assert [(one["phase"], one["seconds"]) for one in view["phases"]] == [
        ("running", 1),
        ("pausing", 2),
        ("paused", 4),
    ]
    assert phases(view, "work") == [("running", 3, 1)]
    assert phases(view, "more")[0][:2] == ("paused", 4)
    assert (view["status"], view["seconds"]) == ("completed", 7)


def test_steps_side_by_side_are_seen_as_such() -> None:
    driver = Driver(FORK).start()
    driver.advance(2)
    driver.complete("one")
    driver.advance(1)
    driver.complete("two")
    view = seen(driver)
    assert view["concurrency"] == {"peak": 2, "at": view["start"]}
    assert phases(view, "two") == [("running", 3, 1)]
    (both,) = [step for step in view["steps"] if step["name"] == "both"]
    assert (both["block"], both["depth"]) == (True, 0)
    assert view["totals"]["running"] == 5


def test_a_debugger_pause_a_delay_a_wait_and_a_recovery_have_their_names() -> None:
    driver = Driver(SHELL).start(mode="debug")
    driver.advance(3)
    driver.send(c.ResumeRun())
    driver.advance(1)
    driver.send(c.Recover(("/do/0/work",)))
    assert phases(seen(driver), "work") == [("paused", 3, 0), ("running", 1, 1), ("running", 0, 1)]
    last = seen(driver)["steps"][0]["intervals"][-1]
    assert (last["execution"], last["end"]) == (2, None)
    driver = Driver("do: [nap: {wait: {seconds: 90}}]").start()
    driver.advance(30)
    assert phases(seen(driver), "nap")[-1][:2] == ("waiting", 30)
    driver = Driver("do: [work: {set: {x: 1}, metadata: {schedule: {after: {minutes: 2}}}}]").start()
    driver.advance(150)
    assert phases(seen(driver), "work")[0] == ("delayed", 150, 0) or driver.status == "completed"


def test_a_step_that_is_begun_again_has_a_gap() -> None:
    driver = Driver(SHELL).start()
    driver.fail("work", problem.communication(503, "busy"))
    driver.advance(10)
    driver.send(c.RetryRun())
    driver.advance(2)
    driver.complete("work")
    view = seen(driver)
    (work,) = [step for step in view["steps"] if step["name"] == "work"]
    running = [one for one in work["intervals"] if one["phase"] == "running"]
    assert [one["attempt"] for one in running] == [1, 2]
    assert running[1]["seconds"] == 2
    assert sum(one["seconds"] for one in work["intervals"]) == 2
    assert work["seconds"] == 12


def test_intervals_lie_end_to_end_and_end_with_the_run() -> None:
    driver = Driver(RETRY).start()
    for _ in range(4):
        driver.advance(1)
        driver.fail("work", problem.communication(503, "busy"))
        driver.advance(5)
    view = seen(driver)
    assert view["status"] == "failed"
    for step in view["steps"]:
        ends = [one["end"] for one in step["intervals"]]
        starts = [one["start"] for one in step["intervals"]]
        assert starts[1:] == ends[:-1], step["name"]
        assert ends[-1] == step["end"] is not None


async def test_the_verb_reads_a_stored_run_and_no_payload(tmp_path: Path) -> None:
    clock = FakeClock()
    async with open_at(tmp_path / "x.db", clock) as engine:
        handle = await engine.start(flow("do: [a: {set: {secret: 7}}, nap: {wait: {seconds: 5}}]"), {"b": 8})
        clock.advance(2)
        view = await engine.timeline(handle.run_id)
    assert (view["run_id"], view["status"], view["seconds"]) == (handle.run_id, "running", 2)
    assert [step["name"] for step in view["steps"]] == ["a", "nap"]
    assert "secret" not in str(view)
