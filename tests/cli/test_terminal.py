"""The command on a real (pseudo) terminal: the live tree, colours, and questions before what cannot be undone."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Callable

import pytest

from tests.cli.helpers import PATIENCE, Cli, guarded

SLEEP = "do: [{nap: {run: {shell: {command: 'echo >started; sleep 30'}}}}]"


class Terminal:
    """A command whose input and output are a terminal."""

    def __init__(self, cli: Cli, *words: str, **env: str) -> None:
        self._ours, theirs = pty.openpty()
        settings = {**cli.env, "TERM": "xterm-256color", "COLUMNS": "110", "LINES": "30", **env}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "stepwell", *words],
            cwd=cli.folder,
            env=settings,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)
        self._timer = guarded(self.process)
        self.seen = ""

    def until(self, holds: Callable[[str], bool] | None = None) -> str:
        """Read until the text so far is as wanted, or to the end; gives it without the codes for colours and cursor."""
        while holds is None or not holds(self._plain()):
            try:
                got = os.read(self._ours, 65_536)
            except OSError:  # the other side is closed
                got = b""
            if not got:
                assert holds is None, f"it ended before: {self._plain()}"
                break
            self.seen += got.decode(errors="replace")
        return self._plain()

    def _plain(self) -> str:
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.seen)

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def end(self) -> int:
        self.until()
        os.close(self._ours)
        self._timer.cancel()
        return self.process.wait(PATIENCE)


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
