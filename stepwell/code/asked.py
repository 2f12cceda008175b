"""What a workflow's code has asked for, and not been told the outcome of."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, NamedTuple

from stepwell.code.values import Read
from stepwell.model.calls import Call, ChildCall, StepCall
from stepwell.model.records import Step


class Asked(asyncio.Future[Any]):
    """The outcome of a call, once the code is told. Cancelling it says that the code wants the step no more."""

    def __init__(self, loop: asyncio.AbstractEventLoop, dropped: Callable[[], None]) -> None:
        super().__init__(loop=loop)
        self._dropped = dropped

    def cancel(self, msg: Any = None) -> bool:
        if not super().cancel(msg):
            return False
        self._dropped()
        return True


class Awaited(NamedTuple):
    """Somebody in the code waits for this call."""

    future: asyncio.Future[Any]
    call: Call
    read: Read | None
    done: Callable[[Any, Step], None] | None
    """told of its success, before whoever waits"""

    @property
    def compensates(self) -> bool:
        options = self.call.options if isinstance(self.call, StepCall | ChildCall) else None
        return options is not None and options.get("compensates") is not None
