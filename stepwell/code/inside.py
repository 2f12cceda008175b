"""What every verb of `flow` begins and ends with: whose code says it, and how its outcome is given."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import Any

from stepwell.code.execution import CURRENT, Execution
from stepwell.code.step import waiting
from stepwell.model.errors import InvalidInput


def execution_of(verb: str) -> Execution:
    """Raises `InvalidInput` outside of a workflow's code."""
    execution = CURRENT.get()
    if execution is None:
        raise InvalidInput(f"flow.{verb} is for the code of a workflow, and this is none")
    return execution


def reply(execution: Execution, future: asyncio.Future[Any]) -> Awaitable[Any]:
    """Something to await; in plain code, the result itself."""
    if asyncio.current_task(execution.loop) is None:
        result: Awaitable[Any] = execution.wait(future)
        return result
    return waiting(future)
