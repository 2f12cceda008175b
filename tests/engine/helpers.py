"""A whole engine on a real file, with a clock that the test moves."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from stepwell import Stepwell
from stepwell.assembly import Opening
from tests.support.clock import CountingIds, FakeClock, FixedDice

HEAD = "document: {dsl: '1.0.3', namespace: test, name: %s, version: '1.0.0'}\n"


def flow(body: str, name: str = "flow") -> str:
    from textwrap import dedent

    return HEAD % name + dedent(body)


def open_at(path: Path, clock: FakeClock | None = None, **settings: Any) -> Opening:
    return Stepwell.open(path, clock=clock, ids=settings.pop("ids", None), dice=FixedDice(), **settings)


async def until(condition: Callable[[], Any], limit: int = 20_000) -> Any:
    """Let the loop run until the condition holds."""
    for _ in range(limit):
        found = condition()
        if found:
            return found
        await asyncio.sleep(0.001)
    raise AssertionError("it never came to that")


__all__ = ["CountingIds", "FakeClock", "flow", "open_at", "until"]
