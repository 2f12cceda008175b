"""The graph of a run whose workflow is Python code: made of its steps, since nothing else says what it will do.

What ended before a step began leads to it, unless something in between does; what ran at the same time stands side by
side. Many steps of one name that went well, one after the other or side by side, are drawn as one node.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from stepwell.client.graph.data import END, START, Graph, GraphEdge, GraphNode, edge_id, note_of
from stepwell.client.graph.ways import class_of, end_status
from stepwell.client.open_steps import problem_text
from stepwell.model.base import Instant
from stepwell.model.calls import INSTANT_KINDS
from stepwell.model.records import State, Step
from stepwell.model.states import StepStatus

ROW: Final = 3
"""so many steps of one name, one after the other, become one node"""
CROWD: Final = 6
"""so many side by side do"""

Moment = tuple[Instant, int]
"""An instant, and the number of the step, doubled: a step of one instant comes after those begun before it."""
Ways = dict[str, tuple[str, ...]]
_NEVER: Final = 2**63 - 1


@dataclass(frozen=True, slots=True)
class _Group:
    """Steps that are drawn as one node."""

    steps: tuple[Step, ...]
    begin: Moment
    end: Moment
    word: str = ""

    @property
    def id(self) -> str:
        return self.steps[0].id

    @property
    def alike(self) -> tuple[str, str]:
        """What steps have in common that are drawn as one; those that did not go well stand alone."""
        step = self.steps[0]
        plain = step.status is StepStatus.COMPLETED and step.attempt <= 1
        return (step.name if plain else step.id, step.kind)


def code_graph(state: State) -> Graph:
    """What the run did, in the order begun, and where it stands."""
    run = state.run
    groups = _crowds(list(_rows(_singles(state))))
    joins, edges = _edges(groups, state)
    start = GraphNode(START, "s", "end", "start", status="completed")
    what_next = "end" if run.status.terminal else "whatever comes next"
    end = GraphNode(END, "e", "end", what_next, status=end_status(run.status))
    return Graph(
        f"{run.namespace}/{run.name}:{run.version}",
        (start, *map(_node, range(len(groups)), groups), *joins, end),
        tuple(edges),
        run.id,
        run.status.value,
        run.code,
    )


def _singles(state: State) -> list[_Group]:
    """A group for every step of the run's own list, in the order begun; what took no time is left out."""
    shown = [step for step in state.steps.values() if step.parent is None and step.kind not in INSTANT_KINDS]
    groups = []
    for number, step in enumerate(sorted(shown, key=_begin)):
        end = step.ended_at if step.ended_at is not None else _NEVER
        groups.append(_Group((step,), (_begin(step), 2 * number), (end, 2 * number + 1)))
    return groups


def _begin(step: Step) -> Instant:
    return step.started_at if step.started_at is not None else step.scheduled_at


def _rows(groups: Sequence[_Group]) -> Iterator[_Group]:
    """Stretches of like steps become one group, where each began after the one before and nothing ran beside."""
    latest: Moment = (0, -1)
    stretch: list[_Group] = []
    for group in groups:
        last = stretch[-1] if stretch else None
        goes_on = last is not None and last.alike == group.alike and last.end < group.begin
        if not goes_on or latest > stretch[0].begin:
            yield from _row(stretch)
            latest = max([latest, *(one.end for one in stretch)])
            stretch = []
        stretch.append(group)
    yield from _row(stretch)


def _row(stretch: list[_Group]) -> list[_Group]:
    if len(stretch) < ROW:
        return stretch
    return [_merged(stretch, f"{len(stretch)} times, one after the other")]


def _merged(groups: Sequence[_Group], word: str) -> _Group:
    steps = tuple(step for group in groups for step in group.steps)
    return _Group(steps, min(one.begin for one in groups), max(one.end for one in groups), word)


def _crowds(groups: list[_Group]) -> list[_Group]:
    """Many like steps with the same before them and the same behind them become one group."""
    before = _before(groups)
    behind = _behind(before)
    alike: dict[tuple[object, ...], list[_Group]] = {}
    for group in groups:
        key = (group.alike, group.word, before[group.id], behind.get(group.id, ()))
        alike.setdefault(key, []).append(group)
    found = []
    for members in alike.values():
        large = len(members) >= CROWD
        found += [_merged(members, f"{len(members)} side by side")] if large else members
    return sorted(found, key=lambda group: group.begin)


def _before(groups: Sequence[_Group]) -> Ways:
    """For each group those that lead to it: that ended before it began, with none between that began after them."""
    ends = deque(sorted(groups, key=lambda group: group.end))
    near: tuple[_Group, ...] = ()
    found: Ways = {}
    for group in groups:
        came = []
        while ends and ends[0].end < group.begin:
            came.append(ends.popleft())
        if came:
            latest = max(one.begin for one in (*near, *came))
            near = tuple(one for one in (*near, *came) if one.end > latest)
        found[group.id] = tuple(one.id for one in near)
    return found


def _behind(before: Ways) -> Ways:
    found: dict[str, list[str]] = {}
    for target, sources in before.items():
        for source in sources:
            found.setdefault(source, []).append(target)
    return {source: tuple(targets) for source, targets in found.items()}


def _edges(groups: Sequence[_Group], state: State) -> tuple[list[GraphNode], list[GraphEdge]]:
    """The edges, and a node for each place where several ways come together and part again."""
    before = _before(groups)
    shared = Counter(sources for sources in before.values() if len(sources) > 1)
    joins: dict[tuple[str, ...], GraphNode] = {}
    edges: list[GraphEdge] = []
    seen: Counter[str] = Counter()

    def lead(source: str, target: str, status: str = "selected") -> None:
        edges.append(GraphEdge(edge_id(source, target, seen), source, target, status=status))

    for target, sources in before.items():
        if shared[sources] > 1:
            if sources not in joins:
                name = f"j{len(joins)}"
                joins[sources] = GraphNode(f"join:{target}", name, "join", " ", status="completed")
                for source in sources:
                    lead(source, joins[sources].id)
            lead(joins[sources].id, target)
        else:
            for source in sources or (START,):
                lead(source, target)
    behind = _behind(before)
    for group in groups:
        if group.id not in behind:
            lead(group.id, END, _last_way(group, state))
    if not groups:
        lead(START, END, _ENDS[end_status(state.run.status)])
    return list(joins.values()), edges


_ENDS: Final = {"completed": "selected", "blocked": "blocked", "pending": "pending"}


def _last_way(group: _Group, state: State) -> str:
    """What became of the way from a last step to the end of the run."""
    if group.steps[0].status is StepStatus.CANCELLED and end_status(state.run.status) == "completed":
        return "skipped"
    return _ENDS[end_status(state.run.status)]


def _node(number: int, group: _Group) -> GraphNode:
    steps = list(group.steps)
    first = steps[0]
    error = problem_text(first.error) if first.error is not None else ""
    return GraphNode(
        group.id,
        f"n{number}",
        first.kind,
        first.name,
        (first.kind, error),
        status=class_of(steps),
        note=group.word or note_of(steps),
        steps=tuple(step.id for step in steps),
    )
