"""What is said of runs that are put into an archive: which ones, what is exported, what is left of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from stepwell.model.attributes import Where
from stepwell.model.base import Duration, Instant, Json
from stepwell.model.journal import KeyClaim, RunRow


class Selection(NamedTuple):
    """Runs that ended before `before`; empty fields do not filter. `keep_last`: so many newest ended runs of each
    definition stay, however old they are."""

    before: Instant
    status: Sequence[str] = ()
    name: str | None = None
    namespace: str | None = None
    where: Where | None = None
    keep_last: int = 0


class Candidate(NamedTuple):
    """A run that ended, as a plan sees it."""

    id: str
    namespace: str
    name: str
    parent_id: str | None
    seq: int
    ended_at: Instant


class ArchiveItem(NamedTuple):
    """A run to remove, in its family: `root` is the run that has no parent."""

    root: str
    run_id: str
    seq: int


class RawTurn(NamedTuple):
    """A row of the journal as it is, so that its hash can be checked wherever it goes."""

    seq: int
    at: Instant
    body: bytes
    hash: bytes


class ExportedRun(NamedTuple):
    """All there is of a run."""

    row: RunRow
    claim: KeyClaim | None
    turns: Sequence[RawTurn]


class PutBack(NamedTuple):
    """What one commit restored. `present`: there already, the same. `differing`: there, not the same, left alone."""

    restored: int
    present: int
    differing: Sequence[str]


class Tombstone(NamedTuple):
    """What is left of a removed run. `receipt`: of the archive it went into."""

    run_id: str
    archive_id: str
    namespace: str
    name: str
    version: str
    status: str
    created_at: Instant
    ended_at: Instant
    receipt: Mapping[str, Json]


class Retention(NamedTuple):
    """How long runs of a definition are kept after their end. `folder`: where they are archived; None: only removed."""

    namespace: str
    name: str
    keep_for: Duration
    keep_last: int
    folder: str | None
    changed_at: Instant
