"""Looking at a file without an engine: what it takes is a quarter of the code, and no right to write."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from stepwell.assembly.doors import SystemClock, blobs_of
from stepwell.client.hints import DEFAULT_FILE
from stepwell.client.looker import Looker
from stepwell.engine.codebase import NoCode
from stepwell.engine.reading import Reading
from stepwell.model.blobs import BlobFolder
from stepwell.stores.sqlite import SqliteStore


@contextlib.asynccontextmanager
async def look(path: str | Path) -> AsyncIterator[Looker]:
    """The verbs that change nothing, on a file that is there. Raises `StoreError`."""
    clock = SystemClock()
    store = await SqliteStore.open(path, clock=clock, as_is=True)
    looker = Looker(Reading(store, clock, NoCode()))
    looker.blobs = blobs_of(BlobFolder(), Path(path), clock)
    looker.file = None if str(path) == DEFAULT_FILE else str(path)
    try:
        yield looker
    finally:
        await looker.engine.close()
