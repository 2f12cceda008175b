"""Graphs in the language of Graphviz."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from stepwell.client.graph.data import Graph, GraphEdge, GraphNode
from stepwell.client.graph.mermaid import flattened
from stepwell.client.graph.walk import SECTION

SHAPES: Final = {
    "switch": "diamond",
    "for": "hexagon",
    "fork": "trapezium",
    "do": "ellipse",
    "try": "ellipse",
    "wait": "ellipse",
    "call:form": "parallelogram",
    "call:approval": "hexagon",
    "call:condition": "ellipse",
    "listen": "ellipse",
    "raise": "cds",
    "run:workflow": "box3d",
    "call:function": "box3d",
    "join": "point",
    "end": "circle",
}

FILLS: Final = {
    "completed": 'fillcolor="#d7f0dd", color="#1a7f37"',
    "failed": 'fillcolor="#ffd9d6", color="#b42318", penwidth=3',
    "running": 'fillcolor="#d6e6ff", color="#1f5fbf", penwidth=3',
    "waiting": 'fillcolor="#fff1c9", color="#a86a00", penwidth=3',
    "skipped": 'fillcolor="#eeeeee", color="#8a8a8a", style="filled,dashed"',
    "cancelled": 'fillcolor="#eadcf5", color="#7a3ea8"',
    "pending": 'fillcolor="#ffffff", color="#9aa0a6"',
    "blocked": 'fillcolor="#fbf3f2", color="#b42318", style="filled,dashed"',
}

LINES: Final = {
    "selected": 'color="#1a7f37", penwidth=3',
    "skipped": 'color="#8a8a8a", style=dashed',
    "blocked": 'color="#b42318", style=dotted',
    "pending": 'color="#9aa0a6"',
}


def dot(graph: Graph) -> str:
    """The text of a directed graph; blocks are clusters."""
    names = {node.id: node.name for node in graph.nodes}
    lines = [
        "digraph stepwell {",
        "    rankdir=TB;",
        '    node [shape=box, style=filled, fillcolor="#ffffff"];',
    ]
    lines += _nodes(graph)
    lines += [f"    {_edge(edge, names)}" for edge in graph.edges]
    return "\n".join([*lines, "}"]) + "\n"


def _nodes(graph: Graph) -> list[str]:
    inside: dict[str | None, list[GraphNode]] = {}
    for node in graph.nodes:
        inside.setdefault(node.parent, []).append(node)
    lines: list[str] = []

    def put(nodes: Iterable[GraphNode], margin: str) -> None:
        for node in nodes:
            if not node.block:
                lines.append(margin + _node(node))
                continue
            lines.append(f"{margin}subgraph cluster_{node.name} {{")
            lines.append(f'{margin}    label="{quoted(node.title)}";')
            if node.kind != SECTION:
                lines.append(f"{margin}    {_node(node)}")
            put(inside.get(node.id, ()), margin + "    ")
            lines.append(f"{margin}}}")

    put(inside.get(None, ()), "    ")
    return lines


def _node(node: GraphNode) -> str:
    text = "\\n".join(quoted(line) for line in (node.label, *node.lines, node.note) if line)
    look = f", {FILLS[node.status]}" if node.status is not None else ""
    return f'{node.name} [label="{text}", shape={SHAPES.get(node.kind, "box")}{look}];'


def _edge(edge: GraphEdge, names: dict[str, str]) -> str:
    parts = [f'label="{quoted(edge.label)}"'] if edge.label else []
    if edge.status is not None:
        parts.append(LINES[edge.status])
    elif edge.exceptional:
        parts.append("style=dashed")
    return f"{names[edge.source]} -> {names[edge.target]} [{', '.join(parts)}];"


def quoted(text: str) -> str:
    """Text as Graphviz takes it within quotes."""
    return flattened(text).replace("\\", "\\\\").replace('"', '\\"')
