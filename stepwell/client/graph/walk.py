"""From a definition to nodes and edges: what leads where."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from stepwell.definition.graph.display import Shown, display
from stepwell.definition.graph.display import walk as walk_sections
from stepwell.definition.model import (
    AttendedBody,
    CatchSpec,
    Definition,
    DoBody,
    ForBody,
    ForkBody,
    FunctionBody,
    PythonBody,
    SubworkflowBody,
    SwitchBody,
    Task,
    TaskKind,
    TaskList,
    TryBody,
)
from stepwell.definition.specs import HttpBody

END: Final = "end"
"""Stands for the end of the run in a trail."""
SECTION: Final = "section"
"""The kind of a node that is a heading over others."""
CAUGHT: Final = "caught"
"""Comes before a `try` in the trail of an error that is swallowed."""
SKIPPED: Final = "skipped"
"""Comes before a task in the trail of passing it by because its `if` is false."""
RETRY: Final = "retry"
"""Comes before a `try` in the trail of its repetition."""


@dataclass(slots=True)
class Node:
    """`path` is the task's pointer, empty for start and end; of a section its id after `section:`. `inside`: what a
    block has in it; None for a plain one."""

    name: str
    path: str
    kind: str
    text: str
    lines: tuple[str, ...] = ()
    title: str = ""
    inside: list[Node] | None = None


class Edge(NamedTuple):
    """`trail`: whose end leads to whose beginning, as pointers: the task that is over, the blocks that are over with
    it, and the task that comes next (or `END`). `exceptional`: the way of an error."""

    source: str
    target: str
    label: str
    trail: tuple[str, ...]
    exceptional: bool = False


class Exit(NamedTuple):
    """An edge that still lacks its target."""

    source: str
    trail: tuple[str, ...]
    label: str = ""


@dataclass(slots=True)
class Drawing:
    nodes: list[Node] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    graphs: set[tuple[str, str]] = field(default_factory=set)
    """pairs of trails within lists that are graphs: from the block to its first tasks, from task to task, and back"""

    def all_nodes(self) -> Iterator[Node]:
        todo = list(self.nodes)
        while todo:
            node = todo.pop(0)
            todo[:0] = node.inside or []
            yield node


def draw(definition: Definition) -> Drawing:
    """Nodes and edges in document order."""
    drawing = Drawing()
    walk = _Walk(definition, drawing)
    drawing.nodes.append(Node("s", "", "end", "start"))
    inside, exits = walk.task_list(definition.do, [Exit("s", ("",))], END)
    drawing.nodes += [*_in_sections(definition, inside), Node("e", "", "end", "end")]
    walk.end(exits)
    return drawing


class _Walk:
    """Goes through the lists. A way out of a list goes on behind the block, `end` goes to the end of the run."""

    def __init__(self, definition: Definition, drawing: Drawing) -> None:
        self._drawing = drawing
        self._names = {pointer: f"n{number}" for number, pointer in enumerate(definition.tasks)}

    def end(self, exits: list[Exit]) -> None:
        self._drawing.edges += [Edge(one.source, "e", one.label, (*one.trail, END)) for one in exits]

    def task_list(self, tasks: TaskList, coming: list[Exit], owner: str) -> tuple[list[Node], list[Exit]]:
        """The nodes of a list that is entered by these edges, and the edges that leave it. `owner`: the block that it
        is in, or `END`."""
        if tasks.after is not None:
            return self._graph(tasks, tasks.after, coming, owner)
        nodes: list[Node] = []
        leaving: list[Exit] = []
        for task in tasks.tasks:
            self._join(coming, task)
            node, coming = self._task(tasks, task, leaving)
            nodes.append(node)
        return nodes, leaving + coming

    def _graph(
        self, tasks: TaskList, after: Mapping[str, tuple[str, ...]], coming: list[Exit], owner: str
    ) -> tuple[list[Node], list[Exit]]:
        """The nodes of a list that is a graph: entered where nothing comes before, left where nothing comes after."""
        nodes: list[Node] = []
        leaving: list[Exit] = []
        ways: dict[str, list[Exit]] = {}
        for task in tasks.tasks:
            node, ways[task.name] = self._task(tasks, task, leaving)
            nodes.append(node)
        pointers = {task.name: task.pointer for task in tasks.tasks}
        for task in tasks.tasks:
            if not after[task.name]:
                self._join(coming, task)
                self._drawing.graphs.add((owner if owner != END else "", task.pointer))
            for parent in after[task.name]:
                self._join(ways[parent], task)
                self._drawing.graphs.add((pointers[parent], task.pointer))
        inner = {parent for parents in after.values() for parent in parents}
        for name in pointers.keys() - inner:
            self._drawing.graphs.add((pointers[name], owner))
        last = [way for name, found in ways.items() if name not in inner for way in found]
        return nodes, leaving + (last if tasks.tasks else coming)

    def _join(self, coming: list[Exit], task: Task, *, exceptional: bool = False) -> None:
        target = self._names[task.pointer]
        self._drawing.edges += [
            Edge(one.source, target, one.label, (*one.trail, task.pointer), exceptional) for one in coming
        ]

    def _task(self, tasks: TaskList, task: Task, leaving: list[Exit]) -> tuple[Node, list[Exit]]:
        """The node, and the edges that go on to the next task; those that leave the list go to `leaving`."""
        body = task.body
        lines = (_detail(task), f"if {task.if_.source}" if task.if_ is not None else "")
        node = Node(self._names[task.pointer], task.pointer, task.kind.value, task.name, lines)
        exits = [] if task.kind is TaskKind.RAISE else [Exit(node.name, (task.pointer,))]
        build = _BLOCKS.get(type(body))
        if build is not None:
            node.title, node.inside = f"{task.kind}: {task.name}", []
            exits = build(self, task, node)
        if isinstance(body, SwitchBody):
            exits, coming = self._cases(tasks, task, body, leaving)
        else:
            coming = []
        coming += self._direct(tasks, task.then, exits, leaving)
        if task.if_ is not None and (task.then != "continue" or not exits or node.inside is not None):
            coming.append(Exit(node.name, (SKIPPED, task.pointer), "otherwise"))
        if isinstance(body, TryBody):
            coming += self._direct(
                tasks, body.catch.then or task.then, self._handler(task, body, node), leaving
            )
        return node, coming

    def _direct(self, tasks: TaskList, then: str, exits: list[Exit], leaving: list[Exit]) -> list[Exit]:
        """Send these edges where a directive says; those that go on to the next task are returned."""
        if then == "continue":
            return exits
        if then == "exit":
            leaving += exits
        elif then == "end":
            self.end(exits)
        else:
            self._join(exits, tasks.tasks[tasks.index[then]])
        return []

    def _cases(
        self, tasks: TaskList, task: Task, body: SwitchBody, leaving: list[Exit]
    ) -> tuple[list[Exit], list[Exit]]:
        """The edge for when no case holds (if that can be), and those of cases that go on to the next task."""
        name, going_on = self._names[task.pointer], []
        for case in body.cases:
            text = f"{case.name}: {case.when.source}" if case.when is not None else case.name
            going_on += self._direct(tasks, case.then, [Exit(name, (task.pointer,), text)], leaving)
        default = any(case.when is None for case in body.cases)
        return [] if default else [Exit(name, (task.pointer,), "otherwise")], going_on

    def _handler(self, task: Task, body: TryBody, node: Node) -> list[Exit]:
        """The way of a caught error: through the handler if there is one."""
        handler = body.catch.do
        if handler is None or not handler.tasks:
            return [Exit(node.name, (CAUGHT, task.pointer), _caught(body.catch))]
        nodes, exits = self.task_list(handler, [], task.pointer)
        self._join(
            [Exit(node.name, (task.pointer,), _caught(body.catch))], handler.tasks[0], exceptional=True
        )
        assert node.inside is not None
        node.inside += nodes
        return [one._replace(trail=(*one.trail, task.pointer)) for one in exits]

    def do(self, task: Task, node: Node) -> list[Exit]:
        assert isinstance(task.body, DoBody)
        return self._inner(task, node, task.body.do)

    def try_(self, task: Task, node: Node) -> list[Exit]:
        assert isinstance(task.body, TryBody)
        retry = task.body.catch.retry
        if retry is not None:
            count = "" if retry.count is None else f", {retry.count} at most"
            self._join([Exit(node.name, (RETRY,), f"retry{count}")], task, exceptional=True)
        return self._inner(task, node, task.body.try_)

    def for_(self, task: Task, node: Node) -> list[Exit]:
        assert isinstance(task.body, ForBody)
        for one in self._inner(task, node, task.body.do, "each"):
            self._drawing.edges.append(Edge(one.source, node.name, one.label or "next", one.trail))
        return [Exit(node.name, (task.pointer,), "done")]

    def fork(self, task: Task, node: Node) -> list[Exit]:
        assert isinstance(task.body, ForkBody) and node.inside is not None
        exits: list[Exit] = []
        for branch in task.body.branches.tasks:
            self._join([Exit(node.name, (task.pointer,))], branch)
            inner, going_on = self._task(task.body.branches, branch, exits)
            node.inside.append(inner)
            exits += going_on
        if not exits:
            return [Exit(node.name, (task.pointer,))]
        return [one._replace(trail=(*one.trail, task.pointer)) for one in exits]

    def _inner(self, task: Task, node: Node, tasks: TaskList, text: str = "") -> list[Exit]:
        """A list within a block: entered from the block's own node; leaving it is leaving the block."""
        node.inside, exits = self.task_list(tasks, [Exit(node.name, (task.pointer,), text)], task.pointer)
        return [one._replace(trail=(*one.trail, task.pointer)) for one in exits]


