"""Which steps an expression can name: those of the list that it stands in, and of the lists around that."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from stepwell.definition.forms.verdict import VERDICT_FIELDS
from stepwell.definition.graph.edges import Edges
from stepwell.model.base import Json

Tasks = Mapping[str, tuple[Json, str]]
"""(body, pointer) by name, in document order."""

ATTENDED: Final = frozenset({"form", "approval", "condition"})
"""What `call` names where people do a step, or it only waits."""


class Listing:
    """A list of tasks as those in it see it. `edges` None: one after the other. `apart`: each for itself (branches)."""

    def __init__(self, tasks: Tasks, edges: Edges | None, *, apart: bool) -> None:
        self._tasks, self.edges, self._apart = tasks, edges, apart

    def knows(self, name: str, task: str) -> bool:
        """Whether there is a step of this name for those within `task`."""
        if name not in self._tasks:
            return False
        return self.edges is not None or (
            attended(self._tasks[name][0]) and (name == task or not self._apart)
        )

    def names(self, task: str) -> Iterator[str]:
        """Those that are before `task`."""
        return (name for name in self._tasks if self.knows(name, task) and self.sees(name, task))

    def sees(self, name: str, task: str) -> bool:
        """Whether `name` has let go when `task` begins, as far as that is certain; a task sees itself."""
        return self.edges is None or name == task or self.edges.before(name, task)

    def members(self, name: str) -> frozenset[str] | None:
        """What can be read of its output; None: anything, for all that is known."""
        return _members(self._tasks[name][0])


class Place(NamedTuple):
    """Where an expression stands: in which task of which list, and of which list around that."""

    task: str
    listing: Listing
    outer: Place | None = None

    def owner(self, name: str) -> Place | None:
        """The place in whose list a step is found by this name."""
        place: Place | None = self
        while place is not None and not place.listing.knows(name, place.task):
            place = place.outer
        return place

    def around(self) -> Iterator[Place]:
        place: Place | None = self
        while place is not None:
            yield place
            place = place.outer


def said(body: Json, name: str) -> Json:
    """An option under `metadata` of a task."""
    given = body.get("metadata") if isinstance(body, Mapping) else None
    return given.get(name) if isinstance(given, Mapping) else None


def attended(body: Json) -> bool:
    return isinstance(body, Mapping) and body.get("call") in tuple(ATTENDED)


def _members(body: Json) -> frozenset[str] | None:
    """The outputs of a form or condition; of others, and where they are shaped, nothing is known."""
    if not isinstance(body, Mapping) or body.get("call") not in ("form", "condition") or "output" in body:
        return None
    given = body.get("with")
    if given is not None and not isinstance(given, Mapping):
        return None
    found: set[str] = set(VERDICT_FIELDS if given and given.get("verdict") is True else ())
    for member, key in (("fields", "id"), ("captures", "field")):
        listed = (given or {}).get(member) or []
        for each in listed if isinstance(listed, list) else []:
            named = each.get(key) if isinstance(each, Mapping) else None
            if not isinstance(named, str):
                return None
            found.add(named)
    return frozenset(found)
