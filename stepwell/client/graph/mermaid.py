"""Graphs as Mermaid flow charts.

Every task is one node, whose name (`n0`, `n1`, … in document order) is the same in every drawing of the definition; a
block is a subgraph around its own node and those within it. In a run's drawing nodes have the class of their status;
edges that were selected are thick, those that were skipped dotted, those that are blocked dotted in red, and the rest
is still pending.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from stepwell.client.graph.data import Graph, GraphEdge, GraphNode, graph_of
from stepwell.client.graph.walk import SECTION
from stepwell.definition.model import Definition
from stepwell.model.records import State

SHAPES: Final = {
    "switch": ("{", "}"),
    "for": ("{{", "}}"),
    "fork": ("[/", "\\]"),
    "do": ("([", "])"),
    "try": ("([", "])"),
    "wait": ("([", "])"),
    "call:form": ("[/", "/]"),
    "call:approval": ("{{", "}}"),
    "call:condition": ("([", "])"),
    "listen": ("([", "])"),
    "raise": (">", "]"),
    "run:workflow": ("[[", "]]"),
    "call:function": ("[[", "]]"),
    "join": ("((", "))"),
    "end": ("((", "))"),
}
"""What stands around the label of a node of this kind; a plain box where there is nothing here."""

STYLES: Final = {
    "completed": "fill:#d7f0dd,stroke:#1a7f37,color:#0b3d1a",
    "failed": "fill:#ffd9d6,stroke:#b42318,color:#5c0d07,stroke-width:3px",
    "running": "fill:#d6e6ff,stroke:#1f5fbf,color:#0b2a5c,stroke-width:3px",
    "waiting": "fill:#fff1c9,stroke:#a86a00,color:#4a2f00,stroke-width:3px",
    "skipped": "fill:#eeeeee,stroke:#8a8a8a,color:#555555,stroke-dasharray:4 3",
    "cancelled": "fill:#eadcf5,stroke:#7a3ea8,color:#3b1a55",
    "pending": "fill:#ffffff,stroke:#9aa0a6,color:#3c4043",
    "blocked": "fill:#fbf3f2,stroke:#b42318,color:#7a5a57,stroke-dasharray:4 3",
}

LINKS: Final = {
    "selected": "stroke:#1a7f37,stroke-width:3px",
    "skipped": "stroke:#8a8a8a,stroke-dasharray:4 3",
    "blocked": "stroke:#b42318,stroke-dasharray:2 4",
}
LONGEST: Final = 60
"""characters of a label"""


def definition_graph(definition: Definition) -> str:
    """A Mermaid flow chart of the definition."""
    return mermaid(graph_of(definition))


def run_graph(definition: Definition, state: State) -> str:
    """A Mermaid flow chart of the definition with the states, attempts and loop counts of a run."""
    return mermaid(graph_of(definition, state))


def mermaid(graph: Graph) -> str:
    """The text of a flow chart."""
    lines = [*_nodes(graph), *_edges(graph)]
    if graph.run_id is not None:
        lines += [f"classDef {name} {style}" for name, style in STYLES.items()]
        lines += _classes(graph)
        lines += _link_styles(graph)
    return "\n    ".join(["flowchart TD", *lines]) + "\n"


def _nodes(graph: Graph) -> list[str]:
    """Nodes in document order, each block's within its subgraph."""
    inside: dict[str | None, list[GraphNode]] = {}
    for node in graph.nodes:
        inside.setdefault(node.parent, []).append(node)
    lines: list[str] = []

    def put(nodes: Iterable[GraphNode], margin: str) -> None:
        for node in nodes:
            if not node.block:
                lines.append(margin + _node(node))
                continue
            lines.append(f'{margin}subgraph b{node.name}["{label(node.title)}"]')
            if node.kind != SECTION:
                lines.append(f"{margin}    {_node(node)}")
            put(inside.get(node.id, ()), margin + "    ")
            lines.append(f"{margin}end")

    put(inside.get(None, ()), "")
    return lines


def _node(node: GraphNode) -> str:
    before, after = SHAPES.get(node.kind, ("[", "]"))
    text = label(node.label) + "".join(f"<br/>{label(line)}" for line in (*node.lines, node.note) if line)
    return f'{node.name}{before}"{text}"{after}'


def _edges(graph: Graph) -> list[str]:
    names = {node.id: node.name for node in graph.nodes}
    return [_edge(edge, names) for edge in graph.edges]


def _edge(edge: GraphEdge, names: dict[str, str]) -> str:
    arrow = "-.->" if edge.exceptional else "-->"
    text = f'|"{label(edge.label)}"|' if edge.label else ""
    return f"{names[edge.source]} {arrow}{text} {names[edge.target]}"


def label(text: str) -> str:
    """Text as Mermaid takes it within quotes: what it would read as syntax or markup is written as a code."""
    flat = flattened(text)
    return "".join(f"#{ord(c)};" if c in "#&<>\"'`\\{}[]()|%;*_~" else c for c in flat) or " "


def flattened(text: str) -> str:
    """One line that can be printed, no longer than a label may be."""
    flat = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return flat if len(flat) <= LONGEST else flat[: LONGEST - 1] + "…"


def _classes(graph: Graph) -> list[str]:
    members: dict[str, list[str]] = {name: [] for name in STYLES}
    for node in graph.nodes:
        if node.kind not in ("end", "join", SECTION) and node.status is not None:
            members[node.status].append(node.name)
    return [f"class {','.join(names)} {name}" for name, names in members.items() if names]


def _link_styles(graph: Graph) -> list[str]:
    lines = []
    for status, style in LINKS.items():
        numbers = [str(number) for number, edge in enumerate(graph.edges) if edge.status == status]
        if numbers:
            lines.append(f"linkStyle {','.join(numbers)} {style}")
    return lines
