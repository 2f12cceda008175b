"""Commands on their way to a run, and turns on their way to the store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple, Protocol

from stepwell.kernel.code import RUN_STARTED, effects_of, events_of
from stepwell.kernel.ruling import Condition, Decision
from stepwell.model.base import Instant, Json
from stepwell.model.calls import Returned, StepCall
from stepwell.model.commands import Command, CompleteStep
from stepwell.model.effects import Effect
from stepwell.model.errors import StoreUnavailable
from stepwell.model.events import Event, RunCreated, StepCompleted
from stepwell.model.journal import DefinitionRow, KeyClaim
from stepwell.model.records import State

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

    @property
    def state(self) -> State: ...

    def landed(self, error: BaseException | None) -> None:
        """The store has answered for the oldest of them."""
        ...


class Pending(NamedTuple):
    """A turn on its way to the store, which calls it when it knows. `before`: the run's variables before it. `resting`:
    mail that was decided by the state after this turn without changing it, and what it is to be told: that is not true
    before the turn is durable."""

    sender: Sender
    seq: int
    at: Instant
    events: Sequence[Event]
    mail: Mail
    effects: Sequence[Effect]
    conditions: Sequence[Condition] = ()
    before: Mapping[str, Json] = {}
    resting: Sequence[tuple[Mail, BaseException | None]] = ()

    def __call__(self, error: BaseException | None) -> None:
        self.sender.landed(error)

    @property
    def mails(self) -> Sequence[Mail]:
        """Whose commands are decided anew if it does not land."""
        return [self.mail, *(mail for mail, _ in self.resting)]

    def answer(self) -> None:
        """It is durable: tell everybody."""
        self.mail.answer(None)
        for mail, told in self.resting:
            mail.answer(told)

    def also(self, effects: Sequence[Effect], mail: Mail, told: BaseException | None = None) -> Pending:
        """The same with more to be done, and one more to be told."""
        return self._replace(effects=[*self.effects, *effects], resting=[*self.resting, (mail, told)])


class StraightPending(NamedTuple):
    """The same of a turn that was decided straight. Hundreds of runs have one each at the same time, so what follows
    from the command and the calls is not kept, but made when it is wanted."""

    sender: Sender
    seq: int
    at: Instant
    mail: Mail
    calls: Sequence[StepCall]
    ending: Returned | None
    created: RunCreated | None

    def __call__(self, error: BaseException | None) -> None:
        self.sender.landed(error)

    @property
    def events(self) -> Sequence[Event]:
        command = self.mail.command
        if self.created is not None:
            return events_of([self.created, RUN_STARTED], self.calls, self.ending)
        assert isinstance(command, CompleteStep)
        completed = StepCompleted(command.step, command.output, command.source)
        return events_of([completed], self.calls, self.ending)

    @property
    def effects(self) -> Sequence[Effect]:
        return effects_of(self.sender.state.run, self.calls)

    @property
    def conditions(self) -> Sequence[Condition]:
        return ()

    @property
    def before(self) -> Mapping[str, Json]:
        return {}

    @property
    def mails(self) -> Sequence[Mail]:
        return [self.mail]

    def answer(self) -> None:
        if self.mail.reply is not None:
            self.mail.reply(None)

    def also(self, effects: Sequence[Effect], mail: Mail, told: BaseException | None = None) -> Pending:
        plain = Pending(self.sender, self.seq, self.at, self.events, self.mail, self.effects)
        return plain.also(effects, mail, told)


OnItsWay = Pending | StraightPending
Lost = tuple[OnItsWay, BaseException]
"""A turn that did not land, and why."""
