"""Documents that tests of versions change here and there."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

Document = dict[str, Any]


def document(*tasks: Document, name: str = "hotfire", version: str = "1.0.0", **members: Any) -> Document:
    """A document with these tasks."""
    head = {"dsl": "1.0.3", "namespace": "stand", "name": name, "version": version}
    return {"document": head, "do": list(tasks) or [{"first": {"set": {"a": 1}}}], **members}


def task(name: str, value: Any = 1, **members: Any) -> Document:
    return {name: {"set": {"value": value}, **members}}


def loop(name: str, *tasks: Document) -> Document:
    return {name: {"for": {"each": "x", "in": "$workflow.input.xs"}, "do": list(tasks)}}


def changed(original: Document, *path: Any, to: Any) -> Document:
    """A copy with another value at the path."""
    copy = deepcopy(original)
    at: Any = copy
    for name in path[:-1]:
        at = at[name]
    at[path[-1]] = to
    return copy
