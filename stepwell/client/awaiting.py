"""What the steps of a graph, and those that people do, wait for: in a word, and in a sentence."""

from __future__ import annotations

from typing import Final

from stepwell.client.conditions import waits_for
from stepwell.kernel.standing import ready_in
from stepwell.model.people import Node, assignment
from stepwell.model.records import State, Step
from stepwell.model.states import RunStatus, StepStatus

PEOPLE: Final = "waiting_for_people"
CONDITION: Final = "waiting_for_condition"
STEPS: Final = "waiting_for_steps"
APPROVAL: Final = "waiting_for_approval"
THEIRS: Final = frozenset({PEOPLE, APPROVAL, STEPS})
"""With steps that wait so, an engine has nothing to do: only people go on with them."""
_FILLED_IN: Final = "call:form"


def awaits(state: State, step: Step) -> str | None:
    """Whether an open step waits for people, for its condition or for other steps; None where it does not."""
    node = state.nodes.get(step.id)
    if node is None:
        return None
    if step.status is StepStatus.PENDING:
        return PEOPLE if node.offered_at is not None else None if ready_in(state, node) else STEPS
    if step.status is StepStatus.RUNNING and step.kind == _FILLED_IN:
        return PEOPLE
    return CONDITION if step.status is StepStatus.SUBMITTED else None


def awaited(state: State, step: Step) -> str:
    """The same in words that follow its name: `is to be filled in by ada`."""
    node = state.nodes[step.id]
    if step.status is StepStatus.PENDING and node.offered_at is None:
        return f"waits for {', '.join(_before(state, node))}"
    if step.status is StepStatus.SUBMITTED:
        return f"waits for {waits_for(node) or 'its actions'}"
    doing = "to be begun" if step.status is StepStatus.PENDING else "to be filled in"
    return f"is {doing} by {whose(node)}"


def whose(node: Node) -> str:
    """Who is to do it."""
    assign = assignment(node.assign)
    return " or ".join([*assign.people, *(f"group {name}" for name in assign.groups)]) or "anybody"


def _before(state: State, node: Node) -> list[str]:
    return [state.nodes[parent].task for parent in node.after if not state.nodes[parent].passed]


def failures(state: State) -> list[Step]:
    """Present steps of a procedure that failed and hold it up."""
    present = [step for graph in state.graphs.values() for step in graph.steps.values()]
    found = (state.steps[step] for step in present if not state.nodes[step].passed)
    return [step for step in found if step.status in (StepStatus.FAILED, StepStatus.TIMED_OUT)]


def left_to_people(state: State) -> bool:
    """Whether a run waits for people as a whole: to be begun, to be ended, or for somebody to see to what
    failed; nothing in it is open but what comes later."""
    run = state.run
    if run.held and run.status is RunStatus.PENDING:
        return True
    if not run.attended or run.status is not RunStatus.RUNNING:
        return False
    return all(awaits(state, state.steps[step]) == STEPS for step in state.open_steps)
