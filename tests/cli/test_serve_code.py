"""`stepwell serve --until-idle` with Python workflows: it leaves what only a person, a program or other code can move."""

from __future__ import annotations

import shlex
import signal

import pytest

from tests.cli.helpers import Cli
from tests.support import processes

BEFORE = """
from stepwell import flow, step, workflow

@step
async def first() -> int:
    return 1

@step
async def other() -> int:
    return 2

@workflow
async def waits() -> int:
    await first()
    return await flow.wait_for_signal("go")
"""


@pytest.mark.spec("Q19")
@pytest.mark.parametrize("changed", [False, True])
def test_it_leaves_what_waits_for_a_signal_or_for_other_code(cli: Cli, changed: bool) -> None:
    code = cli.text("waits.py", BEFORE)
    running = cli.start("run", str(code))
    running.line("waits for event")
    running.signal(signal.SIGKILL)
    running.end()
    run_id = cli.only_run()
    if changed:
        cli.text("waits.py", BEFORE.replace("await first()", "await other()  # changed"))
    view = cli.json("serve", "--app", str(code), "--until-idle")
    assert view == {"taken_up": [run_id], "open": [{"run_id": run_id, "status": "running"}]}
    assert cli.json("runs", "explain", run_id)["reason"] == ("code_mismatch" if changed else "not_carried_on")
    served = cli("serve", "--app", str(code), "--until-idle")
    assert "workflows in Python here: default/waits:1.0.0" in served.err
    cli.text("waits.py", BEFORE)
    cli.json("runs", "signal", run_id, "go", "7")
    assert cli.json("serve", "--app", str(code), "--until-idle")["open"] == []
    assert cli.json("runs", "show", run_id)["output"] == 7


ADVISED = """
from stepwell import flow, workflow

@workflow
async def advised_there() -> int:
    return await flow.wait_for_signal("go")
"""
LEAVES = """
import asyncio
from stepwell import Stepwell, flow, workflow
from advised import advised_there

@workflow
async def advised_here() -> int:
    return await flow.wait_for_signal("go")

async def main() -> None:
    async with Stepwell.open("stepwell.db") as stepwell:
        for each in (advised_there, advised_here):
            print((await stepwell.start(each)).run_id)

if __name__ == "__main__":
    asyncio.run(main())
"""


def test_what_is_advised_carries_them_on(cli: Cli) -> None:
    """The module of a workflow is named; where a program was started by its file, that is not on record."""
    cli.text("advised.py", ADVISED)
    program = cli.text("program.py", LEAVES)
    there, here = processes.ran(str(program), cwd=cli.folder, timeout=60).stdout.split()
    told = {run: cli.json("runs", "explain", run)["next_actions"][0] for run in (there, here)}
    assert told[there]["command"] == "stepwell serve --app advised"
    assert "where module advised can be imported" in told[there]["action"]
    assert told[here]["command"] == "stepwell serve --app FILE.py"
    assert "FILE.py: the file with its workflow" in told[here]["action"]
    both = "stepwell serve --app FILE.py --app advised"
    assert cli.json("status", code=1)["findings"][0]["action"] == both
    lost = [each for each in cli.json("doctor")["findings"] if each["code"] == "not_carried_on"]
    assert [each["action"] for each in lost] == [told[there]["command"], told[here]["command"]]
    said = cli("serve", "--until-idle").err
    assert "(advised:advised_there) wait for code that is not here: serve --app advised\n" in said
    for run in (there, here):
        cli.json("runs", "signal", run, "go", "7")
    assert (
        "start one with: stepwell serve --app advised"
        in cli("runs", "pause", there).out + cli("runs", "resume", there).out
    )
    for run in (there, here):
        command = told[run]["command"].replace("FILE.py", "program.py")
        cli(*shlex.split(command)[1:], "--until-idle")
        assert cli.json("runs", "show", run)["output"] == 7


def test_what_waits_for_code_in_a_queue_is_advised_with_it(cli: Cli) -> None:
    cli.text("advised.py", ADVISED)
    run = cli.json("run", "advised.py:advised_there", "--queue", "default")["run_id"]
    commands = [each["command"] for each in cli.json("runs", "explain", run)["next_actions"]]
    assert "stepwell serve --app advised" in commands
    said = cli("serve", "--until-idle")  # nothing that could begin without its code keeps it
    assert "wait for code that is not here: serve --app advised" in said.err
    cli.json("runs", "signal", run, "go", "7")
    assert cli.json("serve", "--app", "advised", "--until-idle")["open"] == []
    assert cli.json("runs", "show", run)["output"] == 7
