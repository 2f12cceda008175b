"""Coroutines that share a task one after the other, each in a context of its own."""

from __future__ import annotations

from collections.abc import Coroutine, Generator
from contextvars import Context
from functools import partial
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Turn:
    """Await it: everything else that is ready runs first."""

    __slots__ = ()

    def __await__(self) -> Generator[None, None, None]:
        yield


class Left(Exception):
    """The coroutine raised a `GeneratorExit` by itself, `error`: nobody threw it away."""

    def __init__(self, error: GeneratorExit) -> None:
        super().__init__("a coroutine raised GeneratorExit")
        self.error = error


class Apart(Generic[T]):
    """What is left of a coroutine that was begun in `context` and `waits_for` something. Await it once. What it sets in
    context variables stays in there. Raises `Left`."""

    __slots__ = ("_context", "_coroutine", "_waits_for")

    def __init__(self, coroutine: Coroutine[Any, Any, T], context: Context, waits_for: Any) -> None:
        self._coroutine, self._context, self._waits_for = coroutine, context, waits_for

    def __await__(self) -> Generator[Any, Any, T]:
        run, coroutine, waits_for = self._context.run, self._coroutine, self._waits_for
        thrown_away = False
        try:
            while True:
                try:
                    sent = yield waits_for
                except BaseException as error:  # noqa: BLE001 - whatever its task is told, it is told
                    thrown_away = isinstance(error, GeneratorExit)
                    step = partial(coroutine.throw, error)
                else:
                    step = partial(coroutine.send, sent)
                waits_for = run(step)
        except GeneratorExit as error:
            if thrown_away:
                raise
            raise Left(error) from error
        except StopIteration as done:
            result: T = done.value
            return result
