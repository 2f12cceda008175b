"""The nested form of a procedure: a tree of titles and steps, each step after the one before it (SPEC N1).

    title: Hotfire
    steps:
      - title: Preparation
        steps:
          - step: {fill: {call: form, with: {fields: [...]}}}
      - step: {release: {call: approval}}

`from_nested` makes a document of it, in which the groups are sections; `to_nested` goes back, as long as every step
comes after just the one before. What the two forms do not say differently (`use`, `timeout`, …) is taken over as it is.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from stepwell.definition.graph.display import edges_of, section_of
from stepwell.definition.model import Definition, Section
from stepwell.model.base import Json
from stepwell.model.errors import InvalidInput, NotLinear

DEEPEST: Final = 50
"""groups within groups"""

_HEAD: Final = ("dsl", "namespace", "name", "version", "tags")
_SAID: Final = ("labels", "properties", "attachments", "fields", "autoClose")
"""Members of a procedure that both forms have."""
_GROUP: Final = frozenset({"id", "title", "description", "steps"})
_REST: Final = ("input", "use", "timeout", "output", "schedule", "evaluate")
_MEMBERS: Final = frozenset({"document", "title", "summary", "description", "steps", *_SAID, *_REST})
_DERIVED: Final = frozenset({"after", "section"})


def is_nested(document: Json) -> bool:
    """Whether this is written in the nested form."""
    return isinstance(document, Mapping) and "steps" in document and "do" not in document


# --- from nested ----------------------------------------------------------------------------------


def from_nested(nested: Json) -> dict[str, Json]:
    """The document that a nested form stands for. Raises `InvalidInput` with the place of what cannot be understood;
    what is in the steps is not looked at: `parse` does."""
    if not isinstance(nested, Mapping):
        raise InvalidInput("a nested procedure is an object with `title` and `steps`")
    _known(nested, _MEMBERS, "")
    head = _object(nested, "document", "")
    title = nested.get("title", "")
    body = _Reading()
    sections = body.items(nested.get("steps"), "/steps", None, 0)
    procedure = {name: nested[name] for name in (*_SAID, "description") if name in nested}
    if sections:
        procedure["sections"] = sections
    metadata = {**_object(head, "metadata", "/document"), "procedure": procedure}
    said = {name: nested[name] for name in ("title", "summary") if name in nested}
    defaults = {
        "dsl": "1.0.3",
        "namespace": "default",
        "name": slug(title, "-") or "procedure",
        "version": "1.0.0",
    }
    return {
        "document": {**defaults, **head, **said, "metadata": metadata},
        **{name: nested[name] for name in _REST if name in nested},
        "do": body.tasks,
    }


class _Reading:
    """Collects the tasks, each after the one before, and gives the sections that they are in."""

    def __init__(self) -> None:
        self.tasks: list[Json] = []
        self._last: str | None = None
        self._sections: set[str] = set()

    def items(self, given: Json, pointer: str, section: str | None, depth: int) -> list[Json]:
        """The sections among these items; their steps go to `tasks`."""
        if depth > DEEPEST:
            raise InvalidInput(f"{pointer}: groups are nested more than {DEEPEST} levels deep")
        if not isinstance(given, list):
            raise InvalidInput(f"{pointer}: a list of steps and groups is wanted")
        found = []
        for number, item in enumerate(given):
            place = f"{pointer}/{number}"
            if not isinstance(item, Mapping) or ("step" in item) == ("steps" in item):
                raise InvalidInput(f"{place}: an item has either `step`, or `title` and `steps`")
            if "step" in item:
                self._step(item, place, section)
            else:
                found.append(self._group(item, place, depth))
        return found

    def _group(self, item: Mapping[str, Json], place: str, depth: int) -> Json:
        _known(item, _GROUP, place)
        id = self._id(item, place)
        self._sections.add(id)
        made: dict[str, Json] = {"id": id}
        made |= {name: item[name] for name in ("title", "description") if name in item}
        inside = self.items(item["steps"], f"{place}/steps", id, depth + 1)
        return {**made, "sections": inside} if inside else made

    def _id(self, item: Mapping[str, Json], place: str) -> str:
        """As given, or made of the title."""
        given, title = item.get("id"), item.get("title")
        if isinstance(given, str) and given in self._sections:
            raise InvalidInput(f"{place}/id: another group has the id {given!r}")
        if given is not None and not isinstance(given, str):
            raise InvalidInput(f"{place}/id: an id is text")
        if isinstance(given, str):
            return given
        base = slug(title if isinstance(title, str) else "", "_") or "section"
        number, id = 2, base
        while id in self._sections:
            number, id = number + 1, f"{base}_{number}"
        return id

    def _step(self, item: Mapping[str, Json], place: str, section: str | None) -> None:
        _known(item, frozenset({"step"}), place)
        step = item["step"]
        if not isinstance(step, Mapping) or len(step) != 1:
            raise InvalidInput(f"{place}/step: one task with its name is wanted: `step: {{name: {{…}}}}`")
        ((name, task),) = step.items()
        if not isinstance(task, Mapping):
            raise InvalidInput(f"{place}/step/{name}: a task is an object")
        metadata = _object(task, "metadata", f"{place}/step/{name}")
        for word in sorted(_DERIVED & metadata.keys()):
            raise InvalidInput(
                f"{place}/step/{name}/metadata/{word}: in the nested form the order says it",
                hint="remove it, or write the procedure as a graph",
            )
        derived: dict[str, Json] = {} if self._last is None else {"after": [self._last]}
        said = {**derived, **({} if section is None else {"section": section}), **metadata}
        self.tasks.append({name: {**task, "metadata": said} if said else dict(task)})
        self._last = name


def _known(given: Mapping[str, Json], known: frozenset[str], place: str) -> None:
    for name in given:
        if name not in known:
            raise InvalidInput(
                f"{place}/{name}: not known here", hint=f"known are {', '.join(sorted(known))}"
            )


def _object(given: Mapping[str, Json], name: str, place: str) -> Mapping[str, Json]:
    found = given.get(name)
    if found is not None and not isinstance(found, Mapping):
        raise InvalidInput(f"{place}/{name}: an object is wanted")
    return found or {}


def slug(text: Json, dash: str) -> str:
    """A text as a name: lower case letters and digits, with this between the words."""
    plain = re.sub(r"[^a-z0-9]+", dash, text.lower()).strip(dash) if isinstance(text, str) else ""
    named = plain if dash == "-" or not plain[:1].isdigit() else f"_{plain}"
    return named[:60].strip("-")


# --- to nested ------------------------------------------------------------------------------------


def to_nested(definition: Definition) -> dict[str, Json]:
    """The nested form of a procedure. Raises `NotLinear` with the first step that does not come after just the one
    before it, or whose section was left already."""
    procedure = definition.procedure
    if procedure is None:
        raise NotLinear(f"{definition.reference} is no procedure: only those have a nested form", None)
    document = definition.document
    head = document["document"]
    said = head["metadata"]["procedure"]
    nested: dict[str, Json] = {"document": _head(head)}
    nested |= {name: head[name] for name in ("title", "summary") if name in head}
    nested |= {name: said[name] for name in ("description", *_SAID) if name in said}
    nested |= {name: document[name] for name in _REST if name in document}
    nested["steps"] = _Writing(definition, _line(definition)).group(procedure.sections, None)
    return nested


def _head(head: Mapping[str, Json]) -> dict[str, Json]:
    kept = {name: head[name] for name in _HEAD if name in head}
    metadata = {name: value for name, value in head["metadata"].items() if name != "procedure"}
    return {**kept, "metadata": metadata} if metadata else kept


def _line(definition: Definition) -> list[str]:
    """The steps, one after the other."""
    if definition.do.after is None and definition.do.tasks:
        leaping = next(
            task for task in definition.do.tasks if task.then != "continue" or task.kind == "switch"
        )
        raise NotLinear(f"step {leaping.name} says itself where to go on", leaping.name, hint=_HINT)
    edges = edges_of(definition.do)
    stray = edges.strays()
    if stray is not None:
        place = edges.order.index(stray)
        wanted = f"only {edges.order[place - 1]}" if place else "nothing"
        given = ", ".join(edges.parents[stray]) or "nothing"
        raise NotLinear(f"step {stray} comes after {given}, not after {wanted}", stray, hint=_HINT)
    return edges.order


_HINT: Final = "only procedures whose steps are done one after the other have a nested form"


class _Writing:
    """Puts the steps into their groups, in order; `left` are those that are still to come."""

    def __init__(self, definition: Definition, line: Sequence[str]) -> None:
        self._definition = definition
        self._left = list(reversed(line))
        self._closed: set[str] = set()
        self._coming: Counter[str] = Counter()
        """by section, the steps in it that are still to come"""
        self._around: dict[str, tuple[str, ...]] = {}
        procedure = definition.procedure
        assert procedure is not None
        self._learn(procedure.sections, ())
        for name in line:
            self._coming.update(self._path(name))

    def _learn(self, sections: Sequence[Section], around: tuple[str, ...]) -> None:
        for section in sections:
            self._around[section.id] = (*around, section.id)
            self._learn(section.sections, self._around[section.id])

    def group(self, sections: Sequence[Section], here: str | None) -> list[Json]:
        """What stands in this section (None: around all), and after it the sections in it that have no steps."""
        items: list[Json] = []
        path = self._around[here] if here is not None else ()
        while self._left:
            name = self._left[-1]
            target = self._path(name)
            if target == path:
                items.append({"step": {name: self._task(name)}})
                self._left.pop()
                self._coming.subtract(target)
            elif target[: len(path)] == path:
                inner = next(each for each in sections if each.id == target[len(path)])
                if inner.id in self._closed:
                    raise NotLinear(
                        f"step {name} is in section {inner.id}, which other steps come after already",
                        name,
                        hint=_HINT,
                    )
                items.append(self._section(inner))
            else:
                break
        empty = (each for each in sections if each.id not in self._closed and not self._coming[each.id])
        items += [self._section(each) for each in empty]
        return items

    def _path(self, name: str) -> tuple[str, ...]:
        """The sections around a step, from the outside in."""
        section = section_of(self._definition, name)
        return self._around[section] if section is not None else ()

    def _section(self, section: Section) -> Json:
        group: dict[str, Json] = {"id": section.id}
        group |= {
            name: text
            for name, text in (("title", section.title), ("description", section.description))
            if text
        }
        group["steps"] = self.group(section.sections, section.id)
        self._closed.add(section.id)
        return group

    def _task(self, name: str) -> Json:
        task = self._definition.do.tasks[self._definition.do.index[name]].document
        metadata = {
            word: value for word, value in (task.get("metadata") or {}).items() if word not in _DERIVED
        }
        rest = {word: value for word, value in task.items() if word != "metadata"}
        return {**rest, "metadata": metadata} if metadata else rest
