"""Waiting for what has to be over before one may go on, even when one is told to hurry."""

from __future__ import annotations

import asyncio
from typing import Any


async def until_done(future: asyncio.Future[Any]) -> None:
    """Return when the future is done; cancelling the caller does not shorten it, and leaves the future alone.

    For clean-up that ends soon by itself, within an `except` that re-raises the cancellation.
    """
    while not future.done():
        try:
            await asyncio.wait([future])
        except asyncio.CancelledError:
            continue
