"""Ending a process group: a process and all that it started, except what left for a group of its own."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Any

STEP_SECONDS = 0.01
"""How often is looked whether a group is gone: the system tells nobody."""

_PROCESSES = Path("/proc")


async def end_group(leader: int, exited: asyncio.Future[Any], grace: float) -> None:
    """Ask the group to end, kill what is left of it after `grace` seconds, and return when it is gone.

    `exited` is done when its leader has ended.
    """
    for how in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, how)
        await asyncio.wait([exited], timeout=grace)
        await _until_empty(leader, grace)
        if exited.done() and not group_lives(leader):
            return
    await asyncio.wait([exited])


async def _until_empty(leader: int, patience: float) -> None:
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience
    while group_lives(leader) and loop.time() < deadline:
        await asyncio.wait([loop.create_future()], timeout=STEP_SECONDS)


def group_lives(leader: int) -> bool:
    """Whether a process of the group runs. One that has ended but was not yet reaped (by whoever adopted it)
    does not, where the system lets us see that."""
    try:
        os.killpg(leader, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    if not (_PROCESSES / "self" / "stat").exists():
        return True
    return any(_runs_in(leader, entry) for entry in _PROCESSES.iterdir() if entry.name.isdigit())


def _runs_in(leader: int, process: Path) -> bool:
    try:
        state, _, group = (process / "stat").read_text(errors="replace").rpartition(")")[2].split()[:3]
    except (OSError, ValueError):
        return False  # it ended while we looked
    return int(group) == leader and state not in "ZX"
