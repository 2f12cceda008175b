"""Undoing: when a workflow fails or is cancelled, its completed steps are compensated, the last first (SPEC Q13)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any


async def undo_all(
    in_flight: Sequence[asyncio.Future[Any]], undo: list[Callable[[], asyncio.Future[Any]]]
) -> None:
    """What is `in_flight` and would have to be undone is waited for first: it adds to `undo` when it completes. A
    compensation that fails is on record; the others go on."""
    for future in in_flight:
        if not future.done():
            await asyncio.wait([future])
    while undo:
        compensation = undo.pop()()
        await asyncio.wait([compensation])
        compensation.exception()  # the journal says what went wrong with it
