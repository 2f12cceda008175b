"""In a child process: calls functions, one at a time, and carries what they ask to the parent."""

from __future__ import annotations

import asyncio
import importlib
import os
import queue
import threading
from collections.abc import Callable, Coroutine, Mapping, Sequence
from operator import attrgetter
from typing import Any, BinaryIO

from pydantic_core import from_json, to_json

from stepwell.model.actions import Failed, Outcome, Succeeded, left_with
from stepwell.model.base import Json
from stepwell.model.problem import configuration, runtime, validation
from stepwell.workers.calling import call_async, call_plain, is_async
from stepwell.workers.context import Current, StepInterrupted


class Line:
    """The way to the parent. A thread reads, so that the end of the parent is seen while a function works."""

    def __init__(self, requests: BinaryIO, replies: BinaryIO) -> None:
        self._requests = requests
        self._replies = replies
        self._inbox: queue.SimpleQueue[dict[str, Json]] = queue.SimpleQueue()
        self.turn = threading.Lock()
        """held by the thread of the function that is asking"""
        threading.Thread(target=self._read, name="stepwell-parent", daemon=True).start()

    def send(self, message: bytes) -> None:
        self._replies.write(message + b"\n")
        self._replies.flush()

    def receive(self) -> dict[str, Json]:
        return self._inbox.get()

    def ask(self, what: str, value: Json = None, default: Json = None) -> Json:
        """Ask the run something and return the answer. Raises `RuntimeError` with the parent's reason."""
        self.send(to_json({"ask": what, "value": value, "default": default}))
        told = self.receive()
        if "error" in told:
            raise RuntimeError(told["error"])
        return told["answer"]

    def _read(self) -> None:
        while line := self._requests.readline():
            try:
                self._inbox.put(from_json(line))
            except ValueError as error:
                self._inbox.put({"error": f"it cannot be read: {error}"})
        os._exit(1)  # the parent is gone: what the function still does would be done twice


class RemoteContext:
    """A `WorkContext` whose engine is the parent process. Ends with its request."""

    def __init__(self, line: Line, step: list[Any]) -> None:
        self.run_id, self.step_id, self.attempt, self.key = step
        self._line = line
        self._over = False

    @property
    def cancelled(self) -> bool:
        return self._over or bool(self._ask("cancelled"))

    async def report(self, progress: Json) -> None:
        self._ask("report", progress)

    async def set_variables(self, values: Mapping[str, Json]) -> None:
        self._ask("set_variables", dict(values))

    async def set_attributes(self, values: Mapping[str, Json], remove: Sequence[str]) -> None:
        self._ask("set_attributes", {"values": dict(values), "remove": list(remove)})

    def variable(self, name: str, default: Json = None) -> Json:
        return self._ask("variable", name, default)

    def _ask(self, what: str, value: Json = None, default: Json = None) -> Json:
        with self._line.turn:
            if self._over:
                raise StepInterrupted("the step is over")
            return self._line.ask(what, value, default)

    def end(self) -> None:
        """Threads that the function left behind can ask nothing more."""
        with self._line.turn:
            self._over = True


class ChildCurrent(Current):
    """`Current` without an engine's loop: the verbs of `RemoteContext` never wait for one."""

    __slots__ = ()

    def _call(self, verb: Coroutine[Any, Any, None], name: str) -> None:
        try:
            verb.send(None)
        except StopIteration:
            pass


def serve_functions(requests: BinaryIO, replies: BinaryIO) -> None:
    """Call what the parent names, until it is gone."""
    line = Line(requests, replies)
    line.send(b'{"ready":true}')
    loop = asyncio.new_event_loop()
    while True:
        request = line.receive()
        if "error" in request:
            line.send(_reply(Failed(validation(f"the arguments: {request['error']}"))))
            continue
        context = RemoteContext(line, request["step"])
        outcome = _perform(request["function"], request["arguments"], ChildCurrent(context, loop), loop)
        context.end()
        line.send(_reply(outcome))


def _perform(name: str, arguments: Json, current: Current, loop: asyncio.AbstractEventLoop) -> Outcome:
    try:
        function = _found(name)
    except BaseException as error:  # noqa: BLE001 - a module can raise anything when it is imported
        reason = f"{type(error).__name__}: {error}"
        return Failed(configuration(f"{name} cannot be called in a child process: {reason}"))
    if not is_async(function):
        return call_plain(function, arguments, current)

    async def call() -> Outcome:
        task = asyncio.current_task()
        assert task is not None
        return await call_async(function, arguments, current, task)

    try:
        return loop.run_until_complete(call())
    except GeneratorExit as error:  # nobody throws it away here
        return left_with(error)


def _found(name: str) -> Callable[..., Any]:
    module, _, path = name.partition(":")
    function: Callable[..., Any] = attrgetter(path)(importlib.import_module(module))
    return function


def _reply(outcome: Outcome) -> bytes:
    if isinstance(outcome, Succeeded):
        try:
            return to_json({"ok": outcome.output})
        except ValueError as error:
            outcome = Failed(runtime(f"the result cannot be written as JSON: {error}"))
    return to_json({"error": outcome.problem.as_json() if isinstance(outcome, Failed) else {}})
