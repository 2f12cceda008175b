"""What everybody can ask of a store who only looks: a run's row, and its state as the journal tells it.

`Engine` is one of these that carries runs on; one that is no more than this knows no rule but what events mean.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from stepwell.engine.library import Library
from stepwell.kernel.evolve import blank, replay
from stepwell.model.base import iso
from stepwell.model.errors import Archived, NotFound, StoreDamaged
from stepwell.model.journal import RunRow
from stepwell.model.records import State
from stepwell.ports import Clock, Store

if TYPE_CHECKING:
    from stepwell.engine.actor import Actor
    from stepwell.engine.codebase import Codebase


class Reading:
    """Made by `assembly`, spoken to by those verbs of `client` that change nothing."""

    def __init__(self, store: Store, clock: Clock, codebase: Codebase) -> None:
        self.store, self.clock, self.codebase = store, clock, codebase
        self.library = Library(store, clock, codebase)

    def carried(self, run_id: str) -> Actor | None:
        """The run, where it is carried on here."""
        return None

    async def indexes_made_anew(self) -> None:
        """What is kept beside the journal is another now."""

    async def reload(self, run_id: str) -> State:
        """The state as the journal tells it. Raises `NotFound`, `StoreDamaged`, `StoreUnavailable`."""
        loaded = await self.store.load(run_id)
        try:
            state = replay(loaded.snapshot or blank(run_id), loaded.turns)
        except StoreDamaged:
            raise
        except Exception as error:
            raise StoreDamaged(f"run {run_id} cannot be replayed: {error}") from error
        state.tip = loaded.tip
        return state

    async def present(self, run_id: str) -> State:
        """The state as it is on record. To be read at once, and not to be kept."""
        return await self.reload(run_id)

    async def row(self, run_id: str) -> RunRow:
        """Raises `NotFound`."""
        row = await self.store.row(run_id)
        if row is None:
            await self._refuse_archived(run_id)
            raise NotFound(f"there is no run {run_id}", hint="list the runs with: stepwell runs list")
        return row

    async def _refuse_archived(self, run_id: str) -> None:
        left = await self.store.archive.tombstone(run_id)
        if left is not None:
            file = left.receipt.get("file")
            raise Archived(
                f"run {run_id} ended as {left.status} at {iso(left.ended_at)} and was "
                + (f"archived to {file}" if file else "removed"),
                hint=f"bring it back with: stepwell archive restore {file}" if file else "",
            )

    async def close(self) -> None:
        """Let go of the store."""
        await self.store.close()
