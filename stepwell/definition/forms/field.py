"""What all kinds of fields share. A kind is a subclass: one noun with its own rules, in a module of its family."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from stepwell.definition.kinds import kind_of
from stepwell.model.base import Json

Resolve = Callable[[str], Json]
"""The value of a reference such as `step.field`. Raises whatever the caller wants to see where it is not set."""

LONGEST_TEXT: Final = 100_000
MOST_ITEMS: Final = 1_000
NEEDED: Final = "a value is needed"

_SHOWN: Final = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field of a form. `unit` is only shown, `default` is what stands in it at first."""

    kind: ClassVar[str] = ""
    id: str
    label: str = ""
    description: str = ""
    required: bool = False
    default: Json = None
    unit: str = ""

    def faults(self, value: Json) -> Iterator[str]:
        """What is wrong with a value that is there (never None). Any JSON is answered, in bounded time."""
        raise NotImplementedError

    def lacks(self, value: Json) -> str:
        """What a form that is to be submitted still lacks here; empty where nothing is. `value` has no faults."""
        return NEEDED if self.required and value is None else ""

    @property
    def obligatory(self) -> bool:
        """Whether a complete form has a value here."""
        return self.required

    def output(self, value: Json, resolve: Resolve | None) -> Json:
        """What later steps read: typed, made from a value without faults."""
        return value

    def schema(self) -> dict[str, Json]:
        """The values that a complete form may have here, as a JSON Schema."""
        raise NotImplementedError

    def contradictions(self) -> Iterator[tuple[str, str]]:
        """(member, message) of what makes no sense in the definition of the field itself."""
        yield from ()


def wrong_kind(wanted: str, value: Json) -> str:
    return f"must be {wanted}, not {kind_of(value)}"


def shown(text: str) -> str:
    """A text as messages quote it: short, one line, ASCII."""
    return ascii(text if len(text) <= _SHOWN else text[:_SHOWN] + "...")


def storable(text: str) -> bool:
    """Whether it is text at all: half of a surrogate pair is not."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def text_faults(value: Json, longest: int = LONGEST_TEXT) -> Iterator[str]:
    """Why something is not text of a bearable size."""
    if not isinstance(value, str):
        yield wrong_kind("text", value)
    elif len(value) > longest:
        yield f"must have at most {longest:,} characters, it has {len(value):,}"
    elif not storable(value):
        yield "must be text: it holds half a character (a lone surrogate)"


def count_faults(count: int, most: int | None, what: str) -> Iterator[str]:
    limit = MOST_ITEMS if most is None else most
    if count > limit:
        yield f"must have at most {limit:,} {what}, it has {count:,}"


def crossed(low: str, least: Json, high: str, most: Json) -> Iterator[tuple[str, str]]:
    """A lower bound above an upper one."""
    if least is not None and most is not None and least > most:
        yield high, f"`{high}` is below `{low}`: nothing fits between them"


def without_nothing(members: Mapping[str, Json]) -> dict[str, Json]:
    return {name: value for name, value in members.items() if value is not None}
