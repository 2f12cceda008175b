"""In which order the steps and sections of a definition are shown: after all that they come after, else as written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from stepwell.definition.graph.edges import Edges
from stepwell.definition.model import Definition, Section, TaskList
from stepwell.model.base import Json


class Shown(NamedTuple):
    """A step (its name), or a section (its id)."""

    name: str
    section: bool = False

    def as_json(self) -> dict[str, Json]:
        return {"section": self.name} if self.section else {"step": self.name}


class Display(NamedTuple):
    """`top`: what is in no section; `inside`: what is in each, in the order to show it. A section stands where the
    first of its steps does; sections without steps come last."""

    top: Sequence[Shown]
    inside: Mapping[str, Sequence[Shown]]

    def as_json(self) -> dict[str, Json]:
        return {
            "top": [shown.as_json() for shown in self.top],
            "sections": {
                section: [shown.as_json() for shown in found] for section, found in self.inside.items()
            },
        }

    def steps(self) -> Iterator[str]:
        """Every step, as it is read from top to bottom."""
        todo = list(reversed(self.top))
        while todo:
            shown = todo.pop()
            if shown.section:
                todo += reversed(self.inside[shown.name])
            else:
                yield shown.name


def display(definition: Definition) -> Display:
    """How the outermost list of a definition is shown."""
    order = edges_of(definition.do).order
    sections = definition.procedure.sections if definition.procedure is not None else ()
    above = {section.id: parent for section, parent in walk(sections)}
    inside: dict[str | None, dict[Shown, None]] = {None: {}, **{section: {} for section in above}}
    for name in order:
        _put(inside, above, Shown(name), section_of(definition, name))
    for section, around in above.items():
        _put(inside, above, Shown(section, True), around)
    return Display(
        tuple(inside[None]),
        {section: tuple(found) for section, found in inside.items() if section is not None},
    )


def _put(
    inside: dict[str | None, dict[Shown, None]],
    above: Mapping[str, str | None],
    shown: Shown,
    section: str | None,
) -> None:
    """Into its section, and that into the one around it, where they are not there yet."""
    while shown not in inside[section]:
        inside[section][shown] = None
        if section is None:
            return
        shown, section = Shown(section, True), above[section]


def walk(sections: Sequence[Section], parent: str | None = None) -> Iterator[tuple[Section, str | None]]:
    """(section, id of the one around it), in document order."""
    for section in sections:
        yield section, parent
        yield from walk(section.sections, section.id)


def section_of(definition: Definition, task: str) -> str | None:
    """The section that a task of the outermost list is shown in."""
    if definition.procedure is None:
        return None
    found = definition.do.tasks[definition.do.index[task]].options.section
    return found or None


def edges_of(tasks: TaskList) -> Edges:
    """The edges of a list; one that is no graph is taken for a line."""
    names = [task.name for task in tasks.tasks]
    if tasks.after is not None:
        return Edges(tasks.after)
    return Edges(
        {name: [before] if before else [] for name, before in zip(names, ["", *names], strict=False)}
    )
