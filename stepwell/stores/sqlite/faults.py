"""What SQLite says, in the words of the error tree."""

from __future__ import annotations

from typing import Final

import apsw

from stepwell.model.errors import StoreDamaged, StoreError, StoreUnavailable

_DOCTOR: Final = "see what is left with: stepwell doctor; restore a backup if it cannot be mended"

_RESTORE: Final = (
    "end what uses the file, keep a copy of it and of the -wal file beside it, and put a backup in its place; "
    "what is left can be saved with: sqlite3 FILE .recover"
)

_UNAVAILABLE: Final[dict[type[apsw.Error], tuple[str, str]]] = {
    apsw.FullError: ("the disk is full", "make room; nothing needs to be restarted"),
    apsw.ReadOnlyError: (
        "the database is read-only",
        "make the file and its folder writable; it can be looked at as it is: stepwell runs list, stepwell doctor",
    ),
    apsw.BusyError: ("another process holds the database locked", "find and end what keeps it locked"),
    apsw.LockedError: ("another process holds the database locked", "find and end what keeps it locked"),
    apsw.IOError: ("the disk reports an I/O error", "look at the system's log; the disk may be failing"),
    apsw.CantOpenError: (
        "the database cannot be opened",
        "check that the folder exists and may be written to, and that the path is a file",
    ),
    apsw.PermissionsError: ("access to the database is denied", "check the permissions of the file"),
    apsw.NoMemError: ("there is no memory left", "make room in memory"),
    apsw.ProtocolError: ("the database's lock protocol failed", "do not keep the file on a network share"),
    apsw.InterruptError: ("the operation was interrupted", "try again"),
}

SICK: Final = tuple(_UNAVAILABLE)
"""The store cannot work now: no row in particular is to blame."""

ROTTEN: Final = (apsw.CorruptError, apsw.NotADBError, UnicodeDecodeError)
"""What was read is not what was written."""

UNREADABLE: Final = (apsw.Error, UnicodeDecodeError)
"""All that reading can raise."""


def translated(error: Exception, where: str, doing: str) -> StoreError:
    """`where` names the file, `doing` what was tried: "write", "read", "open"."""
    if isinstance(error, (*ROTTEN, apsw.SQLError)):  # a wrong statement: it is the schema that is damaged
        hint = _RESTORE if doing == "open" else _DOCTOR
        return StoreDamaged(f"cannot {doing} {where}: the file is damaged ({error})", hint=hint)
    for kind, (reason, hint) in _UNAVAILABLE.items():
        if isinstance(error, kind):
            return StoreUnavailable(f"cannot {doing} {where}: {reason} ({error})", hint=hint)
    return StoreUnavailable(f"cannot {doing} {where}: {error}", hint=_DOCTOR)
