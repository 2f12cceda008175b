"""Opening the file: the right library, the right settings (read back), the right schema."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import quote

import apsw

from stepwell.model.base import Instant
from stepwell.model.errors import InvalidInput, StoreDamaged, StoreError, StoreUnavailable
from stepwell.model.search import folded
from stepwell.stores.migrations import Applied, migrations, pending
from stepwell.stores.sqlite.backup import backup
from stepwell.stores.sqlite.faults import UNREADABLE, translated
from stepwell.stores.statements import statements

SQL: Final = statements("sqlite")

OLDEST_LIBRARY: Final = (3, 51, 3)
"""earlier ones can corrupt a file in WAL mode (the WAL-reset bug)"""

log = logging.getLogger("stepwell.stores")

COPY_UP_TO: Final = 256_000_000
"""bytes of a file of which a copy is kept before its schema changes"""

APPLICATION_ID: Final = 0x53746570  # "Step"

_WRITER: Final = {"foreign_keys": 1, "mmap_size": 0, "trusted_schema": 0, "wal_autocheckpoint": 0}
_READER: Final = {**_WRITER, "query_only": 1}
_NOTHING: Final = threading.Event()
_LOOK: Final = 0.0007
"""seconds between two looks whether another process is through"""

_MACOS: Final = {"fullfsync": 1, "checkpoint_fullfsync": 1}


Stamp = tuple[int, ...]


class Place(NamedTuple):
    """Which file, through which VFS, and how many milliseconds to wait for another process's lock.

    `mode`: how a file is opened that may not be written (see `viewing`), with the `stamp` that it has to keep.
    """

    path: str
    vfs: str | None
    patience: int
    mode: str = ""
    stamp: Stamp | None = None


def place_of(path: str | os.PathLike[str], vfs: str | None, patience: int) -> Place:
    """The file that is meant, whatever the process's folder will be and through whichever link it was
    named."""
    name = os.fspath(path)
    if not name or name.startswith((":memory:", "file:")):
        raise InvalidInput(f"{name!r} is not the path of a file", hint="name a file on disk")
    return Place(str(Path(name).resolve()), vfs, patience)


def open_writer(place: Place, now: Instant, *, as_is: bool = False) -> apsw.Connection:
    """The one connection that writes and checkpoints. Creates the file, brings its schema up to date; of one
    that is to stay `as_is`, it does neither."""
    _check_library(apsw.sqlite_lib_version())
    _check_path(place.path)
    try:
        db = _connect(place, apsw.SQLITE_OPEN_READWRITE | (0 if as_is else apsw.SQLITE_OPEN_CREATE))
        try:
            _refuse_read_only(db, place.path)
            refuse_strangers(db, place.path)
            if as_is:
                refuse_outdated(db, place.path)
                _set(db, _WRITER)
                return db
            _use_wal(db, place)
            _set(db, _WRITER)
            _read_back(db, place.path)
            _migrate(db, place.path, now)
        except BaseException:
            db.close()
            raise
    except apsw.NotADBError as error:
        raise StoreDamaged(
            f"{place.path} is not a Stepwell database (or its first page is damaged)",
            hint="name another file, or restore this one from a backup",
        ) from error
    except UNREADABLE as error:
        raise translated(error, place.path, "open") from error
    return db


def open_reader(place: Place) -> apsw.Connection:
    """A connection that cannot write."""
    db = _connect(place, apsw.SQLITE_OPEN_READWRITE)
    _set(db, _READER)
    db.create_scalar_function("folded", _folded, 1, deterministic=True)
    return db


def _folded(*values: Any) -> str:
    """For queries that look for what is not ASCII, which SQLite's own `lower` leaves as it is."""
    return folded(str(values[0]))


def grow_wal(db: apsw.Connection, size: int) -> None:
    """Write the WAL file to this size once: later commits overwrite it, and their sync needs no new metadata of
    the file system, which makes them up to twice as fast."""
    db.execute("BEGIN IMMEDIATE")
    db.execute("CREATE TABLE IF NOT EXISTS warm (bytes)")
    db.execute("INSERT INTO warm VALUES (zeroblob(?))", (size,))
    db.execute("COMMIT")
    db.execute("DROP TABLE IF EXISTS warm")
    db.wal_checkpoint(mode=apsw.SQLITE_CHECKPOINT_PASSIVE)


def be_patient(db: apsw.Connection, patience: int) -> None:
    """Wait so many milliseconds for another process that is writing. SQLite's own way of waiting soon sleeps for 25 ms
    and more between two looks, in which time others have written ten times."""
    if not patience:
        db.set_busy_timeout(0)
        return

    def look_again(looks: int) -> bool:
        _NOTHING.wait(_LOOK)  # a lock of the file cannot call; nothing of ours hangs on this time
        return looks * _LOOK * 1_000 < patience

    db.set_busy_handler(look_again)


