"""A bounded number of threads for functions that block. Made when needed; none keeps the process alive."""

from __future__ import annotations

import asyncio
import queue
import threading
from collections.abc import Callable
from typing import Any

Job = Callable[[], None]


class Threads:
    """At most `most` daemon threads. The standard pool is not used because it joins its threads at exit: a
    step that hangs would keep a process from ending that is told to."""

    def __init__(self, most: int, name: str) -> None:
        self._most = most
        self._name = name
        self._jobs: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
        self._count = 0
        self._pending = 0
        """jobs that are queued or under way; touched on the event loop only"""

    def run(self, function: Callable[[], Any]) -> asyncio.Future[Any]:
        """What the function returns or raises, as a future of the running loop.

        Cancelling the future before the function begins keeps it from beginning; later it drops the result.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Any] = loop.create_future()

        def settle(result: Any, error: BaseException | None) -> None:
            self._pending -= 1
            if future.cancelled():
                return
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)

        def job() -> None:
            result, error = None, None
            if not future.cancelled():
                try:
                    result = function()
                except BaseException as raised:  # noqa: BLE001 - it belongs to who awaits the future
                    error = raised
            try:
                loop.call_soon_threadsafe(settle, result, error)
            except RuntimeError:
                pass  # the loop is closed: nobody waits any more

        self._pending += 1
        if self._pending > self._count and self._count < self._most:
            self._count += 1
            threading.Thread(target=self._work, name=f"{self._name}-{self._count}", daemon=True).start()
        self._jobs.put(job)
        return future

    def close(self) -> None:
        """Let the threads end after what they are doing."""
        for _ in range(self._count):
            self._jobs.put(None)
        self._count = self._pending = 0

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
