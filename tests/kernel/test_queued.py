"""Runs that wait in a queue before they begin: what may happen to them there (SPEC U3, X2)."""

from __future__ import annotations

import pytest

from stepwell.engine.rows import entry_of
from stepwell.model import commands as c
from stepwell.model.effects import Perform, SetTimer
from stepwell.model.errors import TransitionRefused
from stepwell.model.queues import Standing
from tests.kernel.helpers import SECOND, Driver

ONE = "do: [a: {call: python, with: {function: a}}]"
NOW = 1_000 * SECOND


def queued(source: str = ONE, **options: object) -> Driver:
    options = {"queue": "mail", "due": NOW, **options}
    return Driver(source).start({"n": 1}, **options)


def standing(driver: Driver) -> Standing | None:
    entry = entry_of(driver.state.run)
    return None if entry is None else entry.standing


@pytest.mark.spec("U3")
def test_it_waits_until_it_is_told_to_begin() -> None:
    d = queued()
    assert (d.status, d.pending, standing(d)) == ("pending", {}, Standing.WAITING)
    decision = d.send(c.BeginRun(0))
    assert isinstance(decision.effects[0], Perform)
    assert (d.status, standing(d)) == ("running", Standing.BEGUN)
    d.complete("a", 7)
    assert (d.status, d.output, standing(d)) == ("completed", 7, None)


def test_it_begins_once() -> None:
    d = queued()
    d.send(c.BeginRun(0))
    turns = len(d.journal)
    assert not d.send(c.BeginRun(0)).events
    assert len(d.journal) == turns


@pytest.mark.spec("X2")
def test_a_pause_holds_it_in_its_queue() -> None:
    d = queued()
    d.send(c.PauseRun("wait"))
    assert (d.status, standing(d)) == ("paused", Standing.HELD)
    assert not d.send(c.BeginRun(0)).events
    d.send(c.ResumeRun())
    assert (d.status, standing(d)) == ("pending", Standing.WAITING)
    assert not d.send(c.BeginRun(0)).events, "the claim was made before the pause"
    d.send(c.BeginRun(1))
    assert d.status == "running"


@pytest.mark.parametrize(
    ("command", "status"),
    [
        (c.CancelRun("no"), "cancelled"),
        (c.CancelRun("no", True), "cancelled"),
        (c.TerminateRun("no"), "terminated"),
    ],
)
@pytest.mark.parametrize("paused", [False, True])
def test_it_can_be_stopped_before_it_begins(command: c.Command, status: str, paused: bool) -> None:
    d = queued()
    if paused:
        d.send(c.PauseRun())
    d.send(command)
    assert (d.status, d.state.run.started_at, standing(d)) == (status, None, None)
    assert not d.send(c.BeginRun(d.state.run.round)).events
    with pytest.raises(TransitionRefused, match="before it began"):
        d.send(c.RetryRun())


@pytest.mark.parametrize("paused", [False, True])
def test_a_deadline_ends_it_where_it_waits(paused: bool) -> None:
    d = queued(deadline=NOW + 5 * SECOND)
    if paused:
        d.send(c.PauseRun())
    d.send(c.FireTimer(None, "timeout"))
    assert d.status == ("paused" if paused else "pending")
    d.now += 5 * SECOND
    d.send(c.FireTimer(None, "timeout"))
    assert (d.status, d.state.run.started_at) == ("timed_out", None)
    assert "queue mail" in d.state.run.error.detail  # type: ignore[union-attr]


def test_a_deadline_that_passed_is_seen_when_it_begins() -> None:
    d = queued(deadline=NOW + 5 * SECOND)
    d.now += 5 * SECOND
    d.send(c.BeginRun(0))
    assert (d.status, d.pending) == ("timed_out", {})


@pytest.mark.parametrize(("timeout", "until"), [(2, 2), (60, 5)])
def test_the_earlier_of_deadline_and_timeout_ends_it(timeout: int, until: int) -> None:
    d = queued(f"timeout: {{after: {{seconds: {timeout}}}}}\n{ONE}", deadline=NOW + 5 * SECOND)
    decision = d.send(c.BeginRun(0))
    assert SetTimer(None, "timeout", NOW + until * SECOND) in decision.effects
    d.advance(until)
    assert d.status == "timed_out"


def test_a_deadline_holds_for_a_run_that_begins_at_once() -> None:
    d = Driver(ONE).start(deadline=NOW + SECOND)
    assert d.status == "running"
    d.advance(1)
    assert d.status == "timed_out"


def test_it_can_be_put_off_until_it_begins() -> None:
    d = queued(due=NOW + SECOND, unique="k", debounced=True)
    assert standing(d) is Standing.DELAYED
    d.send(c.RescheduleRun(NOW + 9 * SECOND, {"n": 2}))
    assert d.state.run.due == NOW + 9 * SECOND
    d.now += 9 * SECOND
    d.send(c.BeginRun(1))
    assert d.state.run.input == {"n": 2}
    assert d.state.run.context == {"n": 2}
    with pytest.raises(TransitionRefused, match="has begun"):
        d.send(c.RescheduleRun(NOW, {}))


def test_an_input_that_does_not_fit_fails_it_when_it_begins() -> None:
    d = queued(f"input: {{schema: {{document: {{type: array}}}}}}\n{ONE}")
    assert d.status == "pending"
    d.send(c.BeginRun(0))
    assert (d.status, d.state.run.started_at) == ("failed", None)


def test_a_retry_goes_on_without_its_unique_key() -> None:
    d = queued(unique="k")
    assert entry_of(d.state.run).unique == "k"  # type: ignore[union-attr]
    d.send(c.BeginRun(0))
    d.send(c.CancelRun())
    d.send(c.SettleStep("/do/0/a", 1))
    d.send(c.RetryRun())
    entry = entry_of(d.state.run)
    assert entry is not None
    assert (entry.standing, entry.unique) == (Standing.BEGUN, None)
