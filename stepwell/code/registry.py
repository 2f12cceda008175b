"""The workflows that this process knows, by namespace, name and version."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from stepwell.code.arguments import Arguments
from stepwell.code.values import Form
from stepwell.definition.model import Definition
from stepwell.model.base import Duration, Json
from stepwell.model.errors import InvalidInput

Key = tuple[str, str, str]


class Known(Protocol):
    """A workflow, as others in this room see it (see `workflow.Workflow`)."""

    name: str
    version: str
    is_async: bool
    waits_plainly: bool
    strict_arguments: bool
    timeout: Duration | None
    arguments: Arguments

    @property
    def key(self) -> Key: ...

    @property
    def code(self) -> str: ...

    @property
    def form(self) -> Form: ...

    @property
    def definition(self) -> Definition: ...

    def call(self, input: Json) -> Any: ...


class Registry:
    """`add` is called by the decorator. `changes` counts: whoever keeps a copy knows when to look again."""

    def __init__(self, workflows: Iterable[Known] = ()) -> None:
        self._known: dict[Key, Known] = {}
        for workflow in workflows:
            self.add(workflow)

    def add(self, workflow: Known) -> None:
        """Raises `InvalidInput` where another function has the name and version. (A function that is defined again, as
        in a notebook, takes the place of the former one.)"""
        known = self._known.get(workflow.key)
        if known is not None and known.code != workflow.code and "<locals>" not in known.code + workflow.code:
            raise InvalidInput(
                f"two workflows are called {workflow.name} {workflow.version}: {known.code} and {workflow.code}",
                hint='give one of them a name: @workflow(name="…")',
            )
        self._known[workflow.key] = workflow

    def get(self, key: Key) -> Known | None:
        return self._known.get(key)

    def keys(self) -> frozenset[Key]:
        return frozenset(self._known)

    def __len__(self) -> int:
        return len(self._known)

    def __iter__(self) -> Iterator[Known]:
        return iter(self._known.values())


REGISTRY = Registry()
"""Filled by `@workflow` as modules are imported."""
