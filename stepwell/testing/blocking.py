"""The same kit for tests without an event loop. Nothing happens between two calls: there is no thread behind it."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Coroutine
from types import TracebackType
from typing import Any, TypeVar

from stepwell.testing.kit import Kit

T = TypeVar("T")


class BlockingKit:
    """A context manager; whatever is awaited on a `Kit` simply returns here, and so it does on `engine`.

    with BlockingKit(functions=[charge]) as kit:
        assert kit.run(Path("order.yaml"), {"id": 7}) == {"paid": True}
    """

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        """As for `Kit`."""
        self._kit = Kit(*arguments, **settings)
        self._runner = asyncio.Runner()

    def __enter__(self) -> BlockingKit:
        self.do(self._kit.__aenter__())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self.do(self._kit.__aexit__(kind, error, trace))
        finally:
            self._runner.close()

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """What the coroutine gives."""
        return self._runner.run(work)

    @property
    def engine(self) -> Any:
        """The opened `Stepwell`, its verbs blocking."""
        return _Blocking(self._kit.engine, self)

    def __getattr__(self, name: str) -> Any:
        return _blocking(getattr(self._kit, name), self)


class _Blocking:
    """Something whose coroutines are carried through at once."""

    def __init__(self, inner: Any, kit: BlockingKit) -> None:
        self._inner, self._kit = inner, kit

    def __getattr__(self, name: str) -> Any:
        return _blocking(getattr(self._inner, name), self._kit)


def _blocking(found: Any, kit: BlockingKit) -> Any:
    if inspect.iscoroutinefunction(found):
        return lambda *arguments, **named: kit.do(found(*arguments, **named))
    if inspect.isasyncgenfunction(found):
        return lambda *arguments, **named: kit.do(_all(found(*arguments, **named)))
    return found


async def _all(values: AsyncIterator[T]) -> list[T]:
    return [value async for value in values]
