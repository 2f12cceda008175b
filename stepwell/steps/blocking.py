"""`StepStore`: the same verbs for programs without an event loop, from as many threads as they like.

Each verb is that of `AsyncStepStore`, run on a loop in a thread of its own; there is no second copy of any of them.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from functools import wraps
from pathlib import Path
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, TypeVar

from stepwell.client.client import Client
from stepwell.steps.store import AsyncStepStore

P = ParamSpec("P")
T = TypeVar("T")


def _blocking(
    verb: Callable[Concatenate[AsyncStepStore, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[StepStore, P], T]:
    @wraps(verb)
    def call(store: StepStore, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return store.do(verb(store.asynchronous, *args, **kwargs))

    return call


class StepStore:
    """A context manager: `with StepStore.open("orders.db") as store: …`. Errors and answers as in `AsyncStepStore`."""

    def __init__(self, path: str | Path, **settings: Any) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="stepwell-steps", daemon=True)
        self._thread.start()
        try:
            self.asynchronous: AsyncStepStore = self.do(AsyncStepStore.opened(path, **settings))
        except BaseException:
            self._stop()
            raise

    @classmethod
    def open(cls, path: str | Path = "stepwell.db", **settings: Any) -> StepStore:
        """Open the file, create it where there is none. Settings as for `AsyncStepStore.open`."""
        return cls(path, **settings)

    def do(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine on the store's own loop, and wait for it: `store.do(store.client.explain(run_id))`."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()

    @property
    def client(self) -> Client:
        """The runs as everybody else sees them: list, show, explain, graph, timeline, history."""
        return self.asynchronous.client

    start_run = _blocking(AsyncStepStore.start_run)
    begin_step = _blocking(AsyncStepStore.begin_step)
    heartbeat = _blocking(AsyncStepStore.heartbeat)
    complete_step = _blocking(AsyncStepStore.complete_step)
    fail_step = _blocking(AsyncStepStore.fail_step)
    defer_step = _blocking(AsyncStepStore.defer_step)
    hold_step = _blocking(AsyncStepStore.hold_step)
    schedule_step = _blocking(AsyncStepStore.schedule_step)
    schedule_steps = _blocking(AsyncStepStore.schedule_steps)
    delete_pending = _blocking(AsyncStepStore.delete_pending)
    reconcile_step = _blocking(AsyncStepStore.reconcile_step)
    release_expired = _blocking(AsyncStepStore.release_expired)
    complete_run = _blocking(AsyncStepStore.complete_run)
    fail_run = _blocking(AsyncStepStore.fail_run)
    pause_run = _blocking(AsyncStepStore.pause_run)
    resume_run = _blocking(AsyncStepStore.resume_run)
    cancel_run = _blocking(AsyncStepStore.cancel_run)
    retry_run = _blocking(AsyncStepStore.retry_run)
    run_state = _blocking(AsyncStepStore.run_state)
    open_runs = _blocking(AsyncStepStore.open_runs)
    get_step_run = _blocking(AsyncStepStore.get_step_run)
    step_statuses = _blocking(AsyncStepStore.step_statuses)
    completed_steps = _blocking(AsyncStepStore.completed_steps)
    completed_outputs = _blocking(AsyncStepStore.completed_outputs)
    expired_claims = _blocking(AsyncStepStore.expired_claims)
    recovery = _blocking(AsyncStepStore.recovery)

    def close(self) -> None:
        """Make durable what is under way, and let go of the file. Closing again does nothing."""
        if self._thread.is_alive():
            try:
                self.do(self.asynchronous.close())
            finally:
                self._stop()

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def __enter__(self) -> StepStore:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
