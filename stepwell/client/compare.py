"""Two runs side by side: where they part (SPEC X1)."""

from __future__ import annotations

from stepwell.client.views import View, error_view
from stepwell.model.base import Json
from stepwell.model.records import State, Step

Place = tuple[str, int]
"""(path, which visit of it)"""


def compare(a: State, b: State) -> View:
    """What differs between two runs: `same`, `run` (status, input, output, error, definition) and `steps`, in the order
    of the first run. Each difference is `{"a": …, "b": …}`; ids and times are not compared."""
    run = {
        name: {"a": first, "b": second}
        for (name, first), second in zip(_run(a).items(), _run(b).values(), strict=True)
        if first != second
    }
    mine, others = _places(a), _places(b)
    steps = []
    for place in [*mine, *(place for place in others if place not in mine)]:
        first, second = mine.get(place), others.get(place)
        if _step(first) != _step(second):
            steps.append({"path": place[0], "visit": place[1], "a": _step(first), "b": _step(second)})
    return {"a": a.run.id, "b": b.run.id, "same": not run and not steps, "run": run, "steps": steps}


def _run(state: State) -> dict[str, Json]:
    run = state.run
    return {
        "definition": f"{run.namespace}/{run.name}:{run.version} {run.definition_hash[:12]}",
        "status": run.status.value,
        "input": run.input,
        "output": run.output,
        "error": error_view(run.error),
        "variables": run.variables,
    }


def _places(state: State) -> dict[Place, Step]:
    seen: dict[str, int] = {}
    found: dict[Place, Step] = {}
    for step in state.steps.values():
        visit = seen[step.path] = seen.get(step.path, -1) + 1
        found[step.path, visit] = step
    return found


def _step(step: Step | None) -> View | None:
    if step is None:
        return None
    return {"status": step.status.value, "output": step.output, "error": error_view(step.error)}
