"""Finds the code of a run, and gets it ready to be executed."""

from __future__ import annotations

from collections.abc import Collection
from functools import partial

from stepwell.code.execution import Execution
from stepwell.code.registry import REGISTRY, Key, Registry
from stepwell.definition.model import Definition
from stepwell.model.calls import CodeMismatch
from stepwell.model.problem import PREFIX, Problem
from stepwell.model.records import State
from stepwell.ports import Dice, Ids

MISSING = PREFIX + "code-missing"


class Codebase:
    """Implements `ports.Codebase`."""

    def __init__(self, ids: Ids, dice: Dice, registry: Registry = REGISTRY) -> None:
        self._ids, self._dice, self._registry = ids, dice, registry

    def known(self) -> Collection[Key]:
        return self._registry.keys()

    def open(self, definition: Definition, state: State) -> Execution:
        """Raises `CodeMismatch` where this process does not have the code."""
        workflow = self._registry.get((definition.namespace, definition.name, definition.version))
        if workflow is None:
            raise CodeMismatch(missing(definition))
        body = partial(workflow.call, state.run.input)
        return Execution(body, workflow.form.write, state, self._ids, self._dice)


def missing(definition: Definition) -> Problem:
    return Problem(
        MISSING,
        409,
        "Code Missing",
        f"this process does not have the code of {definition.reference} ({definition.code}): the run waits for an engine "
        f"that has it",
    )
