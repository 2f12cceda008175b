"""What the tests of a store are written with."""

from __future__ import annotations

import asyncio
from typing import Any

from stepwell.model.base import Json
from stepwell.model.events import Event, RunCreated, StepCompleted
from stepwell.model.journal import RunRow, Turn
from stepwell.ports import Store


def turn(run_id: str, seq: int, *events: Event) -> Turn:
    """A turn with these events, or with one that tells its number."""
    return Turn(run_id, seq, 1_000_000 + seq, events or (StepCompleted(f"/do/{seq}/step", {"n": seq}),))


def index_row(run_id: str, status: str = "running", created_at: int = 1_000_000, **fields: Any) -> RunRow:
    """An index row with defaults for what a test does not care about."""
    given: dict[str, Any] = {
        "namespace": "default",
        "name": "orders",
        "version": "1.0.0",
        "definition_hash": "abc",
        "updated_at": created_at,
    }
    return RunRow(id=run_id, status=status, created_at=created_at, **(given | fields))


def created(run_id: str, input: Json = None) -> RunCreated:
    return RunCreated(run_id, "default", "orders", "1.0.0", "abc", input)


class Journal:
    """Appends turns of one run one after the other and remembers the tip, like an engine does."""

    def __init__(self, store: Store, run_id: str) -> None:
        self.store, self.run_id = store, run_id
        self.seq, self.tip = 0, b""

    def send(self, *events: Event, **extra: Any) -> asyncio.Future[None]:
        """Append without waiting; the future ends as `done` says."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def done(error: BaseException | None) -> None:
            if error is None:
                future.set_result(None)
            else:
                future.set_exception(error)

        self.seq += 1
        self.tip = self.store.append(turn(self.run_id, self.seq, *events), self.tip, done, **extra)
        return future

    async def add(self, *events: Event, **extra: Any) -> None:
        await self.send(*events, **extra)


async def fails(future: asyncio.Future[Any], kind: type[BaseException]) -> Any:
    """The error that the future ended with, which must be of this kind."""
    outcome: Any = (await asyncio.gather(future, return_exceptions=True))[0]
    assert isinstance(outcome, kind), f"expected {kind.__name__}, got {outcome!r}"
    return outcome


class Base:
    """What the families of tests have in common."""

    async def open_store(self, engine_id: str | None) -> Store:
        """Another store on the same data."""
        raise NotImplementedError

    async def run(self, store: Store, run_id: str, turns: int = 1, **fields: Any) -> Journal:
        """A run with so many turns and an index row."""
        journal = Journal(store, run_id)
        await journal.add(created(run_id), row=index_row(run_id, **fields))
        for _ in range(turns - 1):
            await journal.add()
        return journal