_BLOCKS: Final[dict[type, Callable[[_Walk, Task, Node], list[Exit]]]] = {
    DoBody: _Walk.do,
    TryBody: _Walk.try_,
    ForBody: _Walk.for_,
    ForkBody: _Walk.fork,
}


def _in_sections(definition: Definition, nodes: list[Node]) -> list[Node]:
    """The nodes of the outermost list as they are shown: under the headings that they are in, after all that comes
    before them. Lists that are no graph, and have no sections, stay as they are."""
    if definition.do.after is None:
        return nodes
    shown, by_name = display(definition), {node.text: node for node in nodes}
    sections = definition.procedure.sections if definition.procedure is not None else ()
    titles = {section.id: section.title for section, _ in walk_sections(sections)}

    def put(found: Sequence[Shown]) -> list[Node]:
        return [
            Node(
                f"c{one.name}",
                f"{SECTION}:{one.name}",
                SECTION,
                one.name,
                title=titles[one.name] or one.name,
                inside=put(shown.inside[one.name]),
            )
            if one.section
            else by_name[one.name]
            for one in found
        ]

    return put(shown.top)


def _caught(catch: CatchSpec) -> str:
    kind = catch.errors_with.get("type") or catch.errors_with.get("status")
    return f"error {str(kind).rpartition('/')[2]}" if kind is not None else "error"


