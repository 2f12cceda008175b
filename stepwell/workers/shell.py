"""Runs shell commands: `sh -c COMMAND sh ARGUMENTS`, each in a process group of its own."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
from collections.abc import Mapping
from typing import Any, cast

from stepwell.model.actions import Action, Failed, Outcome, ShellAction, Succeeded
from stepwell.model.base import Json
from stepwell.model.problem import runtime, validation
from stepwell.ports import WorkContext
from stepwell.workers.groups import end_group
from stepwell.workers.settle import until_done

LARGEST = 16 * 1024 * 1024
"""Bytes of stdout and stderr together."""

GRACE_SECONDS = 2.0
"""Between SIGTERM and SIGKILL."""

LINGER_SECONDS = 0.25
"""How long output is read after the shell has ended, where what it left behind holds the pipe open."""

PASSED_ON = frozenset({"PATH", "HOME", "LANG", "LANGUAGE", "TMPDIR", "TZ"})

SHELL = "/bin/sh"

DETACHED = 'exec 3<&0; /bin/sh -c "$@" <&3 3<&- >/dev/null 2>&1 &'
"""Runs its arguments as a command of which nobody is the parent, with the stdin that it got."""

_PARAMETER = r"(?P<parameter>\$(?:[1-9@*\#]|\{[\#!]?[1-9@*]))"
_WORD = re.compile(rf"""\\.|'[^']*'|(?P<double>"(?:\\.|[^"\\])*")|{_PARAMETER}""", re.DOTALL)
_WITHIN = re.compile(rf"\\.|{_PARAMETER}", re.DOTALL)

STREAMS: Mapping[str, tuple[int, ...]] = {
    "stdout": (1,),
    "stderr": (2,),
    "all": (1, 2),
    "code": (),
    "none": (),
}


class ShellRunner:
    """Performs `ShellAction`s. `largest` is in bytes, `grace` in seconds.

    A code other than 0 is a result, not an error; a command ended by signal n has code 128 + n. Interrupting
    ends the whole process group. What a command leaves running in the background when it ends is left alone.
    """

    def __init__(self, *, largest: int = LARGEST, grace: float = GRACE_SECONDS) -> None:
        self._largest = largest
        self._grace = grace

    async def perform(self, action: Action, context: WorkContext) -> Outcome:
        assert isinstance(action, ShellAction)
        try:
            stdin = None if action.stdin is None else action.stdin.encode()
            process = await self._started(action, piped=stdin is not None)
        except ValueError as error:
            return Failed(validation(f"the shell cannot be given this command: {error}"))
        except OSError as error:
            return Failed(runtime(f"the shell cannot be started: {error.strerror or error}"))
        try:
            await _finish(process, stdin, LINGER_SECONDS if action.wait else None)
        except BaseException:
            await self._stop(process)
            raise
        if process.overflowed:
            await self._stop(process)
            return Failed(runtime(f"the command wrote more than {self._largest} bytes; it was stopped"))
        process.transport.close()
        return Succeeded(_result(action, process))

    async def close(self) -> None:
        """Nothing is kept between commands."""

    async def _started(self, action: ShellAction, piped: bool) -> _Process:
        """The command, running. Raises `OSError`, `ValueError`."""
        wanted = STREAMS[action.returns] if action.wait else ()
        process = _Process(wanted, self._largest)
        starting = asyncio.ensure_future(
            asyncio.get_running_loop().subprocess_exec(
                lambda: process,
                *_command_line(action),
                stdin=_pipe(piped),
                stdout=_pipe(1 in wanted),
                stderr=_pipe(2 in wanted),
                env=_environment(action.environment),
                start_new_session=True,
            )
        )
        try:
            await asyncio.shield(starting)
        except asyncio.CancelledError:  # half started cannot be stopped: let it start, then stop it
            await until_done(starting)
            if starting.exception() is None:
                await self._stop(process)
            raise
        return process

    async def _stop(self, process: _Process) -> None:
        """End the process group: politely, then by force; return when it is gone."""
        stopping = asyncio.ensure_future(end_group(process.pid, process.exited, self._grace))
        await until_done(stopping)
        process.transport.close()


