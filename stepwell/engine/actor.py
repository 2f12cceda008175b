"""One run in memory: its state, the turns on their way to the store, and the order in which commands are decided.

The state in memory runs ahead of the store by the turns that are being committed; nothing is told to anybody and no
effect is carried out before its turn is durable. If a turn cannot be committed, the state is thrown away and read
back, and the commands are decided again: the primary key of the journal is the lock (DESIGN §2).
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import NamedTuple, Protocol

from stepwell.definition.expression import Deferred, ExpressionError
from stepwell.definition.model import Definition
from stepwell.engine.environment import Memo
from stepwell.engine.rows import row_of
from stepwell.kernel.decide import Decision, decide
from stepwell.kernel.ruling import Condition, Environment
from stepwell.model.base import Duration, Instant, Json
from stepwell.model.commands import Command
from stepwell.model.effects import Effect
from stepwell.model.errors import InvalidInput, SeqConflict, StepwellError, StoreUnavailable
from stepwell.model.journal import DefinitionRow, KeyClaim, Turn
from stepwell.model.records import State
from stepwell.ports import Clock, Store

log = logging.getLogger("stepwell.engine")

Reply = Callable[[BaseException | None], None]
"""Called once: None when the command is durable (or changed nothing), else why it was refused."""


class Host(Protocol):
    """What an actor needs of the engine around it."""

    clock: Clock
    store: Store

    def roll(self) -> float: ...

    def environment(self, actor: Actor, chance: float, memo: Memo | None) -> Environment: ...

    async def compute(self, deferred: Deferred, now: Instant) -> Json: ...

    def committed(self, actor: Actor, pending: Pending) -> None:
        """The turn is durable: carry out its effects, tell whoever listens."""
        ...

    def carry_out(self, actor: Actor, effects: Sequence[Effect]) -> None: ...

    def at_rest(self, actor: Actor) -> None:
        """What was read back is decided; if others ended the run, it need not be kept in memory."""
        ...

    def broken(self, actor: Actor, error: BaseException) -> None:
        """The run cannot be carried on; it is put aside, as it is."""
        ...

    async def reload(self, run_id: str) -> State: ...


class Mail(NamedTuple):
    """A command on its way, and what goes into the commit with it. `insist`: a sick store makes it wait, not fail."""

    command: Command
    reply: Reply | None = None
    claim: KeyClaim | None = None
    definition: DefinitionRow | None = None
    insist: bool = False


class Pending(NamedTuple):
    """A turn on its way to the store. `before`: the run's variables before it."""

    turn: Turn
    mail: Mail
    effects: list[Effect]
    conditions: Sequence[Condition]
    before: Mapping[str, Json]


RETRY_AFTER: Duration = 1_000_000
"""How long to wait before trying again what a sick store could not take."""