def _detail(task: Task) -> str:
    """What a task does, in a few words."""
    body = task.body
    if isinstance(body, HttpBody):
        return f"{body.method.upper()} {_written(task, 'with', 'endpoint')}"
    if isinstance(body, PythonBody):
        return body.function
    if isinstance(body, AttendedBody):
        return _asks(task, body)
    if isinstance(body, FunctionBody):
        return body.name
    if isinstance(body, SubworkflowBody):
        return f"{body.namespace}/{body.name}:{body.version}"
    if isinstance(body, ForBody):
        return f"{body.each} in {body.in_.source}"
    if isinstance(body, ForkBody):
        return "the first one wins" if body.compete else ""
    return "" if task.kind in ("switch", "do", "try") else task.kind.value


def _asks(task: Task, body: AttendedBody) -> str:
    """What people are to do."""
    title = task.options.title or body.given.get("title") or ""
    kind = "verification" if body.verdict else task.kind.value.partition(":")[2]
    return f"{kind}: {title}" if title else kind


def _written(task: Task, *members: str) -> str:
    """A member of the task as written in the document, if it is text."""
    found = task.document
    for member in members:
        found = found.get(member) if isinstance(found, dict) else None
    if isinstance(found, dict):
        found = found.get("uri")
    return found if isinstance(found, str) else ""
