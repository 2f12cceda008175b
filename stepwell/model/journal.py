"""A turn of a journal, and the index rows that are written with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from stepwell.model.attributes import Where
from stepwell.model.base import Instant, Json
from stepwell.model.events import Event
from stepwell.model.records import State


class Turn(NamedTuple):
    """The events that one command caused: one row, one commit. `seq` is gapless from 1 within the run."""

    run_id: str
    seq: int
    at: Instant
    events: Sequence[Event]


class RunRow(NamedTuple):
    """The index row of a run: what listings show and search. Rebuildable from the journal, except `owner`."""

    id: str
    namespace: str
    name: str
    version: str
    definition_hash: str
    status: str
    created_at: Instant
    updated_at: Instant
    ended_at: Instant | None = None
    priority: int = 0
    tags: Mapping[str, str] = {}
    key: str | None = None
    parent_id: str | None = None
    rerun_of: str | None = None
    error: Mapping[str, Json] | None = None
    owner: str | None = None
    """the engine that carries the run on (a lease, not a fact)"""
    attributes: Mapping[str, Json] = {}
    code: str | None = None
    """the function that is its workflow; None: a document"""
    due_at: Instant | None = None
    """its soft deadline"""
    lease_until: Instant | None = None
    """when the first of the claims on its steps expires (see `stepwell.steps`)"""
    title: str | None = None
    labels: Sequence[str] = ()
    properties: Mapping[str, str] = {}
    author: str | None = None
    archived: bool = False
    started_at: Instant | None = None
    queue: str | None = None
    text: str | None = None
    """what a search for text looks through (see `model.search`)"""
    ends_at: Instant | None = None
    """when time ends it, if a program of its own drives it"""


class KeyClaim(NamedTuple):
    """An idempotency key, claimed in the commit of a run's first turn. `fingerprint` is the SHA-256 (hex) of the
    request: the same key with another fingerprint is a conflict."""

    key: str
    fingerprint: str


class DefinitionRow(NamedTuple):
    """A stored definition: immutable under its hash. `document` is the JSON as accepted."""

    hash: str
    namespace: str
    name: str
    version: str
    document: Mapping[str, Json]
    created_at: Instant


class Loaded(NamedTuple):
    """What it takes to rebuild a run: the newest snapshot, if any, and the turns after it. `tip` is the hash of the
    last turn, of the snapshot's turn if there is none after it."""

    snapshot: State | None
    turns: Sequence[Turn]
    tip: bytes


class RunOrder(StrEnum):
    """How a listing is ordered. A row's `updated_at` is that of its last change of status."""

    NEWEST = "newest"
    OLDEST = "oldest"
    UPDATED = "updated"


class RunFilter(NamedTuple):
    """Which runs to list, and in which order. Empty fields do not filter; `tags` must all match.

    `…_after` is the first instant that counts, `…_before` the first that does not. `error_type` is a type, or what
    stands behind its last slash. `owners`: runs that belong to one of these engines; `not_owners`: to none of these
    (and not to a program of its own that drives them).
    """

    status: Sequence[str] = ()
    name: str | None = None
    namespace: str | None = None
    tags: Mapping[str, str] = {}
    parent_id: str | None = None
    created_after: Instant | None = None
    created_before: Instant | None = None
    version: str | None = None
    rerun_of: str | None = None
    error_type: str | None = None
    id_prefix: str | None = None
    open: bool | None = None
    owners: Sequence[str] | None = None
    not_owners: Sequence[str] | None = None
    updated_after: Instant | None = None
    updated_before: Instant | None = None
    ended_after: Instant | None = None
    ended_before: Instant | None = None
    where: Where | None = None
    """what is asked of the search attributes"""
    overdue_at: Instant | None = None
    """open, with a soft deadline that is over then"""
    order: RunOrder = RunOrder.NEWEST
    code: str | None = None
    lease_before: Instant | None = None
    """some claim on a step of it has expired by then"""
    key: str | None = None
    """started with this idempotency key, or what such a run went on as"""


class EngineRow(NamedTuple):
    """An engine that carries runs on, or did: None has the runs of nobody."""

    id: str | None
    alive: bool
    open_runs: int


class Page(NamedTuple):
    """A page of runs; `next` is the cursor of the page after it, None on the last."""

    rows: Sequence[RunRow]
    next: str | None


class StoreFinding(NamedTuple):
    """One thing that `doctor` found: `code` is stable, `action` says what to do."""

    code: str
    run_id: str | None
    message: str
    action: str
