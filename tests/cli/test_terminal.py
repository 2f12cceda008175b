"""The command on a real (pseudo) terminal: the live tree, colours, and questions before what cannot be undone."""

from __future__ import annotations

import re
import signal

import pytest

from tests.cli.helpers import Cli
from tests.cli.terminal import Terminal

SLEEP = "do: [{nap: {run: {shell: {command: 'echo >started; sleep 30'}}}}]"


def test_a_run_is_drawn_live_and_ctrl_c_cancels_it(cli: Cli) -> None:
    started = cli.pipe("started")
    terminal = Terminal(cli, "run", str(cli.file("sleep", SLEEP)))
    started.wait()
    terminal.until(lambda text: "nap  run:shell  running" in text and "0 of 1 steps" in text)
    terminal.process.send_signal(signal.SIGINT)
    text = terminal.until(lambda text: "cancelled in" in text)
    assert "⊘ nap  run:shell  cancelled" in text
    assert "\x1b[" in terminal.seen
    assert terminal.end() == 3
    assert terminal.seen.rindex("\x1b[?25h") > terminal.seen.rindex("\x1b[?25l"), "the cursor is shown again"


@pytest.mark.parametrize("env", [{"TERM": "dumb"}, {"NO_COLOR": "1"}], ids=str)
def test_whoever_wants_no_colours_gets_none(cli: Cli, env: dict[str, str]) -> None:
    terminal = Terminal(cli, "run", str(cli.file("one", "do: [{a: {set: {x: 1}}}]")), **env)
    text = terminal.until()
    assert terminal.end() == 0
    assert "completed" in text
    assert not re.search(r"\x1b\[(?:[0-9;]*;)?3[0-9]m", terminal.seen)


def test_what_cannot_be_undone_is_asked_first(cli: Cli) -> None:
    running = cli.start("run", cli.file("sleep", SLEEP.replace("echo >started; ", "")))
    running.line("/do/0/nap started")
    run_id = cli.only_run()
    for answer, code, status in (("n", 130, "running"), ("y", 0, "terminated")):
        terminal = Terminal(cli, "runs", "terminate", run_id)
        terminal.until(lambda text: "It cannot be retried afterwards. [y/N]:" in text)
        terminal.type(f"{answer}\n")
        assert terminal.end() == code
        assert cli.json("runs", "show", run_id)["status"] == status
