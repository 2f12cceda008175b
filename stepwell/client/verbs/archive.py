"""Putting ended runs away: plan, apply, restore; retention; and a copy of the whole file."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from stepwell.client.archive import carry, plan, policies
from stepwell.client.file_checks import from_a_thread
from stepwell.client.verbs.base import Verbs
from stepwell.client.views import View
from stepwell.client.where import read_where
from stepwell.model.archive import Selection
from stepwell.model.base import SECOND, Report
from stepwell.model.blobs import Copied
from stepwell.model.errors import Conflict


class ArchiveVerbs(Verbs):
    """Archive, retention, backup."""

    async def plan_archive(
        self,
        *,
        older_than: float = 0,
        status: Sequence[str] = (),
        name: str | None = None,
        namespace: str | None = None,
        where: str | Mapping[str, Any] | None = None,
        keep_last: int = 0,
        most: int = plan.MOST,
    ) -> View:
        """Which ended runs would be put away: counts, times, bytes, and the `token` that stands for exactly these.

        `older_than`: seconds since their end. `keep_last`: so many newest ended runs of each definition stay. Only
        whole families (a run and all runs inside it) are taken, `most` runs at most, those that ended first first.
        Changes nothing. Raises `InvalidInput`.
        """
        asked = read_where(where) if where is not None else None
        now = self.engine.clock.now()
        before = now - int(older_than * SECOND)
        selection = Selection(before, tuple(status), name, namespace, asked, keep_last)
        plan.checked(selection, most)
        made, chosen = await plan.make(self.engine.store.archive, selection, most, now)
        turns, size = await self.engine.store.archive.size([item.run_id for item in chosen.items])
        return plan.plan_view(made, chosen, turns, size)

    async def apply_archive(
        self, token: str, *, to: Path | None = None, remove: bool = True, progress: Report | None = None
    ) -> View:
        """Carry a plan out: write the runs and the files that they name to the file `to` and read it back, then
        (`remove`) remove the runs. Returns the receipt; `files_missing` are those that were not there. Applying it
        again gives the same receipt, and finishes what was left. `progress` is told what is done (`written`,
        `removed`), of how many runs, and how many there are. Raises `Conflict` where the plan no longer selects the
        same, `InvalidInput`."""
        told = carry.Told(self.blobs, progress)
        return await carry.apply(self.engine, plan.read_token(token), to, remove, told)

    async def archives(self, limit: int = 50) -> list[View]:
        """The receipts of the plans that were applied, newest first."""
        return await carry.receipts(self.engine, limit)

    async def archive_receipt(self, archive_id: str) -> View:
        """One receipt, by the id of the archive or the beginning of it. Raises `NotFound`."""
        return await carry.receipt(self.engine, archive_id)

    async def finish_archives(self) -> list[View]:
        """Remove what plans that were interrupted had still to remove; returns their receipts."""
        left = await self.engine.store.archive.unfinished()
        return [await carry.finish(self.engine, archive_id) for archive_id in left]

    async def restore_archive(self, path: Path, *, progress: Report | None = None) -> View:
        """Bring the runs of an archive back, and the files that they name. Every line and every turn is checked against
        its hash first; a run that is there already is left as it is. Raises `StoreDamaged`, `InvalidInput`."""
        return await carry.restore(self.engine, path, carry.Told(self.blobs, progress))

    async def verify_archive(self, path: Path, *, progress: Report | None = None) -> View:
        """Read an archive and check it. `progress` is told how many runs were `checked`, and how many there are. Raises
        `StoreDamaged`, `InvalidInput`."""
        return await carry.verify(path, carry.Told(None, progress))

    async def set_retention(
        self,
        name: str,
        *,
        keep_seconds: float,
        keep_last: int = 0,
        folder: Path | None = None,
        namespace: str = "default",
    ) -> View:
        """Keep ended runs of this definition for so long (and at least the newest `keep_last`); older ones are removed
        when `run_retention` is called, archived into `folder` before, if one is named. Raises `InvalidInput`."""
        return await policies.set_policy(self.engine, namespace, name, keep_seconds, keep_last, folder)

    async def retentions(self) -> list[View]:
        """Every policy, by namespace and name."""
        return await policies.policies(self.engine)

    async def drop_retention(self, name: str, *, namespace: str = "default") -> None:
        """Keep the runs of this definition for ever again. Raises `NotFound`."""
        await policies.drop_policy(self.engine, namespace, name)

    async def run_retention(self, *, dry_run: bool = False) -> View:
        """Do what the policies say; with `dry_run` only say what that would be."""
        return await policies.run(self.engine, carry.Told(self.blobs), dry_run=dry_run)

    async def backup(self, path: Path, *, progress: Report | None = None) -> View:
        """Copy the whole database to a new file, and its files to a folder beside that (`PATH.blobs`), while they are
        being used, and check the copies: `{file, bytes, sha256, runs, files}`; `files` is `{folder, count, bytes,
        damaged}`. `progress` is told what is done (`pages copied`, `pages checked`, `files copied`), how many are
        through, and how many there are (0: not known). Raises `Conflict` where there is something,
        `StoreUnavailable`."""
        folder = path.with_name(f"{path.name}.blobs")
        if await asyncio.to_thread(folder.exists):
            raise Conflict(f"{folder} is there already", hint="name a new file")
        told = from_a_thread(progress)
        view = dict(await self.engine.store.archive.backup(str(path), told))
        # after the database: whatever it names was there before it did
        copied = Copied() if self.blobs is None else await self.blobs.copy(str(folder), told)
        files = {"count": copied.files, "bytes": copied.bytes, "damaged": list(copied.damaged)}
        return {**view, "files": {"folder": str(folder) if copied.files else None, **files}}
