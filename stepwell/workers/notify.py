"""Tells channels what happened: a channel is a URL that gets a POST, or a function of the program.

Either gets the same: `{channel, title, message, run, step, key}`. The key is the same however often it is told; the
POST has it as its `idempotency-key` too.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextvars import copy_context
from difflib import get_close_matches
from typing import Any, Final

from stepwell.model.actions import Action, Failed, HttpAction, NotifyAction, Outcome, Succeeded
from stepwell.model.base import SECOND, Json
from stepwell.model.errors import InvalidInput
from stepwell.model.problem import communication, configuration, timeout
from stepwell.ports import WorkContext
from stepwell.workers.calling import call_on_loop, call_plain, is_async
from stepwell.workers.context import Current
from stepwell.workers.http import UNREACHABLE, HttpRunner, TooLarge
from stepwell.workers.http_request import CannotSend, build, checked_url
from stepwell.workers.threads import Threads

LARGEST: Final = 64 * 1024
"""Bytes of an answer: nobody reads it."""
TIMEOUT: Final = 30 * SECOND
THREADS: Final = 4

Notifier = str | Callable[[dict[str, Any]], Any]
"""A URL, or a function (plain or `async`) that is called with the message. What it returns is not looked at."""


class NotifyRunner:
    """Performs `NotifyAction`s. Addresses are not shown: many chat services put a secret into theirs.

    Raises `InvalidInput` for a notifier that can tell nobody anything.
    """

    def __init__(self, notifiers: Mapping[str, Notifier] | None = None) -> None:
        self._notifiers = dict(notifiers or {})
        for channel, notifier in self._notifiers.items():
            _check(channel, notifier)
        self._http = HttpRunner(largest=LARGEST)
        self._threads = Threads(THREADS, "stepwell-notify")

    async def perform(self, action: Action, context: WorkContext) -> Outcome:
        assert isinstance(action, NotifyAction)
        notifier = self._notifiers.get(action.channel)
        if notifier is None:
            return Failed(configuration(self._unknown(action.channel)), retry=False)
        message: dict[str, Any] = {
            "channel": action.channel,
            "title": action.title,
            "message": action.message,
            "run": context.run_id,
            "step": context.step_id,
            "key": context.key,
        }
        if isinstance(notifier, str):
            return await self._post(notifier, message, context)
        return await self._call(notifier, message, context)

    async def close(self) -> None:
        self._threads.close()
        await self._http.close()

    def _unknown(self, channel: str) -> str:
        known = ", ".join(sorted(self._notifiers)) or "none"
        near = get_close_matches(channel, self._notifiers, 1)
        guess = f" (did you mean {near[0]}?)" if near else ""
        return f"there is no channel {channel[:100]!r}{guess}; this engine was given: {known}"

    async def _post(self, url: str, message: dict[str, Json], context: WorkContext) -> Outcome:
        import httpx2

        request = HttpAction("POST", url, {}, {}, message, has_body=True, read_timeout=TIMEOUT)
        where = f"channel {message['channel']}"
        try:
            answer = await self._http.exchange(build(request, context.key), request)
        except CannotSend as error:
            return Failed(configuration(f"{where}: {error}"), retry=False)
        except httpx2.TimeoutException:
            return Failed(timeout(f"{where} gave no answer in time"))
        except (httpx2.HTTPError, OSError, TooLarge) as error:
            return Failed(communication(UNREACHABLE, f"{where} cannot be reached: {type(error).__name__}"))
        if 200 <= answer.status < 300:
            return Succeeded({"channel": message["channel"]})
        return Failed(communication(answer.status, f"{where} answered {answer.status}"))

    async def _call(
        self, notifier: Callable[..., Any], message: dict[str, Json], context: WorkContext
    ) -> Outcome:
        if is_async(notifier):

            async def tell() -> None:
                await notifier(message)

            outcome = await call_on_loop(tell, None, context)
        else:

            def tell_plainly() -> None:
                notifier(message)

            current, variables = Current(context, asyncio.get_running_loop()), copy_context()
            try:
                outcome = await self._threads.run(
                    lambda: variables.run(call_plain, tell_plainly, None, current)
                )
            except asyncio.CancelledError:
                current._stop()
                raise
        return Succeeded({"channel": message["channel"]}) if isinstance(outcome, Succeeded) else outcome


def _check(channel: str, notifier: Any) -> None:
    if callable(notifier):
        return
    try:
        if not isinstance(notifier, str):
            raise CannotSend("it is neither a URL nor a function")
        checked_url(notifier)
    except CannotSend as error:
        raise InvalidInput(f"nothing can be told to channel {channel!r}: {error}") from None
