"""Where a command needs a database that is there: what is said where there is none, and which may have been meant."""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import Final

import click

from stepwell.model.errors import StoreUnavailable

NAMED: Final = 3
"""so many others are named"""
_MAGIC: Final = b"SQLite format 3\0"
_OURS: Final = (b"Step", b"\0\0\0\0")
"""where SQLite keeps whose file it is: nobody's, as long as that is in the log only"""


def require(db: Path) -> None:
    """Raises `StoreUnavailable` where there is no file, or nothing in it: who looks or steers makes none."""
    try:
        size = os.stat(db).st_size  # noqa: PTH116
    except (FileNotFoundError, NotADirectoryError):
        raise StoreUnavailable(f"there is no database {db}{_named_by()}", hint=_hint(db)) from None
    except OSError:  # it is there, and SQLite will say what is wrong with it
        return
    if _size_of(db.with_name(f"{db.name}-wal")):
        return
    if not size or _has_no_tables(db):
        raise StoreUnavailable(f"{db}{_named_by()} is empty: no Stepwell database yet", hint=_hint(db))


def _named_by() -> str:
    context = click.get_current_context(silent=True)
    source = context.get_parameter_source("db") if context is not None else None
    return " (named by STEPWELL_DB)" if source is click.core.ParameterSource.ENVIRONMENT else ""


def _hint(db: Path) -> str:
    if not db.parent.is_dir():
        return f"there is no folder {db.parent}: name the file with --db PATH or STEPWELL_DB"
    makes = "`stepwell run FILE` makes one"
    near, more = _near(db)
    if not near:
        return f"name it with --db PATH or STEPWELL_DB; {makes}"
    first, *others = near
    if difflib.get_close_matches(db.name, [Path(first).name]):
        also = f" There is {', '.join(others)} too;" if others else ""
        return f"did you mean --db {first}?{also} {makes}"
    others += [f"{more} more"] if more else []
    listed = f"{', '.join([first, *others[:-1]])} and {others[-1]}" if others else first
    return f"beside it there is {listed}: name one with --db PATH or STEPWELL_DB; {makes}"


def _near(db: Path) -> tuple[list[str], int]:
    """Databases in the same folder, those with the most similar names first, and how many more there are."""
    try:
        found = [file.name for file in db.parent.iterdir() if file.suffix == ".db" and _is_database(file)]
    except OSError:
        return [], 0
    names = sorted(name for name in found if name != db.name)
    ordered = difflib.get_close_matches(db.name, names, len(names) or 1, 0.0)
    return [str(db.with_name(name)) for name in ordered[:NAMED]], max(0, len(names) - NAMED)


def _is_database(file: Path) -> bool:
    head = _head(file)
    return head.startswith(_MAGIC) and head[68:] in _OURS


def _has_no_tables(file: Path) -> bool:
    """Whether it is a database of one page: somebody made it, and put nothing in it yet; it need not be for us."""
    head = _head(file)
    return head.startswith(_MAGIC) and int.from_bytes(head[28:32]) == 1


def _head(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(72)
    except OSError:
        return b""


def _size_of(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0
