"""What waits for people, made from a run's state: what the store writes beside a turn, and `doctor --rebuild` again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from stepwell.definition.model import AttendedBody, Definition
from stepwell.kernel.draft import Draft
from stepwell.model.people import Node, WorkChange, WorkItem, assignment
from stepwell.model.records import Run, State, Step
from stepwell.model.states import StepStatus

_FILLED_IN: Final = "call:form"
_DECIDED: Final = "call:approval"


def changes(definition: Definition, draft: Draft) -> list[WorkChange]:
    """What this turn changes about what waits for people."""
    if not draft.has_nodes():
        return []
    touched = {step.id for step in draft.touched()} | {node.id for node in draft.touched_nodes()}
    nodes = ((step, draft.find_node(step)) for step in sorted(touched))
    return [
        WorkChange(step, item_of(definition, draft.run, draft.step(step), node))
        for step, node in nodes
        if node is not None
    ]


def items(definition: Definition, state: State) -> Iterator[WorkItem]:
    """All that waits for people in a run."""
    for node in state.nodes.values():
        item = item_of(definition, state.run, state.steps[node.id], node)
        if item is not None:
            yield item


def item_of(definition: Definition, run: Run, step: Step, node: Node) -> WorkItem | None:
    """The line of this step; None where it waits for nobody."""
    if run.status.terminal or not _waits(step, node):
        return None
    task = definition.tasks[step.path]
    title = task.body.given.get("title", "") if isinstance(task.body, AttendedBody) else ""
    assign = assignment(node.assign)
    return WorkItem(
        run.id,
        step.id,
        node.task,
        step.kind,
        step.status.value,
        task.options.title or title or node.task,
        definition.reference,
        run.priority + step.priority,
        (step.started_at or node.offered_at or step.scheduled_at),
        (step.expected or {}).get("due"),
        task.options.section,
        assign.people,
        assign.groups,
    )


def _waits(step: Step, node: Node) -> bool:
    if step.status is StepStatus.PENDING:
        return node.offered_at is not None
    if step.status is StepStatus.RUNNING:
        return step.kind == _FILLED_IN
    return step.status is StepStatus.WAITING and step.kind == _DECIDED
