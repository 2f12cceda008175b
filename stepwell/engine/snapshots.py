"""When to keep a run's state, so that reading it in again stays cheap however long its history is.

A snapshot is due when at least `every` turns, and as many turns as the state has steps, have passed since the last:
the cost of all snapshots together then stays in proportion to the history.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable

from stepwell.model.errors import StepwellError, StoreError
from stepwell.model.records import State
from stepwell.ports import Store

log = logging.getLogger("stepwell.engine")


class Snapshots:
    def __init__(self, store: Store, every: int) -> None:
        self._store, self._every = store, every
        self._next: dict[str, int] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def consider(self, state: State) -> None:
        """Called when the state is that of the store."""
        run = state.run
        if run.seq < self._every or run.seq < self._next.get(run.id, 0):
            return
        self._next[run.id] = run.seq + max(self._every, len(state.steps))
        try:
            saving = self._store.save_snapshot(state)
        except StepwellError as error:
            log.warning("run %s: no snapshot kept: %s", run.id, error)
            return
        task = asyncio.ensure_future(self._save(run.id, saving))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _save(self, run_id: str, saving: Awaitable[None]) -> None:
        try:
            await saving
        except StoreError as error:
            log.warning("run %s: no snapshot kept: %s", run_id, error)

    def forget(self, run_id: str) -> None:
        self._next.pop(run_id, None)

    async def close(self) -> None:
        await asyncio.gather(*self._tasks, return_exceptions=True)
