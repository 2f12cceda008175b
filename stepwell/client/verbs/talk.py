"""Talking with a run that goes on: signals in, events and streams out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any, Final, TypeVar

from stepwell.client.verbs.base import Verbs
from stepwell.client.views import View
from stepwell.model import commands as c
from stepwell.model.base import MILLISECOND, SECOND, Json
from stepwell.model.errors import NotFound, TransitionRefused, WaitTimeout
from stepwell.model.records import Signal, State
from stepwell.workers.results import jsonable

T = TypeVar("T")

NOTHING: Final = object()

LOOK_EVERY: Final = 200 * MILLISECOND
"""How often to look at a run that another process carries on."""


class TalkVerbs(Verbs):
    """Signal, get_event, stream."""

    async def signal(
        self,
        run_id: str,
        name: str,
        value: Any = None,
        *,
        correlation: str | None = None,
        id: str | None = None,
    ) -> View:
        """Deliver a signal; it is on record when this returns, once for each `id` (a new one unless given).

        The answer is `{"signal": id, "status": …, "step": …}`: `delivered` to the step that waited for it, `buffered`
        until one does, or `duplicate`. A run that continued as another one passes it on.
        Raises `TransitionRefused` where the
        run has ended: the signal comes too late.
        """
        signal = id or self.engine.ids.run_id()
        written = jsonable(value)
        while True:
            state = await self._state(run_id)
            known = state.signals.get(signal)
            if known is not None:
                return _receipt(known, duplicate=True)
            if state.run.continued_to is not None:
                run_id = state.run.continued_to
                continue
            try:
                await self.engine.command(run_id, c.SendSignal(signal, name, written, correlation))
            except TransitionRefused:
                if (await self._state(run_id)).run.continued_to is None:
                    raise
                continue
            return _receipt((await self._state(run_id)).signals[signal], duplicate=False)

    async def get_event(self, run_id: str, name: str, timeout: float | None = None) -> Json:
        """What the run published under this name with `flow.set_event`; waits until it does.

        Raises `WaitTimeout` after `timeout` seconds, and `NotFound` where the run ended without it.
        """

        def look(state: State) -> Any:
            return state.run.variables.get(name, NOTHING)

        found = await self._until(run_id, look, timeout, f"event {name!r}")
        if found is NOTHING:
            raise NotFound(f"run {run_id} ended without an event {name!r}")
        return found

    async def stream(self, run_id: str, name: str, start: int = 0) -> AsyncIterator[Json]:
        """The values that the run writes to a stream, from the `start`-th on, as they come; ends when the stream is
        closed or the run has ended."""
        place = start
        while True:

            def look(state: State, place: int = place) -> Any:
                stream = state.streams.get(name)
                if stream is not None and (len(stream.values) > place or stream.closed):
                    return (stream.values[place:], stream.closed)
                return NOTHING

            found = await self._until(run_id, look, None, name)
            if found is NOTHING:
                return
            values, closed = found
            for value in values:
                yield value
            place += len(values)
            if closed and not values:
                return

    async def _state(self, run_id: str) -> State:
        await self.engine.row(run_id)
        return await self.engine.reload(run_id)

    async def _until(
        self, run_id: str, look: Callable[[State], Any], timeout: float | None, what: str
    ) -> Any:
        """What `look` finds as soon as it finds something; NOTHING if the run has ended without it."""
        clock = self.engine.clock
        until = None if timeout is None else clock.now() + int(timeout * SECOND)
        moved = asyncio.Event()
        forget = self.engine.observers.on_event(
            lambda run, seq, at, event: moved.set() if run == run_id else None
        )
        try:
            while True:
                moved.clear()
                state = await self._state(run_id)
                found = look(state)
                if found is not NOTHING or state.run.status.terminal:
                    return found
                if until is not None and clock.now() >= until:
                    raise WaitTimeout(f"run {run_id} has no {what} after {timeout:g} s")
                await self._moved(moved, until, foreign=run_id not in self.engine.actors)
        finally:
            forget()

    async def _moved(self, moved: asyncio.Event, until: int | None, *, foreign: bool) -> None:
        """Return when the run may have moved, or the time is over."""
        clock = self.engine.clock
        wake = [] if until is None else [until]
        wake += [clock.now() + LOOK_EVERY] if foreign else []
        tasks: list[asyncio.Future[Any]] = [asyncio.ensure_future(moved.wait())]
        tasks += [asyncio.ensure_future(_then(clock.wait_until(min(wake))))] if wake else []
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()


async def _then(waiting: Any) -> bool:
    await waiting
    return True


def _receipt(signal: Signal, *, duplicate: bool) -> View:
    status = "duplicate" if duplicate else "buffered" if signal.step is None else "delivered"
    return {"signal": signal.id, "name": signal.name, "status": status, "step": signal.step}
