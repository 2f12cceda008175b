"""Finds lines and columns of the few places that are asked for, in one more pass over the events."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from stepwell.definition.reading.events import Broken, Event, Events, Kind, Place, line_column
from stepwell.definition.reading.issue import Issue, escape


@dataclass(slots=True)
class _Node:
    """A place that is asked for, or on the way to one."""

    children: dict[str, _Node] = field(default_factory=dict)
    key: Place = None
    value: Place = None


@dataclass(slots=True)
class _Level:
    """A map or list that is open; `node` None: nothing in it is asked for."""

    node: _Node | None
    is_map: bool
    index: int = 0
    name: str | None = None


def locate(events: Events, issues: Iterable[Issue]) -> dict[Issue, tuple[int, int]]:
    """Line and column of each issue's pointer: its own, or that of the nearest that encloses it."""
    asked = list(issues)
    root = _Node()
    for issue in asked:
        node = root
        for segment in issue.pointer.split("/")[1:]:
            node = node.children.setdefault(segment, _Node())
    if asked:
        _walk(events, root)
    return {issue: _place(root, issue) for issue in asked}


def _place(root: _Node, issue: Issue) -> tuple[int, int]:
    node, best = root, root.value
    for segment in issue.pointer.split("/")[1:]:
        node = node.children[segment]
        best = node.value or best
    if issue.key and node.key is not None:
        best = node.key
    return line_column(best) if best is not None else (1, 1)


def _walk(events: Events, root: _Node) -> None:
    stack: list[_Level] = []
    try:
        for event in events:
            if event.kind is Kind.END:
                stack.pop()
                continue
            level = stack[-1] if stack else None
            if level is not None and level.is_map and level.name is None and event.kind is Kind.SCALAR:
                level.name = escape(event.text)
                child = level.node.children.get(level.name) if level.node else None
                if child is not None:
                    child.key = event.place
                continue
            node = root if level is None else _child(level)
            if node is not None:
                node.value = event.place
            if event.kind in (Kind.MAP, Kind.LIST):
                stack.append(_Level(_inside(node, event), event.kind is Kind.MAP))
    except Broken:
        pass  # what was found up to here is enough


def _child(level: _Level) -> _Node | None:
    if level.is_map:
        name, level.name = level.name or "", None
    else:
        name = str(level.index)
        level.index += 1
    return level.node.children.get(name) if level.node else None


def _inside(node: _Node | None, event: Event) -> _Node | None:
    return node if node is not None and node.children else None
