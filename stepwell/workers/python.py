"""Calls Python functions: on the event loop (coroutine functions), on threads, or in their own process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from contextvars import copy_context
from typing import Any, NamedTuple

from stepwell.model.actions import Action, CodeAction, Failed, Interrupted, Outcome, PythonAction, Succeeded
from stepwell.model.base import Json
from stepwell.model.problem import Problem, configuration, runtime, validation
from stepwell.ports import WorkContext
from stepwell.workers.calling import call_on_loop, call_plain, is_async
from stepwell.workers.children import ChildDied, ChildFailed, ChildPool, NotRead, NotSent
from stepwell.workers.code import run_async, run_plain
from stepwell.workers.context import Current
from stepwell.workers.lookup import ModulesAllowed, NotCallable, find
from stepwell.workers.threads import Threads

THREADS = 32


class Entry(NamedTuple):
    """A function that definitions may call. `home` is where a child process finds it, None if it cannot."""

    function: Callable[..., Any]
    is_async: bool
    home: str | None


class PythonRunner:
    """Performs `PythonAction`s and `CodeAction`s.

    `functions` are the registered ones, by name; they win over `package.module:function`, which is
    imported if `modules_allowed` agrees (see `lookup.ModulesAllowed`). Interrupting: a coroutine gets
    `CancelledError`, a process is killed. A thread cannot be stopped: it is told (`current().cancelled`) and
    left alone at once, and its result is dropped; until it is done it counts as one of the `threads`.
    """

    def __init__(
        self,
        functions: Mapping[str, Callable[..., Any]] | None = None,
        modules_allowed: ModulesAllowed = None,
        *,
        threads: int = THREADS,
        children: ChildPool | None = None,
    ) -> None:
        self._entries = {name: _registered(function) for name, function in (functions or {}).items()}
        self._allowed = modules_allowed
        self._threads = Threads(threads, "stepwell-step")
        self._importer = Threads(1, "stepwell-import")
        self._children = children or ChildPool("python")
        self._loop: asyncio.AbstractEventLoop | None = None
        """the one on which everything here is done, once that is known: to ask for it is a system call"""

    def perform(self, action: Action, context: WorkContext) -> Coroutine[Any, Any, Outcome]:
        """A step of a workflow that is code has its function here already; that of a document has to be found."""
        if isinstance(action, CodeAction):
            if action.is_async:
                return run_async(action, context, self._loop or self._here())
            return self._run_plain(action, context)
        assert isinstance(action, PythonAction)
        return self._call(action, context)

    def _here(self) -> asyncio.AbstractEventLoop:
        self._loop = asyncio.get_running_loop()
        return self._loop

    async def _call(self, action: PythonAction, context: WorkContext) -> Outcome:
        entry = self._entries.get(action.function)
        if entry is None:
            try:
                entry = await self._find(action.function)
            except NotCallable as refusal:
                return Failed(refusal.problem)
        if action.process:
            return await self._in_process(entry, action, context)
        if entry.is_async:
            return await call_on_loop(entry.function, action.arguments, context)
        return await self._on_thread(entry.function, action.arguments, context)

    async def close(self) -> None:
        self._threads.close()
        self._importer.close()
        await self._children.close()

    async def _run_plain(self, action: CodeAction, context: WorkContext) -> Outcome:
        current = Current(context, asyncio.get_running_loop())
        variables = copy_context()
        future = self._threads.run(lambda: variables.run(run_plain, action, current))
        try:
            outcome: Outcome = await future
        except asyncio.CancelledError:
            current._stop()
            raise
        return outcome

    async def _find(self, name: str) -> Entry:
        """Imported once, on a thread: importing may take seconds."""
        function = await self._importer.run(lambda: find(name, self._allowed))
        entry = self._entries[name] = Entry(function, is_async(function), name)
        return entry

    async def _on_thread(
        self, function: Callable[..., Any], arguments: Json, context: WorkContext
    ) -> Outcome:
        current = Current(context, asyncio.get_running_loop())
        variables = copy_context()
        future = self._threads.run(lambda: variables.run(call_plain, function, arguments, current))
        try:
            outcome: Outcome = await future
        except asyncio.CancelledError:
            current._stop()
            raise
        return outcome

    async def _in_process(self, entry: Entry, action: PythonAction, context: WorkContext) -> Outcome:
        if entry.home is None:
            return Failed(
                configuration(
                    f"{action.function} cannot run in a process of its own: another process cannot import it;"
                    f" define it at the top level of a module"
                )
            )
        request = {
            "function": entry.home,
            "arguments": action.arguments,
            "step": [context.run_id, context.step_id, context.attempt, context.key],
        }
        try:
            return Succeeded(await self._children.request(request, answer=lambda ask: _answer(ask, context)))
        except ChildFailed as failure:
            return Failed(Problem(**failure.error)) if failure.error else Interrupted()
        except ChildDied as death:
            return Failed(runtime(f"{action.function}: {death}"))
        except NotRead as reason:
            return Failed(runtime(f"the result of {action.function} cannot be read: {reason}"))
        except NotSent as reason:
            return Failed(
                validation(f"the arguments of {action.function} cannot be sent to a process: {reason}")
            )


def _registered(function: Callable[..., Any]) -> Entry:
    module, name = getattr(function, "__module__", None), getattr(function, "__qualname__", "<object>")
    importable = bool(module) and module != "__main__" and "<" not in name
    return Entry(function, is_async(function), f"{module}:{name}" if importable else None)


async def _answer(ask: Mapping[str, Json], context: WorkContext) -> Json:
    """What the function in a child process asks of its run."""
    match ask["ask"]:
        case "report":
            await context.report(ask["value"])
        case "set_variables":
            await context.set_variables(ask["value"])
        case "set_attributes":
            await context.set_attributes(**ask["value"])
        case "variable":
            return context.variable(ask["value"], ask["default"])
        case "cancelled":
            return context.cancelled
    return None
