"""Calls services over HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepwell.model.actions import Action, Failed, HttpAction, Outcome, Succeeded
from stepwell.model.base import SECOND
from stepwell.model.problem import communication, timeout, validation
from stepwell.ports import WorkContext
from stepwell.workers.http_request import CannotSend, build, redirected, shown
from stepwell.workers.http_response import Answer, CannotRead, complaint, output

if TYPE_CHECKING:
    import httpx2

LARGEST = 32 * 1024 * 1024
"""Bytes of the body of a response, decompressed."""

CONNECT_TIMEOUT = 10 * SECOND
READ_TIMEOUT = 60 * SECOND
CONNECTIONS = 256
IDLE_CONNECTIONS = 64
MOST_REDIRECTS = 10

REDIRECTS = frozenset({301, 302, 303, 307, 308})

UNREACHABLE = 500
"""The status of a communication error without an answer."""


class TooLarge(Exception):
    """The body of the response is larger than allowed."""


class HttpRunner:
    """Performs `HttpAction`s over shared connections: no cookies, no proxies, nothing from the environment.

    `largest` is in bytes. It drives the transport of httpx2 itself, since a client keeps cookies and writes
    every URL, secrets in its query included, to the log.
    """

    def __init__(self, *, largest: int = LARGEST) -> None:
        self._largest = largest
        self._transport: httpx2.AsyncHTTPTransport | None = None

    async def perform(self, action: Action, context: WorkContext) -> Outcome:
        import httpx2

        assert isinstance(action, HttpAction)
        try:
            request = build(action, context.key)
        except CannotSend as error:
            return Failed(validation(str(error)))
        named = f"{request.method} {shown(request.url)}"
        try:
            answer = await self._follow(request, action)
            if not 200 <= answer.status < (400 if action.redirect else 300):
                return Failed(communication(answer.status, complaint(answer)))
            return Succeeded(output(answer, action.output))
        except httpx2.TimeoutException as error:
            return Failed(timeout(f"{named} {_waited_for(error, action)}"))
        except httpx2.ConnectError as error:
            return Failed(communication(UNREACHABLE, f"{named}: cannot connect: {_said(error)}"))
        except (httpx2.HTTPError, OSError) as error:
            return Failed(communication(UNREACHABLE, f"{named}: the exchange broke off: {_said(error)}"))
        except (CannotSend, CannotRead, TooLarge) as error:
            return Failed(communication(UNREACHABLE, f"{named}: {error}"))

    async def close(self) -> None:
        if self._transport is not None:
            await self._transport.aclose()
            self._transport = None

    async def _follow(self, request: httpx2.Request, action: HttpAction) -> Answer:
        """Exchange, and go where redirects point if the action allows it."""
        for _ in range(MOST_REDIRECTS + 1):
            answer = await self.exchange(request, action)
            location = answer.headers.get("location")
            if not (action.redirect and answer.status in REDIRECTS and location):
                return answer
            request = redirected(request, answer.status, location)
        raise CannotSend(f"more than {MOST_REDIRECTS} redirects")

    async def exchange(self, request: httpx2.Request, action: HttpAction) -> Answer:
        """One request and its response, read in full. Leaving it early closes the connection. Raises what httpx2
        raises, and `TooLarge`."""
        request.extensions["timeout"] = _timeouts(action)
        response = await self._connections().handle_async_request(request)
        try:
            body = bytearray()
            async for chunk in response.aiter_bytes():
                body += chunk
                if len(body) > self._largest:
                    raise TooLarge(f"the response is larger than {self._largest} bytes")
        finally:
            await response.aclose()
        return Answer(request, response.status_code, response.headers, bytes(body))

    def _connections(self) -> httpx2.AsyncHTTPTransport:
        if self._transport is None:
            import httpx2

            limits = httpx2.Limits(max_connections=CONNECTIONS, max_keepalive_connections=IDLE_CONNECTIONS)
            self._transport = httpx2.AsyncHTTPTransport(trust_env=False, limits=limits)
        return self._transport


def _timeouts(action: HttpAction) -> dict[str, float | None]:
    """In seconds. Waiting for a free connection has no limit of its own: the task's timeout counts."""
    connect = CONNECT_TIMEOUT if action.connect_timeout is None else action.connect_timeout
    read = READ_TIMEOUT if action.read_timeout is None else action.read_timeout
    return {"connect": connect / SECOND, "read": read / SECOND, "write": read / SECOND, "pool": None}


def _waited_for(error: httpx2.TimeoutException, action: HttpAction) -> str:
    import httpx2

    times = _timeouts(action)
    if isinstance(error, httpx2.ConnectTimeout):
        return f"could not connect within {times['connect']:g} s"
    return f"got no data for {times['read']:g} s"


def _said(error: Exception) -> str:
    return str(error) or type(error).__name__
