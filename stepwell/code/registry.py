"""The workflows that this process knows, by namespace, name and version."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from stepwell.model.errors import InvalidInput

if TYPE_CHECKING:
    from stepwell.code.workflow import Workflow

Key = tuple[str, str, str]


class Registry:
    """`add` is called by the decorator. `changes` counts: whoever keeps a copy knows when to look again."""

    def __init__(self, workflows: Iterable[Workflow[Any, Any]] = ()) -> None:
        self._known: dict[Key, Workflow[Any, Any]] = {}
        for workflow in workflows:
            self.add(workflow)

    def add(self, workflow: Workflow[Any, Any]) -> None:
        """Raises `InvalidInput` where another function has the name and version. (A function that is defined again, as
        in a notebook, takes the place of the former one.)"""
        known = self._known.get(workflow.key)
        if known is not None and known.code != workflow.code and "<locals>" not in known.code + workflow.code:
            raise InvalidInput(
                f"two workflows are called {workflow.name} {workflow.version}: {known.code} and {workflow.code}",
                hint='give one of them a name: @workflow(name="…")',
            )
        self._known[workflow.key] = workflow

    def get(self, key: Key) -> Workflow[Any, Any] | None:
        return self._known.get(key)

    def keys(self) -> frozenset[Key]:
        return frozenset(self._known)

    def __iter__(self) -> Iterator[Workflow[Any, Any]]:
        return iter(self._known.values())


REGISTRY = Registry()
"""Filled by `@workflow` as modules are imported."""
