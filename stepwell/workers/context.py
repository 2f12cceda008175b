"""What a step's function may know of the run it works for, and say to it: `current()`.

    from stepwell.workers.context import current

    def resize(path: str) -> dict[str, int]:            # a plain function, on a thread or in a process
        for done, image in enumerate(images(path)):
            current().check_cancelled()
            current().report({"done": done})

    async def fetch(url: str) -> str:                   # a coroutine function, on the event loop
        await current().areport("fetching")

It works in whatever the function calls and in tasks it starts. A thread that the function starts itself has
no current step, unless it runs in a copy of the context (`contextvars.copy_context()`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import CancelledError
from contextvars import ContextVar
from typing import Any

from stepwell.model.attributes import normal_all
from stepwell.model.base import SECOND, Duration, Json
from stepwell.model.problem import RUNTIME, Problem
from stepwell.ports import WorkContext

ANSWER_CHECK_SECONDS = 1.0
"""How often a thread that waits for the loop looks whether the loop is still there."""


class StepFault(Exception):
    """Raise it in a step's function to choose the error that the workflow sees (and may catch).

    `type` is a URI (the standard's types are in `stepwell.model.problem`), `status` an HTTP status. `retry` False: no
    further attempt is made, whatever the step's policy says; `after`: not before so many seconds.
    """

    def __init__(
        self,
        detail: str,
        *,
        type: str = RUNTIME,
        status: int = 500,
        title: str = "Runtime Error",
        retry: bool = True,
        after: float | None = None,
    ) -> None:
        super().__init__(detail)
        self.problem = Problem(type, status, title, detail)
        self.retry = retry
        self.after: Duration | None = None if after is None else int(after * SECOND)


class CallAgain(Exception):
    """Raise it in a step's function that is not through yet: it is called again after so many seconds, and no attempt
    is spent. `progress` is recorded."""

    def __init__(self, after: float, progress: Json = None) -> None:
        super().__init__(f"call again after {after} s")
        self.after: Duration = int(after * SECOND)
        self.progress = progress

    def __reduce__(self) -> tuple[object, ...]:
        return type(self).__new__, (type(self), *self.args), self.__dict__  # as `StepwellError` is copied


class StepInterrupted(BaseException):
    """The step was asked to stop. No `except Exception` swallows it; let it pass."""


class Current:
    """The running step, as its function sees it.

    The verbs without `a` block: they are for threads and processes, and refused on the event loop, which they
    would stop. Those with `a` are for coroutine functions.
    """

    __slots__ = ("_context", "_loop", "_stopped")

    def __init__(self, context: WorkContext, loop: asyncio.AbstractEventLoop) -> None:
        self._context = context
        self._loop = loop
        self._stopped = False

    @property
    def run_id(self) -> str:
        return self._context.run_id

    @property
    def step_id(self) -> str:
        return self._context.step_id

    @property
    def attempt(self) -> int:
        """1 for the first try."""
        return self._context.attempt

    @property
    def key(self) -> str:
        """The idempotency key of the step: the same over attempts and re-executions after a crash."""
        return self._context.key

    @property
    def cancelled(self) -> bool:
        """Whether the step should stop: its result will not be taken any more."""
        return self._stopped or self._context.cancelled

    def check_cancelled(self) -> None:
        """Raise `StepInterrupted` if the step should stop."""
        if self.cancelled:
            raise StepInterrupted(f"step {self.step_id} of run {self.run_id} was asked to stop")

    def variable(self, name: str, default: Json = None) -> Json:
        """A variable of the run, as of now."""
        return self._context.variable(name, default)

    def report(self, progress: Json) -> None:
        """Record how far the step is (any JSON value). Returns when it is recorded."""
        self._call(self._context.report(progress), "report")

    def set_variables(self, **values: Json) -> None:
        """Set variables of the run. Returns when they are recorded."""
        self._call(self._context.set_variables(values), "set_variables")

    def set_attributes(self, values: Mapping[str, Any], remove: Sequence[str] = ()) -> None:
        """Set (and remove) search attributes of the run. Returns when they are recorded."""
        self._call(self._context.set_attributes(normal_all(values), tuple(remove)), "set_attributes")

    async def areport(self, progress: Json) -> None:
        """`report` for coroutine functions."""
        self.check_cancelled()
        await self._context.report(progress)

    async def aset_variables(self, **values: Json) -> None:
        """`set_variables` for coroutine functions."""
        self.check_cancelled()
        await self._context.set_variables(values)

    async def aset_attributes(self, values: Mapping[str, Any], remove: Sequence[str] = ()) -> None:
        """`set_attributes` for coroutine functions."""
        self.check_cancelled()
        await self._context.set_attributes(normal_all(values), tuple(remove))

    def _stop(self) -> None:
        """What it does from now on has no effect: its worker does not wait for it any more."""
        self._stopped = True

    def _call(self, verb: Coroutine[Any, Any, None], name: str) -> None:
        if self.cancelled or asyncio._get_running_loop() is self._loop:
            verb.close()
            self.check_cancelled()
            raise RuntimeError(f"{name}() would block the event loop: write `await current().a{name}(…)`")
        wait_for(verb, self._loop)


def wait_for(verb: Coroutine[Any, Any, None], loop: asyncio.AbstractEventLoop) -> None:
    """Run the coroutine on the loop of another thread and wait, but not for a loop that is gone."""
    try:
        future = asyncio.run_coroutine_threadsafe(verb, loop)
    except RuntimeError as error:
        verb.close()
        raise StepInterrupted("the engine has stopped") from error
    while True:
        try:
            return future.result(ANSWER_CHECK_SECONDS)
        except TimeoutError:
            if future.done():
                raise
            if loop.is_closed():
                raise StepInterrupted("the engine has stopped") from None
        except CancelledError:
            raise StepInterrupted("the engine has stopped") from None


_CURRENT: ContextVar[Current] = ContextVar("stepwell_current_step")


def current() -> Current:
    """The step that this code runs for. Raises `LookupError` outside of one."""
    try:
        return _CURRENT.get()
    except LookupError:
        raise LookupError("no step is running here: current() works in functions that a step calls") from None
