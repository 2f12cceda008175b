"""Reading a file that may not be written: by a user without the right to, on a medium that is read-only.

SQLite in WAL mode wants to write where it only reads: the index of its log is shared by all who have the file open.
Where the log is there, its index is read, or made again in memory (`mode=ro`). Where there is none nobody has the file
open, and all that was committed is in it; but SQLite would refuse it, since it cannot make a log. So it is told that
the file never changes (`immutable`), which nobody can promise: somebody else may open it meanwhile. What was read is
therefore given only if the file is afterwards what it was before. (A log that is there must never be passed over so:
commits would be missing.)
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final, NamedTuple

import apsw

from stepwell.model.errors import StoreUnavailable
from stepwell.stores.sqlite.connection import Place, Stamp, open_reader, refuse_outdated, refuse_strangers
from stepwell.stores.sqlite.faults import UNREADABLE, translated

_TRIES: Final = 5
"""so often it is begun anew, where others open the file meanwhile"""


class _Beside(NamedTuple):
    """The log of a file: how many bytes, and whether its index is there."""

    log: int
    has_index: bool


def why_unwritable(path: str) -> str | None:
    """What keeps this process from writing to the file; None where nothing does, or there is none."""
    file = Path(path)
    if not _there(file):
        return None
    if _on_read_only_medium(file):
        return "its file system is read-only"
    if not os.access(file, os.W_OK):
        return "this user may not write to the file"
    beside = [Path(f"{path}{suffix}") for suffix in ("-wal", "-shm")]
    for log in beside:
        if _there(log) and not os.access(log, os.W_OK):
            return f"this user may not write to {log.name}, the log beside it"
    if not os.access(file.parent, os.W_OK) and not all(map(_there, beside)):
        return f"this user may not write to its folder {file.parent}, where the log has to lie"
    return None


def open_to_view(place: Place) -> tuple[apsw.Connection, Place]:
    """A connection to a file that may not be written, and the place for others like it. Raises `StoreError`."""
    try:
        for _ in range(_TRIES):
            beside = _beside(place.path)
            opened = _with_log(place, must=beside.log > 0) if any(beside) else None
            if opened is not None:
                return opened
            still = place._replace(mode="immutable=1", stamp=stamp_of(place.path))
            if _beside(place.path) == beside:
                return _view(still)
            # Somebody opened it meanwhile: his log is in the stamp, and would not change with what he writes.
    except (OSError, *UNREADABLE) as error:
        raise translated(error, place.path, "open") from error
    raise StoreUnavailable(
        f"{place.path} is opened and closed all the time", hint="look again: this can be so once"
    )


def refuse_changed(place: Place) -> None:
    """Raises `StoreUnavailable` where what was read may be half of one and half of another."""
    if place.stamp is not None and stamp_of(place.path) != place.stamp:
        raise StoreUnavailable(
            f"{place.path} was written to while it was read", hint="look again: this can be so once"
        )


def stamp_of(path: str) -> Stamp:
    """What is another after anybody has written to the file, or while somebody may."""
    found = Path(path).stat()
    return found.st_ino, found.st_size, found.st_mtime_ns, _bytes(f"{path}-wal")


def _with_log(place: Place, *, must: bool) -> tuple[apsw.Connection, Place] | None:
    """None where that takes writing; if it `must` be read, that is an error."""
    try:
        return _view(place._replace(mode="mode=ro"))
    except apsw.CantOpenError as error:
        if not must:
            return None
        raise StoreUnavailable(
            f"cannot open {place.path}: there is a log beside it that cannot be read without writing ({error})",
            hint="look as a user who may write to the file and its folder, or copy it and its -wal elsewhere",
        ) from error


def _view(place: Place) -> tuple[apsw.Connection, Place]:
    db = open_reader(place)
    try:
        refuse_strangers(db, place.path)
        refuse_outdated(db, place.path)
    except BaseException:
        db.close()
        raise
    return db, place


def _on_read_only_medium(file: Path) -> bool:
    return hasattr(os, "statvfs") and bool(os.statvfs(file).f_flag & os.ST_RDONLY)


def _there(file: Path) -> bool:
    return os.access(file, os.F_OK)


def _beside(path: str) -> _Beside:
    return _Beside(_bytes(f"{path}-wal"), _there(Path(f"{path}-shm")))


def _bytes(path: str) -> int:
    try:
        return Path(path).stat().st_size
    except OSError:
        return 0
