"""A document as a flat list of parts with names: its tasks, sections and fields, and what is said around them.

Two versions are compared, and merged, part by part. A part knows its list (`home`), its name there, and itself without
the parts inside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, NamedTuple

from stepwell.model.base import Json


class Kind(StrEnum):
    """The kinds of part. `document`: a member of the document that is none of the others."""

    TASK = "task"
    SECTION = "section"
    FIELD = "field"
    DOCUMENT = "document"


Path = tuple[str, ...]


class Part(NamedTuple):
    """`home`: the path of the list that it is in; `name`: its name there, `position` its place. `owner`: the part that
    the list belongs to, if one does."""

    kind: Kind
    home: Path
    name: str
    position: int
    body: Json
    owner: Path | None = None

    @property
    def path(self) -> Path:
        return (*self.home, self.name)


LISTS: Final[tuple[Path, ...]] = (
    ("do",), ("fork", "branches"), ("try",), ("catch", "do"), ("foreach", "do"),
)  # fmt: skip
"""Where a task has lists of tasks in it."""

PROCEDURE: Final[Path] = ("document", "metadata", "procedure")
_MEMBERS: Final = ("document", "input", "use", "do", "timeout", "output", "schedule", "evaluate")
SECTIONS: Final = "sections"
FIELDS: Final = "fields"


def outline(document: Json) -> dict[Path, Part]:
    """The parts of a document by path, in document order; those of a broken one as far as they can be told."""
    return {part.path: part for part in _parts(document)}


def _parts(document: Json) -> Iterator[Part]:
    if not isinstance(document, Mapping):
        yield Part(Kind.DOCUMENT, (), "", 0, document)
        return
    yield from _said(document)
    procedure = inside(document, PROCEDURE)
    if isinstance(procedure, Mapping):
        yield Part(Kind.DOCUMENT, PROCEDURE[:-1], PROCEDURE[-1], 0, {})
        yield from _sections(procedure.get(SECTIONS), ("sections",), None)
        yield from _fields(procedure.get(FIELDS), ("fields",), None)
    yield from _tasks(document.get("do"), ("do",), None)
    functions = inside(document, ("use", "functions"))
    if isinstance(functions, Mapping):
        for position, (name, task) in enumerate(functions.items()):
            yield from _task(("use", "functions"), name, position, task)


def _said(document: Mapping[str, Json]) -> Iterator[Part]:
    """Every member around the tasks; those of `document` and of `metadata` one by one."""
    rest = without(document, [("do",), ("use", "functions"), (*PROCEDURE, SECTIONS), (*PROCEDURE, FIELDS)])
    yield from _members(rest, (), frozenset({("document",), ("document", "metadata"), PROCEDURE, ("use",)}))


def _members(value: Mapping[str, Json], home: Path, opened: frozenset[Path]) -> Iterator[Part]:
    for position, (name, member) in enumerate(value.items()):
        if (*home, name) in opened and isinstance(member, Mapping):
            yield from _members(member, (*home, name), opened)
        else:
            yield Part(Kind.DOCUMENT, home, name, position, member)


def _sections(value: Json, home: Path, owner: Path | None) -> Iterator[Part]:
    for position, name, section in keyed(value):
        yield Part(Kind.SECTION, home, name, position, without(section, [(SECTIONS,)]), owner)
        yield from _sections(section.get(SECTIONS), (*home, name), (*home, name))


def _fields(value: Json, home: Path, owner: Path | None) -> Iterator[Part]:
    for position, name, field in keyed(value):
        yield Part(Kind.FIELD, home, name, position, field, owner)


def _tasks(value: Json, home: Path, owner: Path | None) -> Iterator[Part]:
    for position, name, task in listed(value):
        yield from _task(home, name, position, task, owner)


def _task(home: Path, name: str, position: int, task: Json, owner: Path | None = None) -> Iterator[Part]:
    if not isinstance(task, Mapping):
        yield Part(Kind.TASK, home, name, position, task, owner)
        return
    inner = [path for path in LISTS if isinstance(found := inside(task, path), list) and found]
    form = form_fields(task)
    body = without(task, [*inner, *([("with", FIELDS)] if form else [])])
    yield Part(Kind.TASK, home, name, position, body, owner)
    path = (*home, name)
    for list_path in inner:
        yield from _tasks(inside(task, list_path), (*path, *list_path), path)
    if form:
        yield from _fields(form, (*path, FIELDS), path)


def form_fields(task: Mapping[str, Json]) -> Json:
    """The fields of a task that is a form; None for others."""
    return inside(task, ("with", FIELDS)) if task.get("call") == "form" else None


def listed(value: Json) -> Iterator[tuple[int, str, Json]]:
    """(position, name, task) of a task list."""
    for position, item in enumerate(value if isinstance(value, list) else ()):
        if isinstance(item, Mapping) and len(item) == 1:
            name, task = next(iter(item.items()))
            yield position, name, task
        else:
            yield position, f"#{position}", item


def keyed(value: Json) -> Iterator[tuple[int, str, Mapping[str, Json]]]:
    """(position, id, item) of a list of objects that have an id."""
    for position, item in enumerate(value if isinstance(value, list) else ()):
        if isinstance(item, Mapping) and isinstance(item.get("id"), str):
            yield position, item["id"], item


def inside(value: Json, path: Sequence[str]) -> Json:
    """What stands at the path; None where there is nothing."""
    for name in path:
        if not isinstance(value, Mapping):
            return None
        value = value.get(name)
    return value


def without(value: Mapping[str, Json], paths: Sequence[Path]) -> dict[str, Json]:
    """A copy without what stands at the paths."""
    copy: dict[str, Any] = dict(value)
    for name in {path[0] for path in paths if path[0] in value}:
        here = [path[1:] for path in paths if path[0] == name]
        if () in here:
            del copy[name]
        elif isinstance(value[name], Mapping):
            copy[name] = without(value[name], here)
    return copy


def assembled(parts: Sequence[Part]) -> dict[str, Json]:
    """The document of these parts, in their order. The inverse of `outline`."""
    document: dict[str, Any] = {}
    made: dict[Path, dict[str, Any]] = {}
    for part in parts:
        if part.kind is Kind.DOCUMENT:
            if part.path == PROCEDURE:
                _at(document, PROCEDURE)
            else:
                _at(document, part.home)[part.name] = part.body
            continue
        body = _copy(part.body) if isinstance(part.body, Mapping) else part.body
        if isinstance(body, dict):
            made[part.path] = body
        if part.home == ("use", "functions"):
            _at(document, part.home)[part.name] = body
        else:
            _list_of(document, made, part).append({part.name: body} if part.kind is Kind.TASK else body)
    return {name: document[name] for name in (*_MEMBERS, *document) if name in document}


def _list_of(document: dict[str, Any], made: Mapping[Path, dict[str, Any]], part: Part) -> list[Any]:
    """The list that the part goes into."""
    if part.owner is not None:
        owner, path = made[part.owner], part.home[len(part.owner) :]
        if part.kind is Kind.FIELD:
            path = ("with", FIELDS)
        elif part.kind is Kind.SECTION:
            path = (SECTIONS,)
    elif part.kind is Kind.TASK:
        owner, path = document, part.home
    else:
        owner, path = _at(document, PROCEDURE), part.home
    found: list[Any] = _at(owner, path[:-1]).setdefault(path[-1], [])
    return found


def _at(value: dict[str, Any], path: Sequence[str]) -> dict[str, Any]:
    """The object at the path; objects on the way are made."""
    for name in path:
        value = value.setdefault(name, {})
    return value


def _copy(value: Mapping[str, Json]) -> dict[str, Any]:
    return {name: _copy(member) if isinstance(member, Mapping) else member for name, member in value.items()}


def path_of(pointer: str) -> tuple[Path, str]:
    """The path of the innermost task at a JSON pointer, the positions left out (`/do/0/loop/do/1/charge`), and what is
    left of the pointer."""
    left = pointer.split("/")[1:]
    found: list[str] = []
    while left:
        known = next((path for path in LISTS if tuple(left[: len(path)]) == path), None)
        if not found and left[:2] == ["use", "functions"] and len(left) > 2:
            found, left = ["use", "functions", _unescaped(left[2])], left[3:]
        elif known is not None and len(left) > len(known) + 1:
            found += [*known, _unescaped(left[len(known) + 1])]
            left = left[len(known) + 2 :]
        else:
            break
    return tuple(found), "".join(f"/{segment}" for segment in left)


def _unescaped(segment: str) -> str:
    return segment.replace("~1", "/").replace("~0", "~")
