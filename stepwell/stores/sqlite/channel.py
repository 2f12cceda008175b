"""How processes on the same file wake each other: each that listens has a named pipe beside the file, and a byte in it
means: look. Nothing else is said through it, and nothing hangs on it: who hears nothing looks every so often.

Who may read and write the pipe may do so with the database; it is in the same folder, with the same permissions.
"""

from __future__ import annotations

import asyncio
import errno
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

GAP: Final = 0.002
"""Seconds between two calls: what happens in between is told with the second."""

_SETTLED: Final = 0.05
"""Seconds after which a folder's time of change can be trusted to be its last."""


class Channel:
    def __init__(self, database: str) -> None:
        self._database = Path(database)
        self._prefix = f"{self._database.name}.wake-"
        self._loop = asyncio.get_running_loop()
        self._heard: Callable[[], None] | None = None
        self._pipe: tuple[Path, int] | None = None
        self._others: dict[str, int] = {}
        self._folder_at = -1
        self._sure_from = 0.0
        self._sure = False
        self._called_at = 0.0
        self._call: asyncio.TimerHandle | None = None

    def listen(self, heard: Callable[[], None]) -> bool:
        """Call `heard` when another process calls. False where there are no named pipes."""
        if not hasattr(os, "mkfifo"):
            return False
        self._heard = heard
        return self.mend()

    def mend(self) -> bool:
        """See that the pipe is there still; somebody may have taken it for a dead process's."""
        if self._heard is None:
            return False
        if self._pipe is not None:
            with suppress(OSError):
                if self._pipe[0].stat().st_ino == os.fstat(self._pipe[1]).st_ino:
                    return True
            self._close_pipe()
        try:
            self._pipe = self._make_pipe()
            self._loop.add_reader(self._pipe[1], self._read)
        except (OSError, NotImplementedError):  # a file system without pipes
            self._close_pipe()
        return self._pipe is not None

    def call(self) -> None:
        """Have all others that listen hear, at once or as soon as the gap is over."""
        if self._call is not None:
            return
        wait = self._called_at + GAP - self._loop.time()
        if wait <= 0:
            self._call_now()
        else:
            self._call = self._loop.call_later(wait, self._call_now)

    def close(self, *, leave: bool = False) -> None:
        """Say what is left to say, and leave nothing behind (but the pipe's file, as a killed process would)."""
        if self._call is not None:
            self._call.cancel()
            if not leave:
                self._call_now()
        self._heard = None
        self._close_pipe(leave=leave)
        self._let_go()

    def abandon(self) -> None:
        """In a forked child: the pipe is the parent's."""
        self._heard = self._pipe = self._call = None
        self._let_go()

    def _call_now(self) -> None:
        self._call = None
        self._called_at = self._loop.time()
        self._find_others()
        for name, fd in list(self._others.items()):
            try:
                os.write(fd, b"!")
            except BlockingIOError:  # full: it has enough to hear
                pass
            except OSError:
                os.close(self._others.pop(name))
                self._sure = False

    def _find_others(self) -> None:
        """Open the pipes that are new. The folder says when it was changed; one that changed a moment ago may change
        again without saying so."""
        try:
            changed_at = self._database.parent.stat().st_mtime_ns
        except OSError:
            return
        if changed_at == self._folder_at and self._sure:
            return
        if changed_at != self._folder_at:
            self._folder_at, self._sure_from = changed_at, self._loop.time() + _SETTLED
        self._sure = self._loop.time() >= self._sure_from
        ours = self._pipe[0].name if self._pipe is not None else ""
        with suppress(OSError), os.scandir(self._database.parent) as entries:
            names = {entry.name for entry in entries if entry.name.startswith(self._prefix)}
            for name in self._others.keys() - names:
                os.close(self._others.pop(name))
            for name in names - self._others.keys() - {ours}:
                self._open(name)

    def _open(self, name: str) -> None:
        path = self._database.parent / name
        try:
            fd = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_NOFOLLOW)
        except OSError as error:
            if error.errno == errno.ENXIO:  # its process is gone
                with suppress(OSError):
                    path.unlink()
            return
        if stat.S_ISFIFO(os.fstat(fd).st_mode):
            self._others[name] = fd
        else:
            os.close(fd)

    def _make_pipe(self) -> tuple[Path, int]:
        mode = stat.S_IMODE(self._database.stat().st_mode) & 0o666
        number = 0
        while True:
            path = self._database.with_name(f"{self._prefix}{os.getpid()}.{number}")
            try:
                os.mkfifo(path, mode)
            except FileExistsError:
                number += 1
                continue
            # Open for writing too: so it is never at its end.
            return path, os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)

    def _read(self) -> None:
        if self._pipe is None:
            return
        with suppress(BlockingIOError):
            os.read(self._pipe[1], 65_536)
        if self._heard is not None:
            self._heard()

    def _close_pipe(self, *, leave: bool = False) -> None:
        pipe, self._pipe = self._pipe, None
        if pipe is not None:
            self._loop.remove_reader(pipe[1])
            os.close(pipe[1])
            with suppress(OSError):
                if not leave:
                    pipe[0].unlink()

    def _let_go(self) -> None:
        for fd in self._others.values():
            os.close(fd)
        self._others.clear()
