"""What a run made of its definition's graph: which nodes it was in, which edges it took, and what became of the rest.

An edge is *selected* if the run went along it, *skipped* if it went another way, *pending* if it may still go along it,
and *blocked* if it would have, but for the failure or the stop that ended the run.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from stepwell.client.graph.walk import CAUGHT, END, RETRY, SECTION, SKIPPED, Drawing, Edge, Node
from stepwell.model.records import Scope, State, Step
from stepwell.model.states import RunStatus, StepStatus, WaitReason

CLASSES: Final = (
    ("running", (StepStatus.RUNNING, StepStatus.SUBMITTED)),
    ("waiting", (StepStatus.WAITING, StepStatus.PAUSED)),
    ("pending", (StepStatus.SCHEDULED, StepStatus.PENDING)),
    ("failed", (StepStatus.FAILED, StepStatus.TIMED_OUT)),
    ("cancelled", (StepStatus.CANCELLED,)),
    ("completed", (StepStatus.COMPLETED,)),
    ("skipped", (StepStatus.SKIPPED,)),
)
"""The status of a task that became several steps is the first of these that one of them is in."""

_WELL: Final = (StepStatus.COMPLETED, StepStatus.SKIPPED)
_BAD: Final = (StepStatus.FAILED, StepStatus.TIMED_OUT)


def class_of(steps: list[Step]) -> str:
    """The status in which a drawing shows a task that became these steps."""
    found = {step.status for step in steps}
    return next((name for name, statuses in CLASSES if found.intersection(statuses)), "pending")


class Ways:
    """Made of a drawing and a state; answers for its nodes and edges."""

    def __init__(self, drawing: Drawing, state: State) -> None:
        self._state, self._graphs = state, drawing.graphs
        self.steps: dict[str, list[Step]] = {}
        for step in state.steps.values():
            self.steps.setdefault(step.path, []).append(step)
        gone = gone_pairs(state)
        self._edges = {edge: self._first_look(edge, gone) for edge in drawing.edges}
        self._coming = self._reached(drawing)
        self._edges = {edge: self._settled(edge, found) for edge, found in self._edges.items()}

    def edge(self, edge: Edge) -> str:
        return self._edges[edge]

    def node(self, node: Node) -> str:
        status = self._state.run.status
        if not node.path:
            return "completed" if node.name == "s" else end_status(status)
        if node.path in self.steps:
            return class_of(self.present(node.path))
        if node.kind == SECTION:
            return class_of([step for one in within(node) for step in self.present(one.path)])
        if node.name not in self._coming:
            return "skipped"
        return "blocked" if status.terminal else "pending"

    def present(self, path: str) -> list[Step]:
        """The steps of a task that no others took the place of."""
        nodes = self._state.nodes
        return [
            step
            for step in self.steps.get(path, [])
            if step.id not in nodes or nodes[step.id].replaced_by is None
        ]

    def _in_graph(self, pair: tuple[str, str]) -> str:
        """What becomes of an edge of a graph that the run has not gone along, as its beginning tells."""
        steps = self.present(pair[0])
        if pair[0] and not steps:
            return "open"
        status = self._state.run.status
        if status.terminal:
            return "skipped" if status is RunStatus.COMPLETED else "blocked"
        return "blocked" if any(step.status in _BAD for step in steps) else "pending"

    def _first_look(self, edge: Edge, gone: set[tuple[str, str]]) -> str:
        """selected, skipped, blocked, or `open`: not decided by the steps at its beginning."""
        missing = next((pair for pair in pairwise(edge.trail) if pair not in gone), None)
        if missing is None:
            return "selected"
        if missing in self._graphs:
            return self._in_graph(missing)
        path = edge.trail[1] if missing[0] in (CAUGHT, RETRY, SKIPPED) else missing[0]
        steps = self.steps.get(path, [])
        if not steps:
            return "open"
        ended = all(step.status.terminal for step in steps)
        if not ended and not (missing[0] == SKIPPED and path in self.steps):
            return "open"
        if self._may_come_again(steps[-1]):
            return "open"
        return "blocked" if self._stopped(steps[-1]) else "skipped"

    def _may_come_again(self, step: Step) -> bool:
        """A loop around it goes on, or a `try` around it is about to be tried again."""
        below = step
        for above in self._around(step):
            if above.status.terminal:
                return False
            if above.kind == "for":
                return True
            if above.kind == "try" and (
                above.reason is WaitReason.TIMER or below.parent_attempt < above.attempt
            ):
                return True
            below = above
        return False

    def _stopped(self, step: Step) -> bool:
        """The run has ended badly, and this step did too, with nothing around it that dealt with it."""
        status = self._state.run.status
        if not status.terminal or status is RunStatus.COMPLETED:
            return False
        return step.status not in _WELL and all(one.status not in _WELL for one in self._around(step))

    def _around(self, step: Step) -> Iterator[Step]:
        """The blocks around a step, from the inside out."""
        parent = step.parent
        while parent is not None:
            above = self._state.steps[parent]
            yield above
            parent = above.parent

    def _reached(self, drawing: Drawing) -> set[str]:
        """Nodes that the run is at or may still come to; of an ended one: those it would have come to."""
        reached = {node.name for node in drawing.all_nodes() if self._is_source(node)}
        following: dict[str, list[str]] = {}
        for edge, found in self._edges.items():
            if found != "skipped":
                following.setdefault(edge.source, []).append(edge.target)
        todo = list(reached)
        while todo:
            new = [name for name in following.get(todo.pop(), []) if name not in reached]
            reached.update(new)
            todo += new
        return reached

    def _is_source(self, node: Node) -> bool:
        run = self._state.run
        if not node.path:
            return node.name == "s" and not self.steps
        steps = self.steps.get(node.path)
        if not steps:
            return False
        if run.status.terminal:
            return any(self._stopped(step) for step in steps)
        return any(not step.status.terminal for step in steps)

    def _settled(self, edge: Edge, found: str) -> str:
        if found != "open":
            return found
        status = self._state.run.status
        if status is RunStatus.COMPLETED or edge.source not in self._coming:
            return "skipped"
        return "blocked" if status.terminal else "pending"


def end_status(status: RunStatus) -> str:
    """What has become of the end of a run."""
    if status in (RunStatus.COMPLETED, RunStatus.CONTINUED):
        return "completed"
    return "blocked" if status.terminal else "pending"


def gone_pairs(state: State) -> set[tuple[str, str]]:
    """The transitions that were made, as pairs of a trail: of successive tasks, of a block and its first task, of a
    list's last task and its block."""
    lists: dict[str, list[Step]] = {}
    for step in state.steps.values():
        lists.setdefault(step.scope, []).append(step)
    gone = {(RETRY, step.path) for step in state.steps.values() if step.kind == "try" and step.attempt > 1}
    gone |= {(SKIPPED, step.path) for step in state.steps.values() if step.status is StepStatus.SKIPPED}
    for scope_id, steps in lists.items():
        scope, last = state.scopes[scope_id], steps[-1]
        owner = state.steps[scope.owner] if scope.owner is not None else None
        above = owner.path if owner is not None else ""
        if scope_id in state.graphs:
            gone |= _graph_pairs(state, scope, above if owner is not None else END, above)
            continue
        gone.add((above, steps[0].path))
        gone.update((one.path, other.path) for one, other in pairwise(steps))
        if not scope.open and last.status in _WELL:
            gone.add((last.path, above))
        elif scope.open and state.run.status is RunStatus.COMPLETED:
            gone.add((last.path, END))
        if owner is not None and _swallowed(state, scope, owner, last):
            gone.add((CAUGHT, owner.path))
    return gone


def _graph_pairs(state: State, scope: Scope, out: str, above: str) -> set[tuple[str, str]]:
    """The same of a list that is a graph: from `above` in, and from its last steps `out`."""
    graph = state.graphs[scope.id]
    gone = set()
    through = state.run.status is RunStatus.COMPLETED if out == END else not scope.open
    for step_id in graph.steps.values():
        step, node = state.steps[step_id], state.nodes[step_id]
        if step.status is not StepStatus.PENDING and (step.started_at is not None or step.status in _WELL):
            gone |= {(state.steps[parent].path, step.path) for parent in node.after} or {(above, step.path)}
        if through and step.status in _WELL and not graph.children.get(step_id):
            gone.add((step.path, out))
    return gone


def within(node: Node) -> Iterator[Node]:
    """All nodes in a block."""
    for one in node.inside or []:
        yield one
        yield from within(one)


def _swallowed(state: State, scope: Scope, owner: Step, last: Step) -> bool:
    """Whether the error that ended this try was caught by a block that has no handler."""
    failed = last.status in _BAD
    handled = f"{owner.id}/catch/do" in state.scopes
    return scope.section == "try" and failed and owner.status is StepStatus.COMPLETED and not handled
