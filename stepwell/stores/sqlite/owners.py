"""Which engine carries which run on. An engine is alive while it holds the lock on its file, which ends with
its process."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Final

import apsw

from stepwell.model.errors import InvalidInput, StoreUnavailable
from stepwell.stores.sqlite.connection import SQL, fetch

if TYPE_CHECKING:
    from filelock import BaseFileLock

_ENGINE_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def lock_file(database: str, engine_id: str) -> Path:
    return Path(f"{database}.engine-{engine_id}")


def subscription_file(database: str, name: str) -> Path:
    return Path(f"{database}.subscription-{name}")


def fit_for_a_file(name: str) -> bool:
    """Whether the name can be part of a file's name everywhere."""
    return _ENGINE_ID.fullmatch(name) is not None


def hold(database: str, engine_id: str) -> BaseFileLock:
    """The sign of life of this engine. Raises `StoreUnavailable` where another process bears its name."""
    if not fit_for_a_file(engine_id):
        raise InvalidInput(
            f"{engine_id!r} cannot be an engine's id", hint="use letters, digits, dots, - and _"
        )
    try:
        lock = try_lock(lock_file(database, engine_id))
    except OSError as error:
        raise StoreUnavailable(
            f"cannot create a lock beside {database}: {error}", hint="make the folder writable"
        ) from error
    if lock is None:
        raise StoreUnavailable(
            f"an engine {engine_id} is running on {database} already",
            hint="give each engine an id of its own",
        )
    return lock


def let_go(lock: BaseFileLock) -> None:
    """The file goes first: who finds no file knows that nobody is alive."""
    Path(lock.lock_file).unlink(missing_ok=True)
    lock.release()


def dead(database: str, engine_id: str) -> bool:
    """Whether nobody holds the engine's lock. Its file is removed then, where this process may do that."""
    file = lock_file(database, engine_id)
    if not file.exists():
        return True
    try:
        lock = try_lock(file)
    except OSError:  # another user's process, perhaps: not ours to bury
        return _let_go_of(file)
    if lock is None:
        return False
    let_go(lock)
    return True


def _let_go_of(file: Path) -> bool:
    """Whether nobody holds the lock on a file that may only be read."""
    try:
        import fcntl

        with file.open("rb") as held:
            fcntl.flock(held, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except (OSError, ImportError):
        return False
    return True


def try_lock(file: Path) -> BaseFileLock | None:
    """The lock, or None where another process holds it."""
    from filelock import FileLock, Timeout  # 25 ms to import, and a CLI that only lists needs none of it

    lock = FileLock(file, thread_local=False)
    try:
        lock.acquire(blocking=False)
    except Timeout:
        return None
    return lock


def adopt(
    db: apsw.Connection,
    engine_id: str,
    only: str | None,
    codes: Collection[str],
    is_dead: Callable[[str], bool],
) -> list[str]:
    """Take the open runs (or `only` this one) of nobody and of the dead; returns the ids of all open runs (or
    of this one) that are this engine's.

    An update names the owner that was found dead: of two engines that adopt at once, the second finds nothing
    left.
    """
    wanted = {"engine": engine_id, "only": only, "codes": json.dumps(sorted(codes))}
    others = [owner for (owner,) in fetch(db, SQL["owners_of_open_runs"], wanted)]
    gone = [owner for owner in others if owner is None or is_dead(owner)]
    if gone:
        db.execute("BEGIN IMMEDIATE")
        for owner in gone:
            db.execute(SQL["adopt_from"], {**wanted, "owner": owner})
        db.execute("COMMIT")
    return [run_id for (run_id,) in fetch(db, SQL["open_runs_of"], wanted)]


def owner_of(db: apsw.Connection, run_id: str) -> str | None:
    """The engine that carries the run on, or last did."""
    rows = fetch(db, SQL["owner"], (run_id,))
    owner: str | None = rows[0][0] if rows else None
    return owner


def take_foreign(db: apsw.Connection, engine_id: str, codes: Collection[str], untold: set[str]) -> list[str]:
    """The runs of this engine that others appended to (those of nobody become its own). Read and deleted in
    one transaction. `untold` keeps them over a commit that fails, or seems to: none is lost."""
    ours = {"engine": engine_id, "codes": json.dumps(sorted(codes))}
    if fetch(db, SQL["has_notices"], ours)[0][0]:
        db.execute("BEGIN IMMEDIATE")
        db.execute(SQL["adopt_noticed"], ours)
        taken = fetch(db, SQL["take_notices"], ours)
        untold.update(run_id for run_id, owner in taken if owner == engine_id)
        db.execute("COMMIT")
    told = sorted(untold)
    untold.clear()
    return told
