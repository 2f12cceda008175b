"""The door to workflows that are Python code. (Not one of `ports`: stores and workers know no definitions.)"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from stepwell.model.base import Json
from stepwell.model.calls import Code, CodeMismatch
from stepwell.model.journal import RunRow
from stepwell.model.problem import runtime
from stepwell.model.records import State

if TYPE_CHECKING:
    from stepwell.definition.model import Definition


class Codebase(Protocol):
    """The workflows that are Python code in this process."""

    def known(self) -> Collection[str]:
        """Their references, `namespace/name:version`."""
        ...

    def definitions(self, namespace: str, name: str) -> Sequence[Definition]:
        """Those of this name, of every version."""
        ...

    def check_input(self, definition: Definition, input: Json) -> None:
        """Raises `InvalidInput` where the code that is known of this definition cannot take it."""
        ...

    def result(self, row: RunRow, output: Json) -> Any:
        """What a run gave, as its function's annotation says; of other runs, the output."""
        ...

    def open(self, definition: Definition, state: State) -> Code:
        """The code of this run, not begun. Raises `CodeMismatch` where it is not there."""
        ...


class NoCode:
    """Of a process that only looks: it has imported none."""

    def known(self) -> Collection[str]:
        return ()

    def definitions(self, namespace: str, name: str) -> Sequence[Definition]:
        return ()

    def check_input(self, definition: Definition, input: Json) -> None:
        """Nothing is known that could refuse it."""

    def result(self, row: RunRow, output: Json) -> Any:
        return output

    def open(self, definition: Definition, state: State) -> Code:
        raise CodeMismatch(runtime(f"the code of {definition.reference} is not here"))
