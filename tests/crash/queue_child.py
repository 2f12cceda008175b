"""A worker process of the queue tests: it begins runs of every queue until its standard input ends.

    python -m tests.crash.queue_child DATABASE MARKS [never-looks]

Its steps write lines `begin N TIME` and `end N TIME` to the file of marks, which all processes append to. One that never
looks what others did hears of it only when they call.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

from stepwell import Stepwell
from stepwell.engine import engine
from stepwell.model.base import SECOND

NEVER = 10_000 * SECOND


def mark(word: str, n: int) -> None:
    os.write(_marks[0], f"{word} {n} {time.time():.6f}\n".encode())


_marks: list[int] = []


async def work(n: int, seconds: float) -> int:
    """A step that says when it began and when it ended."""
    mark("begin", n)
    await asyncio.sleep(seconds)
    mark("end", n)
    return n


async def main(database: str, marks: str, looks: str = "") -> None:
    if looks == "never-looks":
        engine.WATCH_EVERY = NEVER  # type: ignore[misc]
    _marks.append(os.open(marks, os.O_WRONLY | os.O_CREAT | os.O_APPEND))
    async with Stepwell.open(Path(database), functions=[work]):
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.readline)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
