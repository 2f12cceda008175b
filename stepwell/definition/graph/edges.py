"""What comes after what in one list of tasks: circles, the order of display, who is before whom."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from heapq import heappop, heappush
from itertools import pairwise
from typing import Final

MOST_CIRCLES: Final = 20
"""circles of one list that are told"""
MOST_LOOKS: Final = 2_000_000
"""tasks that are looked at for one list, to find out who is before whom"""


class Edges:
    """`parents`: by task, in document order, the tasks that it comes after. All of them are tasks of the list."""

    def __init__(self, parents: Mapping[str, Sequence[str]]) -> None:
        self.parents = {name: tuple(dict.fromkeys(given)) for name, given in parents.items()}
        self.children: dict[str, list[str]] = {name: [] for name in parents}
        for name, given in self.parents.items():
            for parent in given:
                self.children[parent].append(name)
        self.order = self._sorted()
        """The tasks, each after all that it comes after; else in document order. Those in circles are left out."""
        self._places = {name: place for place, name in enumerate(self.order)}
        self._looks = MOST_LOOKS

    def _sorted(self) -> list[str]:
        places = {name: place for place, name in enumerate(self.parents)}
        names = list(self.parents)
        waiting = {name: len(given) for name, given in self.parents.items()}
        ready = [places[name] for name, count in waiting.items() if count == 0]
        found = []
        while ready:
            name = names[heappop(ready)]
            found.append(name)
            for child in self.children[name]:
                waiting[child] -= 1
                if waiting[child] == 0:
                    heappush(ready, places[child])
        return found

    @property
    def circular(self) -> bool:
        return len(self.order) < len(self.parents)

    def circles(self) -> Iterator[list[str]]:
        """Ways that come back to where they began, its first task (by document order) at both ends. Each circle has an
        edge that no other one has; after some of them no more are looked for."""
        left = {name: set(given) for name, given in self.parents.items() if name not in self._places}
        places = {name: place for place, name in enumerate(self.parents)}
        for _ in range(MOST_CIRCLES if self.circular else 0):
            try:
                TopologicalSorter(left).prepare()
            except CycleError as error:
                circle: list[str] = error.args[1]
                for parent, child in pairwise(circle):
                    left[child].discard(parent)
                turn = circle.index(min(circle, key=places.__getitem__))
                yield [*circle[turn:-1], *circle[:turn], circle[turn]]
            else:
                return

    def before(self, one: str, other: str) -> bool:
        """Whether `one` has always let go when `other` begins. Of lists with circles, and of those with more ways than
        can be looked at, it is said of all."""
        if self.circular or one == other:
            return one != other
        edge, seen, least = [other], {other}, self._places[one]
        while edge:
            for parent in self.parents[edge.pop()]:
                if parent == one:
                    return True
                self._looks -= 1
                if self._looks < 0:
                    return True
                if parent not in seen and self._places[parent] > least:
                    seen.add(parent)
                    edge.append(parent)
        return False

    def strays(self) -> str | None:
        """The first task, in order, that does not simply come after the one before it."""
        for before, name in zip([None, *self.order], self.order, strict=False):
            if self.parents[name] != (() if before is None else (before,)):
                return name
        return None
