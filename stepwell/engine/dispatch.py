"""Performing: steps go to the workers in order of priority, no more at once than the engine may.

Most steps of most programs never wait for anything in this process's event loop, or wait only once. So a task performs
what has begun one after the other (`_carry`), until something has to wait: that keeps the task, and what comes after it
gets another one.
"""

from __future__ import annotations

import asyncio
import heapq
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from contextvars import copy_context
from typing import Any, Final, Protocol

from stepwell.engine.apart import Apart, Left, Turn
from stepwell.model.actions import Failed, Interrupted, Outcome, left_with
from stepwell.model.problem import runtime

log = logging.getLogger("stepwell.engine")

Identity = tuple[str, str, int]
"""(run id, step id, attempt)"""

IN_A_ROW: Final = 4
"""So many lone jobs are done before the loop gets its turn, where each result is committed at once."""


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

    def __init__(self, limit: int, through: Callable[[], None] = lambda: None) -> None:
        """`through` is told when a lone job is done, and nothing else is about to be performed."""
        self._limit, self._through = limit, through
        self._room = limit
        self._begun: dict[Identity, Job] = {}
        self._tasks: dict[Identity, asyncio.Task[None]] = {}
        self._next: deque[Job] = deque()
        self._present: Identity | None = None
        self._carrier: asyncio.Task[None] | None = None
        self._waiting: dict[Identity, Job] = {}
        self._queue: list[tuple[int, int, Identity]] = []
        self._interrupted: set[Identity] = set()
        self._count = 0
        self._closed = False
        self._hungry: list[Callable[[], None]] = []
        self._loop = asyncio.get_running_loop()

    def __contains__(self, identity: Identity) -> bool:
        return identity in self._begun or identity in self._waiting

    def begun(self, run_id: str, step_id: str, attempt: int) -> bool:
        """Somebody is performing it: it does not wait for room."""
        return (run_id, step_id, attempt) in self._begun

    @property
    def in_flight(self) -> int:
        """How many jobs are being performed."""
        return len(self._begun)

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
        return [identity for identity in (*self._begun, *self._waiting) if identity[0] == run_id]

    def submit(self, job: Job) -> None:
        identity = job.identity
        if self._closed or identity in self._begun or (self._waiting and identity in self._waiting):
            return
        if self._room > 0 or job.waits:
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
        job = self._begun.get(identity)
        if job is None:
            return False
        task = self._carrier if identity == self._present else self._tasks.get(identity)
        if task is None:  # its turn has not come
            self._over(identity, job, Interrupted())
        elif identity not in self._interrupted:
            self._interrupted.add(identity)
            task.cancel()
        return True

    def _start(self, identity: Identity, job: Job) -> None:
        self._room -= not job.waits
        self._begun[identity] = job
        self._next.append(job)
        if self._carrier is None:
            self._carrier = self._loop.create_task(self._carry())

    async def _carry(self) -> None:
        """Perform what has begun, one after the other, until something waits. In between the loop gets its turn: what
        is then committed may begin the next steps."""
        task, lone = self._carrier, 0
        assert task is not None
        try:
            while self._next:
                lone = lone + 1 if len(self._next) == 1 else 0
                for _ in range(len(self._next)):
                    job = self._next.popleft()
                    rest = self._perform(job)
                    if rest is not None:
                        self._tasks[job.identity] = task
                        self._hand_on()
                        await self._see_through(job, rest)
                        return
                    if task.cancelling():
                        return
                    if not self._next:
                        break
                if lone % IN_A_ROW and not self._begun:  # who waits may be about to append something
                    self._through()
                    if self._next:
                        continue
                await Turn()
        finally:
            if self._carrier is task:
                self._hand_on()

    def _perform(self, job: Job) -> Apart[Outcome] | None:
        """Most jobs are through at once; of another one, what is left of it when it has to wait."""
        identity = job.identity
        if self._begun.get(identity) is not job:  # interrupted before its turn came
            return None
        self._present = identity
        try:
            coroutine, context = job.perform(), copy_context()
            return Apart(coroutine, context, context.run(coroutine.send, None))
        except StopIteration as done:
            outcome: Outcome = done.value
        except asyncio.CancelledError:
            outcome = Interrupted()
        except GeneratorExit as error:  # nobody throws away what has just begun
            outcome = left_with(error)
        except Exception as error:  # noqa: BLE001 - a defect of whoever performs must not stop the engine
            outcome = _failed(identity, error)
        finally:
            self._present = None
        self._over(identity, job, outcome)
        return None

    async def _see_through(self, job: Job, rest: Apart[Outcome]) -> None:
        try:
            outcome = await rest
        except asyncio.CancelledError:
            outcome = Interrupted()
        except Left as left:
            outcome = left_with(left.error)
        except Exception as error:  # noqa: BLE001 - a defect of whoever performs must not stop the engine
            outcome = _failed(job.identity, error)
        del self._tasks[job.identity]
        self._over(job.identity, job, outcome)

    def _hand_on(self) -> None:
        """The rest is for another task."""
        self._carrier = self._loop.create_task(self._carry()) if self._next and not self._closed else None

    def _over(self, identity: Identity, job: Job, outcome: Outcome) -> None:
        del self._begun[identity]
        # Some functions keep it to themselves that they were asked to stop.
        if self._interrupted and identity in self._interrupted:
            self._interrupted.discard(identity)
            outcome = Interrupted()
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
        self._next.clear()
        tasks = {*self._tasks.values(), *([self._carrier] if self._carrier is not None else [])}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _failed(identity: Identity, error: Exception) -> Outcome:
    log.error("performing %s failed", identity, exc_info=error)
    return Failed(runtime(f"{type(error).__name__}: {error}"))
