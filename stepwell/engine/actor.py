"""One run in memory: its state, the turns on their way to the store, and the order in which commands are decided.

The state in memory runs ahead of the store by the turns that are being committed; nothing is told to anybody and no
effect is carried out before its turn is durable. If a turn cannot be committed, the state is thrown away and read
back, and the commands are decided again: the primary key of the journal is the lock (DESIGN §2).
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from functools import partial

from stepwell.definition.expression import Deferred, ExpressionError
from stepwell.definition.model import Definition
from stepwell.engine import inbox, instead, losing
from stepwell.engine.environment import Memo
from stepwell.engine.host import Host
from stepwell.engine.mail import Lost, Mail, OnItsWay, Pending, StraightPending, settle
from stepwell.engine.rows import indexed, moved_entry, row_of
from stepwell.kernel.code import Straight, at_once
from stepwell.kernel.decide import decide
from stepwell.kernel.ruling import Decision, Ruling
from stepwell.model.base import Instant, new
from stepwell.model.calls import Answer, Code, CodeMismatch, CodeRestart
from stepwell.model.commands import Command, FailRun, Proceed, StallRun, StartRun
from stepwell.model.effects import Effect
from stepwell.model.errors import InvalidInput, SeqConflict, StepwellError, StoreUnavailable
from stepwell.model.journal import DefinitionRow, KeyClaim, Turn
from stepwell.model.problem import runtime
from stepwell.model.records import State

log = logging.getLogger("stepwell.engine")


class Actor:
    """See the module. `foreign`: another engine owns the run; it is told of every turn."""

    def __init__(
        self, host: Host[Actor], definition: Definition, state: State, *, foreign: bool = False
    ) -> None:
        self.host, self._surroundings = host, host.surroundings
        self.definition = definition
        self.state = state
        self.foreign = foreign
        self.failure: BaseException | None = None
        self._mail: deque[Mail] | None = None  # what waits is rare, and there may be thousands of runs
        self._pending: list[OnItsWay] = []
        self._failed: Sequence[Lost] = ()
        self._stale: Sequence[asyncio.Future[None]] = ()
        self._computing: tuple[Mail, asyncio.Task[None]] | None = None
        self._rereading: asyncio.Task[None] | None = None
        self._indexed = indexed(state.run) if state.run.seq else None
        self._code: Code | None = None
        self._stalled = False

    @property
    def id(self) -> str:
        return self.state.run.id

    @property
    def busy(self) -> bool:
        """No command can be decided now."""
        return bool(self._computing or self._rereading or self._failed or self._stale)

    @property
    def idle(self) -> bool:
        """Nothing is being decided or committed."""
        return not (self._pending or self._mail or self.busy)

    # --- the workflow's own code ------------------------------------------------------------------

    def code(self) -> Code | None:
        """The workflow's code as far as it has got; None where the workflow is no code, or it cannot be run here.

        Raises `CodeMismatch`.
        """
        if self._code is None and self.definition.code is not None and not (self._stalled or self.foreign):
            self._code = self.host.open_code(self)
        return self._code

    @property
    def differs(self) -> str | None:
        """Where the code, if it is being executed here, was found to give other arguments than are recorded."""
        return None if self._code is None else self._code.differs

    def _drop_code(self) -> None:
        """It is ahead of the journal, or done with: it is executed anew when it is wanted."""
        if self._code is not None:
            self._code.close()
            self._code = None

    def _stall(self, wrong: CodeMismatch, mail: Mail) -> None:
        """Without its code the run takes in what comes, and waits. Another engine, or a later process, may have it."""
        log.error("run %s waits for the right code: %s", self.id, wrong)
        self._drop_code()
        self._stalled = True
        self._decide(mail)
        self._decide(Mail(StallRun(wrong.problem)))

    # --- commands ---------------------------------------------------------------------------------

    def tell(self, mail: Mail) -> None:
        """Decide the command now, or as soon as those before it are decided."""
        if self.failure is not None:
            mail.answer(self.failure)
        elif self._mail or self.busy:
            self._keep(mail)
        else:
            self._decide(mail)

    def _keep(self, *mails: Mail, first: bool = False) -> None:
        """To be decided later, before or after what waits already."""
        if self._mail is None:
            self._mail = deque()
        if first:
            self._mail.extendleft(reversed(mails))
        else:
            self._mail.extend(mails)

    def ask(
        self,
        command: Command,
        claim: KeyClaim | None = None,
        definition: DefinitionRow | None = None,
        heard: list[Decision] | None = None,
    ) -> asyncio.Future[None]:
        """Tell; done when the command is durable, or has what it was refused with. `heard` gets the decision that stood
        (the last one in it)."""
        answer: asyncio.Future[None] = self.host.loop.create_future()
        self.tell(Mail(command, partial(settle, answer), claim, definition, heard=heard))
        return answer

    def _go_on(self) -> None:
        """Something is through: read back if that is wanted, else decide what has queued up."""
        if self._computing is not None or self._rereading is not None:
            return
        if self._failed or self._stale:
            if not self._pending:
                self._rereading = asyncio.ensure_future(self._reread())
            return
        while self._mail and not self.busy and self.failure is None:
            self._decide(self._mail.popleft())
        while self._mail and self.failure is not None:
            self._mail.popleft().answer(self.failure)
        if self.idle:
            self.host.at_rest(self)

    # --- one turn ---------------------------------------------------------------------------------

    def _decide(self, mail: Mail) -> None:
        self._attempt(mail, self.host.clock.now(), None, None)

    def _attempt(self, mail: Mail, now: Instant, chance: float | None, memo: Memo | None) -> None:
        """Decide with what is known; if a value is missing, have it computed and decide again, all else being equal."""
        told = self._code.seen if self._code is not None else None
        try:
            decision: Decision
            said = self._at_once(mail.command, now)
            if isinstance(said, Straight):
                decision = said
            else:
                chance = self._surroundings.roll() if chance is None else chance
                decision = self._decision(mail, now, chance, memo, said)
            if mail.heard is not None:
                mail.heard.append(decision)
            self._commit(mail, decision, now)
            return
        except CodeRestart:
            self._drop_code()
            self._decide(mail)
            return
        except CodeMismatch as wrong:
            self._stall(wrong, mail)
            return
        except Deferred as deferred:
            work = self._compute(mail, now, chance or 0.0, memo or Memo(), deferred)
            self._computing = (mail, asyncio.ensure_future(work))
        except InvalidInput as refused:
            if self._code is not None and self._code.seen != told:
                self._blame_code(mail, now, refused)
                return
            self._refuse(mail, refused)
            return
        except StepwellError as refused:
            self._say(mail, refused)
        except Exception as error:  # noqa: BLE001 - a fault in a rule must stop this run only
            self._break(error, mail)
        if self._code is not None and self._code.seen != told:
            self._drop_code()

    def _refuse(self, mail: Mail, refused: InvalidInput) -> None:
        """A value cannot be stored: never in silence. If it is a step's outcome, that is its failure."""
        failed = instead.failure(mail.command, refused) if mail.insist else None
        if failed is not None:
            self.tell(Mail(failed, insist=True))
        elif mail.reply is not None:
            self._say(mail, refused)
        elif not isinstance(mail.command, FailRun):
            self._decide(Mail(FailRun(runtime(refused.message))))

    def _blame_code(self, mail: Mail, now: Instant, refused: InvalidInput) -> None:
        """The code was told of the command and answered with what cannot be stored. Without it the command stands, if
        that is not what is wrong; and the run ends."""
        self._drop_code()
        self._stalled = True
        try:
            decision = self._decision(mail, now, self._surroundings.roll(), None, None)
            self._commit(mail, decision, now)
            self._decide(Mail(FailRun(runtime(refused.message))))
            return
        except InvalidInput as own:
            refused = own
        finally:
            self._stalled = False
        self._refuse(mail, refused)

    async def _compute(self, mail: Mail, now: Instant, chance: float, memo: Memo, deferred: Deferred) -> None:
        """Have an expression evaluated elsewhere, then decide again."""
        try:
            memo.results.append(await self.host.compute(deferred, now))
        except ExpressionError as error:
            memo.results.append(error)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with the guard is wrong with this run only
            memo.results.append(ExpressionError(f"it could not be evaluated: {error}"))
        if self.host.closing:  # what the guard said then means nothing
            return
        memo.rewind()
        self._computing = None
        self._attempt(mail, now, chance, memo)
        self._go_on()

    def _at_once(self, command: Command, now: Instant) -> Straight | Answer | None:
        """As nearly every turn of a Python workflow is decided: there is nothing to look at but its code."""
        code = self.code() if type(command) is StartRun else self._code
        if code is None or not self._surroundings.plain:
            return None
        return at_once(self.definition, self.state, command, now, code)

    def _decision(
        self, mail: Mail, now: Instant, chance: float, memo: Memo | None, said: Answer | None
    ) -> Decision:
        code = self._code or self.code()
        env = self._surroundings.environment(chance, memo, hold=self.foreign, code=code)
        return decide(self.definition, self.state, mail.command, now, env, said)

    def _commit(self, mail: Mail, decision: Decision, now: Instant) -> None:
        """Raises `InvalidInput` where a value cannot be stored; nothing has changed then."""
        if isinstance(decision, Straight):
            self._commit_straight(mail, decision, now)
        elif isinstance(decision, Ruling) and decision.events:
            self._commit_ruling(mail, decision, now)
        else:
            self._nothing_new(mail, decision.effects)

    def _commit_ruling(self, mail: Mail, decision: Ruling, now: Instant) -> None:
        run, before = decision.draft.run, self.state.run
        events, effects, conditions = decision.events, decision.effects, decision.conditions
        pending = Pending(self, run.seq, now, events, mail, effects, conditions, before.variables)
        index, terminal = indexed(run), run.status.terminal
        moved = terminal or index != self._indexed
        tip = self.host.store.append(
            Turn(run.id, run.seq, now, events), self.state.tip, pending,
            row=row_of(run) if moved else None, claim=mail.claim, definition=mail.definition,
            entry=moved_entry(run, events) if run.queue is not None else None,
            follow_ups=run.follow_ups[len(before.follow_ups) :] if run.follow_ups else (),
            work=inbox.changes(decision.definition, decision.draft),
            foreign=self.foreign, unowned=self.definition.driven,
        )  # fmt: skip
        self._pending.append(pending)
        self.state, self.definition = decision.merge(), decision.definition
        self.state.tip, self._indexed = tip, index
        if terminal:
            self._drop_code()

    def _commit_straight(self, mail: Mail, decision: Straight, now: Instant) -> None:
        """Nothing that a queue or an inbox says has changed; what the index says, where the run starts or ends."""
        state, listed, ending = self.state, decision.listed, decision.ending
        run_id, seq = state.run.id, state.run.seq + 1
        pending = new(StraightPending, (self, seq, now, mail, decision.calls, ending, decision.created))
        turn = new(Turn, (run_id, seq, now, decision.events))
        row = None if listed is None else row_of(listed)
        state.tip = self.host.store.append(
            turn, state.tip, pending, row=row, claim=mail.claim, definition=mail.definition, foreign=self.foreign,
        )  # fmt: skip
        if listed is not None:
            self._indexed = indexed(listed)
        decision.merge()
        self._pending.append(pending)
        if ending is not None:
            self._drop_code()

    def _nothing_new(self, mail: Mail, effects: Sequence[Effect]) -> None:
        """No event: what is to be done is done now, or once the turns before it are durable."""
        if effects and not self._pending:
            self.host.carry_out(self, effects)
        self._say(mail, None, effects)

    def _say(self, mail: Mail, told: BaseException | None, effects: Sequence[Effect] = ()) -> None:
        """What rests on turns that are not durable yet is told, and done, when they are; else it is asked again."""
        if self._pending:
            self._pending[-1] = self._pending[-1].also(effects, mail, told)
        else:
            mail.answer(told)

    def landed(self, error: BaseException | None) -> None:
        """The store has answered for the oldest turn on its way."""
        pending = self._pending.pop(0)
        if error is None:
            self.host.committed(self, pending)
            pending.answer()
        else:
            self._failed = (*self._failed, (pending, error))
            self._drop_computation()
        if not self._pending and self.busy:
            self._go_on()

    def _drop_computation(self) -> None:
        """What is being computed belongs to a state that never came to be: its command is decided anew later."""
        if self._computing is not None:
            mail, task = self._computing
            task.cancel()
            self._computing = None
            self._keep(mail, first=True)

    # --- reading back -----------------------------------------------------------------------------

    async def refresh(self) -> None:
        """Take in what others appended. Returns when the state is that of the store."""
        done: asyncio.Future[None] = self.host.loop.create_future()
        self._stale = (*self._stale, done)
        self._go_on()
        await asyncio.shield(done)  # who is cancelled gives up, and no more: others settle it

    async def _reread(self) -> None:
        """Some turns did not land, or others have written: read the run back, and decide what is left to decide."""
        failed, self._failed = self._failed, ()
        if failed and not losing.worth_retrying(self.id, *failed[0]):
            self._give_up_run(failed)
        else:
            await self._take_up_again(failed)
        for waiting in self._stale:
            waiting.set_result(None)
        self._stale = ()
        self._rereading = None
        self._go_on()

    async def _take_up_again(self, failed: Sequence[Lost]) -> None:
        error = failed[0][1] if failed else None
        retried = [mail for lost, why in failed for mail in lost.mails if not mail.gives_up(why)]
        if error is not None and not isinstance(error, SeqConflict):
            await losing.pause(self.host.clock)
        self._drop_code()
        try:
            self.state, self.definition = await losing.read_back(self.host, self.id)
        except StepwellError as unreadable:
            self._break(unreadable, None)
        if isinstance(error, SeqConflict):
            await losing.name_the_winner(self.host.store, self.id, error.seq)
        self._indexed = indexed(self.state.run)
        self._keep(*retried, first=True)
        if failed and not self.state.run.status.terminal:  # what rode on the lost turns is asked for again
            self._keep(Mail(Proceed()))

    def _give_up_run(self, failed: Sequence[Lost]) -> None:
        oldest, first = failed[0]
        if oldest.seq == 1:
            self.failure = first
            self.host.forget(self)
        else:
            self._break(first, None)
        for pending, error in failed:
            for mail in pending.mails:
                mail.answer(error)

    # --- the end ----------------------------------------------------------------------------------

    def close(self) -> None:
        """Decide nothing more, and leave nobody waiting; the run goes on when the store is opened again."""
        self.failure = StoreUnavailable("the engine is closed")
        self._drop_code()
        for task in (self._computing[1] if self._computing else None, self._rereading):
            if task is not None:
                task.cancel()
        left = [self._computing[0]] if self._computing else []
        left += [mail for pending, _ in self._failed for mail in pending.mails]
        for mail in [*left, *(self._mail or ())]:
            mail.answer(self.failure)
        for waiting in self._stale:
            waiting.set_exception(self.failure)

    def _break(self, error: BaseException, mail: Mail | None) -> None:
        self.failure = error
        log.error("run %s is put aside, other runs go on: %s", self.id, error, exc_info=error)
        if mail is not None:
            mail.answer(error)
        self.host.broken(self, error)
