"""The engine: it holds the runs that it carries on, hands their work out, and tells whoever waits.

It knows rules and doors, and nothing of databases, HTTP or terminals.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Final

from stepwell.definition.expression import Deferred
from stepwell.definition.model import Definition
from stepwell.engine import fresh
from stepwell.engine.actor import Actor
from stepwell.engine.children import perform_child
from stepwell.engine.codebase import Codebase
from stepwell.engine.dispatch import Dispatch
from stepwell.engine.driven import Driven
from stepwell.engine.ended import Ended
from stepwell.engine.environment import Surroundings
from stepwell.engine.feed import Feed
from stepwell.engine.followups import FollowUps
from stepwell.engine.mail import Mail, OnItsWay
from stepwell.engine.observers import Observers
from stepwell.engine.probing import Probing
from stepwell.engine.queues import Queueing
from stepwell.engine.reading import Reading
from stepwell.engine.recovery import Recovery
from stepwell.engine.rows import row_of
from stepwell.engine.scheduler import Scheduler
from stepwell.engine.signals import hand_over, perform_signal
from stepwell.engine.snapshots import Snapshots
from stepwell.engine.sparing import Sparing
from stepwell.engine.timekeeper import Timekeeper
from stepwell.engine.timers import Timers
from stepwell.engine.work import Performance, Start
from stepwell.kernel.evolve import blank
from stepwell.model import commands as c
from stepwell.model.actions import ChildAction, SignalAction
from stepwell.model.approvals import CallPolicy
from stepwell.model.base import Duration, Instant, Json
from stepwell.model.calls import Code
from stepwell.model.effects import Continue, Effect, Interrupt, Perform, Probe, SetTimer, StartFollowUps
from stepwell.model.errors import SeqConflict, StepwellError, StoreUnavailable
from stepwell.model.journal import KeyClaim, RunRow, Turn
from stepwell.model.records import Run, State
from stepwell.model.states import RunStatus
from stepwell.ports import Clock, Dice, Guard, Ids, Runner, Store

EXPRESSION_LIMIT: Final[Duration] = 2_000_000
"""How long an expression may take that might not end."""

WATCH_EVERY: Final[Duration] = 200_000
"""How often to look whether another process has written to the store."""


class Engine(Reading):
    """Carries runs on. Made by `assembly`, spoken to by `client`; every verb returns once its outcome is durable."""

    def __init__(
        self,
        *,
        store: Store,
        clock: Clock,
        ids: Ids,
        dice: Dice,
        runner: Runner,
        guard: Guard,
        engine_id: str | None,
        codebase: Codebase,
        secrets: Mapping[str, Json] | None = None,
        runtime: Mapping[str, Json] | None = None,
        max_concurrency: int = 1_000,
        snapshot_every: int = 1_000,
        queues: Collection[str] | None = None,
        policy: CallPolicy | None = None,
    ) -> None:
        """`engine_id` None: a guest, which moves runs of other engines but performs nothing. `queues`: those whose runs
        it begins; None: all. `policy`: what may be called."""
        super().__init__(store, clock, codebase)
        self.ids, self.runner, self.guard = ids, runner, guard
        self.engine_id, self.loop = engine_id, asyncio.get_running_loop()
        self.observers = Observers()
        self.feed = Feed(store.feed, clock, self.observers)
        self.actors: dict[str, Actor] = {}
        self.ended = Ended()
        self._handing_over: set[asyncio.Task[None]] = set()
        self.quarantined: dict[str, BaseException] = {}
        self.surroundings = Surroundings(dice, secrets or {}, runtime or {}, policy)
        self.dispatch = Dispatch(max_concurrency, store.hurry)
        self._timers = Timers(clock, self._timer_fired)
        self._snapshots = Snapshots(store, snapshot_every)
        self.queueing = Queueing(self, queues)
        self.follow_ups = FollowUps(self)
        self.sparing = Sparing(store.ledger, clock, self.surroundings.redact)
        self._recovery = Recovery(self)
        self.schedules = Scheduler(self)
        self.driven = Driven(self)
        self.timekeeper = Timekeeper(self)
        self._waiters: dict[str, set[asyncio.Future[RunRow | None]]] = {}
        self.closing = False

    # --- what an actor needs (actor.Host) ---------------------------------------------------------

    def open_code(self, actor: Actor) -> Code | None:
        return self.codebase.open(actor.definition, actor.state)

    async def compute(self, deferred: Deferred, now: Instant) -> Json:
        return await self.guard.evaluate(
            deferred.source, deferred.data, deferred.variables, now, EXPRESSION_LIMIT
        )

    def committed(self, actor: Actor, pending: OnItsWay) -> None:
        if effects := pending.effects:
            self.carry_out(actor, effects)
        if self.observers.listening:
            turn = Turn(actor.id, pending.seq, pending.at, pending.events)
            self.observers.tell(turn, pending.conditions, pending.before)
        run = actor.state.run
        if pending.seq < run.seq:  # something newer is on its way
            return
        if run.status is not RunStatus.RUNNING or actor.foreign:
            self._moved(actor, run)
        if run.ended_at is None:
            self._snapshots.consider(actor.state)

    def _moved(self, actor: Actor, run: Run) -> None:
        """It does not just go on, or others carry it on."""
        terminal = run.status.terminal
        if run.queue is not None and (terminal or run.waits):
            self.queueing.changed(run.queue)
        if actor.foreign or terminal:
            self.store.call_others()
            self.timekeeper.about(run)
        if run.continued_to is not None and run.inbox:
            self._hand_over(actor.state)
        if terminal:
            self.forget(actor, row_of(run) if run.id in self._waiters else None)

    def _hand_over(self, ended: State) -> None:
        task = asyncio.ensure_future(hand_over(self, ended))
        self._handing_over.add(task)
        task.add_done_callback(self._handing_over.discard)

    def carry_out(self, actor: Actor, effects: Sequence[Effect]) -> None:
        if not actor.foreign:
            for effect in effects:
                _CARRY_OUT[type(effect)](self, actor, effect)

    def at_rest(self, actor: Actor) -> None:
        if actor.state.run.status.terminal:
            for identity in self.dispatch.of_run(
                actor.id
            ):  # others ended it: nobody wants the results any more
                self.dispatch.interrupt(identity)
            self.forget(actor)

    def broken(self, actor: Actor, error: BaseException) -> None:
        if self.actors.get(actor.id) is actor:
            self.quarantined[actor.id] = error
        self.forget(actor)

    async def reread(self, run_id: str) -> tuple[State, Definition]:
        """Its state, and the definition that it goes on with."""
        state = await self.reload(run_id)
        return state, await self.library.get(state.run.definition_hash)

    # --- verbs ------------------------------------------------------------------------------------

    async def start(self, definition: Definition, command: c.StartRun, claim: KeyClaim | None = None) -> None:
        """Create the run and start it. Raises `KeyTaken`, `SeqConflict` (the id is there), `StoreUnavailable`."""
        if command.run_id in self.actors:
            raise SeqConflict(command.run_id, 1)
        state = blank(command.run_id)
        # What is put into a queue is carried on by who takes it there.
        elsewhere = definition.code is not None and definition.reference not in self.codebase.known()
        foreign = self.engine_id is None or command.queue is not None or elsewhere or definition.driven
        actor = Actor(self, definition, state, foreign=foreign)
        if not actor.foreign:  # a guest only puts the run on record: an engine that is there takes it up
            self.actors[command.run_id] = actor
        try:
            await actor.ask(command, claim, self.library.row(definition))
        except StepwellError:
            if self.actors.get(command.run_id) is actor:
                del self.actors[command.run_id]
            raise
        self.library.mark_stored(definition)
        self.quarantined.pop(command.run_id, None)
        if command.history and not foreign:
            self._recovery.carry_on(actor)

    async def command(self, run_id: str, command: c.Command) -> None:
        """Ask something of a run, wherever it lives. Raises `TransitionRefused`, `NotFound`, `StoreError`."""
        actor = await self.actor(run_id)
        try:
            await fresh.ask(self, actor, command)
        finally:
            if actor.idle:  # perhaps it was read in for a question only
                self.at_rest(actor)
            carried = self.actors.get(run_id)
            if carried is not None and carried is not actor:  # it was taken up meanwhile
                await self.refresh(carried)

    def carried(self, run_id: str) -> Actor | None:
        return self.actors.get(run_id)

    async def present(self, run_id: str) -> State:
        return await fresh.present(self, run_id)

    async def indexes_made_anew(self) -> None:
        self.follow_ups.look()
        await self.recover()

    async def refresh(self, actor: Actor) -> None:
        """Take in what others did to a run of ours."""
        await self._recovery.refresh(actor)

    async def actor(self, run_id: str) -> Actor:
        """The run in memory; read in if need be."""
        actor = self.actors.get(run_id)
        if actor is not None:
            return actor
        row = await self.row(run_id)
        state, definition = await self.reread(run_id)
        foreign = row.owner != self.engine_id or self.engine_id is None
        foreign = foreign or state.run.waits or definition.driven
        # Somebody else may have read it in meanwhile; there must be one actor for a run.
        actor = self.actors.get(run_id) or Actor(self, definition, state, foreign=foreign)
        if not foreign:
            self.actors[run_id] = actor
        return actor

    def carry(self, definition: Definition, state: State) -> Actor:
        """Carry on a run that is ours."""
        actor = self.actors[state.run.id] = Actor(self, definition, state)
        self.quarantined.pop(state.run.id, None)
        return actor

    async def wait(self, run_id: str, *, follow: bool = False) -> RunRow:
        """Return when the run is terminal, whoever carries it on: its row, but for the owner. `follow`: and so is what
        it continued as; the row of the last of them. Raises `NotFound`; what made a run be put aside."""
        while not self.closing:
            if run_id in self.quarantined:
                raise self.quarantined[run_id]
            changed: asyncio.Future[RunRow | None] = self.loop.create_future()
            waiters = self._waiters.setdefault(run_id, set())
            waiters.add(changed)
            try:
                ended = None if run_id in self.actors else await self.row(run_id)
                if ended is None or not RunStatus(ended.status).terminal:
                    ended = await changed
            finally:
                waiters.discard(changed)
                if not waiters and self._waiters.get(run_id) is waiters:
                    del self._waiters[run_id]
            if ended is not None and not (follow and ended.status == RunStatus.CONTINUED.value):
                return ended
            if ended is not None:
                run_id = (await self.reload(run_id)).run.continued_to or run_id
        raise StoreUnavailable("the engine is closed")

    # --- effects ----------------------------------------------------------------------------------

    def _perform(self, actor: Actor, effect: Perform) -> None:
        start: Start | None
        if isinstance(effect.action, ChildAction):
            start = partial(perform_child, self, effect.action, actor.id, effect.step)
        elif isinstance(effect.action, SignalAction):
            start = partial(perform_signal, self, effect.action)
        else:
            start = None
        self.dispatch.submit(Performance(actor, effect, self.runner, start, self.sparing))

    def _probe(self, actor: Actor, effect: Probe) -> None:
        self.dispatch.submit(Probing(actor, effect, self.runner, self.store, self.reload))

    def _interrupt(self, actor: Actor, effect: Interrupt) -> None:
        if not self.dispatch.interrupt((actor.id, effect.step, effect.attempt)):
            actor.tell(Mail(c.SettleStep(effect.step, effect.attempt)))

    def _set_timer(self, actor: Actor, effect: SetTimer) -> None:
        self._timers.set(actor.id, effect.step, effect.purpose, effect.due)

    def _start_follow_ups(self, actor: Actor, effect: StartFollowUps) -> None:
        self.follow_ups.of(actor.id)

    def _continue(self, actor: Actor, effect: Continue) -> None:
        self.loop.call_soon(actor.tell, Mail(c.Proceed()))

    def _timer_fired(self, run_id: str, step: str | None, purpose: str) -> None:
        actor = self.actors.get(run_id)
        if actor is not None and not (purpose == "start" and self._begun(actor, step)):
            actor.tell(Mail(c.FireTimer(step, purpose)))

    def _begun(self, actor: Actor, step_id: str | None) -> bool:
        """Somebody is performing the step: the rules cannot know that."""
        step = actor.state.steps.get(step_id or "")
        return step is not None and self.dispatch.begun(actor.id, step.id, step.attempt)

    # --- life -------------------------------------------------------------------------------------

    async def adopt(self, only: str | None = None) -> Sequence[str]:
        """The open runs (or `only` this one) that are this engine's, those included that nobody alive carries on."""
        assert self.engine_id is not None
        return await self.store.adopt(self.engine_id, only, self.codebase.known())

    async def recover(self, only: str | None = None) -> int:
        """Go on with every open run that nobody else carries on; returns how many."""
        return await self._recovery.run(only)

    def watch(self, *, take_over: bool) -> None:
        """From now on, notice what other processes do to the store; with `take_over` also that one of them is gone."""
        self.store.listen(self._recovery.hear)
        self._recovery.watch(WATCH_EVERY, take_over=take_over)

    def forget(self, actor: Actor, ended: RunRow | None = None) -> None:
        """The run need not be kept in memory; whoever waits for it looks again, unless this is how it `ended`."""
        run_id = actor.id
        if actor.state.run.status.terminal and actor.idle and actor.failure is None:
            self.ended.keep(actor.state.run)
        if self.actors.get(run_id) is actor:
            del self.actors[run_id]
            self._timers.forget(run_id)
        self._snapshots.forget(run_id)
        self.wake(run_id, ended)

    def wake(self, run_id: str, ended: RunRow | None = None) -> None:
        """Have whoever waits for this run look again, unless it is known how it ended."""
        for waiter in list(self._waiters.get(run_id, ())):
            if not waiter.done():
                waiter.set_result(ended)

    def waiting_for(self) -> list[str]:
        """Runs that somebody waits for and that are not carried on here."""
        return [run_id for run_id in self._waiters if run_id not in self.actors]

    async def close(self) -> None:
        """Stop performing, make durable what is known, let go. Open runs go on when the store is opened again."""
        self.closing = True
        await self.schedules.close()
        await self.timekeeper.close()
        await self.queueing.close()
        await self.follow_ups.close()
        await self._recovery.close()
        await self.feed.close()
        await self._timers.close()
        await self.dispatch.close()
        await self.sparing.close()
        await self.store.flush()
        await self.observers.close()
        for actor in self.actors.values():
            actor.close()
        for run_id in list(self._waiters):
            self.wake(run_id)
        await self.runner.close()
        await self.guard.close()
        await self._snapshots.close()
        await self.store.close()


_CARRY_OUT: Final[dict[type[Effect], Callable[..., None]]] = {
    Perform: Engine._perform,
    Probe: Engine._probe,
    Interrupt: Engine._interrupt,
    SetTimer: Engine._set_timer,
    StartFollowUps: Engine._start_follow_ups,
    Continue: Engine._continue,
}
