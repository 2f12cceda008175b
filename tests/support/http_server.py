"""A small HTTP/1.1 server on loopback for tests: routes are Python callables, and it can misbehave on purpose.

    async with HttpServer() as server:
        server.route("/pets", lambda request: Reply.json({"id": 1}))
        ... server.url("/pets") ...
        assert server.requests[0].method == "GET"

A route gets the `Request` and returns a `Reply` (or awaits one). A path without a route answers 404. Besides, a
route may return `STALL` (never answer), `DROP` (close without an answer), or a `Reply` with `cut` (close after so
many bytes of the body) or `stall` (send no more after the head and `cut` bytes). `server.closed` counts connections
that ended; wait for it with `await server.until_closed(n)`.
"""

from __future__ import annotations

import asyncio
import inspect
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

CHUNK = 64 * 1024


@dataclass
class Request:
    """What arrived. Header names are in lower case; `query` keeps order and repetitions."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes = b""

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> list[tuple[str, str]]:
        return parse_qsl(urlsplit(self.target).query, keep_blank_values=True)

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Reply:
    """What to answer. `headers` are sent as given; Content-Length is added unless it is among them."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: int | None = None
    stall: bool = False

    @classmethod
    def json(cls, value: Any, status: int = 200, **headers: str) -> Reply:
        return cls(status, json.dumps(value).encode(), {"Content-Type": "application/json", **headers})

    @classmethod
    def text(cls, value: str, status: int = 200, kind: str = "text/plain; charset=utf-8") -> Reply:
        return cls(status, value.encode(), {"Content-Type": kind})

    @classmethod
    def redirect(cls, location: str, status: int = 302) -> Reply:
        return cls(status, b"", {"Location": location})


class _Misbehaviour:
    def __init__(self, name: str) -> None:
        self.name = name


STALL = _Misbehaviour("stall")
DROP = _Misbehaviour("drop")

Answer = Reply | _Misbehaviour
Route = Callable[[Request], Answer | Awaitable[Answer]]


def flaky(*replies: Answer) -> Route:
    """One reply after the other; the last one again and again."""
    left = list(replies)
    return lambda request: left.pop(0) if len(left) > 1 else left[0]


class HttpServer:
    """The server; `async with` starts and stops it. `requests` are all that arrived, in order."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.opened = 0
        self.closed = 0
        self._routes: dict[str, Route] = {}
        self._changed = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    def route(self, path: str, route: Route | Answer) -> None:
        """Answer requests for the path: by a callable, or always the same."""
        self._routes[path] = route if callable(route) else lambda request: route

    def url(self, path: str = "/", host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def seen(self, path: str) -> Sequence[Request]:
        return [request for request in self.requests if request.path == path]

    async def until_closed(self, count: int = 1) -> None:
        await self._until(lambda: self.closed >= count)

    async def until_requests(self, count: int = 1) -> None:
        await self._until(lambda: len(self.requests) >= count)

    async def __aenter__(self) -> HttpServer:
        self._server = await asyncio.start_server(self._connection, "127.0.0.1", 0)
        self.port: int = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self._changed.clear()
            await self._changed.wait()

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.opened += 1
        try:
            while (request := await _read(reader)) is not None:
                self.requests.append(request)
                self._changed.set()
                if not await self._answer(request, reader, writer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()
            self.closed += 1
            self._changed.set()
            self._tasks.discard(task)

    async def _answer(
        self, request: Request, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Whether the connection stays open."""
        route = self._routes.get(request.path, lambda request: Reply.text("no such page", 404))
        reply = route(request)
        if inspect.isawaitable(reply):
            reply = await reply
        if reply is DROP:
            return False
        if reply is STALL:
            await reader.read()  # returns when the client hangs up
            return False
        assert isinstance(reply, Reply)
        headers = {"Content-Length": str(len(reply.body)), **reply.headers}
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(f"HTTP/1.1 {reply.status} X\r\n{head}\r\n".encode("latin-1"))
        body = reply.body if request.method != "HEAD" else b""
        for start in range(0, len(body[: reply.cut]), CHUNK):
            writer.write(body[: reply.cut][start : start + CHUNK])
            await writer.drain()
        await writer.drain()
        if reply.stall:
            await reader.read()
        return reply.cut is None and not reply.stall


async def _read(reader: asyncio.StreamReader) -> Request | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.rstrip("\r\n").split("\r\n")
    method, target, _ = first.split(" ")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Request(method, target, headers, body)
