"""A store that a test can make fail: commits that are refused, turns that another engine took, a process that dies.

`Gate` stands before the real store and does nothing of its own; commits are counted where they are made, on the
connection, so that every ability of the store has its commit points, whatever it is called.
"""

from __future__ import annotations

import asyncio
import inspect
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from typing import Any, Final, NamedTuple, Protocol, TypeVar, cast

from stepwell.model.errors import SeqConflict, StoreUnavailable
from stepwell.model.journal import Turn
from stepwell.model.records import State
from stepwell.ports import Done, Store
from stepwell.testing.activity import Activity

T = TypeVar("T")

_LOST: Final = b"lost"
"""The hash of a turn that will never be written."""


class Crashed(StoreUnavailable):
    """The process is dead, as the test wished: open the file again with `Kit.reopen`."""


class CrashPoint(NamedTuple):
    """Die at this commit (counted from 1): before it is durable, or after, when nobody has been told yet."""

    commit: int
    before: bool


class Mortal(Protocol):
    """What a store needs so that its process can be killed in a test."""

    def watch_commits(self, before: Callable[[], None]) -> None: ...

    def crash(self) -> None: ...


class Fate:
    """What is to happen to one opening of the store."""

    def __init__(self) -> None:
        self.activity = Activity()
        self.commits = 0
        self.dead = False
        self.end: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.point: CrashPoint | None = None
        self.failing = 0
        self._loop = asyncio.get_running_loop()

    def before_commit(self) -> None:
        """Called by the store, on any thread; raising undoes the commit."""
        if self.dead:
            raise Crashed("the process has been killed by its test")
        if self.failing:
            self.failing -= 1
            raise StoreUnavailable("the commit was refused by a test")
        self.commits += 1
        if self.point is not None and self.point.commit == self.commits:
            self.dead = True
            self._loop.call_soon_threadsafe(self.die)
            if self.point.before:
                raise Crashed(f"killed by its test before commit {self.commits}")

    def die(self) -> None:
        """From now on nothing is written and nobody is told anything."""
        self.dead = True
        if not self.end.done():
            self.end.set_exception(Crashed(f"killed by its test at commit {self.commits}"))
            self.end.exception()  # asked for: it is no oversight if nobody else does

    def alive(self) -> None:
        if self.dead:
            raise Crashed("the process has been killed by its test")


class Conflicts:
    """Turns that find their place taken, told in the order in which they were appended."""

    def __init__(self) -> None:
        self._wanted: Counter[str | None] = Counter()
        self._on_their_way: Counter[str] = Counter()
        self._refused: defaultdict[str, list[tuple[Turn, Done]]] = defaultdict(list)

    def inject(self, run_id: str | None, times: int) -> None:
        self._wanted[run_id] += times

    def forget(self) -> None:
        """No more of them."""
        self._wanted.clear()

    @property
    def left(self) -> int:
        """How many were wished for and have not happened yet."""
        return self._wanted.total()

    def takes(self, turn: Turn, done: Done) -> bool:
        """Whether this turn is refused; `done` hears it when the turns before it are through."""
        if not self._refused.get(turn.run_id) and not self._meets(turn):
            return False
        self._refused[turn.run_id].append((turn, done))
        self._tell_if_due(turn.run_id)
        return True

    def _meets(self, turn: Turn) -> bool:
        """The first turn of a run has no place that others could take."""
        for run_id in (turn.run_id, None):
            if turn.seq > 1 and self._wanted[run_id]:
                self._wanted[run_id] -= 1
                return True
        return False

    def sent(self, run_id: str) -> None:
        self._on_their_way[run_id] += 1

    def answered(self, run_id: str) -> None:
        self._on_their_way[run_id] -= 1
        self._tell_if_due(run_id)

    def _tell_if_due(self, run_id: str) -> None:
        if self._refused.get(run_id) and not self._on_their_way[run_id]:
            asyncio.get_running_loop().call_soon(self._tell, run_id)

    def _tell(self, run_id: str) -> None:
        for turn, done in self._refused.pop(run_id, ()):
            done(SeqConflict(run_id, turn.seq))


class Gate:
    """Stands before a store, or before a part of one. What goes through is counted; nothing returns to the dead."""

    def __init__(self, store: Any, fate: Fate, conflicts: Conflicts) -> None:
        self._store, self._fate, self._conflicts = store, fate, conflicts

    def append(self, turn: Turn, tip: bytes, done: Done, **extra: Any) -> bytes:
        fate, run_id = self._fate, turn.run_id
        if fate.dead or self._conflicts.takes(turn, done):
            return _LOST

        def answered(error: BaseException | None) -> None:
            fate.activity.end()
            if not fate.dead:
                done(error)
                self._conflicts.answered(run_id)

        new: bytes = self._store.append(turn, tip, answered, **extra)
        fate.activity.begin()
        self._conflicts.sent(run_id)
        return new

    def save_snapshot(self, state: State) -> Awaitable[None]:
        return self._through(self._store.save_snapshot(state))

    async def flush(self) -> None:
        if not self._fate.dead:
            await self._store.flush()

    async def close(self) -> None:
        if self._fate.dead:
            self._store.crash()
        else:
            await self._store.close()

    async def _through(self, work: Awaitable[T]) -> T:
        with self._fate.activity.going_on():
            try:
                result = await work
            except Exception:
                self._fate.alive()
                raise
        self._fate.alive()
        return result

    def __getattr__(self, name: str) -> Any:
        """Everything else that the store can do, now or later."""
        found = getattr(self._store, name)
        if inspect.iscoroutinefunction(found):

            async def call(*arguments: Any, **named: Any) -> Any:
                self._fate.alive()
                return await self._through(found(*arguments, **named))

            self.__dict__[name] = call
            return call
        if type(found).__module__.startswith("stepwell.stores"):
            return Gate(found, self._fate, self._conflicts)
        return found


def gate(store: Store, fate: Fate, conflicts: Conflicts) -> Store:
    """The store behind its gate; its commits are counted from now on."""
    cast(Mortal, store).watch_commits(fate.before_commit)
    return cast(Store, Gate(store, fate, conflicts))
