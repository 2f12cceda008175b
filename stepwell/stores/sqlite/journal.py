"""Reading a run back: its snapshot, its turns, and the hashes that prove them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from hashlib import sha256
from typing import Final, NamedTuple

import apsw

from stepwell.model.errors import NotFound, StoreDamaged
from stepwell.model.journal import Turn
from stepwell.model.records import State
from stepwell.stores.codec import chain, decode_events
from stepwell.stores.sqlite.connection import SQL, fetch
from stepwell.stores.sqlite.faults import ROTTEN
from stepwell.stores.state_codec import decode_state

PAGE: Final = 500
"""turns that are read at once"""

ALL: Final = -1
"""no limit to the number of turns"""

_DOCTOR: Final = "this run is stopped, others go on; see what is left with: stepwell doctor"


class Start(NamedTuple):
    """Where reading begins: behind `seq`, whose hash is `tip`. `written_at`: a turn that must be there."""

    seq: int
    tip: bytes
    snapshot: State | None
    written_at: int


class Read(NamedTuple):
    """Turns in order, the hash of the last of them, and whether there may be more."""

    turns: list[Turn]
    tip: bytes
    more: bool


def start(db: apsw.Connection, run_id: str, largest: int | None = None) -> Start | None:
    """The newest snapshot, if it is sound and fits the journal; else the beginning. None, nothing read, where the
    snapshot has more bytes than `largest`."""
    try:
        noted = fetch(db, SQL["written_at"], (run_id,))  # before the turns: they only become more
        written_at = noted[0][0] if noted else 0
        if largest is not None and any(
            size > largest for (size,) in fetch(db, SQL["snapshot_size"], (run_id,))
        ):
            return None
        for seq, tip, body, digest in fetch(db, SQL["snapshot"], (run_id,)):
            if sha256(body).digest() != digest or _hash(db, run_id, seq) != tip:
                continue
            state = decode_state(body)
            if state is not None and state.run.seq == seq:
                return Start(seq, tip, state, written_at)
    except (*ROTTEN, TypeError) as error:
        raise damaged(run_id, f"its index cannot be read ({error})") from error
    return Start(0, b"", None, written_at)


def behind(db: apsw.Connection, run_id: str, seq: int) -> Start:
    """The turn `seq` as a place to begin."""
    return Start(seq, _hash(db, run_id, seq) or b"", None, 0)


def read(
    db: apsw.Connection, run_id: str, after: int, tip: bytes, limit: int, budget: float = math.inf
) -> Read:
    """At most `limit` turns behind `after`, and no more once they have `budget` bytes; each is checked against the
    chain. Raises `StoreDamaged`, `StoreTooNew`."""
    turns: list[Turn] = []
    cursor = db.cursor()
    try:
        for seq, at, body, digest in cursor.execute(SQL["turns_after"], (run_id, after, limit)):
            if seq != after + 1:
                raise damaged(run_id, f"turn {after + 1} is missing")
            if type(at) is not int or type(body) is not bytes:
                raise damaged(run_id, f"turn {seq} is not what was written")
            tip = chain(tip, run_id, seq, at, body)
            if tip != digest:
                raise damaged(run_id, f"turn {seq} does not match its hash")
            turns.append(Turn(run_id, seq, at, decode_events(body, run_id, seq)))
            after = seq
            budget -= len(body)
            if budget < 0:
                break
    except ROTTEN as error:
        raise damaged(run_id, f"what follows turn {after} cannot be read ({error})") from error
    finally:
        cursor.close(True)
    return Read(turns, tip, budget < 0 or len(turns) == limit)


def read_all(db: apsw.Connection, run_id: str, after: int, tip: bytes) -> Iterator[Read]:
    """All the turns behind `after`, page by page, so that nothing is held for long."""
    more = True
    while more:
        page = read(db, run_id, after, tip, PAGE)
        yield page
        after += len(page.turns)
        tip, more = page.tip, page.more


def complete(run_id: str, begun: Start, last: int) -> None:
    """Raises `NotFound` where there is no run, `StoreDamaged` where its last turns are gone."""
    if last < begun.written_at:
        raise damaged(run_id, f"turn {last + 1} is missing, turn {begun.written_at} was written")
    if last == 0:
        raise NotFound(f"there is no run {run_id}", hint="list them with: stepwell runs list")


def damaged(run_id: str, what: str) -> StoreDamaged:
    return StoreDamaged(f"run {run_id}: {what}", hint=_DOCTOR)


def _hash(db: apsw.Connection, run_id: str, seq: int) -> bytes | None:
    rows = fetch(db, SQL["turn_hash"], (run_id, seq))
    digest: bytes | None = rows[0][0] if rows else None
    return digest
