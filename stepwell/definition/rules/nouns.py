"""What the tables are written with: the shape that a value must have.

A shape in quotes stands for the one of that name in the tables, which are thus free to refer to each other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from itertools import islice
from typing import Final, NamedTuple, Protocol

from stepwell.definition.graph.places import Place
from stepwell.definition.kinds import kind_of as kind_of  # noqa: PLC0414 - rules know it from here
from stepwell.model.base import Json

_MOST_COMPARED: Final = 200
_LONGEST_COMPARED: Final = 100


class Scope(NamedTuple):
    """What can be named at a place: variables beside the standard ones, and the tasks that `then` can go
    to.
    """

    variables: frozenset[str] | None = frozenset()
    """None: any, because the place is used from elsewhere"""
    siblings: frozenset[str] = frozenset()
    place: Place | None = None
    """in which task of which list; None: around the tasks"""

    def knowing(self, *names: str) -> Scope:
        """With these variables too."""
        return self if self.variables is None else self._replace(variables=self.variables.union(names))


class Use(Enum):
    """What a text is."""

    LITERAL = "literal"
    EXPRESSION = "expression"
    """jq, bare or within `${}`"""
    TEMPLATE = "template"
    """text that may hold `${}`"""
    ONLY_EXPRESSION = "only expression"
    """one `${}`, nothing else"""


Hook = Callable[["Examiner", Json, str, Scope], None]
"""A rule that the tables cannot say. Gets the value, its pointer and its scope."""
Rescope = Callable[[Mapping[str, Json], str, Scope], Scope]
"""The scope of a member: of (record, name of the member, scope of the record)."""


class Examiner(Protocol):
    """What a rule can do: the checker, as rules see it. `calls` are (pointer of a task, function that it calls)."""

    calls: list[tuple[str, str]]

    @property
    def procedure(self) -> Mapping[str, Json] | None:
        """`document.metadata.procedure`; None where the document is no procedure."""

    @property
    def global_fields(self) -> frozenset[str]:
        """The ids of the procedure's global fields."""

    @property
    def sections(self) -> frozenset[str]:
        """The ids of the procedure's sections."""

    def push(self, shape: Shape, value: Json, pointer: str, scope: Scope) -> None:
        """Check this value too."""

    def record(self, shape: Record, value: Json, pointer: str, scope: Scope) -> None:
        """Check this object now."""

    def complain(
        self,
        code: str,
        message: str,
        pointer: str,
        hint: str = "",
        *,
        key: bool = False,
        lacking: bool = False,
    ) -> None:
        """Report an issue; `key` where it is about the name at the pointer, not about the value. `lacking`: nothing is
        wrong but that something is missing yet."""

    def not_yet(self, feature: str, pointer: str, hint: str = "", *, key: bool = True) -> None:
        """Report a feature that cannot run yet."""

    def reference(self, what: str, section: str, name: str, pointer: str) -> bool:
        """Whether `use.<section>` has this name; complains if it has not."""

    def used(self, section: str) -> Json:
        """What stands under `use.<section>`, empty where there is nothing of use."""


@dataclass(frozen=True, slots=True)
class Text:
    use: Use = Use.LITERAL
    among: tuple[str, ...] = ()
    pattern: re.Pattern[str] | None = None
    like: str = ""
    """says in words what the pattern asks for"""
    hook: Hook | None = None


@dataclass(frozen=True, slots=True)
class Whole:
    """An integer."""

    least: int | None = None
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Flag:
    """true or false"""


@dataclass(frozen=True, slots=True)
class Anything:
    """Any value; where `template`, strings in it may hold `${}`. `hook` looks at it."""

    template: bool = False
    hook: Hook | None = None


@dataclass(frozen=True, slots=True)
class Many:
    """A list."""

    of: Shape
    least: int = 0


@dataclass(frozen=True, slots=True)
class Record:
    """An object. `others` is the shape of members that are not named here; None closes it.

    `one_of` names members of which exactly one must be there.
    """

    members: Mapping[str, Shape] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    others: Shape | None = None
    one_of: tuple[str, ...] = ()
    least: int = 0
    hook: Hook | None = None
    rescope: Rescope | None = None


@dataclass(frozen=True, slots=True)
class Either:
    """The kind of value decides. A kind that is None is not allowed."""

    text: Shape | None = None
    record: Shape | None = None
    many: Shape | None = None
    whole: Shape | None = None
    flag: Shape | None = None
    number: Shape | None = None


@dataclass(frozen=True, slots=True)
class NotYet:
    """In the standard, but it cannot run yet. `feature` names it."""

    feature: str
    shape: Shape


@dataclass(frozen=True, slots=True)
class Special:
    """Left to a function, which pushes what is inside."""

    hook: Hook


Shape = Text | Whole | Flag | Anything | Many | Record | Either | NotYet | Special | str


def nearest(name: str, known: Iterable[str]) -> str:
    """`did you mean …?`, or nothing."""
    from difflib import get_close_matches

    lowered = {candidate.lower(): candidate for candidate in islice(known, _MOST_COMPARED)}
    found = get_close_matches(name.lower()[:_LONGEST_COMPARED], list(lowered), 1, 0.6)
    return f"did you mean `{lowered[found[0]]}`?" if found else ""
