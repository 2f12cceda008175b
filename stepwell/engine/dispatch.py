"""Performing: steps go to the workers in order of priority, no more at once than the engine may."""

from __future__ import annotations

import asyncio
import heapq
import logging
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Protocol

from stepwell.model.actions import Failed, Interrupted, Outcome
from stepwell.model.problem import runtime

log = logging.getLogger("stepwell.engine")

Identity = tuple[str, str, int]
"""(run id, step id, attempt)"""


class Job(Protocol):
    """Something to perform. `finish` is called once with what came of it, `Interrupted` if it was stopped. `waits`:
    it only waits for something else that is performed, and takes no room."""

    @property
    def identity(self) -> Identity: ...

    @property
    def priority(self) -> int: ...

    @property
    def waits(self) -> bool: ...

    def perform(self) -> Coroutine[Any, Any, Outcome]: ...

    def finish(self, outcome: Outcome) -> None: ...


class Dispatch:
    """Starts jobs when there is room: higher priorities first, of equal ones first come first served."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._room = limit
        self._tasks: dict[Identity, tuple[asyncio.Task[None], Job]] = {}
        self._waiting: dict[Identity, Job] = {}
        self._queue: list[tuple[int, int, Identity]] = []
        self._interrupted: set[Identity] = set()
        self._count = 0
        self._closed = False
        self._hungry: list[Callable[[], None]] = []
        self._loop = asyncio.get_running_loop()

    def __contains__(self, identity: Identity) -> bool:
        return identity in self._tasks or identity in self._waiting

    def begun(self, run_id: str, step_id: str, attempt: int) -> bool:
        """Somebody is performing it: it does not wait for room."""
        return (run_id, step_id, attempt) in self._tasks

    @property
    def in_flight(self) -> int:
        """How many jobs are being performed."""
        return len(self._tasks)

    @property
    def waiting(self) -> int:
        """How many jobs wait for room."""
        return len(self._waiting)

    @property
    def free(self) -> int:
        """How many more jobs could start at once."""
        return self._room - len(self._waiting)

    def when_free(self, tell: Callable[[], None]) -> None:
        """Call this once when there is room again."""
        if tell not in self._hungry:
            self._hungry.append(tell)

    def of_run(self, run_id: str) -> list[Identity]:
        """What is being performed, or waits to be, for this run."""
        return [identity for identity in (*self._tasks, *self._waiting) if identity[0] == run_id]

    def submit(self, job: Job) -> None:
        identity = job.identity
        if self._closed or identity in self._tasks or identity in self._waiting:
            return
        if job.waits or self._room > 0:
            self._start(identity, job)
        else:
            self._count += 1
            self._waiting[identity] = job
            heapq.heappush(self._queue, (-job.priority, self._count, identity))

    def interrupt(self, identity: Identity) -> bool:
        """Stop this job, once. False if there is none."""
        waiting = self._waiting.pop(identity, None)
        if waiting is not None:
            waiting.finish(Interrupted())
            return True
        if identity not in self._tasks:
            return False
        if identity not in self._interrupted:
            self._interrupted.add(identity)
            task = self._tasks[identity][0]
            task.add_done_callback(partial(self._never_began, identity))
            task.cancel()
        return True

    def _start(self, identity: Identity, job: Job) -> None:
        self._room -= not job.waits
        self._tasks[identity] = (self._loop.create_task(self._run(identity, job)), job)

    async def _run(self, identity: Identity, job: Job) -> None:
        try:
            outcome = await job.perform()
        except asyncio.CancelledError:
            outcome = Interrupted()
        except Exception as error:
            log.exception("performing %s failed", identity)
            outcome = Failed(runtime(f"{type(error).__name__}: {error}"))
        self._over(identity, job, outcome)

    def _never_began(self, identity: Identity, task: asyncio.Task[None]) -> None:
        """A task that is cancelled before its first step never gets to say that it is over."""
        running = self._tasks.get(identity)
        if running is not None and running[0] is task:
            self._over(identity, running[1], Interrupted())

    def _over(self, identity: Identity, job: Job, outcome: Outcome) -> None:
        self._tasks.pop(identity, None)
        self._interrupted.discard(identity)
        self._room += not job.waits
        if self._queue:
            self._start_next()
        if not self._closed:
            job.finish(outcome)
        if self._hungry and self.free > 0:
            hungry, self._hungry = self._hungry, []
            for tell in hungry:
                tell()

    def _start_next(self) -> None:
        while self._queue and self._room > 0 and not self._closed:
            identity = heapq.heappop(self._queue)[2]
            waiting = self._waiting.pop(identity, None)
            if waiting is not None:
                self._start(identity, waiting)

    async def close(self) -> None:
        """Stop everything and report nothing: whoever opens the store next performs it again."""
        self._closed = True
        self._waiting.clear()
        tasks = [task for task, _ in self._tasks.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
