"""Throwing away code that is not through: quietly, and without it doing anything more.

A coroutine that is given up still runs its `finally` blocks. What these ask of the run is refused (`Halt`), so that
nothing is performed, and nothing is performed twice. What its variables hold is looked at without a word to it: a value
may raise whatever it is asked, even what it is.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Coroutine, Iterable, Iterator
from contextlib import suppress
from traceback import walk_tb
from types import CoroutineType, FrameType
from typing import Any, Final

from greenlet import greenlet

TRIES: Final = 10
"""So often code is told to stop that wants to wait for something while it stops."""

Unbegun = Coroutine[Any, Any, Any]
"""A coroutine that was made and not awaited yet: `later = charge(order)`."""


def discard(
    green: greenlet | None,
    tasks: list[asyncio.Task[Any]],
    main: asyncio.Task[Any] | None,
    halt: type[BaseException],
) -> None:
    """`tasks` are those that are not done; `main` may be: it was stopped in the middle."""
    unbegun = _all_unbegun(green, tasks, main)
    for _ in range(TRIES):
        if green is None or green.dead:
            break
        _quietly(lambda: green.throw(halt))
    for task in tasks:
        coroutine: Any = task.get_coro()
        for _ in range(TRIES):
            if task.done() or _quietly(coroutine.close):
                break
    for later in unbegun:  # what the code would have awaited: Python need not warn that nobody did
        _quietly(later.close)


def _all_unbegun(
    green: greenlet | None, tasks: list[asyncio.Task[Any]], main: asyncio.Task[Any] | None
) -> list[Unbegun]:
    found: list[Unbegun] = []
    with suppress(Exception):  # a warning that is not needed is better than a run that cannot end
        for frame in _frames(green, tasks, main):
            found += _unbegun(frame)
    return found


def _frames(
    green: greenlet | None, tasks: list[asyncio.Task[Any]], main: asyncio.Task[Any] | None
) -> Iterator[FrameType]:
    """Where the code stands."""
    frame = None if green is None else green.gr_frame
    while frame is not None:
        yield frame
        frame = frame.f_back
    for task in tasks:
        waits: Any = task.get_coro()
        while type(waits) is CoroutineType:
            if waits.cr_frame is not None:
                yield waits.cr_frame
            waits = waits.cr_await
    error = main.exception() if main is not None and main.done() and not main.cancelled() else None
    for frame, _ in walk_tb(None if error is None else error.__traceback__):
        yield frame


def _unbegun(frame: FrameType) -> Iterator[Unbegun]:
    """What it has in its variables, also in lists and the like. (Those of a class that is being made may be kept by an
    object of the user's.)"""
    if not frame.f_code.co_flags & inspect.CO_OPTIMIZED:
        return
    for value in frame.f_locals.values():
        for one in _inside(value):
            if type(one) is CoroutineType and inspect.getcoroutinestate(one) == inspect.CORO_CREATED:
                yield one


def _inside(value: Any) -> Iterable[object]:
    """Only what is exactly of these types is gone through by Python itself: a subclass may do it in its own way."""
    kind = type(value)
    if kind is dict:
        return list(value.values())
    return list(value) if kind in (list, tuple, set) else (value,)


def _quietly(stop: Callable[[], object]) -> bool:
    """Whether it stopped."""
    try:
        stop()
    except RuntimeError:  # it waits again
        return False
    except BaseException:  # noqa: BLE001 - nobody is left to hear what such code says
        return True
    return True
