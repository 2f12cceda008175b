"""The kit: a whole engine on a file of its own, with its clock, its neighbours and its end in the hands of a test."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Final, TypeVar

from stepwell.assembly import Parts, Stepwell
from stepwell.client.handle import Handle
from stepwell.client.views import View
from stepwell.engine.engine import WATCH_EVERY
from stepwell.engine.recovery import LOOKS_PER_TAKE_OVER, QUIET_PACE
from stepwell.model.base import EPOCH, SECOND, Instant, Json
from stepwell.model.errors import StoreError
from stepwell.model.states import OPEN_RUN, RunStatus
from stepwell.testing import golden
from stepwell.testing.activity import CountedGuard, CountedRunner, Performed, first_of
from stepwell.testing.blank import make_blank
from stepwell.testing.checking import unrecorded, violations_of
from stepwell.testing.doors import CountingIds, FixedDice, FrozenClock
from stepwell.testing.fate import Conflicts, CrashPoint, Fate, gate

T = TypeVar("T")

MOST_JUMPS: Final = 10_000
"""So often `drain` moves the clock before it says that this has no end."""


class Kit:
    """An isolated Stepwell for a test; an async context manager.

        async with Kit(functions=[charge]) as kit:
            handle = await kit.start(Path("order.yaml"), {"id": 7})
            await kit.drain()                   # … until it waits for time or people
            await kit.advance(timedelta(days=1))
            assert await kit.result(handle.run_id) == {"paid": True}

    `engine` is the opened `Stepwell`, with all its verbs. Time moves only through the kit.
    """

    def __init__(
        self,
        path: str | Path | None = None,
        *,
        clock: FrozenClock | None = None,
        ids: CountingIds | None = None,
        dice: FixedDice | None = None,
        update_golden: bool = False,
        **settings: Any,
    ) -> None:
        """`path`: the file; None for one in a folder that is removed at the end. `update_golden`: `golden` writes its
        file. `settings` as for `Stepwell.open`: functions, modules, secrets, …"""
        self.clock, self.ids, self.dice = clock or FrozenClock(), ids or CountingIds(), dice or FixedDice()
        self.engine: Stepwell
        self.path: Path
        self._wanted_path = None if path is None else Path(path)
        self._settings = {"warm_up": False, **settings}
        self._update_golden = update_golden
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._conflicts: Conflicts
        self._fate: Fate
        self._performed: set[Performed] = set()
        self._acknowledged: set[str] = set()
        self._starts = 0
        self._keyed = False

    # --- life -------------------------------------------------------------------------------------

    async def __aenter__(self) -> Kit:
        if self._wanted_path is None:
            self._folder = tempfile.TemporaryDirectory(prefix="stepwell-kit-")
            self._wanted_path = Path(self._folder.name) / "kit.db"
        self.path = self._wanted_path
        if self._settings.get("vfs") is None:
            await make_blank(self.path)
        await self._open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._close()
        finally:
            if self._folder is not None:
                self._folder.cleanup()

    async def _open(self) -> None:
        self._fate, self._conflicts = Fate(), Conflicts()
        self.engine = await Stepwell.open(
            self.path, clock=self.clock, ids=self.ids, dice=self.dice, refit=self._refit, **self._settings
        )

    def _refit(self, parts: Parts) -> Parts:
        fate = self._fate
        return Parts(
            gate(parts.store, fate, self._conflicts),
            CountedRunner(parts.runner, fate.activity, self._performed),
            CountedGuard(parts.guard, fate.activity),
        )

    async def _close(self) -> None:
        """What an engine says while its process dies is of no interest."""
        try:
            await self.engine.close()
        except StoreError:
            if not self._fate.dead:
                raise
            await self.engine.engine.store.close()

    async def reopen(self, **settings: Any) -> Stepwell:
        """End the engine (in order, or as a dead process does after a crash) and open the file anew, with other
        settings where they are given: functions of the next version, for example."""
        await self._close()
        self._settings |= settings
        await self._open()
        return self.engine

    # --- runs -------------------------------------------------------------------------------------

    async def start(self, source: Any, *arguments: Any, **options: Any) -> Handle:
        """As `Stepwell.start`."""
        self._starts += 1
        if self._keyed and not {"key", "id"} & set(options):
            options["key"] = f"start-{self._starts}"
        handle = await self._alive(self.engine.start(source, *arguments, **options))
        self._acknowledged.add(handle.run_id)
        return handle

    async def run(self, source: Any, *arguments: Any, **options: Any) -> Json:
        """Start, let all time pass that is needed, and give the output. Raises as `result`."""
        handle = await self.start(source, *arguments, **options)
        return await self.result(handle.run_id)

    async def result(self, run: str | Handle) -> Json:
        """Let all time pass that is needed, and give the output. Raises `RunFailed`; `AssertionError` where the run
        waits for something that no passing of time brings."""
        run_id = _id(run)
        await self.drain(advance=True)
        row = await self._alive(self.engine.engine.row(run_id))
        if not RunStatus(row.status).terminal:
            why = await self.engine.explain(run_id)
            raise AssertionError(f"run {run_id} is {row.status}: {why['reason']}")
        return await self._alive(self.engine.result(run_id))

    # --- time -------------------------------------------------------------------------------------

    async def drain(self, *, advance: bool = False, timeout: float = 60) -> None:
        """Return when nothing moves any more: every run has ended, or waits for time or for people.

        With `advance` the clock skips to whatever is due next, as long as a run is open. `timeout` is in real
        seconds, for a step that does not end. Raises `Crashed`, `AssertionError`.
        """
        await self._settle(timeout)
        jumps = 0
        while advance and self.clock.next_due() is not None and await self._open_runs():
            jumps += 1
            assert jumps <= MOST_JUMPS, f"the clock was moved {MOST_JUMPS} times, and runs are still open"
            await self.skip_to_next_timer(timeout=timeout)

    async def skip_to_next_timer(self, *, timeout: float = 60) -> bool:
        """Move the clock to what is due next, and drain; False if nothing waits for time."""
        due = self.clock.next_due()
        if due is None:
            return False
        self.clock.set(max(due, self.clock.now()))
        await self._settle(timeout)
        return True

    async def advance(self, by: float | timedelta) -> None:
        """Let so much time pass (seconds, or a `timedelta`): everything that is due on the way happens at its time."""
        seconds = by.total_seconds() if isinstance(by, timedelta) else by
        await self._pass(self.clock.now() + round(seconds * SECOND))

    async def advance_to(self, time: datetime) -> None:
        """Let time pass until then."""
        await self._pass((time - EPOCH) // timedelta(microseconds=1))

    async def look(self, times: int = LOOKS_PER_TAKE_OVER + QUIET_PACE) -> None:
        """Have this engine look so often what other processes did to the file; it does so every 200 ms, and skipping
        through time leaves that out. By default as often as it takes to find that another engine is gone,
        if the file was quiet before."""
        for _ in range(times):
            await self._pass(self.clock.now() + WATCH_EVERY)

    async def _pass(self, until: Instant) -> None:
        await self.drain()
        while (due := self.clock.next_due()) is not None and due <= until:
            await self.skip_to_next_timer()
        self.clock.set(until)
        await self.drain()

    async def _settle(self, timeout: float) -> None:
        try:
            await asyncio.wait_for(self._alive(self._fate.activity.still()), timeout)
        except TimeoutError:
            open_steps = [
                f"{a.id} {step}" for a in self.engine.engine.actors.values() for step in a.state.open_steps
            ]
            raise AssertionError(f"after {timeout:g} s something still goes on; open: {open_steps}") from None

    async def _open_runs(self) -> bool:
        page = await self._alive(self.engine.list(status=[status.value for status in OPEN_RUN], limit=1))
        return bool(page["runs"])

    async def _alive(self, work: Awaitable[T]) -> T:
        """The work's result, unless the process dies meanwhile. Raises `Crashed`."""
        return await first_of(work, self._fate.end)

    # --- trouble ----------------------------------------------------------------------------------

    def inject_conflict(self, run_id: str | None = None, times: int = 1) -> None:
        """The next turns (of this run) find that another engine took their place: they are decided again. What
        nothing met is forgotten when the file is opened anew."""
        self._conflicts.inject(run_id, times)

    @property
    def conflicts_left(self) -> int:
        """How many injected conflicts no turn has met yet."""
        return self._conflicts.left

    def fail_commits(self, times: int = 1) -> None:
        """The next commits fail, as on a full disk; nothing of them is written."""
        self._fate.failing += times

    @property
    def commits(self) -> int:
        """How many commits there were since the file was opened."""
        return self._fate.commits

    def crash_at(self, commit: int, *, before: bool = True) -> None:
        """Die at the `commit`-th commit from now: before it is durable, or after, when nobody has been told. What
        the kit is asked then raises `Crashed`; `reopen` goes on."""
        self._fate.point = CrashPoint(self._fate.commits + commit, before)

    def spare(self) -> None:
        """Nothing more of what was wished for happens: no crash, no refusal, no conflict."""
        self._fate.point, self._fate.failing = None, 0
        self._conflicts.forget()

    def crash(self) -> None:
        """Die now."""
        self._fate.die()

    @property
    def crashed(self) -> bool:
        return self._fate.dead

    async def play(self, scenario: Callable[[Kit], Awaitable[T]]) -> T:
        """Do what a client would do, and could do again after a crash: starts get keys of their own, so that the
        same start finds its run. Raises `Crashed`."""
        self._starts, self._keyed = 0, True
        try:
            return await self._alive(scenario(self))
        finally:
            self._keyed = False

    # --- proof ------------------------------------------------------------------------------------

    async def history(self, run: str | Handle) -> list[View]:
        """The run's events, the same in every test that does the same: see `golden.normalised`."""
        return await golden.normalised(self.engine, _id(run))

    async def golden(self, run: str | Handle, file: str | Path) -> None:
        """Compare the run's history with the one in a file, which `pytest --stepwell-update-golden` writes. Raises
        `AssertionError` with the difference."""
        golden.compare(await self.history(run), Path(file), update=self._update_golden)

    async def check(self) -> None:
        """Everything that must be true of what is on record: invariants, hash chains, indexes, every step once; the
        state in memory is that of the journal; and no start was acknowledged and nothing performed, crashes or not,
        that is not on record. Raises `AssertionError` naming every violation."""
        await self.drain()
        found = await violations_of(self.engine)
        found += await unrecorded(self.engine, self._acknowledged, self._performed)
        assert not found, "\n".join(["the record is not sound:", *found])


def _id(run: str | Handle) -> str:
    return run if isinstance(run, str) else run.run_id
