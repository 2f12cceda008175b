"""A state that is being changed: what a turn touches is copied first, and taken over only when the turn stands.

Whoever asks with `step` or `scope` gets a record to read; with `edit_step` or `edit_scope` one that may be changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from operator import attrgetter
from types import MappingProxyType
from typing import Any, Final, TypeVar

from stepwell.model.approvals import Approval
from stepwell.model.base import Json
from stepwell.model.errors import NotFound
from stepwell.model.people import Graph, Node
from stepwell.model.records import Attempt, Run, Scope, Signal, State, Step, Stream

Record = TypeVar("Record", Approval, Attempt, Graph, Node, Scope, Signal, Step)

Kept = TypeVar("Kept")

_FIELDS: dict[type[Any], Any] = {
    kind: attrgetter(*kind.__slots__) for kind in (Approval, Attempt, Graph, Node, Scope, Signal, Step)
}


def copy(record: Record) -> Record:
    """A shallow copy. (`dataclasses.replace` takes four times as long, and this is on the way of every step.)"""
    kind = type(record)
    return kind(*_FIELDS[kind](record))


def copy_run(run: Run) -> Run:
    """The same of what has no slots."""
    copied: Run = object.__new__(Run)
    copied.__dict__ = run.__dict__.copy()
    return copied


_NONE: Final[Mapping[str, Any]] = MappingProxyType({})
_NOBODY: Final[Set[str]] = frozenset()
_NOTHING: Final[Sequence[tuple[str, Json, bool]]] = ()


class Draft:
    """An overlay on a `State`. `merge` takes it over; dropping it leaves the state as it was.

    There is a draft for every turn, and most turns touch a step or two and nothing else: what is kept of other records
    is made when it is needed.
    """

    __slots__ = (
        "_added",
        "_approvals",
        "_graphs",
        "_nodes",
        "_removed",
        "_scopes",
        "_signals",
        "_steps",
        "_written",
        "base",
        "by",
        "has_nodes",
        "run",
    )

    def __init__(self, base: State) -> None:
        self.base = base
        self.run = copy_run(base.run)
        self.run.counts = dict(base.run.counts)
        self.has_nodes = bool(base.nodes)
        self._steps: dict[str, Step] = {}
        self._added: dict[str, None] = {}
        self._removed: Set[str] = _NOBODY
        self._scopes: Mapping[str, Scope] = _NONE
        self._signals: Mapping[str, Signal] = _NONE
        self._nodes: Mapping[str, Node] = _NONE
        self._graphs: Mapping[str, Graph] = _NONE
        self._approvals: Mapping[str, Approval] = _NONE
        self._written = _NOTHING
        self.by: str | None = None
        """who asked for what this turn tells"""

    def find_step(self, step_id: str) -> Step | None:
        return self._steps.get(step_id) or self.base.steps.get(step_id)

    def step(self, step_id: str) -> Step:
        """Raises `NotFound`."""
        step = self._steps.get(step_id) or self.base.steps.get(step_id)
        if step is None:
            raise NotFound(
                f"run {self.run.id} has no step {step_id}",
                hint=f"list its steps with: stepwell runs show {self.run.id}",
            )
        return step

    def edit_step(self, step_id: str) -> Step:
        step = self.find_to_edit(step_id)
        assert step is not None
        return step

    def find_to_edit(self, step_id: str) -> Step | None:
        step = self._steps.get(step_id)
        if step is None:
            known = self.base.steps.get(step_id)
            if known is not None:
                step = self._steps[step_id] = copy(known)
        return step

    def add_step(self, step: Step) -> None:
        self._steps[step.id] = step

    def scope(self, scope_id: str) -> Scope:
        return self._scopes.get(scope_id) or self.base.scopes[scope_id]

    def find_scope(self, scope_id: str) -> Scope | None:
        return self._scopes.get(scope_id) or self.base.scopes.get(scope_id)

    def edit_scope(self, scope_id: str) -> Scope:
        scope = self._scopes.get(scope_id)
        if scope is None:
            scope = copy(self.base.scopes[scope_id])
            self.add_scope(scope)
        return scope

    def add_scope(self, scope: Scope) -> None:
        self._scopes = _with(self._scopes, scope.id, scope)

    def find_signal(self, signal: str) -> Signal | None:
        return self._signals.get(signal) or self.base.signals.get(signal)

    def edit_signal(self, signal: str) -> Signal:
        found = self._signals.get(signal)
        if found is None:
            found = copy(self.base.signals[signal])
            self.add_signal(found)
        return found

    def add_signal(self, signal: Signal) -> None:
        self._signals = _with(self._signals, signal.id, signal)

    def find_node(self, step_id: str) -> Node | None:
        return self._nodes.get(step_id) or self.base.nodes.get(step_id)

    def node(self, step_id: str) -> Node:
        """Of a step that has one."""
        return self._nodes.get(step_id) or self.base.nodes[step_id]

    def edit_node(self, step_id: str) -> Node:
        node = self._nodes.get(step_id)
        if node is None:
            node = copy(self.base.nodes[step_id])
            self.add_node(node)
        return node

    def add_node(self, node: Node) -> None:
        self._nodes = _with(self._nodes, node.id, node)
        self.has_nodes = True

    def nodes(self) -> Iterator[Node]:
        """All of them."""
        for step_id in {**self.base.nodes, **self._nodes}:
            yield self.node(step_id)

    def touched_nodes(self) -> Iterator[Node]:
        """The nodes that this draft changed."""
        return iter(self._nodes.values())

    def find_graph(self, scope_id: str) -> Graph | None:
        return self._graphs.get(scope_id) or self.base.graphs.get(scope_id)

    def graph(self, scope_id: str) -> Graph:
        return self._graphs.get(scope_id) or self.base.graphs[scope_id]

    def edit_graph(self, scope_id: str) -> Graph:
        graph = self._graphs.get(scope_id)
        if graph is None:
            graph = copy(self.base.graphs[scope_id])
            self.add_graph(graph)
        return graph

    def add_graph(self, graph: Graph) -> None:
        self._graphs = _with(self._graphs, graph.scope, graph)

    def find_approval(self, step_id: str) -> Approval | None:
        return self._approvals.get(step_id) or self.base.approvals.get(step_id)

    def edit_approval(self, step_id: str) -> Approval:
        approval = self._approvals.get(step_id)
        if approval is None:
            approval = copy(self.base.approvals[step_id])
            self.add_approval(step_id, approval)
        return approval

    def add_approval(self, key: str, approval: Approval) -> None:
        self._approvals = _with(self._approvals, key, approval)

    def approvals(self) -> Iterator[Approval]:
        """The present one of each step that asks or has asked."""
        for key in {**self.base.approvals, **self._approvals}:
            found = self.find_approval(key)
            if found is not None and found.step == key:
                yield found

    def has_approvals(self) -> bool:
        return bool(self._approvals or self.base.approvals)

    def touched_approvals(self) -> Iterator[Approval]:
        """The approvals that this draft changed."""
        return iter(self._approvals.values())

    def write_stream(self, name: str, value: Json, closed: bool) -> None:
        if not isinstance(self._written, list):
            self._written = []
        self._written.append((name, value, closed))

    def stream_closed(self, name: str) -> bool:
        stream = self.base.streams.get(name)
        return (stream is not None and stream.closed) or any(n == name and c for n, _, c in self._written)

    def opened(self, step_id: str) -> None:
        """The step counts as open from now on."""
        if isinstance(self._removed, set):
            self._removed.discard(step_id)
        if step_id not in self.base.open_steps:
            self._added[step_id] = None

    def closed(self, step_id: str) -> None:
        """The step has ended."""
        self._added.pop(step_id, None)
        if step_id in self.base.open_steps:
            if not isinstance(self._removed, set):
                self._removed = set()
            self._removed.add(step_id)

    def open_steps(self) -> Iterator[Step]:
        """The steps that have not ended, in the order they began."""
        for step_id in [*self.base.open_steps, *self._added]:
            if step_id not in self._removed:
                yield self.step(step_id)

    def any_open(self) -> bool:
        return bool(self._added) or len(self._removed) < len(self.base.open_steps)

    def all_steps(self) -> Iterator[Step]:
        """Those that ended too."""
        for step_id in {**self.base.steps, **self._steps}:
            yield self.step(step_id)

    def all_scopes(self) -> Iterator[Scope]:
        for scope_id in {**self.base.scopes, **self._scopes}:
            yield self.scope(scope_id)

    @property
    def touched(self) -> Iterable[Step]:
        """The steps that this draft changed."""
        return self._steps.values()

    def merge(self) -> State:
        """Take the changes over into the base, which is returned."""
        base = self.base
        base.run = self.run
        base.steps.update(self._steps)
        if self._scopes:
            base.scopes.update(self._scopes)
        if self._signals:
            base.signals = _together(base.signals, self._signals)
        if self._nodes:
            base.nodes = _together(base.nodes, self._nodes)
        if self._approvals:
            base.approvals = _together(base.approvals, self._approvals)
        if self._graphs:
            base.graphs = _together(base.graphs, self._graphs)
        for name, value, closed in self._written:
            if name not in base.streams:
                base.streams = _together(base.streams, {name: Stream(name)})
            stream = base.streams[name]
            stream.closed = closed
            if not closed:
                stream.values.append(value)
        for step_id in self._removed:
            base.open_steps.pop(step_id, None)
        base.open_steps.update(self._added)
        return base


def _together(base: dict[str, Kept], added: Mapping[str, Kept]) -> dict[str, Kept]:
    """What the base has, and what came. (Most bases have nothing: see `nothing`.)"""
    if not base:
        return dict(added)
    base.update(added)
    return base


def _with(records: Mapping[str, Record], key: str, record: Record) -> Mapping[str, Record]:
    """The draft's own records with this one."""
    if not isinstance(records, dict):
        records = {}
    records[key] = record
    return records
