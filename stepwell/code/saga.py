"""Undoing: when a workflow fails, its completed steps are compensated, the last one first (SPEC Q13)."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stepwell.code.execution import Execution


async def undo_all(execution: Execution) -> None:
    """What is still in flight and would have to be undone is waited for first. A compensation that fails is on record;
    the others go on."""
    await _settled([awaited.future for awaited in execution.at_work() if awaited.done is not None])
    while execution.undo:
        compensate = execution.undo.pop()
        try:
            await compensate()
        except Exception:  # noqa: BLE001, S112 - the journal says what went wrong with it
            continue


async def _settled(futures: list[asyncio.Future[object]]) -> None:
    for future in futures:
        if not future.done():
            await asyncio.wait([future])
