"""Soft deadlines: set, told once, never ending anything (SPEC Q18)."""

from __future__ import annotations

import pytest

from stepwell import InvalidDefinition
from stepwell.definition.parse import parse
from stepwell.model import commands as c
from stepwell.model.base import SECOND
from stepwell.model.deadline import standing
from tests.kernel.helpers import Driver

HEAD = "document: {dsl: '1.0.3', namespace: test, name: flow, version: '1.0.0'%s}\n"


def source(document: str, task: str = "") -> str:
    extra = f", metadata: {{deadline: {document}}}" if document else ""
    meta = f", metadata: {{deadline: {task}}}" if task else ""
    return HEAD % extra + f"do:\n  - a: {{wait: {{hours: 10}}{meta}}}\n"


def started(text: str) -> Driver:
    driver = Driver(parse(text))
    return driver.start({"hours": 2})


@pytest.mark.spec("Q18")
def test_a_run_is_told_overdue_once_and_escalated_once() -> None:
    driver = started(source("{after: PT1H, warn: {minutes: 10}, escalate: {minutes: 30}}"))
    begun = driver.now
    expected = driver.state.run.expected
    hour, minute = 3600 * SECOND, 60 * SECOND
    assert expected == {"due": begun + hour, "warn": begun + 50 * minute, "escalate": begun + 90 * minute}
    for at, words in ((0, "on_time"), (50, "due_soon"), (60, "overdue"), (90, "escalated")):
        assert standing(expected, begun + at * minute) == words
    assert standing(expected, begun, begun + hour) == "on_time"
    assert standing(expected, begun, begun + hour + 1) == "overdue"
    driver.send(c.FireTimer(None, "overdue"))  # too early: nothing
    assert "run.overdue" not in driver.events()
    driver.now = begun + hour
    for _ in range(3):
        driver.send(c.FireTimer(None, "overdue"))
    assert driver.events().count("run.overdue") == 1
    assert [t.due for t in driver.timers if t.purpose == "overdue"][-1] == begun + 90 * minute
    driver.now = begun + 90 * minute
    for _ in range(3):
        driver.send(c.FireTimer(None, "overdue"))
    assert driver.events().count("run.overdue") == 2
    assert driver.status == "running"
    assert driver.state.run.overdue == 2
    assert driver.replayed() == driver.state


@pytest.mark.spec("Q18")
def test_a_step_is_told_overdue_and_goes_on() -> None:
    driver = started(source("", "{hours: 2}"))
    (step,) = driver.state.steps.values()
    assert step.expected == {"due": driver.now + 7200 * SECOND}
    driver.now += 7200 * SECOND
    driver.send(c.PauseRun())
    driver.send(c.FireTimer(step.id, "overdue"))
    driver.send(c.FireTimer(step.id, "overdue"))
    driver.send(c.FireTimer("/do/9/nothing", "overdue"))
    assert driver.events().count("step.overdue") == 1
    assert driver.step("a").status == "waiting"
    driver.send(c.TerminateRun())
    driver.send(c.FireTimer(step.id, "overdue"))
    assert driver.events().count("step.overdue") == 1
    assert driver.replayed() == driver.state


@pytest.mark.spec("Q18")
@pytest.mark.parametrize(
    "wrong", ["7", "{warn: PT1M}", "{after: soon}", "{after: PT1H, late: PT1M}", "[PT1H]"]
)
def test_what_is_no_deadline_is_refused(wrong: str) -> None:
    for text in (source(wrong), source("", wrong)):
        with pytest.raises(InvalidDefinition):
            parse(text)
