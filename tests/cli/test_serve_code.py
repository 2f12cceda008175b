"""`stepwell serve --until-idle` with Python workflows: it leaves what only a person, a program or other code can move."""

from __future__ import annotations

import signal

import pytest

from tests.cli.helpers import Cli

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
