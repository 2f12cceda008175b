"""What later steps see of earlier ones: `$steps.NAME.FIELD`, its instants, and the global fields (SPEC N6, N15).

What a person has not said yet has no value that could be taken for one: reading it is an error of its own.
"""

from __future__ import annotations

from typing import Final

from stepwell.definition.graph.references import THIS, fields_in, steps_in
from stepwell.kernel.ruling import Fault, Ruling
from stepwell.model import problem
from stepwell.model.base import Json, iso
from stepwell.model.people import Node
from stepwell.model.records import Scope, Step

_OWN: Final = frozenset({"status", "values"})


def steps(r: Ruling, scope: Scope | None, step: Step | None, source: str) -> dict[str, Json]:
    """`$steps` as this expression needs it. Raises `Fault` for a step that is not there, and for what is not set."""
    found: dict[str, Json] = {}
    for name, member in steps_in(source):
        if name not in found:
            found[name] = _seen(r, scope, step, name)
        if member is not None and found[name].get(member) is None:
            raise Fault(problem.expression(f"{source}: {name}.{member} is not set"))
    return found


def fields(r: Ruling, source: str) -> dict[str, Json]:
    """`$fields`. Raises `Fault` for one that is not set."""
    known = r.draft.run.fields
    for name in fields_in(source):
        if known.get(name) is None:
            raise Fault(problem.expression(f"{source}: the field {name} is not set"))
    return known


def resolve(r: Ruling, scope: Scope | None, reference: str) -> Json:
    """The value of `step.field`, or of a global field. Raises `Fault`."""
    name, _, member = reference.rpartition(".")
    value = _seen(r, scope, None, name).get(member) if name else r.draft.run.fields.get(reference)
    if value is None:
        raise Fault(problem.expression(f"{reference} is not set"))
    return value


def find(r: Ruling, scope: Scope | None, name: str) -> str | None:
    """The present step of a task: in this list, or in one around it."""
    while scope is not None:
        graph = r.draft.find_graph(scope.id)
        if graph is not None and name in graph.steps:
            return graph.steps[name]
        beside = [node.id for node in _beside(r, scope) if node.task == name]
        if beside:
            return beside[-1]
        scope = r.draft.scope(r.draft.step(scope.owner).scope) if scope.owner is not None else None
    return None


def _beside(r: Ruling, scope: Scope) -> list[Node]:
    """Steps that people do in a list that is no graph."""
    if r.draft.find_graph(scope.id) is not None:
        return []
    return [node for node in r.draft.nodes() if r.draft.step(node.id).scope == scope.id]


def _seen(r: Ruling, scope: Scope | None, step: Step | None, name: str) -> dict[str, Json]:
    step_id = step.id if name == THIS and step is not None else find(r, scope, name)
    if name == THIS and step is not None:
        step_id = _attended(r, step)
    if step_id is None:
        raise Fault(problem.expression(f"there is no step {name} to refer to here"))
    return seen(r.draft.step(step_id), r.draft.node(step_id))


def _attended(r: Ruling, step: Step) -> str | None:
    """The step that people do, of which this one may be an action."""
    found: Step | None = step
    while found is not None and r.draft.find_node(found.id) is None:
        found = r.draft.step(found.parent) if found.parent is not None else None
    return found.id if found is not None else None


def seen(step: Step, node: Node) -> dict[str, Json]:
    """What others see of a step: its outputs (of one that has not ended, what was chosen so far), where it stands, and
    `started_at`, `started_by`, `submitted_at`, …"""
    given = step.output if step.status.terminal else node.values
    outputs = given if isinstance(given, dict) else {"output": given}
    stamps: dict[str, Json] = {}
    for what, stamp in node.stamps.items():
        stamps[f"{what}_at"], stamps[f"{what}_by"] = iso(stamp.at), stamp.by
    return {**outputs, **stamps, "status": step.status.value}
