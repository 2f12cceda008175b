"""A step that goes through a queue: it is a run of its own, performed by whoever works on the queue."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cached_property
from typing import Any, Final

from stepwell.code.arguments import Arguments
from stepwell.code.asked import Awaited
from stepwell.code.document import document_of
from stepwell.code.execution import CURRENT, Execution
from stepwell.code.registry import Key
from stepwell.code.values import Form
from stepwell.definition.model import Definition
from stepwell.model.base import Duration, Json
from stepwell.model.calls import Call, ChildCall

NAMESPACE: Final = "steps"
"""Where the workflows that stand for queued steps are found."""

Ask = Callable[[Execution, tuple[Any, ...], dict[str, Any]], Awaited]


class Alone:
    """Implements `registry.Known` for one step. `ask` makes the call in the run of its own."""

    def __init__(
        self,
        function: Callable[..., Any],
        name: str,
        queue: str,
        priority: int,
        form: Callable[[], Form],
        ask: Ask,
    ) -> None:
        self.function, self._form = function, form
        self.name = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:63].strip("-") or "step"
        self.version = "1.0.0"
        self.is_async, self.waits_plainly, self.strict_arguments = True, False, False
        self.timeout: Duration | None = None
        self.arguments = Arguments(function)
        self._queue, self._priority, self._ask = queue, priority, ask

    @property
    def form(self) -> Form:
        return self._form()

    @property
    def key(self) -> Key:
        return (NAMESPACE, self.name, self.version)

    @property
    def code(self) -> str:
        return f"{self.function.__module__}:{self.function.__qualname__}"

    @cached_property
    def definition(self) -> Definition:
        return document_of(*self.key, self.code, f"step {self.name}, on its own", None)

    def call(self, input: Json) -> Any:
        args, keywords = self.arguments.read(input)
        execution = CURRENT.get()
        assert execution is not None
        return self._ask(execution, tuple(args), keywords).outcome()

    def child(
        self,
        execution: Execution,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        named: str,
        done: Any,
        options: Any = None,
    ) -> Any:
        """Put it into the queue, from the workflow that called the step."""
        input = self.arguments.write(args, kwargs)
        start = {"queue": self._queue, "due": execution.now, "priority": self._priority}

        def make(step_id: str) -> Call:
            return ChildCall(step_id, *self.key, input, start=start, options=options)

        return execution.ask("run:workflow", named, make, self.form.read, done)
