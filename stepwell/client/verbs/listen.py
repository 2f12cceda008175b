"""Hearing what happens, as it happens. What a listener is told is its own: it may write into it. It may be a coroutine
function, which is awaited beside the runs, for one thing after the other; an engine that closes lets it hear all.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable

from stepwell.client.progress import Progress, ProgressHook
from stepwell.client.verbs.base import Verbs
from stepwell.client.verbs.look import LookVerbs
from stepwell.engine.observers import ConditionListener, VariableListener, own_event
from stepwell.ports import Observer
from stepwell.workers.copies import own_copy


class ListenVerbs(Verbs, LookVerbs):
    """Events, variables, conditions and progress, of this engine."""

    def on_event(self, observer: Observer) -> Callable[[], None]:
        """Hear every committed event of this engine: `(run_id, seq, at, event)`. Returns what ends it."""
        return self.engine.observers.on_event(
            lambda run_id, seq, at, event: observer(run_id, seq, at, own_event(event))
        )

    def on_variable(self, listener: VariableListener) -> Callable[[], None]:
        """Hear every change of a variable: `(run_id, name, old, new)`."""
        return self.engine.observers.on_variable(
            lambda run_id, name, old, new: listener(run_id, name, own_copy(old), own_copy(new))
        )

    def on_condition(self, listener: ConditionListener) -> Callable[[], None]:
        """Hear every condition that was evaluated: `(run_id, step, expression, result)`."""
        return self.engine.observers.on_condition(listener)

    async def on_progress(self, run_id: str, hook: ProgressHook) -> Callable[[], None]:
        """Call the hook (or await it, if it is a coroutine function) whenever the run's progress changes; returns a
        function that ends it."""
        tasks: set[asyncio.Task[None]] = set()
        last: list[Progress] = []
        one_by_one = asyncio.Lock()

        async def tell() -> None:
            async with one_by_one:
                progress = await self.progress(run_id)
                if last[-1:] != [progress]:
                    last[:] = [progress]
                    told = hook(progress)
                    if inspect.iscoroutine(told):
                        await told

        def observe(run: str, seq: int, at: int, event: object) -> None:
            task = asyncio.ensure_future(tell())
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        await tell()
        return self.engine.observers.on_event(observe)
