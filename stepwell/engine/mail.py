"""Commands on their way to a run, and turns on their way to the store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from stepwell.kernel.ruling import Condition, Decision
from stepwell.model.base import Instant, Json
from stepwell.model.commands import Command
from stepwell.model.effects import Effect
from stepwell.model.errors import StoreUnavailable
from stepwell.model.events import Event
from stepwell.model.journal import DefinitionRow, KeyClaim

Reply = Callable[[BaseException | None], None]
"""Called once: None when the command is durable (or changed nothing), else why it was refused."""


class Mail(NamedTuple):
    """A command on its way, and what goes into the commit with it. `insist`: a sick store makes it wait, not fail.
    `heard` gets the decision that stands."""

    command: Command
    reply: Reply | None = None
    claim: KeyClaim | None = None
    definition: DefinitionRow | None = None
    insist: bool = False
    heard: list[Decision] | None = None

    def answer(self, error: BaseException | None) -> None:
        if self.reply is not None:
            self.reply(error)

    def gives_up(self, error: BaseException) -> bool:
        """Whoever asked is told that the store is sick; what the engine itself found out is not forgotten."""
        if isinstance(error, StoreUnavailable) and self.reply is not None and not self.insist:
            self.answer(error)
            return True
        return False


def settle(answer: asyncio.Future[None], error: BaseException | None) -> None:
    """The reply to somebody who waits for this future."""
    if answer.done():  # or does so no more
        return
    if error is None:
        answer.set_result(None)
    else:
        answer.set_exception(error)


class Sender(Protocol):
    """Whose turns are on their way."""

    def landed(self, error: BaseException | None) -> None:
        """The store has answered for the oldest of them."""
        ...


class Pending(NamedTuple):
    """A turn on its way to the store, which calls it when it knows. `before`: the run's variables before it. (There is
    one for each run that is at work: of what it could hold, it holds what is needed.)"""

    sender: Sender
    seq: int
    at: Instant
    events: Sequence[Event]
    mail: Mail
    effects: list[Effect]
    conditions: Sequence[Condition]
    before: Mapping[str, Json]

    def __call__(self, error: BaseException | None) -> None:
        self.sender.landed(error)


Lost = tuple[Pending, BaseException]
"""A turn that did not land, and why."""
