"""Runs that are started because of what became of another run, or of a step: once, whatever dies (SPEC U8, U9)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from stepwell import InvalidDefinition, InvalidInput, Policy, Stepwell, flow, step, workflow
from stepwell.definition.parse import findings, parse
from stepwell.model import commands as c
from stepwell.model import problem
from stepwell.testing import Kit, kill_everywhere
from tests.engine.helpers import open_at, until
from tests.kernel.helpers import Driver, definition
from tests.support.clock import FakeClock

pytestmark = pytest.mark.spec("U9")

ALERT = "{namespace: ops, name: alert, version: '1.0.0'}"
HEAD = "document: {dsl: '1.0.3', namespace: test, name: flow, version: '1.0.0', metadata: {hooks: %s}}\n"
ALL = "{completed: {workflow: 'ops/alert:1.0.0'}, failed: {workflow: %s}, cancelled: {workflow: %s}, timed_out: {workflow: %s}}"
ALL %= (ALERT, ALERT, ALERT)
WORK = HEAD % ALL + "timeout: {after: PT1M}\ndo: [{a: {call: python, with: {function: work}}}]"
TOLD = (
    "document: {dsl: '1.0.3', namespace: ops, name: alert, version: '1.0.0'}\n"
    "do: [{tell: {set: '${ .run | {status, cause, output, who: .run_id} }'}}]"
)


def driven() -> Driver:
    return Driver(parse(WORK)).start({"n": 1})


def orders(d: Driver) -> list[tuple[str, str]]:
    found = [
        event for turn in d.journal for event in turn.events if type(event).__name__ == "FollowUpOrdered"
    ]
    return [(event.cause, event.workflow) for event in found]  # type: ignore[union-attr]


def test_each_outcome_has_its_hook() -> None:
    d = driven()
    d.complete("a", 1)
    assert orders(d) == [("completed", "ops/alert:1.0.0")]
    d = driven()
    d.fail("a", problem.runtime("no"))
    assert orders(d) == [("failed", "ops/alert:1.0.0")]
    d = driven()
    d.advance(60)
    assert orders(d) == [("timed_out", "ops/alert:1.0.0")]
    d = driven()
    d.send(c.CancelRun())
    assert orders(d) == []
    d.send(c.SettleStep("/do/0/a", 1))
    assert orders(d) == [("cancelled", "ops/alert:1.0.0")]
    d = driven()
    d.send(c.TerminateRun())
    assert orders(d) == [("cancelled", "ops/alert:1.0.0")]


def test_a_run_that_is_gone_on_with_has_another_outcome() -> None:
    d = driven()
    d.fail("a", problem.runtime("no"))
    d.send(c.SetAttributes({"x": 1}))
    assert len(orders(d)) == 1, "it ended once"
    d.send(c.RetryRun())
    d.fail("a", problem.runtime("no"))
    d.send(c.RetryRun())
    d.complete("a", 1)
    assert [cause for cause, _ in orders(d)] == ["failed", "failed", "completed"]
    assert len(set(d.state.run.follow_ups)) == 3


@pytest.mark.spec("U8")
def test_a_policy_starts_a_workflow_before_it_does_anything_else() -> None:
    d = Driver(
        definition(
            "do: [{a: {call: python, with: {function: a}, metadata: {errorPolicy: {"
            f"error: {{action: retry, count: 1, workflow: {ALERT}}},"
            "response: {after: PT5S, action: none, workflow: 'ops/silence:latest'},"
            "completion: {after: PT30S, workflow: 'ops/late:1.2.3'}}}}}]"
        )
    ).start()
    d.advance(5)
    d.fail("a", problem.runtime("no"))
    d.advance(5)
    assert d.events()[-2:] == ["follow_up.ordered", "step.retrying"] or "follow_up.ordered" in d.events()
    d.advance(20)
    assert d.status == "failed"
    assert [cause for cause, _ in orders(d)] == ["response", "error", "response", "completion"]


@workflow(namespace="ops")
async def alert(run: dict[str, Any]) -> list[Any]:
    return [
        run["name"],
        run["cause"],
        run["status"],
        run["error"] and run["error"]["detail"].partition(" (")[0],
        run["step"],
    ]


@step(on_error=Policy("retry", interval=2, count=1, run=alert))
async def breaks() -> None:
    raise ValueError("broken")


@workflow(on_fail=alert, on_complete="ops/alert:1.0.0", on_cancel=alert, on_timeout=alert, timeout=60)
async def fragile(how: str) -> str:
    if how == "breaks":
        await breaks()
    if how == "waits":
        await flow.wait_for_signal("go")
    return how


async def told(engine: Stepwell) -> list[Any]:
    """What the alerts were told, oldest first."""
    rows = (await engine.list(name="alert"))["runs"]
    return [(await engine.show(row["run_id"]))["output"] for row in reversed(rows)]


async def test_python_workflows_have_hooks() -> None:
    async with Kit() as kit:
        assert await kit.run(fragile, "well") == "well"
        await kit.drain()
        assert await told(kit.engine) == [["fragile", "completed", "completed", None, None]]


@pytest.mark.spec("U8")
async def test_hooks_and_policies_are_told_what_happened() -> None:
    async with Kit() as kit:
        handle = await kit.start(fragile, "breaks")
        await kit.drain(advance=True)
        said = sorted(await told(kit.engine), key=str)
        error = "ValueError: broken"
        assert said == [
            ["fragile", "error", "failed", error, "/do/0/breaks"],
            ["fragile", "error", "running", error, "/do/0/breaks"],
            ["fragile", "failed", "failed", error, None],
        ]
        assert {row["parent_id"] for row in (await kit.engine.list(name="alert"))["runs"]} == {handle.run_id}


async def test_a_run_that_another_process_ends_has_its_hook(tmp_path: Path) -> None:
    clock = FakeClock()
    async with (
        open_at(tmp_path / "a.db", clock) as owner,
        open_at(tmp_path / "a.db", clock, guest=True) as guest,
    ):
        handle = await owner.start(fragile, "waits")
        await until(lambda: owner.engine.actors[handle.run_id].idle)
        await guest.terminate(handle.run_id, "enough")
        clock.advance(1)
        rows: list[Any] = []
        for _ in range(200):
            clock.advance(0.2)
            rows = (await owner.list(name="alert", status="completed"))["runs"]
            if rows:
                break
            import asyncio

            await asyncio.sleep(0.01)
        assert [(await owner.show(row["run_id"]))["output"][:3] for row in rows] == [
            ["fragile", "cancelled", "terminated"]
        ]


async def test_nobody_is_there_when_it_ends(tmp_path: Path) -> None:
    clock = FakeClock()
    async with open_at(tmp_path / "a.db", clock) as owner:
        handle = await owner.start(fragile, "waits")
    async with open_at(tmp_path / "a.db", clock, guest=True) as guest:
        await guest.terminate(handle.run_id)
        assert (await guest.list(name="alert"))["runs"] == []
    async with open_at(tmp_path / "a.db", clock) as owner:
        for _ in range(200):
            if await told(owner):
                break
        await until(lambda: owner.engine.follow_ups._task is None and not owner.engine.actors)
        assert len(await told(owner)) == 1
        assert not await owner.engine.store.ledger.follow_ups()
    async with open_at(tmp_path / "a.db", clock) as owner:
        await until(lambda: owner.engine.follow_ups._task is None)
        assert len(await told(owner)) == 1, "once"


async def test_a_hook_whose_code_is_elsewhere_waits_for_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clock = FakeClock()
    async with open_at(tmp_path / "a.db", clock) as both:
        handle = await both.start(fragile, "waits")
    async with open_at(tmp_path / "a.db", clock, workflows=[fragile]) as one:
        await one.terminate(handle.run_id)
        await until(lambda: "cannot be started here" in caplog.text)
        assert len(await one.engine.store.ledger.follow_ups()) == 1
    async with open_at(tmp_path / "a.db", clock) as both:
        await until(lambda: both.engine.follow_ups._task is None and not both.engine.actors)
        assert len(await told(both)) == 1


async def test_a_crash_anywhere_starts_it_once() -> None:
    for how in ("well", "breaks"):

        async def scenario(kit: Kit, how: str = how) -> Any:
            handle = await kit.start(fragile, how)
            await kit.drain(advance=True)
            return [(await kit.engine.show(handle.run_id))["status"], sorted(await told(kit.engine), key=str)]

        survey = await kill_everywhere(scenario)
        assert survey.crashes >= 6


async def test_documents_have_hooks_too() -> None:
    async with Kit(functions={"work": lambda: 7}, workflows=[]) as kit:
        await kit.engine.add_definition(parse(TOLD))
        handle = await kit.start(parse(WORK))
        await kit.drain()
        assert await told(kit.engine) == [
            {"status": "completed", "cause": "completed", "output": 7, "who": handle.run_id}
        ]


async def test_a_hook_that_nobody_knows_is_refused_at_the_start() -> None:
    async with Kit(functions={"work": lambda: 7}, workflows=[]) as kit:
        with pytest.raises(InvalidDefinition, match="ops/alert:9.9.9 is not known"):
            await kit.start(
                parse(
                    WORK.replace("1.0.0'}}, failed", "9.9.9'}}, failed").replace("alert:1.0.0", "alert:9.9.9")
                )
            )
        assert (await kit.engine.list())["runs"] == []


async def test_workflows_that_follow_each_other_come_to_an_end(caplog: pytest.LogCaptureFixture) -> None:
    endless = parse(
        "document: {dsl: '1.0.3', namespace: ops, name: alert, version: '2.0.0',"
        " metadata: {hooks: {completed: {workflow: 'ops/alert:2.0.0'}}}}\n"
        "do: [{a: {set: {x: 1}}}]"
    )
    async with Kit() as kit:
        await kit.engine.add_definition(endless)
        await kit.start(endless)
        await kit.drain()
        assert len((await kit.engine.list(limit=100))["runs"]) == 33
        assert "have followed each other" in caplog.text


@pytest.mark.parametrize(
    ("hooks", "says"),
    [
        ("{exploded: {workflow: 'ops/alert:1.0.0'}}", "exploded"),
        ("{failed: {workflow: 'alert'}}", "ops/alert:1.0.0"),
        ("{failed: {workflow: {namespace: ops, name: alert}}}", "version"),
        ("{failed: {workflow: {namespace: ops, name: alert, version: soon}}}", "soon"),
        ("{failed: {}}", "workflow"),
        ("{failed: 'ops/alert:1.0.0'}", "text"),
    ],
)
def test_what_is_no_hook_is_refused_with_its_line(hooks: str, says: str) -> None:
    found = findings(HEAD % hooks + "do: [{a: {set: {x: 1}}}]")
    assert [(says in str(one), one.line) for one in found] == [(True, 1)], found


def test_a_workflow_that_cannot_be_told_is_refused() -> None:
    @workflow(namespace="ops", name="deaf")
    async def deaf(x: int) -> None: ...

    with pytest.raises(InvalidInput, match="parameter `run`"):
        Policy("fail", run=deaf)
    with pytest.raises(InvalidInput):
        workflow(on_fail=deaf)(lambda: None)
    with pytest.raises(InvalidInput):
        workflow(on_fail="somewhere")(lambda: None)


async def test_doctor_finds_an_order_that_was_lost_and_makes_it_good(tmp_path: Path) -> None:
    clock = FakeClock()
    async with open_at(tmp_path / "a.db", clock) as owner:
        handle = await owner.start(fragile, "waits")
    async with open_at(tmp_path / "a.db", clock, guest=True) as guest:
        await guest.terminate(handle.run_id)
        assert (await guest.doctor())["ok"]
        (order,) = await guest.engine.store.ledger.follow_ups()
        await guest.engine.store.ledger.started(order.run_id)  # which is not true
        assert [found["code"] for found in (await guest.doctor())["findings"]] == ["follow_up_missing"]
        assert (await guest.doctor(rebuild=True))["ok"]
        assert list(await guest.engine.store.ledger.follow_ups()) == [order]
