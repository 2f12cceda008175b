"""Child processes for work that must be stoppable, or must not be able to hurt: one request at a time each.

They speak JSON lines over stdin and stdout: {…} in; {"ask": …} out and {"answer": …} in, any number of
times; then {"ok": value} or {"error": {…}} out, with "over": true if the child is spent. A child that dies,
overruns its time or is not wanted any more is killed, with the processes that it started, and replaced;
only the request that it served fails.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections import deque
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, cast

from pydantic_core import from_json, to_json

from stepwell.model.base import Json
from stepwell.workers.child import OWN_PATH
from stepwell.workers.settle import until_done

Answer = Callable[[Mapping[str, Json]], Awaitable[Json]]

LARGEST = 64 * 1024 * 1024
"""Bytes of one answer of a child."""

START_SECONDS = 30.0
LINGER_SECONDS = 0.5
"""How long the pipe of a dead child is read, in case somebody else holds it open."""


class ChildDied(Exception):
    """The child process ended, or never began, instead of answering; the text says how."""


class ChildOverran(Exception):
    """The child did not answer within the limit; it is dead now."""


class NotRead(Exception):
    """The child's answer cannot be read: JSON nested too deep, or an integer of thousands of digits."""


class ChildFailed(Exception):
    """The child answered with an error. It is well."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error)
        self.error = error


class NotSent(Exception):
    """The request cannot be written as JSON."""


class Kind(NamedTuple):
    """How to start children: options of the interpreter, names of the environment to pass on (None: all)."""

    options: tuple[str, ...]
    environment: tuple[str, ...] | None
    quiet: bool


KINDS: Mapping[str, Kind] = {
    # Nothing of our environment: definitions are less trusted than code.
    "jq": Kind(("-S", "-P"), ("LANG", "LC_ALL", "LC_CTYPE", "SYSTEMROOT"), quiet=True),
    "python": Kind(("-P",), None, quiet=False),
}


class ChildPool:
    """Children of one kind, ``"jq"`` or ``"python"``: started when needed, at most `most` at once (more
    requests wait), at most `keep` (default: as many as there are processors) kept when idle."""

    def __init__(self, kind: str, *, keep: int | None = None, most: int | None = None) -> None:
        processors = os.cpu_count() or 1
        self._kind = kind
        self._keep = processors if keep is None else keep
        self._slots = asyncio.Semaphore(4 * processors if most is None else most)
        self._idle: list[_Child] = []
        self._all: set[_Child] = set()
        self._closed = False

    async def request(
        self, request: Mapping[str, Json], *, limit: float | None = None, answer: Answer | None = None
    ) -> Json:
        """Have a child do it. `limit` is in seconds from when the child has the request; `answer` answers
        what the child asks meanwhile. Raises `ChildFailed`, `ChildDied`, `ChildOverran`,
        `NotSent`, `NotRead`."""
        line = _line(request)
        async with self._slots:
            child = await self._take()
            try:
                reply = await _exchange(child, line, limit, answer)
            except BaseException:
                await self._kill(child)
                raise
            if reply.get("over"):
                await self._kill(child)
            else:
                self._give_back(child)
        if "error" in reply:
            raise ChildFailed(reply["error"])
        return reply["ok"]

    @property
    def pids(self) -> frozenset[int]:
        """Process ids of all children, busy and idle."""
        return frozenset(child.pid for child in self._all)

    async def close(self) -> None:
        """Kill all children; requests under way fail, and so do later ones."""
        self._closed = True
        for child in list(self._all):
            await self._kill(child)
        self._idle.clear()

    async def _take(self) -> _Child:
        while self._idle:
            child = self._idle.pop()  # the one used last: it has compiled the same expressions
            if child.alive:
                return child
            self._forget(child)
        return await self._start()

    async def _start(self) -> _Child:
        if self._closed:
            raise ChildDied("its engine is shutting down")
        kind = KINDS[self._kind]
        loop = asyncio.get_running_loop()
        try:
            _, child = await loop.subprocess_exec(
                _Child,
                *(sys.executable, *kind.options, "-m", "stepwell.workers.child", self._kind),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL if kind.quiet else None,
                env=_environment(kind),
                start_new_session=True,  # Ctrl-C in a terminal is for us; and all it starts can be killed
            )
        except OSError as error:
            raise ChildDied(f"a child process cannot be started: {error}") from error
        self._all.add(child)
        try:
            await _next_line(child, START_SECONDS)
        except ChildOverran:
            await self._kill(child)
            raise ChildDied(f"a child process was not ready within {START_SECONDS:g} s") from None
        except BaseException:
            await self._kill(child)
            raise
        return child

    def _give_back(self, child: _Child) -> None:
        self._idle.append(child)
        if self._slots.locked():
            return  # somebody waits for it
        while len(self._idle) > self._keep:
            self._dismiss(self._idle.pop(0))

    def _dismiss(self, child: _Child) -> None:
        child.kill()
        child.exited.add_done_callback(lambda _: self._forget(child))

    async def _kill(self, child: _Child) -> None:
        child.kill()
        await until_done(child.exited)
        self._forget(child)

    def _forget(self, child: _Child) -> None:
        self._all.discard(child)
        child.transport.close()


class _Child(asyncio.SubprocessProtocol):
    """One child process: its lines and its end."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.exited: asyncio.Future[int] = loop.create_future()
        self._loop = loop
        self._parts: list[bytes] = []
        self._size = 0
        self._lines: deque[bytes] = deque()
        self._reader: asyncio.Future[bytes] | None = None
        self._end: Exception | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.SubprocessTransport, transport)
        self.pid = self.transport.get_pid()

    @property
    def alive(self) -> bool:
        return self._end is None and not self.exited.done()

    def send(self, line: bytes) -> None:
        cast(asyncio.WriteTransport, self.transport.get_pipe_transport(0)).write(line)

    def line(self) -> asyncio.Future[bytes]:
        """The next line, as a future."""
        self._reader = self._loop.create_future()
        self._wake()
        return self._reader

    def fail(self, reason: Exception) -> None:
        """No more lines are wanted or expected."""
        self._end = self._end or reason
        self._wake()

    def kill(self) -> None:
        if not self.exited.done():
            self._kill_group()

    def _kill_group(self) -> None:
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass  # it is over

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        self._parts.append(data)
        self._size += len(data)
        if data.endswith(b"\n"):  # there is never more than one line under way
            self._lines.append(b"".join(self._parts))
            self._parts, self._size = [], 0
            self._wake()
        elif self._size > LARGEST:
            self.fail(ChildDied(f"its result is larger than {LARGEST >> 20} MB"))

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        if fd == 1 and self.exited.done():
            self._ended()
        elif fd == 1:
            self.exited.add_done_callback(lambda _: self._ended())

    def process_exited(self) -> None:
        self._kill_group()  # what it leaves behind when it crashes
        if not self.exited.done():
            self.exited.set_result(self.transport.get_returncode() or 0)
        if not self._loop.is_closed():
            self._loop.call_later(LINGER_SECONDS, self._ended)

    def _ended(self) -> None:
        code = self.exited.result()
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"exited with code {code}"
        self.fail(ChildDied(f"the child process {how}"))

    def _wake(self) -> None:
        if self._reader is None or self._reader.done():
            return
        if self._lines:
            self._reader.set_result(self._lines.popleft())
        elif self._end is not None:
            self._reader.set_exception(self._end)


