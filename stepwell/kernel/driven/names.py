"""What the definition says of a run's steps: their names, and the schemas of what goes in and comes out."""

from __future__ import annotations

from collections.abc import Sequence

from stepwell.definition.model import Task
from stepwell.definition.schema import check
from stepwell.kernel.ruling import Ruling
from stepwell.model import driven as d
from stepwell.model.base import Json
from stepwell.model.errors import InvalidInput, NotFound


def declared(r: Ruling, name: str) -> tuple[str, Task | None]:
    """The step's id, and its task if the definition has one of this name. Raises `NotFound`, `InvalidInput`."""
    tasks = r.definition.do
    position = tasks.index.get(name)
    if position is not None:
        return d.step_id(name), tasks.tasks[position]
    if r.definition.metadata.get("steps") != d.ANY:
        known = ", ".join(task.name for task in tasks.tasks[:20])
        raise NotFound(f"{r.definition.reference} declares no step {name!r}", hint=f"its steps are: {known}")
    if not 0 < len(name) <= 200:
        raise InvalidInput("the name of a step has 1 to 200 characters")
    return d.step_id(name), None


def check_input(task: Task | None, name: str, data: Json) -> None:
    if task is not None and task.input.schema is not None:
        refuse_unless(check(task.input.schema, data), f"the input of step {name}")


def check_output(task: Task | None, name: str, data: Json) -> None:
    if task is not None and task.output.schema is not None:
        refuse_unless(check(task.output.schema, data), f"the output of step {name}")


def refuse_unless(violations: Sequence[str], what: str) -> None:
    if violations:
        raise InvalidInput(f"{what} does not match its schema: " + "; ".join(violations))
