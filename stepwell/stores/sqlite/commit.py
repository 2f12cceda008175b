"""Writing a batch: all of it in one transaction; what stands in the way is found out only when something
does."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cache
from itertools import chain
from typing import Final

import apsw

from stepwell.model.errors import (
    InvalidInput,
    KeyTaken,
    SeqConflict,
    StoreDamaged,
    StoreUnavailable,
    UniqueTaken,
)
from stepwell.stores.sqlite.batch import Batch, Extra, Row, TurnRow
from stepwell.stores.sqlite.connection import SQL, be_patient, fetch
from stepwell.stores.sqlite.faults import ROTTEN, SICK, translated

Errors = dict[int, BaseException]
"""By position in the batch; who is not in it is durable."""

_SIZES: Final = (8, 64, 256)
"""How many rows one statement takes: each statement gives up the interpreter's lock and has to get it back,
which costs milliseconds in a thread while the event loop is busy, so a few large ones are up to 30 times faster than
many small ones."""
_SIZES_ON_LOOP: Final = _SIZES[:-1]
"""Where nobody else wants the lock, statements that stay in the processor's caches take a third less time."""
_MOST_VALUES: Final = 2_000
"""… and one with more values than this takes so long that it is better cut, whoever wants the lock."""

_WRONG_VALUES: Final = (
    apsw.ConstraintError,
    apsw.MismatchError,
    apsw.TooBigError,
    ValueError,
    TypeError,
    OverflowError,
)

_INSERT_TURN: Final = SQL["insert_turn"]
_ARCHIVED: Final = "run archived"
"""what the schema says when the row of a removed run is written"""


class _Taken(Exception):
    """A key of the batch is claimed already."""


class _Rotten(Exception):
    """The pages that a turn would be written to are damaged; the transaction is of no use any more."""


def commit(db: apsw.Connection, batch: Batch, where: str, *, patience: int) -> Errors | None:
    """Make the batch durable. `patience` is how many milliseconds to wait for another process that is
    writing.

    With no patience at all only the plain case is dealt with: None means that nothing was written, and that
    it takes more time to say why or to do it.
    """
    be_patient(db, patience)
    try:
        _write_all(db, batch, _SIZES if patience else _SIZES_ON_LOOP)
    except SICK as error:
        roll_back(db)
        if isinstance(error, apsw.BusyError) and not patience:
            return None
        return _outcomes(db, batch, range(len(batch.rows)), error, where)
    except (_Taken, UniqueTaken, apsw.Error, *_WRONG_VALUES):
        roll_back(db)
        return _one_by_one(db, batch, where) if patience else None
    return {}


def roll_back(db: apsw.Connection) -> None:
    """After some errors SQLite has rolled back by itself; after others this may fail too, and the next BEGIN
    shows it."""
    try:
        if db.in_transaction:
            db.execute("ROLLBACK")
    except apsw.Error:
        pass


def _write_all(db: apsw.Connection, batch: Batch, sizes: Sequence[int]) -> None:
    rows, extras = batch.rows, batch.extras
    if not extras and len(rows) <= sizes[-1]:  # one statement is its own transaction: half the work
        if len(rows) == 1:  # a step of a lone run: everything counts
            db.execute(_INSERT_TURN, rows[0])
        else:
            put(db, "insert_turns", rows, sizes)
        return
    db.execute("BEGIN IMMEDIATE")
    put(db, "put_definitions", batch.column("definition"), sizes)
    claims = batch.column("claim")
    if put(db, "claim_keys", claims, sizes) < len(claims):
        raise _Taken
    put(db, "insert_turns", rows, sizes)
    if extras:
        put(db, "put_runs", batch.column("run"), sizes)
        _put_queued(db, batch.column("queued"), sizes)
        put(db, "put_notices", batch.column("notice"), sizes)
        put(db, "put_follow_ups", batch.rows_of("follow_ups"), sizes)
        put(db, "drop_work", batch.rows_of("done"), sizes)
        put(db, "put_work", batch.rows_of("work"), sizes)
    db.execute("COMMIT")


def _put_queued(db: apsw.Connection, rows: Sequence[Row], sizes: Sequence[int] = _SIZES) -> None:
    """Raises `UniqueTaken` where another open run of the queue has the key."""
    for row in rows:
        if row[11] is not None:  # it goes on for a run that has the key still
            db.execute(SQL["hand_key_over"], (row[11],))
    try:
        put(db, "put_queued", rows, sizes)
    except apsw.ConstraintError:
        for row in rows:
            run_id, queue, unique = row[0], row[1], row[7]
            taken = fetch(db, SQL["unique_owner"], (queue, unique, run_id)) if unique is not None else []
            if taken:
                raise UniqueTaken(queue, unique, taken[0][0]) from None
        raise


