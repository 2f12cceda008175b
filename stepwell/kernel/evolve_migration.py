"""What it means that a run goes on with another version of its definition."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from stepwell.kernel.draft import Draft
from stepwell.kernel.evolve_people import plan
from stepwell.model import events as e
from stepwell.model.base import Instant, Json


def _migrated(draft: Draft, event: e.RunMigrated, at: Instant) -> None:
    run = draft.run
    run.created_with = run.created_with or run.definition_hash
    _pin(draft, run.commit)
    run.definition_hash, run.version, run.commit = event.definition_hash, event.version, event.commit
    if event.paths:
        _place(draft, event.paths)
    for planned in event.plans:
        _replan(draft, event, planned, at)


def _pin(draft: Draft, commit: str | None) -> None:
    """What has begun was done with the version that the run had until now. (All are touched: their titles may be other
    ones now, and so the lines of what waits for people.)"""
    for node in list(draft.nodes()):
        step, changed = draft.step(node.id), draft.edit_node(node.id)
        if step.started_at is not None or step.status.terminal:
            changed.commit = node.commit or commit


def _place(draft: Draft, paths: Mapping[str, str]) -> None:
    """Tasks and lists stand elsewhere in the new document; the steps keep their ids."""
    for step in draft.all_steps():
        if step.path in paths:
            draft.edit_step(step.id).path = paths[step.path]
    for scope in draft.all_scopes():
        if scope.pointer in paths:
            draft.edit_scope(scope.id).pointer = paths[scope.pointer]


def _replan(draft: Draft, event: e.RunMigrated, planned: Mapping[str, Json], at: Instant) -> None:
    """A graph with other steps: those that have begun stay as they are."""
    scope = planned["scope"]
    for members in planned["nodes"]:
        if draft.find_node(members["step"]) is None:
            plan(draft, event, scope, members, at)
        else:
            _change(draft, members)
    graph = draft.edit_graph(scope)
    graph.steps = dict(planned["steps"])
    children: dict[str, list[str]] = {}
    for step_id in graph.steps.values():
        for parent in draft.node(step_id).after:
            children.setdefault(parent, []).append(step_id)
    graph.children = {parent: tuple(steps) for parent, steps in children.items()}
    graph.left = sum(not draft.node(step_id).passed for step_id in graph.steps.values())


def _change(draft: Draft, members: Mapping[str, Json]) -> None:
    """A step that waits, as the new version has it. What people chose and said stays."""
    step, node = draft.edit_step(members["step"]), draft.edit_node(members["step"])
    step.path, step.kind = members["path"], members["kind"]
    step.priority, step.optional = members.get("priority", 0), members.get("optional", False)
    after = tuple(members.get("after", ()))
    if after != node.after:
        node.after, node.offered_at = after, None
    node.auto_start, node.required = members.get("auto_start", True), members.get("required", False)
    if "assigned" not in node.stamps:
        node.assign = members.get("assign")
    if "updated" not in node.stamps:
        node.auto_proceed = members.get("auto_proceed", False)
    node.version += 1


CHANGES: Final[dict[type[Any], Callable[[Draft, Any, Instant], None]]] = {e.RunMigrated: _migrated}
