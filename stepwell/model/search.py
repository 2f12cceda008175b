"""Searches over runs and over definitions: a tree of questions, an order, and a place in it.

    Every((Ask("label", "engine"), Negation(Ask("state", ("failed",)))))

`Ask.value` is of the kind that the field has: see `FIELDS` of `client.search.fields` for what people write, and the
comments here for what a store gets.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Generic, NamedTuple, TypeVar

from stepwell.model.base import Instant, Json
from stepwell.model.records import Run

Row = TypeVar("Row")

RUN_SORTS: Final = ("created", "name", "started", "finished", "updated")
DEFINITION_SORTS: Final = ("name", "title", "created")
DEEPEST: Final = 20
MOST: Final = 50
"""questions in one search"""


class Ask(NamedTuple):
    """One question.

    text, name, namespace, version, label, author, queue, error: a text
    property, tag: `Pair`
    attribute: a filter of `model.attributes`
    state: a tuple of statuses
    created, started, ended, updated: `Between`
    definition: `Reference`
    archived: a boolean
    """

    field: str
    value: Any


class Negation(NamedTuple):
    part: Query


class Every(NamedTuple):
    parts: tuple[Query, ...]


class Some(NamedTuple):
    parts: tuple[Query, ...]


Query = Ask | Negation | Every | Some


class Pair(NamedTuple):
    """`value` None: whatever the value is."""

    key: str
    value: str | None = None


class Between(NamedTuple):
    """`after` is the first instant that counts, `before` the first that does not. What has not happened is not
    between."""

    after: Instant | None = None
    before: Instant | None = None


class Reference(NamedTuple):
    """Definitions of this namespace, name and version, where they are given."""

    namespace: str | None = None
    name: str | None = None
    version: str | None = None


class DefinitionCard(NamedTuple):
    """What a search shows of a stored definition."""

    hash: str
    namespace: str
    name: str
    version: str
    created_at: Instant
    title: str | None = None
    summary: str | None = None
    tags: Mapping[str, Json] = {}
    labels: Sequence[str] = ()
    properties: Mapping[str, Json] = {}
    author: str | None = None
    archived: bool = False


class Sort(NamedTuple):
    """Equal ones by id, in the same direction. What has no value for `key` comes last."""

    key: str
    descending: bool = False


class Place(NamedTuple):
    """The last row of a page: its value in the order, and its id."""

    value: Any
    id: str


class Found(NamedTuple, Generic[Row]):
    """A page, and the place from which the next one goes on; None: it was the last."""

    rows: Sequence[Row]
    next: Place | None


def asks(query: Query, field: str) -> bool:
    """Whether the search has a question about this field."""
    if isinstance(query, Ask):
        return query.field == field
    parts = (query.part,) if isinstance(query, Negation) else query.parts
    return any(asks(part, field) for part in parts)


# --- text -----------------------------------------------------------------------------------------

_APART: Final = "\x1f"


def folded(text: str) -> str:
    """The text without regard to case."""
    return text.casefold()


def text_of(run: Run) -> str | None:
    """What a search for text looks through; None where that is the name of the workflow alone, in ASCII."""
    parts = [part for part in (run.title, run.description, *run.labels) if part]
    if not parts and run.name.isascii():
        return None
    return folded(_APART.join([run.name, *parts]))