def put(db: apsw.Connection, statement: str, rows: Sequence[Row], sizes: Sequence[int] = _SIZES) -> int:
    """Run a statement with {values} for all rows, with as few calls as can be; returns how many rows
    changed."""
    changed = position = 0
    width = len(rows[0]) if rows else 0
    sizes = [size for size in sizes if size * width <= _MOST_VALUES] or sizes[:1]
    while position < len(rows):
        left = len(rows) - position
        size = 1 if left == 1 else next((size for size in sizes if size >= left), sizes[-1])
        chunk = rows[position : position + size]
        values = list(chain.from_iterable(chunk))
        values += [None] * (size * width - len(values))
        db.execute(_shaped(statement, size, width), values)
        changed += db.changes()
        position += size
    return changed


@cache
def _shaped(statement: str, size: int, width: int) -> str:
    if size == 1 and statement == "insert_turns":
        return SQL["insert_turn"]
    row = f"({', '.join('?' * width)})"
    return SQL[statement].replace("{values}", ", ".join([row] * size))


def _one_by_one(db: apsw.Connection, batch: Batch, where: str) -> Errors:
    """Something in the batch cannot be written: find out what, and commit the rest."""
    given_up: Errors = {}
    while True:
        errors: Errors = {}
        position = 0
        try:
            db.execute("BEGIN IMMEDIATE")
            failed: dict[str, BaseException] = {}
            for position, row in enumerate(batch.rows):
                error = failed.get(row[0]) or given_up.get(position)
                error = error or _write_one(db, row, batch.extras.get(position))
                if error is not None:
                    errors[position] = failed[row[0]] = error
            db.execute("COMMIT")
            return errors
        except _Rotten as rot:  # once more without it
            roll_back(db)
            run_id, seq = batch.rows[position][:2]
            given_up[position] = StoreDamaged(f"run {run_id}: turn {seq} cannot be written to {where}: {rot}")
        except apsw.Error as error:
            roll_back(db)
            rest = [each for each in range(len(batch.rows)) if each not in errors]
            return errors | _outcomes(db, batch, rest, error, where)


def _write_one(db: apsw.Connection, turn: TurnRow, extra: Extra | None) -> BaseException | None:
    """One turn and what belongs to it, or nothing of it and the reason."""
    db.execute("SAVEPOINT turn")
    try:
        if extra is not None:
            _write_before(db, extra)
        _insert(db, turn)
        if extra is not None:
            _write_after(db, extra)
    except ROTTEN as rot:
        raise _Rotten(str(rot)) from rot
    except (KeyTaken, SeqConflict, UniqueTaken) as conflict:
        fault: BaseException = conflict
    except _WRONG_VALUES as error:
        fault = InvalidInput(f"run {turn[0]}: turn {turn[1]} cannot be stored: {error}")
    else:
        db.execute("RELEASE turn")
        return None
    db.execute("ROLLBACK TO turn")
    db.execute("RELEASE turn")
    return fault


def _write_before(db: apsw.Connection, extra: Extra) -> None:
    if extra.definition is not None:
        put(db, "put_definitions", [extra.definition])
    if extra.claim is not None and not put(db, "claim_keys", [extra.claim]):
        key = extra.claim[0]
        raise KeyTaken(key, *fetch(db, SQL["key"], (key,))[0])


def _insert(db: apsw.Connection, turn: TurnRow) -> None:
    try:
        db.execute(SQL["insert_turn"], turn)
    except apsw.ConstraintError as error:
        if fetch(db, SQL["turn_hash"], turn[:2]):
            raise SeqConflict(turn[0], turn[1]) from error
        raise


def _write_after(db: apsw.Connection, extra: Extra) -> None:
    if extra.run is not None:
        try:
            put(db, "put_runs", [extra.run])
        except apsw.ConstraintError as error:
            if _ARCHIVED in str(error):  # whoever reads it again is told so
                raise SeqConflict(extra.run[0], extra.run[7]) from error
            raise
    if extra.queued is not None:
        _put_queued(db, [extra.queued])
    if extra.notice is not None:
        put(db, "put_notices", [extra.notice])
    put(db, "put_follow_ups", extra.follow_ups)
    put(db, "drop_work", extra.done)
    put(db, "put_work", extra.work)


def _outcomes(
    db: apsw.Connection, batch: Batch, positions: Iterable[int], error: apsw.Error, where: str
) -> Errors:
    """An error at the commit says nothing about its outcome: look whether the turns are there."""
    unavailable = translated(error, where, "write")
    errors: Errors = {}
    for position in positions:
        run_id, seq, _, _, digest = batch.rows[position]
        try:
            found = fetch(db, SQL["turn_hash"], (run_id, seq))
        except apsw.Error as unreadable:
            errors[position] = StoreUnavailable(
                f"{unavailable.message}; whether turn {seq} of run {run_id} is there: {unreadable}",
                hint=unavailable.hint,
            )
            continue
        if found != [(digest,)]:
            errors[position] = unavailable
    return errors
