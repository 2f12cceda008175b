"""Mermaid flow charts of definitions and of runs (SPEC Q11).

Every task is one node, whose name (`n0`, `n1`, … in document order) is the same in every drawing of the definition; a
block is a subgraph around its own node and those within it. In a run's drawing nodes have the class of their state,
edges that were gone are thick, edges that were passed by are dotted, and the rest is still open.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Final

from stepwell.client.graph_walk import CAUGHT, END, RETRY, SKIPPED, Drawing, Edge, Node, draw
from stepwell.definition.model import Definition
from stepwell.model.records import Scope, State, Step
from stepwell.model.states import RunStatus, StepStatus

SHAPES: Final = {
    "switch": ("{", "}"),
    "for": ("{{", "}}"),
    "fork": ("[/", "\\]"),
    "do": ("([", "])"),
    "try": ("([", "])"),
    "wait": ("([", "])"),
    "raise": (">", "]"),
    "run:workflow": ("[[", "]]"),
    "call:function": ("[[", "]]"),
    "end": ("((", "))"),
}
"""What stands around the label of a node of this kind; a plain box where there is nothing here."""

STYLES: Final = {
    "completed": "fill:#d7f0dd,stroke:#1a7f37,color:#0b3d1a",
    "failed": "fill:#ffd9d6,stroke:#b42318,color:#5c0d07",
    "running": "fill:#d6e6ff,stroke:#1f5fbf,color:#0b2a5c",
    "waiting": "fill:#fff1c9,stroke:#a86a00,color:#4a2f00",
    "skipped": "fill:#eeeeee,stroke:#8a8a8a,color:#555555,stroke-dasharray:4 3",
    "cancelled": "fill:#eadcf5,stroke:#7a3ea8,color:#3b1a55",
    "pending": "fill:#ffffff,stroke:#9aa0a6,color:#3c4043",
}

CLASSES: Final = (
    ("running", (StepStatus.RUNNING, StepStatus.SUBMITTED)),
    ("waiting", (StepStatus.WAITING, StepStatus.PAUSED)),
    ("pending", (StepStatus.SCHEDULED, StepStatus.PENDING)),
    ("failed", (StepStatus.FAILED, StepStatus.TIMED_OUT)),
    ("cancelled", (StepStatus.CANCELLED,)),
    ("completed", (StepStatus.COMPLETED,)),
    ("skipped", (StepStatus.SKIPPED,)),
)
"""The class of a task that became several steps is the first of these that one of them is in."""

GONE: Final = "stroke:#1a7f37,stroke-width:3px"
PASSED_BY: Final = "stroke:#8a8a8a,stroke-dasharray:4 3"
LONGEST: Final = 60
"""characters of a label"""


def definition_graph(definition: Definition) -> str:
    """A Mermaid flow chart of the definition."""
    drawing = draw(definition)
    return _text([*_nodes(drawing, {}), *(_edge(edge) for edge in drawing.edges)])


def run_graph(definition: Definition, state: State) -> str:
    """A Mermaid flow chart of the definition with the states, attempts and loop counts of a run."""
    drawing = draw(definition)
    steps: dict[str, list[Step]] = {}
    for step in state.steps.values():
        steps.setdefault(step.path, []).append(step)
    notes = {path: _note(found) for path, found in steps.items()}
    lines = _nodes(drawing, notes)
    lines += [_edge(edge) for edge in drawing.edges]
    lines += [f"classDef {name} {style}" for name, style in STYLES.items()]
    lines += _classes(drawing, state, steps)
    lines += _link_styles(drawing, state, steps)
    return _text(lines)


def _text(lines: Iterable[str]) -> str:
    return "\n    ".join(["flowchart TD", *lines]) + "\n"


def _nodes(drawing: Drawing, notes: dict[str, str]) -> list[str]:
    """Nodes in document order, each block's within its subgraph."""
    lines: list[str] = []

    def put(nodes: list[Node], margin: str) -> None:
        for node in nodes:
            note = notes.get(node.path, "")
            if node.inside is None:
                lines.append(margin + _node(node, note))
                continue
            lines.append(f'{margin}subgraph b{node.name}["{label(node.title)}"]')
            lines.append(f"{margin}    {_node(node, note)}")
            put(node.inside, margin + "    ")
            lines.append(f"{margin}end")

    put(drawing.nodes, "")
    return lines


