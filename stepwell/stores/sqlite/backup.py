"""A copy of the whole file: taken while it is used, checked, and put under its name only then."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import apsw

from stepwell.model.base import Json, Report
from stepwell.model.errors import Conflict, StoreDamaged, StoreUnavailable

_PAGES: Final = 1_000
"""that are copied until somebody is told again"""


def backup(db: apsw.Connection, path: str, progress: Report | None = None) -> Mapping[str, Json]:
    """Copy what `db` sees now; writers go on meanwhile. `progress` is told of that if `db` is in a transaction, which
    keeps what it sees. Raises `Conflict`, `StoreUnavailable`, `StoreDamaged`."""
    target = Path(path).absolute()
    if target.exists():
        raise Conflict(f"{target} is there already", hint="name a new file")
    try:
        number, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    except OSError as error:
        raise StoreUnavailable(f"cannot write {target}: {error.strerror}") from error
    os.close(number)
    part = Path(name)
    try:
        pages = _copy(db, name, progress if db.in_transaction else None)
        if progress is not None:
            progress("pages checked", 0, pages)
        _check(name)
        with part.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            os.fsync(file.fileno())
        size = part.stat().st_size
        part.replace(target)
    except OSError as error:
        raise StoreUnavailable(f"cannot write {target}: {error.strerror}") from error
    except apsw.FullError as error:
        raise StoreUnavailable(f"cannot write {target}: {error}", hint="make room on that disk") from error
    finally:
        part.unlink(missing_ok=True)
    return {"file": str(target), "bytes": size, "sha256": digest}


def _copy(db: apsw.Connection, name: str, progress: Report | None) -> int:
    """How many pages it has. In one step, unless somebody is told on the way: the copy is of one moment."""
    copy = apsw.Connection(name)
    try:
        with copy.backup("main", db, "main") as copying:
            while not copying.step(-1 if progress is None else _PAGES):
                assert progress is not None
                progress("pages copied", copying.page_count - copying.remaining, copying.page_count)
            pages = int(copying.page_count)
        copy.pragma("journal_mode", "delete")  # one file, nothing beside it
        return pages
    finally:
        copy.close()


def _check(name: str) -> None:
    copy = apsw.Connection(name, apsw.SQLITE_OPEN_READONLY)
    try:
        said = [text for (text,) in copy.execute("PRAGMA integrity_check(5)").fetchall()]
        if said != ["ok"]:
            raise StoreDamaged(
                f"the copy is damaged: {said[0]}", hint="look at the original: stepwell doctor"
            )
    finally:
        copy.close()
