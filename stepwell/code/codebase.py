"""Finds the code of a run, and gets it ready to be executed."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from stepwell.code.execution import Execution
from stepwell.code.registry import REGISTRY, Known, Registry
from stepwell.definition.model import Definition
from stepwell.model.base import Json
from stepwell.model.calls import CodeMismatch
from stepwell.model.driven import DRIVEN
from stepwell.model.journal import RunRow
from stepwell.model.problem import PREFIX, Problem
from stepwell.model.records import State
from stepwell.ports import Dice, Ids
from stepwell.workers.copies import own_copy

MISSING = PREFIX + "code-missing"


class Codebase:
    """Implements `engine.codebase.Codebase`."""

    def __init__(
        self, ids: Ids, dice: Dice, registry: Registry = REGISTRY, counter: Callable[[], float] = float
    ) -> None:
        """`counter` counts real seconds, to tell code that blocks; by default it stands still."""
        self._ids, self._dice, self._registry, self._counter = ids, dice, registry, counter
        self._references: frozenset[str] = frozenset()

    def known(self) -> Collection[str]:
        if len(self._references) != len(self._registry):  # one more is known; none is ever forgotten
            self._references = frozenset(map(_reference, self._registry))
        return self._references

    def definitions(self, namespace: str, name: str) -> Sequence[Definition]:
        return [w.definition for w in self._registry if w.key[:2] == (namespace, name)]

    def check_input(self, definition: Definition, input: Json) -> None:
        if definition.code is not None and not definition.driven:
            workflow = self._registry.get((definition.namespace, definition.name, definition.version))
            if workflow is not None:
                workflow.arguments.read(input)

    def result(self, row: RunRow, output: Json) -> Any:
        workflow = (
            None if row.code in (None, DRIVEN) else self._registry.get((row.namespace, row.name, row.version))
        )
        if workflow is None or workflow.form.read is None:
            return own_copy(output)  # others ask for it too
        return workflow.form.read(output)

    def open(self, definition: Definition, state: State) -> Execution:
        """Raises `CodeMismatch` where this process does not have the code."""
        workflow = self._registry.get((definition.namespace, definition.name, definition.version))
        if workflow is None:
            raise CodeMismatch(missing(definition))
        return Execution(workflow, state, self._ids, self._dice, self._counter)


def missing(definition: Definition) -> Problem:
    return Problem(
        MISSING,
        409,
        "Code Missing",
        f"this process does not have the code of {definition.reference} ({definition.code}): "
        f"the run waits for an engine that has it",
    )


def _reference(workflow: Known) -> str:
    namespace, name, version = workflow.key
    return f"{namespace}/{name}:{version}"
