"""Time, names, chance and the folder of files, as this machine has them."""

from __future__ import annotations

import asyncio
import random
import time
from pathlib import Path

from uuid_utils import uuid7

from stepwell.model.base import Instant
from stepwell.model.blobs import BlobFolder
from stepwell.ports import Blobs, Clock, Dice, Ids
from stepwell.stores.blobs import FolderBlobs

LONGEST_SLEEP = 30.0
"""A sleep does not notice that the clock was set, or that the machine was suspended: so look again now and then."""


class SystemClock:
    """The machine's time, in UTC."""

    def now(self) -> Instant:
        return time.time_ns() // 1_000

    async def wait_until(self, instant: Instant) -> None:
        while (left := instant - self.now()) > 0:  # noqa: ASYNC110 - a sleep may end early
            await asyncio.sleep(min(left / 1_000_000, LONGEST_SLEEP))


class UuidIds:
    """UUIDv7: unique, and ordered by time."""

    def run_id(self) -> str:
        return str(uuid7())

    def engine_id(self) -> str:
        return uuid7().hex


class SystemDice:
    """Chance for jitter: nothing secret hangs on it."""

    def roll(self) -> float:
        return random.random()  # noqa: S311


def doors(clock: Clock | None, ids: Ids | None, dice: Dice | None) -> dict[str, Clock | Ids | Dice]:
    """Time, names and chance: the machine's, where nobody brings others."""
    return {"clock": clock or SystemClock(), "ids": ids or UuidIds(), "dice": dice or SystemDice()}


def blobs_of(given: Blobs | BlobFolder, database: Path, clock: Clock) -> Blobs:
    if not isinstance(given, BlobFolder):
        return given
    folder = database.with_name(f"{database.name}.blobs") if given.folder is None else given.folder
    return FolderBlobs(Path(folder), clock, max_size=given.max_size, types=given.types)
