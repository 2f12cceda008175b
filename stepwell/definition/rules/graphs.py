"""Lists of tasks as graphs: what may not come after what, and what expressions may name of the steps around them.

A list is a graph where a task of it has `metadata.after`; the list of a procedure is one in any case (a line), unless
it says itself where to go on. Only what is certain is complained of.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from stepwell.definition.graph.edges import Edges
from stepwell.definition.graph.places import Listing, Place, Tasks, attended, said
from stepwell.definition.graph.references import THIS, fields_in, steps_in
from stepwell.definition.rules.nouns import Examiner, Scope, nearest
from stepwell.model.base import Json
from stepwell.model.people import STAMPED

ENDINGS: Final = ("exit", "end")
_ELSEWHERE: Final = "/use/"
"""What stands there is used from elsewhere: which steps are around it is not known."""
STAMPS: Final = frozenset({"status", *(f"{what}_{which}" for what in STAMPED for which in ("at", "by"))})
"""What can be read of every step."""


def listing_of(checker: Examiner, tasks: Tasks, pointer: str) -> Listing:
    """The list, complained about as a graph."""
    apart = pointer.endswith("/fork/branches")
    graph = any(said(body, "after") is not None for body, _ in tasks.values())
    if apart and graph:
        _branches(checker, tasks)
    if apart or not (graph or (pointer == "/do" and checker.procedure is not None and not _leaps(tasks))):
        _reserved(checker, {name: found for name, found in tasks.items() if attended(found[0])})
        return Listing(tasks, None, apart=apart)
    edges = Edges(_parents(checker, tasks) if graph else _line(tasks))
    _circles(checker, tasks, edges)
    _reserved(checker, tasks)
    _never(checker, tasks, edges)
    return Listing(tasks, edges, apart=False)


def _leaps(tasks: Tasks) -> bool:
    """As `building.people.in_order` sees it."""
    bodies = [body for body, _ in tasks.values() if isinstance(body, Mapping)]
    return any("switch" in body or body.get("then", "continue") != "continue" for body in bodies)


def _line(tasks: Tasks) -> dict[str, list[str]]:
    return {name: [before] if before else [] for name, before in zip(tasks, ["", *tasks], strict=False)}


def _branches(checker: Examiner, tasks: Tasks) -> None:
    for body, place in tasks.values():
        if said(body, "after") is not None:
            message = "branches of a fork begin together: none comes after another"
            hint = "put the tasks into a `do`, and `after` there"
            checker.complain("option", message, f"{place}/metadata/after", hint, key=True)


def _parents(checker: Examiner, tasks: Tasks) -> dict[str, list[str]]:
    """What each task comes after; names that are no tasks are told where the value is looked at."""
    found: dict[str, list[str]] = {}
    for name, (body, place) in tasks.items():
        after = said(body, "after")
        given = after if isinstance(after, list) else []
        found[name] = [each for each in given if isinstance(each, str) and each in tasks and each != name]
        for number, each in enumerate(given):
            if each == name:
                where = f"{place}/metadata/after/{number}"
                checker.complain("self-edge", f"`{name[:60]}` cannot come after itself", where, "remove it")
    return found


def _circles(checker: Examiner, tasks: Tasks, edges: Edges) -> None:
    for circle in edges.circles():
        message = "tasks wait for each other in a circle: " + " → ".join(circle)
        checker.complain("graph-cycle", message, f"{tasks[circle[0]][1]}/metadata/after", "break the circle")


def _reserved(checker: Examiner, tasks: Tasks) -> None:
    if THIS in tasks:
        message = f"`{THIS}` stands for the step itself where steps are referred to"
        checker.complain("reserved-name", message, tasks[THIS][1], "give the task another name", key=True)


def _never(checker: Examiner, tasks: Tasks, edges: Edges) -> None:
    """Steps after one that never lets anything begin: nobody may skip it, and its end is another."""
    for name, (body, place) in tasks.items():
        if not isinstance(body, Mapping) or said(body, "required") is not True or "if" in body:
            continue
        then = body.get("then")
        why = f"goes to `{then}`" if then in ENDINGS else "raises an error" if "raise" in body else ""
        if why and edges.children[name] and said(body, "optional") is not True:
            lost = ", ".join(f"`{child[:60]}`" for child in edges.children[name][:5])
            message = f"{lost} can never begin: `{name[:60]}` has to be through, and {why}"
            hint = "give it an `if`, or remove what comes after it"
            checker.complain("never-begins", message, place, hint, key=True)


# --- what expressions name -----------------------------------------------------------------------


def refer(checker: Examiner, source: str, pointer: str, scope: Scope) -> None:
    """An expression with `$steps` or `$fields` stands here."""
    for name in dict.fromkeys(fields_in(source)):
        _global_field(checker, name, pointer)
    if scope.place is None or pointer.startswith(_ELSEWHERE):
        return
    for name, member in dict.fromkeys(steps_in(source)):
        _step(checker, scope.place, name, member, pointer)


def resource(checker: Examiner, reference: str, pointer: str, scope: Scope) -> None:
    """A field refers to another one: `step.field`, or a global field."""
    name, _, member = reference.rpartition(".")
    if name and scope.place is not None and not pointer.startswith(_ELSEWHERE):
        _step(checker, scope.place, name, member, pointer)
    elif not name:
        _global_field(checker, member, pointer)


def _global_field(checker: Examiner, name: str, pointer: str) -> None:
    if name not in checker.global_fields:
        hint = nearest(name, checker.global_fields) or "add it to `document.metadata.procedure.fields`"
        checker.complain("unknown-field", f"there is no global field `{name[:60]}`", pointer, hint)


def _step(checker: Examiner, place: Place, name: str, member: str | None, pointer: str) -> None:
    """A step is referred to, from this place."""
    if name == THIS:
        _this(checker, place, member, pointer)
        return
    owner = place.owner(name)
    if owner is None:
        known = [each for one in place.around() for each in one.listing.names(one.task)]
        hint = nearest(name, known) or "it must be a step before this one, in this list or in one around it"
        checker.complain("unknown-step", f"there is no step `{name[:60]}` to refer to here", pointer, hint)
        return
    if member != "status" and not owner.listing.sees(name, owner.task):
        message = f"`{name[:60]}` need not be through when `{owner.task[:60]}` begins"
        hint = f"let `{owner.task[:60]}` come after it: add it to `metadata.after`"
        checker.complain("not-before", message, pointer, hint)
    _member(checker, owner.listing, name, member, pointer)


def _this(checker: Examiner, place: Place, member: str | None, pointer: str) -> None:
    """The step itself, or the nearest one around it that can be referred to."""
    for one in place.around():
        if one.listing.knows(one.task, one.task):
            _member(checker, one.listing, one.task, member, pointer)
            return
    hint = "only steps of a graph, forms, approvals and conditions can be referred to"
    checker.complain("unknown-step", f"`$steps.{THIS}` stands for nothing here", pointer, hint)


def _member(checker: Examiner, listing: Listing, name: str, member: str | None, pointer: str) -> None:
    known = listing.members(name)
    if member is None or known is None or member in known or member in STAMPS:
        return
    hint = nearest(member, known | STAMPS) or f"it has: {', '.join(sorted(known)) or 'no fields'}"
    checker.complain("unknown-field", f"step `{name[:60]}` has no field `{member[:60]}`", pointer, hint)


# --- what a procedure has ------------------------------------------------------------------------


def ids_in(listed: Json) -> Iterator[str]:
    """The ids of a list of objects."""
    for each in listed if isinstance(listed, list) else []:
        named = each.get("id") if isinstance(each, Mapping) else None
        if isinstance(named, str):
            yield named


def section_ids(listed: Json, pointer: str = "") -> Iterator[tuple[str, str]]:
    """(id, pointer) of every section, in document order."""
    todo = [(listed, pointer)]
    while todo:
        sections, above = todo.pop()
        if not isinstance(sections, list):
            continue
        for number, each in enumerate(sections):
            if isinstance(each, Mapping):
                if isinstance(each.get("id"), str):
                    yield each["id"], f"{above}/{number}/id"
                todo.append((each.get("sections"), f"{above}/{number}/sections"))


def sections(checker: Examiner, listed: Json, pointer: str) -> None:
    """No two have the same id."""
    seen: set[str] = set()
    for name, where in section_ids(listed, pointer):
        if name in seen:
            message = f"another section has the id `{name[:60]}`"
            checker.complain("duplicate-section", message, where, "give it an id of its own")
        seen.add(name)


def in_section(checker: Examiner, name: str, pointer: str) -> None:
    """The section that a task is shown in, where the document is a procedure."""
    if checker.procedure is None or name in checker.sections:
        return
    hint = nearest(name, checker.sections) or "add it to `document.metadata.procedure.sections`"
    checker.complain("unknown-section", f"there is no section `{name[:60]}`", pointer, hint)
