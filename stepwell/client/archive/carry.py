"""Carrying a plan out: write and read back the file, put the receipt on record, then remove a few families per commit.

Wherever that stops, nothing is lost: before the receipt nothing is removed; after it the rest is removed when the same
token is applied again, or by `finish`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any, Final, NamedTuple

from stepwell.client.archive import file as files
from stepwell.client.archive.attached import Attached, put_back
from stepwell.client.archive.plan import Chosen, Plan, again, ids_digest, selection_view
from stepwell.client.attached import kept_by
from stepwell.client.file_checks import from_a_thread
from stepwell.client.views import View, when
from stepwell.engine.engine import Engine
from stepwell.model.archive import ExportedRun
from stepwell.model.base import Json, Report
from stepwell.model.errors import Conflict, InvalidInput, NotFound, StoreDamaged
from stepwell.model.journal import DefinitionRow
from stepwell.ports import Blobs

_CHUNK: Final = 100
"""runs that are read, written or put back at once"""


class Told(NamedTuple):
    """Where files are kept (None: nowhere), and who is told how far it has come: of what, how much, of how much."""

    blobs: Blobs | None = None
    progress: Report | None = None

    def about(self, what: str, done: int, total: int) -> None:
        if self.progress is not None:
            self.progress(what, done, total)

    async def verify(self, path: Path) -> files.ArchiveInfo:
        return await asyncio.to_thread(files.verify, path, from_a_thread(self.progress))


NOBODY: Final = Told()


async def apply(engine: Engine, plan: Plan, to: Path | None, remove: bool, told: Told) -> View:
    """The receipt. Applied again it is the same receipt, and what was not finished is."""
    store = engine.store.archive
    known = await store.receipt(plan.id)
    if known is None:
        if to is None and not remove:
            raise InvalidInput("neither a file nor removal was asked for", hint="name a file, or remove")
        chosen = await again(store, plan, engine.clock.now())
        info = await _file(engine, plan, chosen, to, told) if to is not None else None
        receipt = _receipt(engine, plan, chosen, to, info, remove)
        await store.begin(plan.id, receipt, chosen.items if remove else ())
    return await finish(engine, plan.id, told)


async def finish(engine: Engine, archive_id: str, told: Told = NOBODY) -> View:
    """Remove what is left to remove; returns the receipt."""
    store = engine.store.archive
    known = await store.receipt(archive_id)
    if known is None:
        raise NotFound(f"there is no archive {archive_id}", hint="list them with: stepwell archive list")
    while known["state"] == "removing":
        known = await store.remove(archive_id, engine.clock.now())
        told.about("removed", known["removed"], known["runs"])
    return _view(known)


def _receipt(
    engine: Engine, plan: Plan, chosen: Chosen, to: Path | None, info: files.ArchiveInfo | None, remove: bool
) -> dict[str, Json]:
    now = engine.clock.now()
    return {
        "archive_id": plan.id,
        "state": "removing" if remove else "done",
        "made_at": when(now),
        "made_at_us": now,
        "finished_at": None if remove else when(now),
        "selection": selection_view(plan.selection),
        "plan_digest": plan.digest,
        "ids_digest": ids_digest(chosen.items),
        "runs": len(chosen.items),
        "removed": 0,
        "kept": [],
        "oldest": when(chosen.oldest),
        "newest": when(chosen.newest),
        "file": str(to.absolute()) if to is not None else None,
        "file_sha256": info.sha256 if info is not None else None,
        "file_bytes": info.bytes if info is not None else None,
        "file_chain": info.tip if info is not None else None,
        "files": len(info.files) if info is not None else 0,
        "files_bytes": sum(info.files.values()) if info is not None else 0,
        "files_missing": list(info.missing) if info is not None else [],
    }


def _view(receipt: Mapping[str, Json]) -> View:
    return {name: value for name, value in receipt.items() if name != "made_at_us"}


async def receipts(engine: Engine, limit: int) -> list[View]:
    """The newest first."""
    return [_view(receipt) for receipt in await engine.store.archive.receipts(limit)]


async def receipt(engine: Engine, beginning: str) -> View:
    """The receipt of the archive whose id begins so. Raises `NotFound`."""
    found = [view for view in await receipts(engine, 100_000) if view["archive_id"].startswith(beginning)]
    if len(found) != 1:
        how = "no archive" if not found else "more than one archive"
        raise NotFound(f"there is {how} {beginning}", hint="list them with: stepwell archive list")
    return found[0]


# --- the file -------------------------------------------------------------------------------------


async def _file(engine: Engine, plan: Plan, chosen: Chosen, to: Path, told: Told) -> files.ArchiveInfo:
    """The file of the plan, written now or, before a crash, already. Raises `Conflict` for any other file there."""
    if await asyncio.to_thread(to.exists):
        info = await told.verify(to)
        if info.header.get("plan_digest") != plan.digest:
            raise Conflict(f"{to} is there already, and is another archive", hint="name another file")
        return info
    header = {"plan_digest": plan.digest, "made_at": when(plan.made_at), "runs": len(chosen.items)}
    writer = await asyncio.to_thread(files.ArchiveWriter, to, header)
    try:
        written, attached, done = set[str](), Attached(told.blobs, writer), 0
        run_ids = iter([item.run_id for item in chosen.items])
        while chunk := list(islice(run_ids, _CHUNK)):
            runs = [await engine.store.archive.export(run_id) for run_id in chunk]
            news = [row async for row in _definitions(engine, runs, written)]
            await attached.write(runs)
            await asyncio.to_thread(_write, writer, news, runs)
            done += len(chunk)
            told.about("written", done, len(chosen.items))
        info = await asyncio.to_thread(writer.finish, attached.missing)
    except BaseException:
        writer.drop()
        raise
    missing = [item for item in chosen.items if info.runs.get(item.run_id) != item.seq]
    if missing:
        raise StoreDamaged(f"{to}: run {missing[0].run_id} is not in it as it was planned")
    return info


async def _definitions(
    engine: Engine, runs: list[ExportedRun], written: set[str]
) -> AsyncIterator[DefinitionRow]:
    for run in runs:
        if run.row.definition_hash not in written:
            written.add(run.row.definition_hash)
            row = await engine.store.definition(run.row.definition_hash)
            if row is not None:
                yield row


def _write(writer: files.ArchiveWriter, definitions: list[DefinitionRow], runs: list[ExportedRun]) -> None:
    for definition in definitions:
        writer.add_definition(definition)
    for run in runs:
        writer.add_run(run)


# --- restoring ------------------------------------------------------------------------------------


async def restore(engine: Engine, path: Path, told: Told) -> View:
    """`{file, runs, restored, present, differing, files}`. All of the file is checked before anything is put back."""
    info = await told.verify(path)
    blobs = kept_by(told.blobs) if info.files else None
    restored = present = 0
    differing: list[str] = []
    lines = files.read(path)
    while True:
        definitions, runs, file, more = await asyncio.to_thread(_next, lines)
        done = await engine.store.archive.put_back(runs, definitions)
        restored, present = restored + done.restored, present + done.present
        differing += done.differing
        if file is not None and blobs is not None:
            await put_back(blobs, file, lines)
        told.about("restored", restored + present, len(info.runs))
        if not more:
            break
    counts = {"runs": len(info.runs), "restored": restored, "present": present, "differing": differing}
    return {"file": str(path), **counts, "files": len(info.files)}


def _next(
    lines: Any,
) -> tuple[list[DefinitionRow], list[ExportedRun], Mapping[str, Any] | None, bool]:
    """What comes next in the file: up to so many runs, or up to a file, whose pieces come then; whether more comes."""
    definitions: list[DefinitionRow] = []
    runs: list[ExportedRun] = []
    for kind, body, _ in lines:
        if kind == "file":
            return definitions, runs, body, True
        if kind == "definition":
            definitions.append(files.definition_of(body))
        elif kind == "run":
            runs.append(files.run_of(body))
        if len(runs) >= _CHUNK:
            return definitions, runs, None, True
    return definitions, runs, None, False


async def verify(path: Path, told: Told = NOBODY) -> View:
    """`{file, ok, runs, turns, bytes, sha256, chain, plan_digest, made_at}`. Raises `StoreDamaged`."""
    info = await told.verify(path)
    return {
        "file": str(path),
        "ok": True,
        "runs": len(info.runs),
        "turns": sum(info.runs.values()),
        "files": len(info.files),
        "bytes": info.bytes,
        "sha256": info.sha256,
        "chain": info.tip,
        "plan_digest": info.header.get("plan_digest"),
        "made_at": info.header.get("made_at"),
    }
