"""Archiving in SQLite: choosing, exporting, removing a few families per commit, and putting back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any, Final

import apsw

from stepwell.model.archive import (
    ArchiveItem,
    Candidate,
    ExportedRun,
    PutBack,
    RawTurn,
    Retention,
    Selection,
    Tombstone,
)
from stepwell.model.base import Instant, Json, Report, iso
from stepwell.model.errors import NotFound, StoreDamaged
from stepwell.model.journal import DefinitionRow, KeyClaim
from stepwell.stores.codec import chain, decode_json, encode_json
from stepwell.stores.sqlite import attributes
from stepwell.stores.sqlite.backup import backup
from stepwell.stores.sqlite.batch import definition_row, run_row
from stepwell.stores.sqlite.commit import put
from stepwell.stores.sqlite.connection import SQL, fetch
from stepwell.stores.sqlite.listing import find_run
from stepwell.stores.sqlite.readers import Readers
from stepwell.stores.sqlite.writer import Writer

_FAMILIES: Final = 50
"""families that are removed in one commit: others wait no longer for that than for a large turn"""


class SqliteArchive:
    """See `ports.ArchiveStore`."""

    def __init__(self, writer: Writer, readers: Readers) -> None:
        self._writer, self._readers = writer, readers

    async def candidates(self, selection: Selection) -> Sequence[Candidate]:
        return await self._readers.long(lambda db: _candidates(db, selection))

    async def links(self) -> Mapping[str, str]:
        return dict(await self._readers.long(lambda db: fetch(db, SQL["family_links"])))

    async def size(self, run_ids: Sequence[str]) -> tuple[int, int]:
        return await self._readers.long(lambda db: _size(db, run_ids))

    async def export(self, run_id: str) -> ExportedRun:
        return await self._readers.long(lambda db: _export(db, run_id))

    async def begin(self, archive_id: str, receipt: Mapping[str, Json], items: Sequence[ArchiveItem]) -> None:
        await self._writer.run(lambda db: _begin(db, archive_id, receipt, items))

    async def remove(self, archive_id: str, now: Instant) -> Mapping[str, Json]:
        return await self._writer.run(lambda db: _remove(db, archive_id, now))

    async def receipt(self, archive_id: str) -> Mapping[str, Json] | None:
        rows = await self._readers.point(lambda db: fetch(db, SQL["archive"], (archive_id,)))
        return decode_json(rows[0][1]) if rows else None

    async def receipts(self, limit: int) -> Sequence[Mapping[str, Json]]:
        rows = await self._readers.long(lambda db: fetch(db, SQL["archives"], (limit,)))
        return [decode_json(text) for (text,) in rows]

    async def unfinished(self) -> Sequence[str]:
        rows = await self._readers.long(lambda db: fetch(db, SQL["unfinished_archives"]))
        return [archive_id for (archive_id,) in rows]

    async def put_back(self, runs: Sequence[ExportedRun], definitions: Sequence[DefinitionRow]) -> PutBack:
        return await self._writer.run(lambda db: _put_back(db, runs, definitions))

    async def tombstone(self, run_id: str) -> Tombstone | None:
        rows = await self._readers.point(lambda db: fetch(db, SQL["archived_run"], (run_id,)))
        if not rows:
            return None
        facts: list[Any] = list(rows[0])
        facts[-1] = decode_json(facts[-1]) if facts[-1] is not None else {}
        return Tombstone(*facts)

    async def backup(self, path: str, progress: Report | None = None) -> Mapping[str, Json]:
        return await self._readers.long(lambda db: _backup(db, path, progress))

    async def set_retention(self, policy: Retention) -> None:
        await self._writer.run(lambda db: fetch(db, SQL["put_retention"], policy))

    async def retentions(self) -> Sequence[Retention]:
        rows = await self._readers.long(lambda db: fetch(db, SQL["retentions"]))
        return [Retention(*row) for row in rows]

    async def drop_retention(self, namespace: str, name: str) -> bool:
        def drop(db: apsw.Connection) -> bool:
            fetch(db, SQL["drop_retention"], (namespace, name))
            return db.changes() > 0

        return await self._writer.run(drop)


def _candidates(db: apsw.Connection, selection: Selection) -> list[Candidate]:
    values: dict[str, Any] = {"before": selection.before, "keep_last": selection.keep_last}
    conditions = ["runs.open = 0"]
    for column in ("name", "namespace"):
        if getattr(selection, column) is not None:
            values[column] = getattr(selection, column)
            conditions.append(f"runs.{column} = :{column}")
    if selection.status:
        values |= {f"status{number}": status for number, status in enumerate(selection.status)}
        names = ", ".join(f":status{number}" for number in range(len(selection.status)))
        conditions.append(f"runs.status IN ({names})")
    if selection.where is not None:
        asked = attributes.condition(selection.where)
        conditions.append(asked.sql)
        values |= asked.values
    rank = SQL["list_archivable_rank"] if selection.keep_last else "1"
    query = SQL["list_archivable"].format(rank=rank, conditions=" AND ".join(conditions))
    return [Candidate(*row) for row in fetch(db, query, values)]


def _size(db: apsw.Connection, run_ids: Sequence[str]) -> tuple[int, int]:
    sizes = [fetch(db, SQL["journal_size"], (run_id,))[0] for run_id in run_ids]
    return sum(turns for turns, _ in sizes), sum(size for _, size in sizes)


def _export(db: apsw.Connection, run_id: str) -> ExportedRun:
    """Raises `NotFound`, `StoreDamaged`: what is not sound is not put away as if it were."""
    row = find_run(db, run_id)
    if row is None:
        raise NotFound(f"there is no run {run_id}")
    turns = [RawTurn(*turn) for turn in fetch(db, SQL["raw_turns"], (run_id,))]
    _check(run_id, turns)
    claims = fetch(db, SQL["claim_of_run"], (run_id,))
    return ExportedRun(row._replace(owner=None), KeyClaim(*claims[0]) if claims else None, turns)


def _check(run_id: str, turns: Sequence[RawTurn]) -> None:
    tip = b""
    for number, turn in enumerate(turns, 1):
        tip = chain(tip, run_id, turn.seq, turn.at, turn.body)
        if turn.seq != number or tip != turn.hash:
            raise StoreDamaged(
                f"run {run_id}: turn {number} does not match its hash", hint="see: stepwell doctor"
            )
    if not turns:
        raise StoreDamaged(f"run {run_id} has no journal", hint="see: stepwell doctor")


def _begin(
    db: apsw.Connection, archive_id: str, receipt: Mapping[str, Json], items: Sequence[ArchiveItem]
) -> None:
    db.execute("BEGIN IMMEDIATE")
    db.execute(SQL["put_archive"], (archive_id, receipt["made_at_us"], receipt["state"], _text(receipt)))
    if db.changes():  # else somebody has begun it already
        put(db, "put_archive_items", [(archive_id, *item) for item in items])
    db.execute("COMMIT")


def _remove(db: apsw.Connection, archive_id: str, now: Instant) -> dict[str, Json]:
    removed, kept = 0, []
    db.execute("BEGIN IMMEDIATE")
    rows = fetch(db, SQL["archive_items"], (archive_id, archive_id, _FAMILIES))
    for root, family in groupby(rows, key=lambda row: row[0]):
        members = [(run_id, seq) for _, run_id, seq in family]
        if all(fetch(db, SQL["removable"], {"id": run_id, "seq": seq})[0][0] for run_id, seq in members):
            for run_id, _ in members:
                _bury(db, archive_id, run_id)
            removed += len(members)
        else:
            kept += [run_id for run_id, _ in members]
        db.execute(SQL["clear_family"], (archive_id, root))
    left = fetch(db, SQL["archive_items_left"], (archive_id,))[0][0]
    receipt: dict[str, Json] = decode_json(fetch(db, SQL["archive"], (archive_id,))[0][1])
    receipt |= {"removed": receipt["removed"] + removed, "kept": [*receipt["kept"], *kept]}
    if not left:
        receipt |= {"state": "done", "finished_at": receipt["finished_at"] or iso(now)}
    db.execute(SQL["set_archive"], (receipt["state"], _text(receipt), archive_id))
    db.execute("COMMIT")
    return receipt


def _bury(db: apsw.Connection, archive_id: str, run_id: str) -> None:
    db.execute(SQL["bury"], (archive_id, run_id))
    for statement in ("drop_journal", "drop_snapshot", "drop_run"):
        db.execute(SQL[statement], (run_id,))


def _put_back(
    db: apsw.Connection, runs: Sequence[ExportedRun], definitions: Sequence[DefinitionRow]
) -> PutBack:
    restored, present, differing = 0, 0, []
    db.execute("BEGIN IMMEDIATE")
    put(db, "restore_definitions", [definition_row(definition) for definition in definitions])
    for run in runs:
        run_id = run.row.id
        _check(run_id, run.turns)
        found = fetch(db, SQL["last_hash"], (run_id,))
        if not found:
            _restore(db, run)
            restored += 1
        elif found[0][0] == run.turns[-1].hash:
            present += 1
        else:
            differing.append(run_id)
    db.execute("COMMIT")
    return PutBack(restored, present, differing)


def _restore(db: apsw.Connection, run: ExportedRun) -> None:
    run_id = run.row.id
    db.execute(SQL["unbury"], (run_id,))
    put(db, "insert_turns", [(run_id, *turn) for turn in run.turns])
    put(db, "put_runs", [run_row(run.row, run.turns[-1].seq, None)])
    if run.claim is not None:
        put(db, "claim_keys", [(run.claim.key, run_id, run.claim.fingerprint)])


def _backup(db: apsw.Connection, path: str, progress: Report | None) -> Mapping[str, Json]:
    db.execute("BEGIN")  # the number of runs is of the same moment
    try:
        runs = fetch(db, SQL["count_runs"])[0][0]
        return {**backup(db, path, progress), "runs": runs}
    finally:
        db.execute("ROLLBACK")


def _text(value: Mapping[str, Json]) -> str:
    return encode_json(dict(value)).decode()
