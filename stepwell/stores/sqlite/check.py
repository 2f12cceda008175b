"""Reading everything and comparing (`doctor`), run by run, so that nothing is held for long and damage stays
local."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import apsw

from stepwell.model.errors import NotFound, StoreError, StoreTooNew
from stepwell.model.journal import RunRow, StoreFinding
from stepwell.model.people import WorkItem
from stepwell.model.queues import QueueEntry, Standing
from stepwell.stores.sqlite.batch import run_row
from stepwell.stores.sqlite.commit import put
from stepwell.stores.sqlite.connection import SQL, fetch
from stepwell.stores.sqlite.faults import ROTTEN
from stepwell.stores.sqlite.journal import complete, read_all, start
from stepwell.stores.sqlite.queues import entry_row
from stepwell.stores.sqlite.work import work_row

_RESTORE_FILE: Final = (
    "end what uses the file, keep a copy of it and of the -wal file beside it, and put a backup in its place"
)
_RESTORE: Final = "restore the run from a backup; it is stopped until then, others go on"
_REBUILD: Final = "make the index anew from the journal: stepwell doctor --rebuild"
_UPGRADE: Final = "upgrade Stepwell: pip install --upgrade stepwell"
_PAGE: Final = 200
_CLEARED: Final = (
    "clear_run_grams", "clear_run_texts", "clear_runs", "clear_run_tags", "clear_run_attributes", "clear_run_marks",
    "clear_keys", "clear_queued", "clear_work",
)  # fmt: skip


def check_file(db: apsw.Connection) -> list[StoreFinding]:
    """What SQLite itself finds wrong with the file."""
    try:
        fetch(db, SQL["look_at_grams"])
        said = [text for (text,) in fetch(db, "PRAGMA integrity_check(20)")]
    except ROTTEN as error:
        said = [str(error)]
    return [StoreFinding("file_damaged", None, text, _RESTORE_FILE) for text in said if text != "ok"]


def check_index(db: apsw.Connection) -> list[StoreFinding]:
    """Index rows and keys of which the journal knows nothing."""
    findings = []
    try:
        for (run_id,) in fetch(db, SQL["runs_without_journal"]):
            message = f"run {run_id} is listed but has no journal"
            findings.append(StoreFinding("journal_missing", run_id, message, _REBUILD))
        for key, run_id in fetch(db, SQL["keys_without_journal"]):
            message = f"the idempotency key {key!r} belongs to run {run_id}, which has no journal"
            findings.append(StoreFinding("key_orphaned", run_id, message, _REBUILD))
    except ROTTEN as error:
        findings.append(
            StoreFinding("index_unreadable", None, f"the index cannot be read: {error}", _REBUILD)
        )
    return findings


def check_run(db: apsw.Connection, run_id: str) -> StoreFinding | None:
    """The first thing that is wrong with a run. Reads it from its first turn, whatever snapshots there
    are."""
    try:
        begun = start(db, run_id)
        assert begun is not None
        last = 0
        for page in read_all(db, run_id, 0, b""):
            last += len(page.turns)
        complete(run_id, begun, last)
    except StoreTooNew as error:
        return StoreFinding("too_new", run_id, error.message, _UPGRADE)
    except NotFound:  # `check_index` says so
        return None
    except StoreError as error:
        return StoreFinding("run_damaged", run_id, error.message, _RESTORE)
    if not begun.written_at:
        return StoreFinding("row_missing", run_id, f"run {run_id} has a journal but is not listed", _REBUILD)
    return None


def run_ids(db: apsw.Connection, after: str) -> list[str]:
    """The next ids of the journal in their order; from the index, where the journal's key cannot be
    followed."""
    try:
        rows = fetch(db, SQL["run_ids_after"], {"after": after, "limit": _PAGE})
    except ROTTEN:
        rows = fetch(db, SQL["run_ids_of_index"], (after, _PAGE))
    return [run_id for (run_id,) in rows]


def check_page(db: apsw.Connection, after: str) -> tuple[list[StoreFinding], str | None, int]:
    """What is wrong with the next runs, the id of the last of them (None: there were none), and how many they are."""
    try:
        ids = run_ids(db, after)
    except ROTTEN as error:
        message = f"the runs after {after or 'the start'} cannot be found: {error}"
        return [StoreFinding("file_damaged", None, message, _RESTORE)], None, 0
    found = [finding for run_id in ids if (finding := check_run(db, run_id)) is not None]
    return found, ids[-1] if ids else None, len(ids)


def rebuild(
    db: apsw.Connection,
    rows: Sequence[RunRow],
    claims: Mapping[str, tuple[str, str]],
    entries: Sequence[QueueEntry],
    work: Sequence[WorkItem],
) -> None:
    """Replace all index rows and keys, in one transaction. No run has an owner afterwards."""
    db.execute("BEGIN IMMEDIATE")
    for statement in _CLEARED:
        db.execute(SQL[statement])
    waiting = {entry.run_id for entry in entries if entry.standing is not Standing.BEGUN}
    put(db, "put_runs", [run_row(row, _last(db, row.id), None, waits=row.id in waiting) for row in rows])
    put(db, "put_queued", [entry_row(entry) for entry in entries])
    put(db, "put_work", [work_row(item) for item in work])
    put(db, "claim_keys", [(key, *claim) for key, claim in claims.items()])
    db.execute("COMMIT")


def _last(db: apsw.Connection, run_id: str) -> int:
    last: int | None = fetch(db, SQL["last_turn"], (run_id,))[0][0]
    return last or 0
