"""What waits for people, made from a run's state: what the store writes beside a turn, and `doctor --rebuild` again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from stepwell.definition.model import AttendedBody, Definition
from stepwell.definition.specs import NO_OPTIONS
from stepwell.kernel.draft import Draft
from stepwell.model.approvals import Approval, approvers
from stepwell.model.people import Node, WorkChange, WorkItem, assignment
from stepwell.model.records import Run, State, Step
from stepwell.model.states import StepStatus, WaitReason

_FILLED_IN: Final = "call:form"
DECIDED: Final = "call:approval"
"""the kind of every line that is an approval"""


def changes(definition: Definition, draft: Draft) -> list[WorkChange]:
    """What this turn changes about what waits for people."""
    if not (draft.has_nodes or draft.has_approvals()):
        return []
    touched = {step.id for step in draft.touched} | {node.id for node in draft.touched_nodes()}
    touched |= {approval.step for approval in draft.touched_approvals()}
    known = ((step, draft.find_node(step), draft.find_approval(step)) for step in sorted(touched))
    return [
        WorkChange(step, item_of(definition, draft.run, draft.step(step), node, approval))
        for step, node, approval in known
        if node is not None or approval is not None
    ]


def items(definition: Definition, state: State) -> Iterator[WorkItem]:
    """All that waits for people in a run."""
    asking = {approval.step for approval in state.approvals.values()}
    for step_id in dict.fromkeys([*state.nodes, *sorted(asking)]):
        node, approval = state.nodes.get(step_id), state.approvals.get(step_id)
        item = item_of(definition, state.run, state.steps[step_id], node, approval)
        if item is not None:
            yield item


def item_of(
    definition: Definition, run: Run, step: Step, node: Node | None, approval: Approval | None
) -> WorkItem | None:
    """The line of this step; None where it waits for nobody."""
    if run.status.terminal:
        return None
    if step.reason is WaitReason.APPROVAL:
        open_one = approval is not None and approval.open
        return _to_decide(definition, run, step, node, approval) if open_one and approval else None
    return _to_do(definition, run, step, node) if node is not None and _waits(step, node) else None


def _to_do(definition: Definition, run: Run, step: Step, node: Node) -> WorkItem:
    task = definition.tasks[step.path]
    written = task.body.given.get("title", "") if isinstance(task.body, AttendedBody) else ""
    assign = assignment(node.assign)
    return WorkItem(
        run.id,
        step.id,
        node.task,
        step.kind,
        step.status.value,
        task.options.title or node.title or written or node.task,
        definition.reference,
        run.priority + step.priority,
        (step.started_at or node.offered_at or step.scheduled_at),
        (step.expected or {}).get("due"),
        task.options.section,
        assign.people,
        assign.groups,
    )


def _to_decide(
    definition: Definition, run: Run, step: Step, node: Node | None, approval: Approval
) -> WorkItem:
    """An approval, whatever the step is that asks for it: for those who may decide, and have not."""
    task = definition.tasks.get(step.path)  # none, where the workflow is code
    options = task.options if task is not None else NO_OPTIONS
    named = approvers(approval.approvers)
    through = {said.by for said in approval.decisions} | {handed.by for handed in approval.delegations}
    through |= set(approval.excluded)
    people = [name for name in dict.fromkeys([*named.people, *approval.delegates()]) if name not in through]
    if not (named.people or named.groups):  # anybody: those to whom it is assigned, if it is
        people = list(options.assign.people)
    return WorkItem(
        run.id,
        step.id,
        node.task if node is not None else step.name,
        DECIDED,
        step.status.value,
        options.title or approval.what,
        definition.reference,
        run.priority + step.priority,
        approval.requested_at,
        approval.due,
        options.section,
        tuple(people),
        named.groups or options.assign.groups,
        tuple(sorted(through)),
    )


def _waits(step: Step, node: Node) -> bool:
    if step.status is StepStatus.PENDING:
        return node.offered_at is not None
    return step.status is StepStatus.RUNNING and step.kind == _FILLED_IN