async def _exchange(
    child: _Child, line: bytes, limit: float | None, answer: Answer | None
) -> dict[str, Json]:
    """Send the request, answer what is asked, and return the reply."""
    child.send(line)
    while True:
        reply = _read(await _next_line(child, limit))
        if "ask" not in reply or answer is None:
            return reply
        try:
            told = {"answer": await answer(reply)}
        except Exception as error:  # noqa: BLE001 - the function in the child asked for it and is told
            told = {"error": f"{type(error).__name__}: {error}"}
        child.send(_line(told))


async def _next_line(child: _Child, limit: float | None) -> bytes:
    future = child.line()
    if limit is None:
        return await future
    timer = asyncio.get_running_loop().call_later(limit, child.fail, ChildOverran())
    try:
        return await future
    finally:
        timer.cancel()


def _line(value: Mapping[str, Json]) -> bytes:
    try:
        return to_json(value) + b"\n"
    except ValueError as error:
        raise NotSent(str(error)) from None


def _read(line: bytes) -> dict[str, Json]:
    try:
        reply: dict[str, Json] = from_json(line)
    except ValueError as error:
        raise NotRead(str(error)) from None
    return reply


def _environment(kind: Kind) -> dict[str, str]:
    names = os.environ if kind.environment is None else kind.environment
    chosen = {name: os.environ[name] for name in names if name in os.environ}
    # the child finds modules where we find them, however we came to do so
    if "PYTHONPATH" in chosen:
        chosen[OWN_PATH] = chosen["PYTHONPATH"]
    chosen["PYTHONPATH"] = os.pathsep.join(entry or str(Path.cwd()) for entry in sys.path)
    return chosen
