"""The runs that ended here last: whoever asks for their result need not have the journal read."""

from __future__ import annotations

from typing import Final, NamedTuple

from stepwell.model.base import Instant, Json
from stepwell.model.journal import RunRow
from stepwell.model.problem import Problem
from stepwell.model.records import Run
from stepwell.model.states import RunStatus

MOST: Final = 1_000


class End(NamedTuple):
    """How a run ended. (A whole `Run` kept for each of so many would be looked through with all garbage.)"""

    status: RunStatus
    updated_at: Instant | None
    output: Json
    error: Problem | None
    reason: str | None = None
    """why somebody ended it, where it was cancelled or terminated"""
    by: str | None = None
    """who did, if that is on record"""


def end_of(run: Run) -> End:
    if run.status not in (RunStatus.CANCELLED, RunStatus.TERMINATED):
        return End(run.status, run.updated_at, run.output, run.error)
    return End(run.status, run.updated_at, None, run.error, run.cancel_reason, ended_by(run))


def ended_by(run: Run) -> str | None:
    """Who cancelled or terminated it, if that is on record. (A stamp may be older than the last retry.)"""
    stamp = run.stamps.get("terminated" if run.status is RunStatus.TERMINATED else "cancelled")
    return None if stamp is None or stamp.at < (run.resumed_at or 0) else stamp.by


class Ended:
    """A bounded memory. A run that was opened again elsewhere since is not taken from it."""

    def __init__(self) -> None:
        self._ends: dict[str, End] = {}

    def keep(self, run: Run) -> None:
        self._ends[run.id] = end_of(run)
        if len(self._ends) > MOST:
            del self._ends[next(iter(self._ends))]

    def find(self, row: RunRow) -> End | None:
        end = self._ends.get(row.id)
        if end is None or (end.status, end.updated_at) != (row.status, row.updated_at):
            return None
        return end
