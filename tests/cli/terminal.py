"""The command on a pseudo terminal."""

from __future__ import annotations

import contextlib
import os
import pty
import re
import select
from collections.abc import Callable

from tests.cli.helpers import PATIENCE, Cli, guarded
from tests.support import processes


class Terminal:
    """A command whose input and output are a terminal."""

    def __init__(self, cli: Cli, *words: str, **env: str) -> None:
        self._ours, theirs = pty.openpty()
        settings = {**cli.env, "TERM": "xterm-256color", "COLUMNS": "110", "LINES": "30", **env}
        self.process = processes.python(
            "-m",
            "stepwell",
            *words,
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
            before = len(self.seen)
            self.more()
            if len(self.seen) == before:
                assert holds is None, f"it ended before: {self._plain()}"
                break
        return self._plain()

    def more(self) -> str:
        """Read what comes next, and give all of it; nothing more comes where the other side is closed."""
        with contextlib.suppress(OSError):
            self.seen += os.read(self._ours, 65_536).decode(errors="replace")
        return self._plain()

    def says_something(self, within: float) -> bool:
        """Whether there is something to be read within so many seconds (or it has ended)."""
        return bool(select.select([self._ours], [], [], within)[0])

    def _plain(self) -> str:
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.seen)

    def type(self, text: str) -> None:
        os.write(self._ours, text.encode())

    def end(self) -> int:
        self.until()
        os.close(self._ours)
        self._timer.cancel()
        return self.process.wait(PATIENCE)
