"""Staying with a run until it ends: showing how it goes, and passing Ctrl-C on."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final, Protocol

from stepwell.cli.failing import Left
from stepwell.cli.screen import say
from stepwell.kernel.evolve import blank, replay
from stepwell.model.base import MILLISECOND, SECOND, Duration, Instant
from stepwell.model.errors import StepwellError
from stepwell.model.journal import Turn
from stepwell.model.records import State

if TYPE_CHECKING:
    from stepwell.client.client import Client
    from stepwell.client.views import View

LOOK_EVERY: Final[Duration] = 100 * MILLISECOND
PAGE: Final = 1_000
"""turns that are read at once"""


class Screen(Protocol):
    """Shows a run. `turns`: what is new since the last time."""

    def show(self, state: State, turns: Sequence[Turn], now: Instant) -> None: ...

    def note(self, text: str) -> None: ...

    def close(self) -> None: ...


async def follow(client: Client, run_id: str, screen: Screen, ended: asyncio.Future[View]) -> None:
    """Show the run until it has ended. Reads what is new of its journal, no more often than drawing it is cheap."""
    clock, state = client.engine.clock, blank(run_id)
    while True:
        last = ended.done()
        begun = clock.now()
        turns = await client.engine.store.turns(run_id, state.run.seq, PAGE)
        state = replay(state, turns)
        screen.show(state, turns, begun)
        if len(turns) == PAGE:
            continue
        if last or state.run.status.terminal:
            return
        wait = max(LOOK_EVERY, 10 * (clock.now() - begun))
        pause = asyncio.ensure_future(clock.wait_until(clock.now() + wait))
        either: set[asyncio.Future[Any]] = {pause, ended}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        pause.cancel()


async def attend(
    client: Client,
    run_id: str,
    screen: Screen | None,
    *,
    steer: bool = True,
    timeout: float | None = None,
    last_words: str = "",
    until: Callable[[Client, str], Awaitable[View]] | None = None,
) -> View:
    """Wait for the end of the run (or for what `until` waits for), showing it; the view is that of `Client.wait`.

    The first Ctrl-C cancels the run, the second leaves it open and raises `Left`; so does SIGTERM, and with `steer`
    False the first. After `timeout` seconds the run is cancelled. `last_words`: how to go on with an open run.
    """
    ended = asyncio.ensure_future(client.wait(run_id) if until is None else until(client, run_id))
    shown = asyncio.ensure_future(follow(client, run_id, screen, ended)) if screen is not None else None
    tasks: set[asyncio.Future[Any]] = {ended, *([shown] if shown is not None else [])}
    try:
        with signals() as pressed:
            stop = _Stop(client, run_id, screen, steer=steer, last_words=last_words)
            await stop.watch(tasks, pressed, _limit(client, timeout))
        if shown is not None:
            await shown
        return await ended
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if screen is not None:
            screen.close()


class _Stop:
    """What is done when somebody wants the run to stop."""

    def __init__(
        self, client: Client, run_id: str, screen: Screen | None, *, steer: bool, last_words: str
    ) -> None:
        self._client, self._run_id, self._screen = client, run_id, screen
        self._asked = not steer
        self._last_words = last_words

    async def watch(
        self, tasks: set[asyncio.Future[Any]], pressed: asyncio.Queue[int], limit: asyncio.Future[None] | None
    ) -> None:
        """Return when the first of the tasks is done; what is waited for besides is added to them."""
        wanted, key = list(tasks), asyncio.ensure_future(pressed.get())
        while not any(task.done() for task in wanted):
            waiting = {*wanted, key, *([limit] if limit is not None else [])}
            tasks |= waiting
            done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            if key in done:
                number, key = key.result(), asyncio.ensure_future(pressed.get())
                tasks.add(key)
                await self._pressed(number)
            if limit is not None and limit in done:
                limit = None
                self._asked = True
                await self._cancel("it took longer than --timeout", "--timeout is over: cancelling the run")

    async def _pressed(self, number: int) -> None:
        if self._asked or number != signal.SIGINT:
            why = "told to end (SIGTERM): " if number != signal.SIGINT else ""
            say(f"{why}leaving as soon as what is in flight has been stopped", err=True)
            raise Left(f"run {self._run_id} stays open", hint=self._last_words)
        self._asked = True
        await self._cancel("interrupted by Ctrl-C", "cancelling the run")

    async def _cancel(self, reason: str, doing: str) -> None:
        if self._screen is not None:
            self._screen.note(f"{doing}; Ctrl-C now leaves at once, and the run open")
        with contextlib.suppress(StepwellError):  # it has ended, or is being cancelled already
            await self._client.cancel(self._run_id, reason)


def _limit(client: Client, timeout: float | None) -> asyncio.Future[None] | None:
    if timeout is None:
        return None
    clock = client.engine.clock
    return asyncio.ensure_future(clock.wait_until(clock.now() + int(timeout * SECOND)))


@contextlib.contextmanager
def signals() -> Iterator[asyncio.Queue[int]]:
    """Ctrl-C and SIGTERM as items of a queue, for as long as this lasts."""
    loop, queue = asyncio.get_running_loop(), asyncio.Queue[int]()
    caught = []
    for number in (signal.SIGINT, signal.SIGTERM):
        # Where the loop cannot (Windows), Ctrl-C ends the command as it ends any.
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(number, queue.put_nowait, int(number))
            caught.append(number)
    try:
        yield queue
    finally:
        for number in caught:
            loop.remove_signal_handler(number)
