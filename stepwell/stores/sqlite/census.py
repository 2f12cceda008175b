"""What there is in the file altogether: engines, and bytes."""

from __future__ import annotations

from glob import escape
from pathlib import Path

import apsw

from stepwell.model.journal import EngineRow
from stepwell.stores.sqlite.connection import SQL, fetch
from stepwell.stores.sqlite.owners import dead, lock_file


def engines(db: apsw.Connection, database: str) -> list[EngineRow]:
    """Those that hold a lock beside the file, and those to which open runs belong, dead or alive."""
    counts = dict(fetch(db, SQL["open_runs_by_owner"]))
    prefix = lock_file(database, "").name
    beside = Path(database).parent.glob(f"{escape(prefix)}*")
    ids = {owner for owner in counts if owner is not None} | {file.name[len(prefix) :] for file in beside}
    rows = [EngineRow(id_, not dead(database, id_), counts.get(id_, 0)) for id_ in sorted(ids)]
    found = [row for row in rows if row.alive or row.open_runs]
    return [*found, EngineRow(None, False, counts[None])] if counts.get(None) else found


def size(db: apsw.Connection, database: str) -> dict[str, int]:
    """Of the file, of its free pages, of the log that is not yet in it."""
    page, pages, free = (
        fetch(db, f"PRAGMA {name}")[0][0] for name in ("page_size", "page_count", "freelist_count")
    )
    log = Path(f"{database}-wal")
    return {"bytes": page * pages, "free_bytes": page * free, "log_bytes": _bytes(log)}


def _bytes(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0
