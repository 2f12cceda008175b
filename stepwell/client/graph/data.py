"""A graph as data: nodes and edges with ids that stay the same, and with a run what became of them.

The id of a node is the JSON pointer of its task (of a run that is Python code: the id of its first step), or `start` or
`end`. The id of an edge is `SOURCE->TARGET`, with `#2`, `#3`, … where several lead the same way, in document order.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

from stepwell.client.graph.walk import Drawing, Node, draw
from stepwell.client.graph.ways import Ways
from stepwell.client.views import View
from stepwell.definition.graph.display import display
from stepwell.definition.graph.roles import Role, roles
from stepwell.definition.model import Definition
from stepwell.model.base import Json
from stepwell.model.records import State, Step

START: Final = "start"
END: Final = "end"


@dataclass(frozen=True, slots=True)
class GraphNode:
    """`name` is short and for drawings. `parent`: the block that it is in. `note`: how often it was gone through.
    `roles`: see `definition.graph.roles`. `status` None: there is no run."""

    id: str
    name: str
    kind: str
    label: str
    lines: tuple[str, ...] = ()
    parent: str | None = None
    block: bool = False
    title: str = ""
    status: str | None = None
    note: str = ""
    steps: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()

    def as_json(self) -> View:
        return {
            "id": self.id,
            "kind": self.kind,
            "roles": list(self.roles),
            "label": self.label,
            "detail": [line for line in self.lines if line],
            "parent": self.parent,
            "block": self.block,
            "status": self.status,
            "note": self.note,
            "steps": list(self.steps),
        }


@dataclass(frozen=True, slots=True)
class GraphEdge:
    """`exceptional`: the way of an error. `status`: selected, skipped, pending or blocked; None without a run."""

    id: str
    source: str
    target: str
    label: str = ""
    exceptional: bool = False
    status: str | None = None

    def as_json(self) -> View:
        return {
            "id": self.id,
            "source": self.source,
            "target": self.target,
            "label": self.label,
            "exceptional": self.exceptional,
            "status": self.status,
        }


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes in document order (of code: in the order begun). `run_id` None: the graph of a definition."""

    definition: str
    nodes: tuple[GraphNode, ...]
    edges: tuple[GraphEdge, ...]
    run_id: str | None = None
    status: str | None = None
    code: str | None = None
    display: Json = None
    """how its steps and sections are shown, where it is a graph of tasks"""

    def as_json(self) -> View:
        return {
            "definition": self.definition,
            "run_id": self.run_id,
            "status": self.status,
            "code": self.code,
            "nodes": [node.as_json() for node in self.nodes],
            "edges": [edge.as_json() for edge in self.edges],
            "display": self.display,
        }


def graph_of(definition: Definition, state: State | None = None) -> Graph:
    """The graph of a definition; with a state also what the run made of it."""
    drawing = draw(definition)
    ways = Ways(drawing, state) if state is not None else None
    ids = {node.name: _id(node) for node in drawing.all_nodes()}
    return Graph(
        definition.reference,
        tuple(_nodes(drawing, ways, _Roles(definition, drawing))),
        tuple(_edges(drawing, ways, ids)),
        state.run.id if state is not None else None,
        state.run.status.value if state is not None else None,
        display=display(definition).as_json() if definition.do.after is not None else None,
    )


class _Roles:
    """Counts who leads where. A loop's way back, and the ways of errors, do not count."""

    def __init__(self, definition: Definition, drawing: Drawing) -> None:
        self._definition = definition
        pairs = {(edge.source, edge.target) for edge in drawing.edges if not edge.exceptional}
        self._leading = Counter(source for source, _ in pairs)
        self._coming = Counter(target for _, target in pairs)

    def of(self, node: Node) -> tuple[str, ...]:
        if not node.path:
            return (Role.START if node.name == "s" else Role.END,)
        task = self._definition.tasks.get(node.path)
        if task is None:
            return (Role.SECTION,)
        return roles(task, self._coming[node.name], self._leading[node.name])


def _id(node: Node) -> str:
    return node.path or (START if node.name == "s" else END)


def _nodes(drawing: Drawing, ways: Ways | None, counted: _Roles) -> list[GraphNode]:
    found: list[GraphNode] = []

    def put(nodes: list[Node], parent: str | None) -> None:
        for node in nodes:
            steps = ways.present(node.path) if ways is not None else []
            found.append(
                GraphNode(
                    _id(node),
                    node.name,
                    node.kind,
                    node.text,
                    node.lines,
                    parent,
                    node.inside is not None,
                    node.title,
                    ways.node(node) if ways is not None else None,
                    note_of(steps),
                    tuple(step.id for step in (ways.steps.get(node.path, []) if ways is not None else [])),
                    counted.of(node),
                )
            )
            put(node.inside or [], _id(node))

    put(drawing.nodes, None)
    return found


def _edges(drawing: Drawing, ways: Ways | None, ids: dict[str, str]) -> list[GraphEdge]:
    found, seen = [], Counter[str]()
    for edge in drawing.edges:
        source, target = ids[edge.source], ids[edge.target]
        status = ways.edge(edge) if ways is not None else None
        found.append(
            GraphEdge(edge_id(source, target, seen), source, target, edge.label, edge.exceptional, status)
        )
    return found


def edge_id(source: str, target: str, seen: Counter[str]) -> str:
    """`seen` counts the edges so far by their ends."""
    name = f"{source}->{target}"
    seen[name] += 1
    return name if seen[name] == 1 else f"{name}#{seen[name]}"


def note_of(steps: list[Step]) -> str:
    """How often a task was gone through: passes, attempts, iterations."""
    if not steps:
        return ""
    last = steps[-1]
    parts = []
    if last.items is not None:
        parts.append(f"{last.cursor} of {len(last.items)} begun")
    if len(steps) > 1:
        parts.append(f"{len(steps)} times")
    if last.attempt > 1:
        parts.append(f"attempt {last.attempt}")
    return ", ".join(parts)