class Actor:
    """See the module. `foreign`: another engine owns the run; it is told of every turn."""

    def __init__(self, host: Host, definition: Definition, state: State, *, foreign: bool = False) -> None:
        self.host = host
        self.definition = definition
        self.state = state
        self.foreign = foreign
        self.failure: BaseException | None = None
        self._mail: deque[Mail] = deque()
        self._pending: deque[Pending] = deque()
        self._failed: list[tuple[Pending, BaseException]] = []
        self._busy = False
        self._indexed: str | None = state.run.status if state.run.seq else None
        self._task: asyncio.Task[None] | None = None

    @property
    def id(self) -> str:
        return self.state.run.id

    @property
    def idle(self) -> bool:
        """Nothing is being decided or committed."""
        return not (self._busy or self._pending or self._mail or self._failed)

    def tell(self, mail: Mail) -> None:
        """Decide the command now, or as soon as those before it are decided."""
        if self.failure is not None:
            _answer(mail, self.failure)
        elif self._busy:
            self._mail.append(mail)
        else:
            self._decide(mail)

    async def ask(
        self, command: Command, claim: KeyClaim | None = None, definition: DefinitionRow | None = None
    ) -> None:
        """Tell, and return when the command is durable. Raises what it is refused with."""
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        def reply(error: BaseException | None) -> None:
            if not answer.done():
                answer.set_result(None) if error is None else answer.set_exception(error)

        self.tell(Mail(command, reply, claim, definition))
        await answer

    def _decide(self, mail: Mail) -> None:
        self._attempt(mail, self.host.clock.now(), self.host.roll(), None)

    def _attempt(self, mail: Mail, now: Instant, chance: float, memo: Memo | None) -> None:
        """Decide with what is known; if a value is missing, have it computed and decide again, all else being equal."""
        try:
            environment = self.host.environment(self, chance, memo)
            decision = decide(self.definition, self.state, mail.command, now, environment)
        except Deferred as deferred:
            self._pause(self._compute(mail, now, chance, memo or Memo(), deferred))
        except StepwellError as refused:
            _answer(mail, refused)
        except Exception as error:  # noqa: BLE001 - a fault in a rule must stop this run only
            self._break(error, mail)
        else:
            self._commit(mail, decision, now)

    def _commit(self, mail: Mail, decision: Decision, now: Instant) -> None:
        if not decision.events:
            self._nothing_new(mail, decision.effects)
            return
        run = decision.draft.run
        turn = Turn(self.id, run.seq, now, decision.events)
        moved = run.status != self._indexed
        effects = list(decision.effects)
        pending = Pending(turn, mail, effects, decision.conditions, self.state.run.variables)
        try:
            tip = self.host.store.append(
                turn,
                self.state.tip,
                lambda error: self._landed(pending, error),
                row=row_of(run) if moved else None,
                claim=mail.claim,
                definition=mail.definition,
                foreign=self.foreign,
            )
        except InvalidInput as refused:  # a value that cannot be stored
            _answer(mail, refused)
            return
        self.state = decision.draft.merge()
        self.state.tip = tip
        self._indexed = run.status
        self._pending.append(pending)

    def _nothing_new(self, mail: Mail, effects: Sequence[Effect]) -> None:
        """No event: what is to be done is done now, or once the turns before it are durable."""
        if effects and self._pending:
            self._pending[-1].effects.extend(effects)
        elif effects:
            self.host.carry_out(self, effects)
        _answer(mail, None)

    def _landed(self, pending: Pending, error: BaseException | None) -> None:
        """The store has answered for the oldest turn on its way."""
        self._pending.popleft()
        if error is None:
            self.host.committed(self, pending)
            _answer(pending.mail, None)
            return
        self._failed.append((pending, error))
        self._busy = True
        if not self._pending:
            failed, self._failed = self._failed, []
            self._pause(self._recover(failed))

    def _pause(self, work: Coroutine[None, None, None]) -> None:
        """Decide nothing more until this is done."""
        self._busy = True
        self._task = asyncio.ensure_future(work)

    def _resume(self) -> None:
        self._busy = False
        while self._mail and not self._busy and self.failure is None:
            self._decide(self._mail.popleft())
        while self._mail and self.failure is not None:
            _answer(self._mail.popleft(), self.failure)
        if self.idle:
            self.host.at_rest(self)

    async def _compute(self, mail: Mail, now: Instant, chance: float, memo: Memo, deferred: Deferred) -> None:
        """Have an expression evaluated elsewhere, then decide again."""
        try:
            memo.results.append(await self.host.compute(deferred, now))
        except ExpressionError as error:
            memo.results.append(error)
        memo.rewind()
        self._busy = False
        self._attempt(mail, now, chance, memo)
        if not self._busy:
            self._resume()

    async def _recover(self, failed: list[tuple[Pending, BaseException]]) -> None:
        """Some turns did not land: read the run back and decide their commands again, in order."""
        oldest, first = failed[0]
        if oldest.turn.seq == 1:  # the run was never created
            self.failure = first
            for pending, error in failed:
                _answer(pending.mail, error)
            self.host.broken(self, first)
            self._resume()
            return
        if isinstance(first, SeqConflict):
            log.info("run %s: turn %s was taken by another engine; deciding again", self.id, first.seq)
        else:
            log.warning("run %s: %s; trying again", self.id, first)
            await self.host.clock.wait_until(self.host.clock.now() + RETRY_AFTER)
        self.state = await self._read_back()
        self._indexed = self.state.run.status
        retried = [pending.mail for pending, error in failed if not _give_up(pending.mail, error)]
        self._mail.extendleft(reversed(retried))
        self._resume()

    async def _read_back(self) -> State:
        while True:
            try:
                return await self.host.reload(self.id)
            except StoreUnavailable:
                await self.host.clock.wait_until(self.host.clock.now() + RETRY_AFTER)
            except StepwellError as error:
                self._break(error, None)
                return self.state

    async def refresh(self) -> None:
        """Take in what others appended. Returns when the state is that of the store."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        async def read() -> None:
            self.state = await self._read_back()
            self._indexed = self.state.run.status
            done.set_result(None)
            self._resume()

        while self._busy or self._pending:
            await self.settled()
        self._pause(read())
        await done

    async def settled(self) -> None:
        """Return once the turns on their way have landed or failed."""
        await self.host.store.flush()
        if self._task is not None and not self._task.done():
            await asyncio.wait([self._task])

    def close(self) -> None:
        """Decide nothing more; the run goes on when the store is opened again."""
        self.failure = StoreUnavailable("the engine is closed")
        if self._task is not None:
            self._task.cancel()

    def _break(self, error: BaseException, mail: Mail | None) -> None:
        self.failure = error
        log.error("run %s is put aside, other runs go on: %s", self.id, error, exc_info=error)
        if mail is not None:
            _answer(mail, error)
        self.host.broken(self, error)


def _give_up(mail: Mail, error: BaseException) -> bool:
    """Whoever asked is told that the store is sick; what the engine itself found out is not forgotten."""
    if isinstance(error, StoreUnavailable) and mail.reply is not None and not mail.insist:
        _answer(mail, error)
        return True
    return False


def _answer(mail: Mail, error: BaseException | None) -> None:
    if mail.reply is not None:
        mail.reply(error)
