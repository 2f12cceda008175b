"""The event loop of one run's code: no threads, no sockets, no clock. What is ready runs in order, and then it stops.

So `asyncio.gather`, `TaskGroup`, `wait`, `timeout`, `Semaphore` and `sleep` work in a workflow, and do the same thing
each time it is gone through again. A timer of this loop is a step like any other: it survives.
"""

from __future__ import annotations

import asyncio
import logging
import sys
from asyncio import events
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from contextvars import Context, copy_context
from typing import Any, Final, NoReturn, Protocol

from stepwell.model.base import SECOND, Instant

log = logging.getLogger("stepwell.code")

FEW: Final = 16
"""So many tasks are kept without a look whether they are done."""


class Owner(Protocol):
    """Whose code the loop executes."""

    now: Instant
    """the instant that the code sees"""

    def set_timer(self, handle: asyncio.TimerHandle, due: Instant) -> None: ...

    def drop_timer(self, handle: asyncio.TimerHandle) -> None: ...

    def dropped(self, step_id: str) -> None:
        """The code waits for it no more (it was cancelled, or lost a race)."""
        ...


class Ready(asyncio.Handle):
    """What `asyncio.Handle` is where nobody debugs, made in half the time: there is one for every step."""

    __slots__ = ()
    _repr = None
    _source_traceback = None

    def __init__(
        self, callback: Callable[..., Any], args: Any, loop: asyncio.AbstractEventLoop, context: Context
    ) -> None:
        self._callback, self._args, self._loop, self._context = callback, args, loop, context
        self._cancelled = False


class CodeLoop(asyncio.AbstractEventLoop):
    """The loop of one execution, its `owner`."""

    closing = False
    """Its code is being thrown away."""
    halted = 0
    """how many calls its code has made that it is never told of"""

    def __init__(self, owner: Owner) -> None:
        self.owner = owner
        self.outer = events._get_running_loop()
        """the engine's, that this one runs within"""
        self._ready: list[asyncio.Handle] = []
        self._tasks: list[asyncio.Task[Any]] = []
        self._many = FEW

    def run_ready(self) -> None:
        """Run until nothing is ready."""
        while self._ready:
            ready, self._ready = self._ready, []
            for handle in ready:
                if handle._cancelled:
                    continue
                try:
                    handle._run()
                except SystemExit:  # it ends its task, as any error does, and not the process
                    pass

    def let_go(self) -> None:
        """Its code is through: it and its owner hold each other no more, and need no garbage collector to go."""
        self._tasks.clear()
        vars(self).pop("owner", None)

    @property
    def tasks(self) -> list[asyncio.Task[Any]]:
        """Those that are not done."""
        return [task for task in self._tasks if not task.done()]

    # --- what asyncio asks of a loop --------------------------------------------------------------

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        handle = Ready(callback, args, self, copy_context() if context is None else context)
        self._ready.append(handle)
        return handle

    def call_later(  # type: ignore[override]
        self, delay: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        handle = asyncio.TimerHandle(when, callback, args, self, context)
        handle._scheduled = True  # type: ignore[attr-defined]
        self.owner.set_timer(handle, round(when * SECOND))
        return handle

    def fire(self, handle: asyncio.TimerHandle) -> None:
        """Its time has come."""
        handle._scheduled = False  # type: ignore[attr-defined]
        self._ready.append(handle)

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        self.owner.drop_timer(handle)

    def time(self) -> float:
        return self.owner.now / SECOND

    def create_future(self) -> asyncio.Future[Any]:
        return asyncio.Future(loop=self)

    def create_task(  # type: ignore[override]
        self,
        coro: Coroutine[Any, Any, Any],
        *,
        name: str | None = None,
        context: Context | None = None,
        **_: Any,
    ) -> asyncio.Task[Any]:
        task = asyncio.Task(coro, loop=self, name=name, context=context)
        task._log_destroy_pending = False  # type: ignore[attr-defined]
        if len(self._tasks) >= self._many:
            self._tasks = self.tasks
            self._many = FEW + 2 * len(self._tasks)
        self._tasks.append(task)
        return task

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """A task that nobody waited for failed, or a callback did."""
        error = context.get("exception")
        if isinstance(error, Exception):  # not where the code was only thrown away
            log.warning("in a workflow's code: %s", context.get("message"), exc_info=error)

    def default_exception_handler(self, context: dict[str, Any]) -> None:
        self.call_exception_handler(context)

    def get_exception_handler(self) -> None:
        return None

    def get_task_factory(self) -> None:
        return None

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return events._get_running_loop() is self

    def is_closed(self) -> bool:
        return False

    async def shutdown_asyncgens(self) -> None:
        return None


def _no_io(name: str) -> Callable[..., NoReturn]:
    def refuse(self: CodeLoop, *args: Any, **options: Any) -> NoReturn:
        raise RuntimeError(
            f"a workflow's own code does no I/O and starts no threads (it called {name}): do it in a step, "
            f"so that it is done once and its result is kept"
        )

    return refuse


REFUSED: Final = (
    "run_in_executor", "getaddrinfo", "getnameinfo", "create_connection", "create_server", "create_unix_connection",
    "create_unix_server", "create_datagram_endpoint", "connect_read_pipe", "connect_write_pipe", "subprocess_exec",
    "subprocess_shell", "sock_recv", "sock_sendall", "sock_connect", "sock_accept", "add_reader", "add_writer",
    "add_signal_handler", "call_soon_threadsafe", "run_forever", "run_until_complete", "sendfile", "start_tls",
)  # fmt: skip
"""What a loop can do and this one must not: it would not do the same thing the next time."""

for _name in REFUSED:
    setattr(CodeLoop, _name, _no_io(_name))


Left = asyncio.Task[Any] | None
"""The task of the outer loop that is being executed."""

if sys.version_info >= (3, 14):  # a thread has one current task, not one for each loop

    def enter(loop: CodeLoop) -> Left:
        """This is the running loop from now on, instead of the outer one, until `leave`."""
        left = None if loop.outer is None else asyncio.tasks._swap_current_task(loop.outer, None)
        events._set_running_loop(loop)
        return left

    def leave(loop: CodeLoop, left: Left) -> None:
        events._set_running_loop(loop.outer)
        if loop.outer is not None:
            asyncio.tasks._swap_current_task(loop.outer, left)

else:

    def enter(loop: CodeLoop) -> Left:
        """This is the running loop from now on, instead of the outer one, until `leave`."""
        events._set_running_loop(loop)
        return None

    def leave(loop: CodeLoop, left: Left) -> None:
        events._set_running_loop(loop.outer)


@contextmanager
def running(loop: CodeLoop) -> Iterator[None]:
    """This is the running loop meanwhile, whatever runs now."""
    loop.outer = events._get_running_loop()
    left = enter(loop)
    try:
        yield
    finally:
        leave(loop, left)
