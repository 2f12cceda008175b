"""Coroutines that share a task one after the other: each in a context of its own, and known to have waited."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Generator
from contextvars import Context
from functools import partial
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Turn:
    """Await it: everything else that is ready runs first."""

    __slots__ = ()

    def __await__(self) -> Generator[None, None, None]:
        yield


class Apart(Generic[T]):
    """Await it once. What the coroutine sets in context variables stays in `context`; `waits` is called when it has to
    wait for the first time: until then it has kept nobody from the loop."""

    __slots__ = ("_context", "_coroutine", "_waits")

    def __init__(
        self, coroutine: Coroutine[Any, Any, T], context: Context, waits: Callable[[], None]
    ) -> None:
        self._coroutine, self._context, self._waits = coroutine, context, waits

    def __await__(self) -> Generator[Any, Any, T]:
        run, coroutine = self._context.run, self._coroutine
        try:
            waits_for = run(coroutine.send, None)
            self._waits()
            while True:
                try:
                    sent = yield waits_for
                except BaseException as error:  # noqa: BLE001 - whatever its task is told, it is told
                    step = partial(coroutine.throw, error)
                else:
                    step = partial(coroutine.send, sent)
                waits_for = run(step)
        except StopIteration as done:
            result: T = done.value
            return result
