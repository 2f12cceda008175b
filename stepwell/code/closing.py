"""Throwing away code that is not through: quietly, and without it doing anything more.

A coroutine that is given up still runs its `finally` blocks. What these ask of the run is refused (`Halt`), so that
nothing is performed, and nothing is performed twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, Final

from greenlet import greenlet

TRIES: Final = 10
"""So often code is told to stop that wants to wait for something while it stops."""


def discard(green: greenlet | None, tasks: Iterable[asyncio.Task[Any]], halt: type[BaseException]) -> None:
    for _ in range(TRIES):
        if green is None or green.dead:
            break
        _quietly(lambda: green.throw(halt))
    for task in tasks:
        coroutine: Any = task.get_coro()
        for _ in range(TRIES):
            if task.done() or _quietly(coroutine.close):
                break


def _quietly(stop: Callable[[], object]) -> bool:
    """Whether it stopped."""
    try:
        stop()
    except RuntimeError:  # it waits again
        return False
    except BaseException:  # noqa: BLE001 - nobody is left to hear what such code says
        return True
    return True
