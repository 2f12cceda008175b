"""Runs that wait for their code are named where people look, with both calls one below the other; what was performed
more than once says so."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from stepwell import flow, step, workflow
from stepwell.cli.doctor import _lines as doctor_lines
from stepwell.cli.plain import PlainLines
from stepwell.cli.runs.showing import explanation, overview
from stepwell.cli.status import _lines as status_lines
from stepwell.testing import Crashed, Kit
from tests.code.test_versions import changes, changing

pytestmark = pytest.mark.spec("Q19")


def has_both(lines: list[str]) -> bool:
    text = "\n".join(lines)
    return bool(re.search(r"^ +recorded: wait sleep,.*\n +called:   step c$", text, re.MULTILINE))


@pytest.mark.parametrize("number", [1, 2])
async def test_stalled_runs_are_named(number: int) -> None:
    async with Kit(workflows=[changing]) as kit:
        runs = [(await kit.start(changing)).run_id for _ in range(number)]
        await kit.advance(30)
        await kit.reopen(workflows=[changes()["added"]])
        await kit.drain()

        report = await kit.engine.doctor()
        found = [one for one in report["findings"] if one["code"] == "run_stalled"]
        assert report["ok"] and [one["severity"] for one in found] == ["warning"] * number
        assert sorted(one["run_id"] for one in found) == sorted(runs)
        assert all(f"stepwell runs explain {one['run_id']}" in one["action"] for one in found)
        assert has_both(doctor_lines(report, Path("s.db")))

        view = await kit.engine.status()
        assert not view["ok"]
        finding = next(one for one in view["findings"] if one["code"] == "code_mismatch")
        words = ["1 open run does not agree with its code", "2 open runs do not agree with their code"]
        assert finding["severity"] == "warning" and finding["message"].startswith(words[number - 1])
        assert has_both(status_lines(view, Path("s.db")))
        assert has_both(explanation(await kit.engine.explain(runs[0])))
        shown = overview(await kit.engine.state(runs[0]), kit.clock.now())
        assert "  stalled" in shown and has_both(shown)
        assert (await kit.engine.show(runs[0]))["stalled"]["title"] == "Code Mismatch"


@step
async def lengthy() -> int:
    return 1


@workflow(name="lengthy-one")
async def lengthy_one() -> int:
    done = await lengthy()
    await flow.sleep(1)
    return done


async def test_what_was_performed_again_says_so() -> None:
    async with Kit(workflows=[lengthy_one]) as kit:
        kit.crash_at(2)  # the step was performed; that it is completed is not on record
        with pytest.raises(Crashed):
            handle = await kit.start(lengthy_one, key="k")
            await kit.drain()
        await kit.reopen()
        handle = await kit.start(lengthy_one, key="k")
        await kit.result(handle)
        state = await kit.engine.state(handle.run_id)
        assert any("performed 2 times" in text for text in overview(state, kit.clock.now()))
        assert "performed again after a crash" in "\n".join(await told(kit, handle.run_id))


async def test_a_fork_is_no_crash() -> None:
    """What was in flight where the fork begins is performed in it again."""

    @step
    async def slow() -> int:
        return 2

    @workflow(name="side-by-side")
    async def side_by_side() -> list[Any]:
        first, second = slow.submit(), lengthy.submit()
        return [await first, await second, await lengthy()]

    async with Kit(workflows=[side_by_side]) as kit:
        handle = await kit.start(side_by_side)
        await kit.result(handle)
        fork = await kit.engine.fork(handle.run_id, "/do/1/lengthy")
        await kit.result(fork.run_id)
        lines = "\n".join(await told(kit, fork.run_id))
        assert "performed again in this fork" in lines and "crash" not in lines


async def told(kit: Kit, run_id: str) -> list[str]:
    lines: list[str] = []
    turns = await kit.engine.engine.store.turns(run_id)
    PlainLines(lines.append).show(await kit.engine.state(run_id), turns, kit.clock.now())
    return lines
