"""A workflow called by another one: a run of its own, with its own journal, that its caller waits for."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from stepwell.code.execution import Execution
from stepwell.code.registry import Known
from stepwell.model.calls import Call, ChildCall


def call_child(
    execution: Execution, workflow: Known, args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Any:
    """What calling the workflow gives in another one: a coroutine, or (of a `def`) its result."""
    future = ask_child(execution, workflow, args, kwargs)
    return _waiting(future) if workflow.is_async else execution.wait(future)


def ask_child(
    execution: Execution,
    workflow: Known,
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    start: Mapping[str, Any] | None = None,
    *,
    wait: bool = True,
) -> asyncio.Future[Any]:
    input = workflow.arguments.write(args, kwargs)

    def make(step_id: str) -> Call:
        return ChildCall(step_id, *workflow.key, input, wait, start=start or {})

    return execution.ask("run:workflow", workflow.name, make, workflow.form.read if wait else None)


async def _waiting(future: asyncio.Future[Any]) -> Any:
    return await future