def fetch(db: apsw.Connection, query: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> list[Any]:
    """All rows, at once: a query that is left half read would keep the WAL from being checkpointed."""
    return db.execute(query, values).fetchall()


def _connect(place: Place, flags: int) -> apsw.Connection:
    if place.mode:
        named = f"file:{quote(place.path)}?{place.mode}"
        db = apsw.Connection(named, apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI, place.vfs)
    else:
        db = apsw.Connection(place.path, flags, place.vfs)
    db.set_busy_timeout(place.patience)
    return db


def _check_library(version: str) -> None:
    if tuple(map(int, version.split("."))) < OLDEST_LIBRARY:
        wanted = ".".join(map(str, OLDEST_LIBRARY))
        raise StoreUnavailable(
            f"SQLite {version} can corrupt its files; {wanted} or newer is needed",
            hint="install the binary wheel of apsw, which brings its own: pip install --upgrade apsw",
        )


def _check_path(path: str) -> None:
    """SQLite would say no more than that it cannot open the file."""
    file = Path(path)
    if file.is_dir():
        raise StoreUnavailable(f"cannot open {path}: it is a folder", hint="name a file")
    if not file.parent.is_dir():
        raise StoreUnavailable(
            f"cannot open {path}: there is no folder {file.parent}", hint=f"create it: mkdir -p {file.parent}"
        )


def _refuse_read_only(db: apsw.Connection, path: str) -> None:
    if db.readonly("main"):
        raise read_only(path, "the file is read-only")


def read_only(path: str, why: str) -> StoreUnavailable:
    """What a file answers that may not be written, to whoever wants to."""
    return StoreUnavailable(
        f"cannot write to {path}: {why}",
        hint="make the file and its folder writable; it can be looked at as it is: stepwell runs list, stepwell doctor",
    )


def refuse_strangers(db: apsw.Connection, path: str) -> None:
    """Raises `InvalidInput` where it is another program's."""
    ours = _value(db, "PRAGMA application_id") in (APPLICATION_ID, 0)
    tables = {name for (name,) in db.execute(SQL["tables"])}
    if not ours or (tables and "schema_migrations" not in tables):
        raise InvalidInput(f"{path} is the database of another program", hint="name another file")


def _use_wal(db: apsw.Connection, place: Place) -> None:
    """Two processes that create the file at once meet in this switch, where SQLite does not wait: a
    transaction does."""
    tries = 100
    while (mode := _value(db, "PRAGMA journal_mode")) != "wal" and tries:
        tries -= 1
        try:
            mode = _value(db, "PRAGMA journal_mode = wal")
            break
        except apsw.BusyError:
            db.execute("BEGIN IMMEDIATE")
            db.execute("ROLLBACK")
    if mode != "wal":
        raise StoreUnavailable(
            f"cannot open {place.path}: its file system does not allow write-ahead logging",
            hint="keep the file on a local disk",
        )
    _set(db, {"synchronous": "FULL"})


def _set(db: apsw.Connection, settings: dict[str, int] | dict[str, str]) -> None:
    for name, value in settings.items():
        _value(db, f"PRAGMA {name} = {value}")
    if sys.platform == "darwin":
        for name, value in _MACOS.items():
            _value(db, f"PRAGMA {name} = {value}")


def _read_back(db: apsw.Connection, path: str) -> None:
    """Builds of SQLite differ in their defaults and limits: what durability stands on is looked at, not
    assumed."""
    if _value(db, "PRAGMA synchronous") != 2:
        raise StoreUnavailable(f"cannot open {path}: SQLite refuses to write synchronously")


def _migrate(db: apsw.Connection, path: str, now: Instant) -> None:
    known = migrations("sqlite")
    applied = _applied(db)
    if not pending(known, applied, path):
        return
    if applied and _value(db, SQL["has_turns"]):  # else another process is just creating it
        _keep_copy(db, path, len(applied))
    while True:  # one transaction per step; another process may be doing the same
        db.execute("BEGIN IMMEDIATE")
        try:
            rest = pending(known, _applied(db), path)
            if not rest:
                db.execute("ROLLBACK")
                return
            step = rest[0]
            db.execute(SQL["create_migrations"])
            db.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            db.execute(step.script)
            db.execute(SQL["record_migration"], (step.version, step.name, step.sha256, now))
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                db.execute("ROLLBACK")
            raise


def refuse_outdated(db: apsw.Connection, path: str) -> None:
    """Raises `StoreUnavailable` where the schema would have to be changed first, which nobody does who only looks."""
    applied = _applied(db)
    if not pending(migrations("sqlite"), applied, path):
        return
    if not applied:
        raise StoreUnavailable(
            f"{path} is empty: no Stepwell database yet",
            hint="name another file; `stepwell run FILE` makes one",
        )
    raise StoreUnavailable(
        f"{path} was written by an older Stepwell; looking at it does not bring it up to date",
        hint="whatever writes to it does, and keeps a copy of it as it was: stepwell serve, "
        "or stepwell doctor --rebuild, as a user who may",
    )


def _keep_copy(db: apsw.Connection, path: str, version: int) -> None:
    """Before the schema of a file changes: a copy beside it, unless there is one or it would be large. Changing the
    schema is safe without; the copy is for whoever wants to go back to an older Stepwell."""
    copy = f"{path}.schema-{version}.bak"
    size = Path(path).stat().st_size
    if Path(copy).exists():
        return
    if size > COPY_UP_TO:
        log.warning("%s has %d bytes: no copy is kept before its schema changes", path, size)
        return
    try:
        backup(db, copy)
    except StoreError as error:
        log.warning("no copy of %s is kept before its schema changes: %s", path, error)
    else:
        log.warning("the schema of %s changes; a copy as it was is kept in %s", path, copy)


def _applied(db: apsw.Connection) -> list[Applied]:
    if "schema_migrations" not in {name for (name,) in db.execute(SQL["tables"])}:
        return []
    return [Applied(*row) for row in db.execute(SQL["applied_migrations"])]


def _value(db: apsw.Connection, query: str) -> object:
    rows = fetch(db, query)
    return rows[0][0] if rows else None
