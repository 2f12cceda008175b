"""A database with nothing in it, made once: most of what a new one costs is its schema, and tests make them by the
thousand."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Final

from stepwell.assembly import Stepwell
from stepwell.testing.doors import FrozenClock

_MADE: Final[list[bytes]] = []


async def make_blank(path: Path) -> None:
    """Put an empty database there, where nothing is. It is what opening the path would make."""
    if not _MADE:
        with tempfile.TemporaryDirectory(prefix="stepwell-blank-") as folder:
            made = Path(folder) / "blank.db"
            await (await Stepwell.open(made, clock=FrozenClock(), guest=True)).close()
            _MADE.append(await asyncio.to_thread(made.read_bytes))
    await asyncio.to_thread(_put, path, _MADE[0])


def _put(path: Path, content: bytes) -> None:
    if path.parent.is_dir() and not path.exists():
        path.write_bytes(content)
