"""What a workflow's code has asked for, and not been told the outcome of."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from stepwell.code.loop import CodeLoop
from stepwell.code.values import Read
from stepwell.model.calls import Call, ChildCall, Done, StepCall
from stepwell.model.records import Step
from stepwell.workers.copies import own_copy

Then = Callable[[Any, Step | Done], None]
"""Told the result of a call and the step that gave it, before whoever waits."""


class Halt(BaseException):
    """The code must not go on. (No `except Exception` stops it.)"""


class Asked(asyncio.Future[Any]):
    """The outcome of a call, once the code is told. Cancelling it says that the code wants the step no more."""

    __slots__ = ("step_id",)

    def __init__(self, loop: CodeLoop, step_id: str) -> None:
        super().__init__(loop=loop)
        self.step_id = step_id

    def cancel(self, msg: Any = None) -> bool:
        if not super().cancel(msg):
            return False
        loop = self.get_loop()
        assert isinstance(loop, CodeLoop)
        loop.owner.dropped(self.step_id)
        return True


def halted(loop: CodeLoop) -> Asked:
    """For a call that is not in the journal: the code waits for this for ever, and is thrown away there. Stopped any
    earlier it would lose the coroutines that it has just made (`gather(b(2), c(9))`), and nobody could close them; told
    of anything, it could go on. Raises `Halt` in code that is being thrown away, or that does not come to wait."""
    loop.halted += 1
    if loop.closing or loop.halted > MOST_HALTED:
        raise Halt
    return Asked(loop, "")


MOST_HALTED: Final = 1_000
"""So many calls may be made behind the first one that is not in the journal."""


class Awaited:
    """Somebody in the code waits for this call."""

    __slots__ = ("call", "future", "read", "then")

    def __init__(self, future: asyncio.Future[Any], call: Call, read: Read | None, then: Then | None) -> None:
        self.future, self.call, self.then = future, call, then
        self.read: Read = read or own_copy  # what is on record is not the code's

    async def outcome(self) -> Any:
        """Where nobody else has the future. Then it need be no `Asked`, which would cost as much as all the rest of
        being told: that the step is not wanted any more is seen here."""
        try:
            return await self.future
        except asyncio.CancelledError:
            if self.future.cancelled():
                loop = self.future.get_loop()
                assert isinstance(loop, CodeLoop)
                loop.owner.dropped(self.call.id)
            raise

    @property
    def compensates(self) -> bool:
        options = self.call.options if isinstance(self.call, StepCall | ChildCall) else None
        return options is not None and options.get("compensates") is not None
