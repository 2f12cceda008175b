"""What is printed about many things at once, about things of one name, and about numbers that JSON does not have."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from stepwell import flow, step, workflow
from stepwell.cli.doctor import _lines
from stepwell.cli.runs.showing import overview
from stepwell.cli.screen import print_json
from stepwell.testing import Kit
from tests.cli.helpers import Cli

ODD = """
from stepwell import step, workflow

@step
def odd(n: int) -> list:
    return [float("nan"), {"x": float("inf")}, -float("inf"), 1.5]

@workflow
def odds() -> list:
    return odd(1)
"""


@step
async def charge(n: int) -> int:
    return n


@step
async def greet(n: int) -> int:
    return n


@workflow(name="charged-twice")
async def twice() -> None:
    await greet(1)
    await charge(1)
    await charge(2)
    await flow.sleep(600)


def finding(run: str | None, code: str = "not_carried_on", said: str = "is running") -> dict[str, Any]:
    action = "stepwell serve" if code == "not_carried_on" else f"stepwell runs explain {run}"
    return {
        "code": code, "severity": "notice", "run_id": run, "message": f"run {run} {said}", "action": action,
    }  # fmt: skip


def report(*findings: dict[str, Any]) -> dict[str, Any]:
    return {
        "ok": True, "library": {}, "runs": 9, "open_runs": 9, "files": 0, "rebuilt": False, "findings": [*findings],
    }  # fmt: skip


@pytest.mark.spec("Q19")
def test_what_is_the_same_of_many_runs_is_said_once() -> None:
    many = [finding(f"r{n:03}") for n in range(300)]
    lines = _lines(report(*many, finding("r-a", "run_stalled"), finding("r-b", "run_stalled")), Path("s.db"))
    assert lines[1:-1] == [
        "notice not_carried_on: run r000 is running",
        "  the same of 299 more: r001, r002, r003, r004, r005, … (--json has them all)",
        "  what next: stepwell serve",
        "notice run_stalled: run r-a is running",
        "  the same of 1 more: r-b",
        "  what next: stepwell runs explain r-a",
    ]


@pytest.mark.spec("Q19")
def test_what_differs_is_said_of_each() -> None:
    lines = _lines(
        report(finding("r-a"), finding("r-b", said="is paused"), finding(None), finding(None)), Path("s")
    )
    assert len([line for line in lines if line.startswith("notice ")]) == 4
    assert not [line for line in lines if "the same of" in line]


@pytest.mark.spec("N12")
async def test_steps_of_one_name_have_their_ids() -> None:
    async with Kit(workflows=[twice]) as kit:
        run = await kit.start(twice)
        await kit.advance(1)
        shown = overview(await kit.engine.state(run.run_id), kit.clock.now())
        steps = [line for line in map(_plain, shown) if "call:python" in line]
        assert [re.findall(r"/do/\d/\w+", line) for line in steps] == [[], ["/do/1/charge"], ["/do/2/charge"]]
        await kit.engine.fork(run.run_id, "/do/2/charge")


def _plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def _strict(text: str) -> Any:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(text, parse_constant=refuse)


def test_numbers_that_json_does_not_have_are_texts(capsys: pytest.CaptureFixture[str]) -> None:
    nan, infinity = float("nan"), float("inf")
    print_json({"a": [nan, (infinity, -infinity)], "b": {"c": nan, "d": 1.5, "e": None, "f": True}})
    assert _strict(capsys.readouterr().out) == {
        "a": ["NaN", ["Infinity", "-Infinity"]], "b": {"c": "NaN", "d": 1.5, "e": None, "f": True},
    }  # fmt: skip


def test_so_they_are_in_what_commands_print(cli: Cli) -> None:
    cli.text("odd.py", ODD)
    done = cli("run", "odd.py:odds", "--json")
    assert done.code == 0, done
    assert _strict(done.out)["output"] == ["NaN", {"x": "Infinity"}, "-Infinity", 1.5]
    run = cli.only_run()
    for words in (["runs", "show", run], ["runs", "history", run]):
        assert "Infinity" in str(_strict(cli(*words, "--json").out))