def _command_line(action: ShellAction) -> tuple[str, ...]:
    command = action.command
    if action.arguments and not names_parameters(command):
        command = f"{command} {shlex.join(action.arguments)}"
    own = (SHELL, "-c", command, "sh", *action.arguments)
    return own if action.wait else (SHELL, "-c", DETACHED, "sh", *own[2:])


def names_parameters(command: str) -> bool:
    """Whether a shell command refers to its arguments (`$1`, `$@`, `${2:-x}`, `$#` …). What stands in single
    quotes or behind a backslash does not: in `awk '{print $1}'` it belongs to awk."""
    for word in _WORD.finditer(command):
        if word["parameter"] or any(each["parameter"] for each in _WITHIN.finditer(word["double"] or "")):
            return True
    return False


def _environment(given: Mapping[str, str]) -> dict[str, str]:
    """Of our own environment only what a command needs to work at all: it may hold secrets of the server."""
    kept = {name: value for name, value in os.environ.items() if name in PASSED_ON or name.startswith("LC_")}
    return {**kept, **given}


def _pipe(wanted: bool) -> int:
    return asyncio.subprocess.PIPE if wanted else asyncio.subprocess.DEVNULL


def _result(action: ShellAction, process: _Process) -> Json:
    code = process.exited.result()
    if not action.wait or action.returns == "none":
        return None
    if action.returns == "code":
        return code
    if action.returns == "all":
        return {"code": code, "stdout": process.text(1), "stderr": process.text(2)}
    return process.text(STREAMS[action.returns][0])


class _Process(asyncio.SubprocessProtocol):
    """A running shell: what it wrote, and its end."""

    def __init__(self, wanted: tuple[int, ...], largest: int) -> None:
        loop = asyncio.get_running_loop()
        self.exited: asyncio.Future[int] = loop.create_future()
        self.silent: asyncio.Future[None] = loop.create_future()
        """everything it wrote has been read, or it wrote too much"""
        self.fed: asyncio.Future[None] = loop.create_future()
        """it has taken its stdin, or wants no more of it"""
        self.overflowed = False
        self._output = {fd: bytearray() for fd in wanted}
        self._open = set(wanted)
        self._room = largest
        if not wanted:
            self.silent.set_result(None)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.SubprocessTransport, transport)
        self.pid = self.transport.get_pid()

    def feed(self, data: bytes | None) -> None:
        if data is None:
            self.fed.set_result(None)
            return
        stdin = cast(asyncio.WriteTransport, self.transport.get_pipe_transport(0))
        stdin.write(data)
        stdin.write_eof()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self._room -= len(data)
        if self._room >= 0:
            self._output[fd] += data
        elif not self.silent.done():
            self.overflowed = True
            self.silent.set_result(None)

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        if fd == 0 and not self.fed.done():
            self.fed.set_result(None)
        self._open.discard(fd)
        if fd != 0 and not self._open and not self.silent.done():
            self.silent.set_result(None)

    def process_exited(self) -> None:
        code = self.transport.get_returncode() or 0
        if not self.exited.done():
            self.exited.set_result(code if code >= 0 else 128 - code)

    def text(self, fd: int) -> str:
        """What it wrote, as text, without the newline at the end."""
        return bytes(self._output[fd]).decode("utf-8", "replace").removesuffix("\n")


async def _finish(process: _Process, stdin: bytes | None, patience: float | None) -> None:
    """Return when the command has ended and was read, or has written too much. `patience` is how long it may
    take its stdin after that: a command that runs on by itself, as long as it likes."""
    process.feed(stdin)
    events: list[asyncio.Future[Any]] = [process.exited, process.silent]
    await asyncio.wait(events, return_when=asyncio.FIRST_COMPLETED)
    if process.overflowed:
        return
    if not process.exited.done():  # it closed its output and goes on
        await asyncio.wait([process.exited])
    await asyncio.wait([process.silent], timeout=LINGER_SECONDS)
    await asyncio.wait([process.fed], timeout=patience)
