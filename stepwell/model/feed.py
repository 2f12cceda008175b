"""The feed: every committed event of every run, in the order in which they were committed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from stepwell.model.base import Instant
from stepwell.model.events import NAMES, Event
from stepwell.model.journal import Turn


@dataclass(frozen=True, slots=True)
class Committed:
    """An event on record. `position` is that of its turn in the feed, `index` its own in the turn."""

    position: int
    run_id: str
    seq: int
    index: int
    at: Instant
    event: Event

    @property
    def id(self) -> str:
        """Names this fact and no other, however often it is delivered."""
        return f"{self.run_id}/{self.seq}/{self.index}"

    @property
    def name(self) -> str:
        return NAMES[type(self.event)]


class FeedTurn(NamedTuple):
    """A turn and its position in the feed."""

    position: int
    turn: Turn


class FeedPage(NamedTuple):
    """A stretch of the feed, which ends with `last`. `damaged`: runs of which a turn in it cannot be read."""

    turns: Sequence[FeedTurn]
    last: int
    damaged: Sequence[str] = ()


class Cursor(NamedTuple):
    """How far a subscription has come: all events up to `position` were handled. `failures` in a row since then."""

    name: str
    position: int
    created_at: Instant
    updated_at: Instant
    failures: int = 0
    error: str | None = None
    """what the handler last raised: its type only, a message may hold what must not be kept"""