def _node(node: Node, note: str) -> str:
    before, after = SHAPES.get(node.kind, ("[", "]"))
    text = label(node.text) + "".join(f"<br/>{label(line)}" for line in (*node.lines, note) if line)
    return f'{node.name}{before}"{text}"{after}'


def _edge(edge: Edge) -> str:
    arrow = "-.->" if edge.exceptional else "-->"
    text = f'|"{label(edge.label)}"|' if edge.label else ""
    return f"{edge.source} {arrow}{text} {edge.target}"


def label(text: str) -> str:
    """Text as Mermaid takes it within quotes: what it would read as syntax or markup is written as a code."""
    flat = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if len(flat) > LONGEST:
        flat = flat[: LONGEST - 1] + "…"
    return "".join(f"#{ord(c)};" if c in "#&<>\"'`\\{}[]()|%;*_~" else c for c in flat) or " "


def _note(steps: list[Step]) -> str:
    """How often a task was gone through: passes, attempts, iterations."""
    last = steps[-1]
    parts = []
    if last.items is not None:
        parts.append(f"{last.cursor} of {len(last.items)} begun")
    if len(steps) > 1:
        parts.append(f"{len(steps)} times")
    if last.attempt > 1:
        parts.append(f"attempt {last.attempt}")
    return ", ".join(parts)


def class_of(steps: list[Step]) -> str:
    """The state in which the drawing shows a task that became these steps."""
    found = {step.status for step in steps}
    return next((name for name, statuses in CLASSES if found.intersection(statuses)), "pending")


def _classes(drawing: Drawing, state: State, steps: dict[str, list[Step]]) -> list[str]:
    members: dict[str, list[str]] = {name: [] for name in STYLES}
    complete = state.run.status is RunStatus.COMPLETED
    for node in drawing.all_nodes():
        if node.path in steps:
            members[class_of(steps[node.path])].append(node.name)
        elif node.path:
            members["skipped" if complete else "pending"].append(node.name)
    return [f"class {','.join(names)} {name}" for name, names in members.items() if names]


def _link_styles(drawing: Drawing, state: State, steps: dict[str, list[Step]]) -> list[str]:
    gone = _gone(state)
    ended = {path for path, found in steps.items() if all(step.status.terminal for step in found)}
    thick, dotted = [], []
    for number, edge in enumerate(drawing.edges):
        if all(pair in gone for pair in pairwise(edge.trail)):
            thick.append(str(number))
        elif state.run.status is RunStatus.COMPLETED or not ended.isdisjoint(edge.trail[:-1]):
            dotted.append(str(number))
    lines = [f"linkStyle {','.join(thick)} {GONE}"] if thick else []
    return lines + ([f"linkStyle {','.join(dotted)} {PASSED_BY}"] if dotted else [])


def _gone(state: State) -> set[tuple[str, str]]:
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
        gone.add((above, steps[0].path))
        gone.update((one.path, other.path) for one, other in pairwise(steps))
        if not scope.open and last.status in (StepStatus.COMPLETED, StepStatus.SKIPPED):
            gone.add((last.path, above))
        elif scope.open and state.run.status is RunStatus.COMPLETED:
            gone.add((last.path, END))
        if owner is not None and _swallowed(state, scope, owner, last):
            gone.add((CAUGHT, owner.path))
    return gone


def _swallowed(state: State, scope: Scope, owner: Step, last: Step) -> bool:
    """Whether the error that ended this try was caught by a block that has no handler."""
    failed = last.status in (StepStatus.FAILED, StepStatus.TIMED_OUT)
    handled = f"{owner.id}/catch/do" in state.scopes
    return scope.section == "try" and failed and owner.status is StepStatus.COMPLETED and not handled
