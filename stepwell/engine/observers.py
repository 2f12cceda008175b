"""Whoever listens: told of every committed event and every evaluated condition, after the commit, once.

A listener cannot change the run, hold it up or break it: it is called on the engine's loop, and what it raises is
logged. One that is a coroutine function is awaited beside the runs, for one thing after the other in their order.
"""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextvars import copy_context
from copy import deepcopy
from typing import Any, Final

from stepwell.kernel.ruling import Condition
from stepwell.model.base import Json
from stepwell.model.events import Event, VariablesSet
from stepwell.model.journal import Turn
from stepwell.ports import Observer

log = logging.getLogger("stepwell.events")

ConditionListener = Callable[[str, str, str, bool], Coroutine[Any, Any, None] | None]
"""Gets (run id, step id, expression, result)."""

VariableListener = Callable[[str, str, object, object], Coroutine[Any, Any, None] | None]
"""Gets (run id, name, old, new); None stands for absent."""

_ATOMS: Final = frozenset({str, int, float, bool, type(None)})

Forget = Callable[[], None]

PATIENCE: Final = 5.0
"""Seconds that an engine which closes leaves its listeners to hear what they were told."""


class Observers:
    """Three kinds of listeners; each `on_…` returns a function that ends the subscription."""

    def __init__(self) -> None:
        self._events: list[_Listener] = []
        self._conditions: list[_Listener] = []
        self._variables: list[_Listener] = []
        self.listening = 0
        """how many listeners there are"""

    def on_event(self, observer: Observer) -> Forget:
        return self._add(self._events, observer)

    def on_condition(self, listener: ConditionListener) -> Forget:
        return self._add(self._conditions, listener)

    def on_variable(self, listener: VariableListener) -> Forget:
        return self._add(self._variables, listener)

    def _add(self, listeners: list[_Listener], call: Callable[..., object]) -> Forget:
        listener = _Listener(call)
        listeners.append(listener)
        self.listening += 1

        def forget() -> None:
            listeners.remove(listener)
            listener.forget()
            self.listening -= 1

        return forget

    def tell(self, turn: Turn, conditions: Sequence[Condition], before: Mapping[str, Json]) -> None:
        """`before`: the run's variables before the turn."""
        for event in turn.events:
            for observer in list(self._events):
                observer.tell(turn.run_id, turn.seq, turn.at, event)
            if isinstance(event, VariablesSet) and self._variables:
                self._tell_variables(turn.run_id, event, before)
        for condition in conditions:
            for listener in list(self._conditions):
                listener.tell(turn.run_id, *condition)

    def _tell_variables(self, run_id: str, event: VariablesSet, before: Mapping[str, Json]) -> None:
        changed = {**event.values, **dict.fromkeys(event.removed)}
        for name, new in changed.items():
            for listener in list(self._variables):
                listener.tell(run_id, name, before.get(name), new)

    async def close(self) -> None:
        """Let those that are awaited hear what they were told, but not for ever."""
        tasks = [
            listener.task
            for listener in (*self._events, *self._conditions, *self._variables)
            if listener.task is not None
        ]
        if not tasks:
            return
        late = (await asyncio.wait(tasks, timeout=PATIENCE))[1]
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        if late:
            log.warning("%d listeners had not heard all when the engine closed", len(late))


def own_event(event: Event) -> Event:
    """The event once more, for code of the user's: what it writes into it is not what the engine remembers."""
    return event if _ATOMS.issuperset(map(type, event)) else deepcopy(event)


class _Listener:
    """`task` awaits what is still to be heard, if anything is."""

    __slots__ = ("_call", "_context", "_to_hear", "task")

    def __init__(self, call: Callable[..., object]) -> None:
        self._call, self._context = call, copy_context()
        self._to_hear: deque[Coroutine[Any, Any, object]] = deque()
        self.task: asyncio.Task[None] | None = None

    def tell(self, *arguments: object) -> None:
        try:
            hearing = self._call(*arguments)
        except Exception:
            log.exception("a listener failed; the run goes on")
            return
        if hearing is not None and inspect.iscoroutine(hearing):
            self._to_hear.append(hearing)
            if self.task is None:
                self.task = asyncio.get_running_loop().create_task(
                    self._hear(), name="stepwell-listener", context=self._context
                )

    async def _hear(self) -> None:
        try:
            while self._to_hear:
                try:
                    await self._to_hear.popleft()
                except Exception:
                    log.exception("a listener failed; the run goes on")
        finally:
            self.task = None
            self.forget()

    def forget(self) -> None:
        """What it has not begun to hear, it does not hear."""
        while self._to_hear:
            self._to_hear.popleft().close()
