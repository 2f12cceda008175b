"""What is said of a run that took back what it had done: what can be done about it, and which compensation failed."""

from __future__ import annotations

from pathlib import Path

import pytest

from stepwell import RunStatus, TransitionRefused, flow, step, workflow
from stepwell.cli.doctor import _lines as doctor_lines
from stepwell.cli.outcome import summary
from stepwell.cli.runs.showing import explanation
from stepwell.cli.status import _lines as status_lines
from stepwell.testing import Kit

pytestmark = pytest.mark.spec("Q10", "Q13")


DONE: list[str] = []


@step
async def look(n: int) -> int:
    DONE.append("look")
    return n


@step(optional=True)
async def greet(n: int) -> None:
    raise OSError("nobody is there")


@step
async def refund(n: int) -> int:
    return n


@step
async def unreachable(n: int) -> None:
    raise OSError(f"no way to {n}")


@step(compensate=refund)
async def charge(n: int) -> int:
    DONE.append("charge")
    return n


@step(compensate=unreachable)
async def reserve(n: int) -> int:
    return n


@step
async def ship(n: int) -> None:
    raise ValueError("no lorry")


@workflow(name="told-taken-back")
async def taken_back(n: int) -> None:
    await look(n)
    await charge(n)
    await ship(n)


@workflow(name="told-half-taken-back")
async def half_taken_back(n: int) -> None:
    await greet(n)
    for each in range(n):
        await reserve(each)
    await ship(n)


@workflow(name="given-up")
async def given_up() -> None:
    await reserve(7)
    await flow.sleep(600)


@workflow(name="with-more")
async def with_more() -> None:
    flow.on_failure(refund, 1)
    await charge(1)
    await ship(1)


@workflow(name="again-and-again")
async def again(n: int) -> int:
    if n:
        flow.continue_as_new(n - 1)
    return n


WORKFLOWS = [taken_back, half_taken_back, given_up, with_more, again]


async def test_what_is_offered_works() -> None:
    async with Kit(workflows=WORKFLOWS) as kit:
        run = await kit.start(taken_back, 1)
        await kit.drain()
        view = await kit.engine.explain(run.run_id)
        commands = [one["command"] for one in view["next_actions"]]
        assert f"stepwell runs retry {run.run_id}" not in commands
        assert f"stepwell runs rerun {run.run_id}" in commands
        assert f"stepwell runs fork {run.run_id} /do/1/charge" in commands
        with pytest.raises(TransitionRefused):
            await kit.engine.retry(run.run_id)
        await kit.engine.rerun(run.run_id)
        await kit.drain()
        DONE.clear()
        fork = await kit.engine.fork(run.run_id, "/do/1/charge")
        await kit.drain()
        steps = (await kit.engine.state(fork.run_id)).steps.values()
        assert DONE == ["charge"]
        assert [one.name for one in steps] == ["look", "charge", "ship", "refund"]

        told = summary(await kit.engine.wait(run.run_id), Path("s.db"))
        assert not [line for line in told if "runs retry" in line]
        assert [line for line in told if "runs rerun" in line]


async def test_where_more_than_steps_was_taken_back_only_a_rerun_is_offered() -> None:
    async with Kit(workflows=WORKFLOWS) as kit:
        run = await kit.start(with_more)
        await kit.drain()
        commands = [one["command"] for one in (await kit.engine.explain(run.run_id))["next_actions"]]
        assert f"stepwell runs rerun {run.run_id}" in commands
        assert not [one for one in commands if "retry" in one or "fork" in one]


async def test_a_failed_compensation_is_named_and_was_not_tolerated() -> None:
    async with Kit(workflows=WORKFLOWS) as kit:
        run = await kit.start(half_taken_back, 1)
        await kit.drain()
        view = await kit.engine.explain(run.run_id)
        assert "; 1 failure before it had been tolerated. " in view["summary"]
        assert "Compensation unreachable (of /do/1/reserve) failed: " in view["summary"]
        assert "OSError: no way to 0" in view["summary"].partition("failed: ")[2]
        assert list(view["evidence"]["tolerated"]) == ["/do/0/greet"]
        (found,) = view["evidence"]["compensations_failed"]
        assert (found["step"], found["compensates"]) == ("/do/3/unreachable", "/do/1/reserve")
        assert found["name"] == "unreachable" and "no way to 0" in found["error"]["detail"]
        assert any("Compensation unreachable" in line for line in explanation(view))


async def test_several_failed_compensations_are_counted() -> None:
    async with Kit(workflows=WORKFLOWS) as kit:
        run = await kit.start(half_taken_back, 2)
        await kit.drain()
        view = await kit.engine.explain(run.run_id)
        assert " 2 compensations failed: unreachable (of /do/2/reserve): " in view["summary"]
        assert view["summary"].endswith("; /do/5/unreachable too.")
        assert len(view["evidence"]["compensations_failed"]) == 2


async def test_so_it_is_of_a_cancelled_run() -> None:
    async with Kit(workflows=WORKFLOWS) as kit:
        run = await kit.start(given_up)
        await kit.advance(1)
        await kit.engine.cancel(run.run_id, "enough")
        await kit.drain()
        view = await kit.engine.explain(run.run_id)
        assert view["summary"].startswith("The run was cancelled: enough. Compensation unreachable (of ")


async def test_the_run_that_it_went_on_as_is_named() -> None:
    async with Kit(workflows=WORKFLOWS) as kit:
        run = await kit.start(again, 1)
        await kit.drain()
        state = await kit.engine.state(run.run_id)
        assert state.run.status is RunStatus.CONTINUED and state.run.continued_to
        view = await kit.engine.explain(run.run_id)
        assert view["summary"] == f"The run went on as another one: {state.run.continued_to}."
        assert view["next_actions"][0]["command"] == f"stepwell runs explain {state.run.continued_to}"
        assert view["evidence"]["continued_to"] == state.run.continued_to


async def test_doctor_and_status_name_failed_compensations_until_somebody_has_seen_to_them() -> None:
    async with Kit(workflows=WORKFLOWS) as kit:
        runs = [(await kit.start(half_taken_back, 1)).run_id for _ in range(2)]
        await kit.start(taken_back, 1)
        await kit.drain()
        said = "did not take back all that it had done: /do/3/unreachable (of /do/1/reserve) failed"

        report = await kit.engine.doctor()
        found = [one for one in report["findings"] if one["code"] == "compensation_failed"]
        assert report["ok"] and sorted(one["run_id"] for one in found) == sorted(runs)
        assert all(one["severity"] == "warning" and said in one["message"] for one in found)
        lines = doctor_lines(report, Path("s.db"))
        assert len([line for line in lines if "compensation_failed" in line]) == 1
        assert any(line.startswith("  the same of 1 more: ") for line in lines)
        assert lines[-1] == "the record is sound; some runs need somebody: see above"

        view = await kit.engine.status()
        (finding,) = [one for one in view["findings"] if one["code"] == "compensation_failed"]
        assert not view["ok"] and sorted(finding["run_ids"]) == sorted(runs)
        assert finding["message"].startswith("2 runs did not take back all that they had done. Run ")
        assert said in finding["message"] and "OSError: no way to 0" in finding["message"]
        assert f"stepwell runs explain {finding['run_ids'][0]}" in finding["action"]
        assert any("compensation_failed: 2 runs" in line for line in status_lines(view, Path("s.db")))

        for run_id in runs:
            await kit.engine.set_metadata(run_id, archived=True)
        for told in (await kit.engine.doctor(), await kit.engine.status()):
            assert told["ok"] and not [one for one in told["findings"] if "compensation" in one["code"]]
