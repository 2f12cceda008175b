"""The door to what is put away: `Store.archive`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from stepwell.model.archive import (
    ArchiveItem,
    Candidate,
    ExportedRun,
    PutBack,
    Retention,
    Selection,
    Tombstone,
)
from stepwell.model.base import Instant, Json, Report
from stepwell.model.journal import DefinitionRow


class ArchiveStore(Protocol):
    """Ended runs on their way out of the store and back, receipts, and how long runs are kept."""

    async def candidates(self, selection: Selection) -> Sequence[Candidate]:
        """Every ended run that the selection means."""
        ...

    async def links(self) -> Mapping[str, str]:
        """The parent of every run that has one."""
        ...

    async def size(self, run_ids: Sequence[str]) -> tuple[int, int]:
        """How many turns these runs have, and how many bytes."""
        ...

    async def export(self, run_id: str) -> ExportedRun:
        """All there is of a run, hash chain checked. Raises `NotFound`, `StoreDamaged`."""
        ...

    async def begin(self, archive_id: str, receipt: Mapping[str, Json], items: Sequence[ArchiveItem]) -> None:
        """Put the receipt and what is to be removed on record, in one commit; once for each id."""
        ...

    async def remove(self, archive_id: str, now: Instant) -> Mapping[str, Json]:
        """Remove the next few families of these items and bring the receipt (returned) up to date, in one commit: its
        `removed` and `kept` (runs of families that have changed), and `state` done when nothing is left. Keys stay
        claimed, and nobody can append to a run that was removed."""
        ...

    async def receipt(self, archive_id: str) -> Mapping[str, Json] | None: ...

    async def receipts(self, limit: int) -> Sequence[Mapping[str, Json]]:
        """Newest first."""
        ...

    async def unfinished(self) -> Sequence[str]:
        """Archives of which something is still to be removed."""
        ...

    async def put_back(self, runs: Sequence[ExportedRun], definitions: Sequence[DefinitionRow]) -> PutBack:
        """Restore runs as they were, in one commit, hash chains checked; what is there already stays as it is."""
        ...

    async def tombstone(self, run_id: str) -> Tombstone | None:
        """What is left of a run that was removed."""
        ...

    async def set_retention(self, policy: Retention) -> None: ...

    async def retentions(self) -> Sequence[Retention]: ...

    async def drop_retention(self, namespace: str, name: str) -> bool: ...

    async def backup(self, path: str, progress: Report | None = None) -> Mapping[str, Json]:
        """Copy the whole store to a new file, and check the copy. `progress` is told in whatever thread does it."""
        ...
