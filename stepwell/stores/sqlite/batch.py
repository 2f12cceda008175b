"""What one commit holds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import apsw

from stepwell.model.base import Instant
from stepwell.model.journal import DefinitionRow, KeyClaim, RunRow
from stepwell.model.states import OPEN_RUN
from stepwell.ports import Done
from stepwell.stores.codec import encode_json

TurnRow = tuple[str, int, Instant, bytes, bytes]
"""run_id, seq, at, events, hash"""

Row = tuple[Any, ...]

_WAITS: Final = 2
_OPEN: Final = frozenset(status.value for status in OPEN_RUN)


class Extra(NamedTuple):
    """What goes into the commit beside a turn: rows of other tables, ready to be bound."""

    run: Row | None = None
    claim: Row | None = None
    definition: Row | None = None
    notice: Row | None = None
    queued: Row | None = None
    follow_ups: tuple[Row, ...] = ()
    work: tuple[Row, ...] = ()
    """lines of the inbox"""
    done: tuple[Row, ...] = ()
    """lines of the inbox that are replaced or gone: (run_id, step)"""


class Job(NamedTuple):
    """A rare piece of work for the writing connection; `answer` gets its value or its error, on the event
    loop."""

    work: Callable[[apsw.Connection], Any]
    answer: Callable[[Any, BaseException | None], None]


class Batch:
    """Turns in the order in which they were appended, their callbacks, and extras by position."""

    __slots__ = ("bytes", "dones", "extras", "jobs", "rows")

    def __init__(self) -> None:
        self.rows: list[TurnRow] = []
        self.dones: list[Done] = []
        self.extras: dict[int, Extra] = {}
        self.jobs: list[Job] = []
        self.bytes = 0

    def __bool__(self) -> bool:
        return bool(self.rows or self.jobs)

    def column(self, name: str) -> list[Row]:
        """The rows of one kind that the extras hold."""
        rows: Sequence[Row | None] = [getattr(extra, name) for extra in self.extras.values()]
        return [row for row in rows if row is not None]

    def rows_of(self, name: str) -> list[Row]:
        """The same of a kind of which a turn may have several."""
        return [row for extra in self.extras.values() for row in getattr(extra, name)]

    def remove(self, positions: Sequence[int]) -> list[Done]:
        """Take these turns out; returns their callbacks."""
        gone = set(positions)
        removed = [self.dones[position] for position in positions]
        kept = [position for position in range(len(self.rows)) if position not in gone]
        self.extras = {new: self.extras[old] for new, old in enumerate(kept) if old in self.extras}
        self.rows = [self.rows[position] for position in kept]
        self.dones = [self.dones[position] for position in kept]
        return removed


def run_row(row: RunRow, seq: int, owner: str | None, *, waits: bool = False) -> Row:
    """The columns of `runs`, in the order of the statement `put_runs`. Raises `InvalidInput`.

    `waits`: it is in a queue, and nobody carries it on."""
    return (
        *row[:6],
        _WAITS if waits else int(row.status in _OPEN),
        seq,
        *row[6:10],
        _text(dict(row.tags)) if row.tags else None,
        *row[11:14],
        None if row.error is None else _text(dict(row.error)),
        owner,
        _text(dict(row.attributes)) if row.attributes else None,
        row.code,
        row.due_at,
        row.lease_until,
        row.title,
        _text(list(row.labels)) if row.labels else None,
        _text(dict(row.properties)) if row.properties else None,
        row.author,
        int(row.archived),
        row.started_at,
        row.queue,
        row.text,
        row.ends_at,
    )


def claim_row(claim: KeyClaim, run_id: str) -> Row:
    return (claim.key, run_id, claim.fingerprint)


def definition_row(definition: DefinitionRow) -> Row:
    return (*definition[:4], _text(dict(definition.document)), definition.created_at)


def _text(value: Any) -> str:
    return encode_json(value).decode()
