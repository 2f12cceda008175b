"""Every door to the outside, as Protocols. The engine knows these and nothing behind them.

Clock, Ids and Dice are the only sources of time, names and chance in the whole system.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine, Mapping, Sequence
from typing import Any, Protocol

from stepwell.model.actions import Action, Outcome
from stepwell.model.base import Duration, Instant, Json, Report
from stepwell.model.events import Event
from stepwell.model.feed import Cursor, FeedPage
from stepwell.model.journal import (
    DefinitionRow,
    EngineRow,
    KeyClaim,
    Loaded,
    Page,
    RunFilter,
    RunRow,
    StoreFinding,
    Turn,
)
from stepwell.model.people import WorkChange, WorkItem
from stepwell.model.queues import QueueEntry
from stepwell.model.records import State
from stepwell.ports.archive import ArchiveStore as ArchiveStore
from stepwell.ports.blobs import Blobs as Blobs
from stepwell.ports.driven import DrivenStore as DrivenStore
from stepwell.ports.ledger import Ledger as Ledger
from stepwell.ports.queues import QueueStore as QueueStore
from stepwell.ports.schedules import ScheduleStore as ScheduleStore
from stepwell.ports.search import SearchStore as SearchStore
from stepwell.ports.versions import VersionStore as VersionStore
from stepwell.ports.work import WorkStore as WorkStore


class Done(Protocol):
    def __call__(self, error: BaseException | None, /) -> None:
        """Called on the event loop once the commit is over: None when durable, else why nothing was written."""
        ...


class Clock(Protocol):
    """The time. `wait_until` returns when `now()` has reached the instant (a fake clock decides when that is)."""

    def now(self) -> Instant: ...

    async def wait_until(self, instant: Instant) -> None: ...


class Ids(Protocol):
    """Names for new things: unique, and ordered by the time they were made."""

    def run_id(self) -> str: ...

    def engine_id(self) -> str: ...


class Dice(Protocol):
    """Chance: a number in [0, 1)."""

    def roll(self) -> float: ...


class Census(Protocol):
    """What a store can tell of all its runs together. Errors: `StoreUnavailable`."""

    async def count_runs(self, where: RunFilter) -> Mapping[str, int]:
        """How many runs there are of each status; statuses of none are left out."""
        ...

    async def engines(self) -> Sequence[EngineRow]:
        """Every engine that is alive or to which open runs still belong, and nobody if open runs belong to nobody."""
        ...

    async def mentioned(self) -> Collection[str]:
        """Whatever looks like a SHA-256 (64 small hexadecimal digits) and stands anywhere in the store."""
        ...

    async def size(self) -> Mapping[str, int]:
        """Bytes, for people: of the data, of what can be used again, of what is not yet in its final place."""
        ...


class Store(Census, Protocol):
    """Durable memory. What it acknowledges survives a power loss; it decides nothing.

    Errors of every verb: `StoreUnavailable`, and where a run is read `StoreDamaged` and `NotFound`.
    """

    def append(
        self,
        turn: Turn,
        tip: bytes,
        done: Done,
        *,
        row: RunRow | None = None,
        claim: KeyClaim | None = None,
        definition: DefinitionRow | None = None,
        entry: QueueEntry | None = None,
        follow_ups: Sequence[str] = (),
        work: Sequence[WorkChange] = (),
        foreign: bool = False,
        unowned: bool = False,
    ) -> bytes:
        """Put a turn into the commit that is being filled; returns the hash of the turn (the new tip) at once.

        `tip` is the hash of the turn before (``b""`` for the first). `row` is the run's index row, where it changed;
        `claim` and `definition` are written in the same commit, before the turn (an existing equal definition is
        kept), and so is `entry`, the run's place in its queue, where that changed (a run that ends leaves it
        unasked), `follow_ups`: ids of runs to be started after it (`ledger`), and `work`: what waits for people.
        `foreign`: the run belongs to another
        engine, which must be told (see `take_foreign`). `unowned`: nobody carries it
        on. `done` gets `SeqConflict` where (run_id, seq) exists, `KeyTaken` and `UniqueTaken` where a key does, and
        `StoreUnavailable` where the store cannot write; a later turn of the same run in the same commit fails with it.
        An unknown outcome of a commit is resolved by reading back before `done` is called.
        """
        ...

    async def load(self, run_id: str) -> Loaded:
        """All that it takes to rebuild the run, hash chain checked."""
        ...

    async def turns(self, run_id: str, after: int = 0, limit: int | None = None) -> Sequence[Turn]:
        """Turns with a seq greater than `after`, in order."""
        ...

    def save_snapshot(self, state: State) -> Awaitable[None]:
        """Keep this state (as of its run's seq and tip) so that loading need not read what came before. The state is
        taken as it is at the call, not when the result is awaited."""
        ...

    async def row(self, run_id: str) -> RunRow | None: ...

    async def list_runs(self, where: RunFilter, limit: int, cursor: str | None = None) -> Page: ...

    async def find_key(self, key: str) -> tuple[str, str] | None:
        """(run id, fingerprint) of a claimed idempotency key."""
        ...

    async def definition(self, hash: str) -> DefinitionRow | None: ...

    async def definitions(
        self, namespace: str | None = None, name: str | None = None, version: str | None = None
    ) -> Sequence[DefinitionRow]: ...

    async def put_definition(self, definition: DefinitionRow) -> None: ...

    async def adopt(
        self, engine_id: str, only: str | None = None, codes: Collection[str] = ()
    ) -> Sequence[str]:
        """Make this engine the owner of every open run (or of `only` this one) whose owner is not alive; returns the
        ids of all open runs (or of this one) that it now owns, by priority (highest first), then oldest first.

        A run whose workflow is code is left alone unless its `namespace/name:version` is in `codes`.
        """
        ...

    async def owner_alive(self, run_id: str) -> bool:
        """Whether some engine carries the run on right now."""
        ...

    async def take_foreign(self, engine_id: str, codes: Collection[str] = ()) -> Sequence[str]:
        """Runs of this engine that others appended to since the last call; each is told once. Runs that others put on
        record without carrying them on become its own (`codes` as for `adopt`)."""
        ...

    async def ended(self, run_ids: Sequence[str]) -> Sequence[str]:
        """Those of the runs that are terminal, or not there at all."""
        ...

    def changed(self) -> bool:
        """Cheap: whether another process has committed anything since the last call."""
        ...

    async def describe(self) -> Mapping[str, Json]:
        """What the store is, for people: library and version, place, durability."""
        ...

    def check(self, progress: Report | None = None) -> AsyncIterator[StoreFinding]:
        """Read everything and compare: rows against hashes, seq without gaps. Read-only. `progress` is told of the
        `journals` that are through; how many there are it does not say."""
        ...

    def all_runs(self) -> AsyncIterator[str]:
        """Every run id in the journal (for `doctor`)."""
        ...

    async def rebuild(
        self,
        rows: Sequence[RunRow],
        claims: Mapping[str, tuple[str, str]],
        entries: Sequence[QueueEntry] = (),
        work: Sequence[WorkItem] = (),
    ) -> None:
        """Replace the index rows of the runs with these, in one commit (owners are cleared)."""
        ...

    @property
    def archive(self) -> ArchiveStore: ...

    @property
    def schedules(self) -> ScheduleStore: ...

    @property
    def feed(self) -> FeedStore: ...

    @property
    def queues(self) -> QueueStore:
        """The runs that wait for their turn."""
        ...

    @property
    def ledger(self) -> Ledger: ...

    @property
    def work(self) -> WorkStore:
        """What waits for people."""
        ...

    @property
    def driven(self) -> DrivenStore: ...

    @property
    def versions(self) -> VersionStore: ...

    @property
    def search(self) -> SearchStore: ...

    def listen(self, heard: Callable[[], None]) -> bool:
        """From now on call `heard` when another process did something that may concern this one. False: that does not
        work here, and only looking every so often (`changed`) helps."""
        ...

    def call_others(self) -> None:
        """Have the other processes hear (see `listen`)."""
        ...

    def hurry(self) -> None:
        """A lone turn may be made durable now: nobody is about to append another one."""
        ...

    async def flush(self) -> None:
        """Return when everything appended so far is durable or has failed."""
        ...

    async def close(self) -> None: ...


class FeedStore(Protocol):
    """All turns in the order of their commits, and how far each subscription has come.

    Positions grow and are never given twice; they may have gaps. Whoever has read up to a position has seen every turn
    that will ever stand before it.
    """

    async def after(self, position: int, limit: int) -> FeedPage:
        """The next turns behind a position, at most `limit`."""
        ...

    async def position(self) -> int:
        """That of the newest turn; 0 where there is none."""
        ...

    async def cursor(self, name: str) -> Cursor | None: ...

    async def cursors(self) -> Sequence[Cursor]:
        """By name."""
        ...

    async def create(self, name: str, position: int, at: Instant) -> Cursor:
        """The subscription of this name; made anew, at this position, where there is none."""
        ...

    async def advance(self, name: str, position: int, at: Instant) -> bool:
        """All up to this position was handled. False: there is no such subscription, or it is further."""
        ...

    async def note_failure(self, name: str, failures: int, error: str, at: Instant) -> bool: ...

    async def delete(self, name: str) -> bool: ...

    async def hold(self, name: str) -> bool:
        """Be the one process that delivers for this name, until `let_go` or the end of the process. False: another one
        does."""
        ...

    def let_go(self, name: str) -> None: ...


class WorkContext(Protocol):
    """What performing code may know and ask (SPEC X10)."""

    @property
    def run_id(self) -> str: ...

    @property
    def step_id(self) -> str: ...

    @property
    def attempt(self) -> int: ...

    @property
    def key(self) -> str:
        """The idempotency key of the step: the same over attempts and re-executions."""
        ...

    @property
    def cancelled(self) -> bool: ...

    async def report(self, progress: Json) -> None: ...

    async def set_variables(self, values: Mapping[str, Json]) -> None: ...

    def variable(self, name: str, default: Json = None) -> Json: ...

    async def set_attributes(self, values: Mapping[str, Json], remove: Sequence[str]) -> None: ...


class Runner(Protocol):
    """Performs actions of some kinds. Never raises: a fault is a `Failed`. Cancelling the awaiting task interrupts the
    work, which is then really stopped (process killed, connection closed) before `CancelledError` goes on."""

    async def perform(self, action: Action, context: WorkContext) -> Outcome: ...

    async def close(self) -> None: ...


class Guard(Protocol):
    """Evaluates the expressions that might not end: elsewhere, within limits, stoppable."""

    async def evaluate(
        self, source: str, data: Json, variables: Mapping[str, Json], now: Instant, limit: Duration
    ) -> Json:
        """The value as `Expression` defines it (none: null, several: a list). Raises `ExpressionError`."""
        ...

    async def close(self) -> None: ...


Observer = Callable[[str, int, Instant, Event], Coroutine[Any, Any, None] | None]
"""Gets (run id, seq, at, event) for every committed event, after the commit, once. A coroutine function is awaited."""
