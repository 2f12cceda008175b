"""One run's code, being executed: what it asks for is numbered, matched with the journal, and answered.

The code of a run is executed in one process at a time, on `CodeLoop`. It is not kept anywhere: after a crash the
function is called again, its calls are found in the journal, and it is told the same outcomes in the same order, until
it is where it was. `Execution` does not know whether it is being repeated, except that a call that the journal knows is
not asked for again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from contextvars import ContextVar, copy_context
from functools import partial
from typing import Any, Final

from greenlet import getcurrent, greenlet

from stepwell.code.asked import Asked, Awaited, Halt, Then, halted
from stepwell.code.blocking import LONG, held_up
from stepwell.code.closing import discard
from stepwell.code.compare import PATCH, Recorded
from stepwell.code.ending import Continued, end_of, giving, outliving, raising
from stepwell.code.faults import exception_of, problem_of
from stepwell.code.loop import CodeLoop, enter, leave, running
from stepwell.code.registry import Known
from stepwell.code.replaying import Replaying
from stepwell.code.saga import undo_all
from stepwell.code.values import Read
from stepwell.model.base import Instant, Json
from stepwell.model.calls import (
    INSTANT_KINDS,
    Answer,
    Call,
    CodeMismatch,
    CodeRestart,
    ContinuedAs,
    Done,
    Ending,
    Raised,
    RecordCall,
    WaitCall,
)
from stepwell.model.errors import InvalidInput
from stepwell.model.problem import runtime
from stepwell.model.records import Run, State, Step
from stepwell.model.states import StepStatus
from stepwell.ports import Dice, Ids

CURRENT: Final[ContextVar[Execution | None]] = ContextVar("stepwell_execution", default=None)
"""The run whose code is being executed here."""

MOST_CALLS: Final = 1_000_000
"""How many calls one run may make; what goes on for ever continues as new."""


Undo = Callable[[], asyncio.Future[Any]]


class Execution:
    """Implements `model.calls.Code`. `counter` counts real seconds."""

    cause: Raised | None = None
    """why its code failed, from then on"""

    def __init__(
        self, workflow: Known, state: State, ids: Ids, dice: Dice, counter: Callable[[], float]
    ) -> None:
        self.run: Run = state.run
        self.ids, self.dice = ids, dice
        self.seen, self.undoing, self._given_up = -1, False, False
        self.now: Instant = state.run.started_at or 0
        self._undo_list: list[Undo] | None = None
        self.loop = CodeLoop(self)  # type: ignore[abstract]
        self.workflow, self._counter, self.state = workflow, counter, state
        self._replaying: Replaying | None = None
        self._number = 0
        self._calls: list[Call] = []
        self._abandoned: Sequence[str] = ()
        self._waits = Answer(self._calls)
        """the answer as long as the code waits: whoever gets it is through with it when the code goes on"""
        self._awaited: dict[str, Awaited] = {}
        self._timers: dict[int, tuple[asyncio.TimerHandle, str]] | None = None
        self._patches: dict[str, bool] | None = None
        self._ending: Ending | None = None
        self._wrong: CodeMismatch | CodeRestart | None = None
        self._green: greenlet | None = None
        self._main: asyncio.Task[Any] | None = None

    # --- model.calls.Code -------------------------------------------------------------------------

    def go_on(self, run: Run, outcome: Step | Done | None, now: Instant) -> Answer:
        self.run = run
        self._calls.clear()
        self._abandoned = ()
        began, number = self._counter(), self._number
        if outcome is None:
            self.seen = 0
            if steps := self.state.steps.values():
                self._replaying = Replaying(run, steps, strict=self.workflow.strict_arguments)
            self.now = self.run.started_at or now
            began = self._counter()  # what was done until here was not the code's doing
            self._run(partial(self._in_context, self._begin))
        else:
            if self.run.heard is not None and outcome.outcome > self.run.heard:
                self._give_up()
            self.seen = outcome.outcome
            self.now = max(self.now, outcome.ended_at or now)
            self._tell(outcome)
            self._run(self.loop.run_ready)
        if (took := self._counter() - began) > LONG:
            held_up(self.run, number, took)
        return self._answer()

    def _answer(self) -> Answer:
        if self._wrong is not None:
            raise self._wrong
        if self._main is None or not self._main.done():
            return Answer(self._calls, self._abandoned) if self._abandoned else self._waits
        if self._ending is None:
            self._ending = end_of(self._main, self.workflow.form.write)
        return Answer(self._calls, self._abandoned, self._ending)

    @property
    def differs(self) -> str | None:
        return None if self._replaying is None else self._replaying.differs

    @property
    def undoable(self) -> bool:
        return bool(self._undo_list)

    @property
    def undo_list(self) -> list[Undo]:
        """What takes back the completed steps, in the order of their completion."""
        if self._undo_list is None:
            self._undo_list = []
        return self._undo_list

    def undo(self, run: Run) -> Answer:
        self.run, self.undoing = run, True
        self._calls.clear()
        self._abandoned = ()
        self._give_up()
        self._run(partial(self._in_context, self._begin_undoing))
        return self._answer()

    def outcome(self, number: int) -> str:
        assert self._replaying is not None
        return self._replaying.outcome(number)

    def check_complete(self) -> None:
        if self._replaying is not None:
            self._replaying.check_complete(self._ending, list(self._awaited))

    def call(self, step_id: str) -> Call:
        awaited = self._awaited.get(step_id)
        if awaited is None:
            raise CodeMismatch(runtime(f"the code of run {self.run.id} does not wait for step {step_id}"))
        return awaited.call

    # --- what the code asks for -------------------------------------------------------------------

    def ask(
        self,
        kind: str,
        name: str,
        make: Callable[[str], Call],
        read: Read | None = None,
        then: Then | None = None,
    ) -> Asked:
        """Make a call; the future is done when the code is told its outcome."""
        try:
            step_id, known = self.take(kind, name)
        except Halt:
            return halted(self.loop)
        future = Asked(self.loop, step_id)
        self.called(Awaited(future, make(step_id), read, then), known)
        return future

    def called(self, awaited: Awaited, known: Recorded | None) -> None:
        """The call is made, with what `take` gave."""
        self._awaited[awaited.call.id] = awaited
        if known is None:
            self._calls.append(awaited.call)
        elif self._replaying is not None:
            differs = self._replaying.compare(self.state.steps[awaited.call.id], awaited.call)
            self._wrong = self._wrong or differs

    def at_work(self) -> list[Awaited]:
        """What the code has asked for and not been told the outcome of."""
        return list(self._awaited.values())

    def record(self, name: str, value: Callable[[], Json]) -> Json:
        """A value that is the same when the code is executed again."""
        step_id, known = self.take("record", name)
        if known is not None:
            return known.output
        call = RecordCall(step_id, value())
        self._calls.append(call)
        return call.value

    def at_once(self, kind: str, name: str, make: Callable[[str], Call]) -> None:
        """A call that is over when it is made."""
        assert kind in INSTANT_KINDS
        step_id, known = self.take(kind, name)
        if known is None:
            self._calls.append(make(step_id))

    def patched(self, patch: str) -> bool:
        """Whether this run is to go the new way (it is new here, or went it before). Once answered, it stays so."""
        if self._patches is None:
            self._patches = {}
        if patch not in self._patches:
            name = f"{PATCH}{patch}"
            new = self._replaying is None or self._replaying.goes_new_way(self._number, name)
            self._patches[patch] = new and self.record(name, lambda: True)
        return self._patches[patch]

    def take(self, kind: str, name: str) -> tuple[str, Recorded | None]:
        """The next number, and what the journal holds under it. Raises `Halt` if that is something else."""
        if self._wrong is not None:
            raise Halt
        if self._number >= MOST_CALLS:
            raise InvalidInput(
                f"run {self.run.id} made {MOST_CALLS:,} calls", hint="let it continue as new now and then"
            )
        number, known = self._number, None
        if self._replaying is not None:
            try:
                number, known = self._replaying.take(number, kind, name, self.cause)
            except CodeMismatch as wrong:
                self._wrong = wrong
                raise Halt from None
        self._number = number + 1
        return f"/do/{number}/{name}", known

    # --- waiting ----------------------------------------------------------------------------------

    def wait(self, future: asyncio.Future[Any]) -> Any:
        """Wait in code that is not `async`. In a plain workflow what was begun beside it goes on; a plain step in an
        `async` one stops the code of its run meanwhile, as it would stop any event loop."""
        if not self.workflow.waits_plainly:  # so it is not in a greenlet, and cannot be left here
            self.workflow.waits_plainly = True
            self._wrong = self._wrong or CodeRestart()
            raise Halt
        if asyncio.current_task(self.loop) is None:  # a plain workflow: its tasks run while it waits
            self.loop.run_ready()
        while not future.done():
            if self._wrong is not None:
                raise Halt
            getcurrent().parent.switch()
            if asyncio.current_task(self.loop) is None:
                self.loop.run_ready()
        return future.result()

    def _tell(self, outcome: Step | Done) -> None:
        awaited = self._awaited.pop(outcome.id, None)
        if awaited is None or awaited.future.done():
            return
        if isinstance(outcome, Done) or outcome.status is StepStatus.COMPLETED:
            self._tell_result(awaited, outcome)
        elif outcome.optional:
            awaited.future.set_result(None)
        else:
            assert outcome.error is not None
            awaited.future.set_exception(exception_of(outcome.error, outcome.id))

    def _tell_result(self, awaited: Awaited, outcome: Step | Done) -> None:
        """What is on record stays there: the code gets its own, and so does what may have to undo the step."""
        try:
            value = awaited.read(outcome.output)
            kept = None if awaited.then is None else awaited.read(outcome.output)
        except Exception as error:  # noqa: BLE001 - whatever a reader of the user's types raises
            problem = runtime(f"the result of {outcome.id} does not fit its annotation: {error}")
            self._wrong = CodeMismatch(problem)
            return
        if awaited.then is not None:
            awaited.then(kept, outcome)
        awaited.future.set_result(value)

    def dropped(self, step_id: str) -> None:
        if self._awaited.pop(step_id, None) is not None:
            self._abandoned = (*self._abandoned, step_id)

    # --- timers of the loop -----------------------------------------------------------------------

    def set_timer(self, handle: asyncio.TimerHandle, due: Instant) -> None:
        future = self.ask("wait", "timer", lambda step_id: WaitCall(step_id, due))
        if self._timers is None:
            self._timers = {}
        self._timers[id(handle)] = (handle, future.step_id)
        future.add_done_callback(lambda done: None if done.cancelled() else self._timer_fired(handle))

    def _timer_fired(self, handle: asyncio.TimerHandle) -> None:
        if self._wrong is None and self._timers and self._timers.pop(id(handle), None) is not None:
            self.loop.fire(handle)

    def drop_timer(self, handle: asyncio.TimerHandle) -> None:
        found = self._timers.pop(id(handle), None) if self._timers else None
        if found is not None:
            self.dropped(found[1])

    # --- executing --------------------------------------------------------------------------------

    def _run(self, work: Callable[[], None]) -> None:
        """Let the code run until it waits. Where plain code waits, it runs in a greenlet, which can be left anywhere.
        (A greenlet costs as much as the rest of the way, so `async` code that needs none gets none.)"""
        loop = self.loop
        left = enter(loop)
        try:
            if self.workflow.waits_plainly:
                self._green = self._green or greenlet(work)
                self._green.switch()
            else:
                work()
        except Halt:  # out of plain code; `_wrong` says why
            pass
        finally:
            leave(loop, left)
        if self._green is not None and self._green.dead:
            self._green = None

    def _in_context(self, work: Callable[[], None]) -> None:
        """The tasks that are made in there know whose code they are."""
        token = CURRENT.set(self)
        try:
            work()
        finally:
            CURRENT.reset(token)

    def _begin(self) -> None:
        try:
            result = self.workflow.call(self.run.input)
        except Halt:
            raise
        except BaseException as error:  # noqa: BLE001 - whatever a plain workflow raises ends its run only
            result = raising(error)
        else:
            if not asyncio.iscoroutine(result):
                result = giving(result)
        self._main = self.loop.create_task(self._conduct(result), name="workflow")
        self.loop.run_ready()

    async def _conduct(self, code: Coroutine[Any, Any, Any]) -> Any:
        """The workflow, and what follows when it fails or goes on as another run."""
        try:
            result = await code
        except (Halt, GeneratorExit):  # it is thrown away unfinished, which is no failure to undo
            raise
        except Continued as going_on:
            started = await self.ask("run:workflow", "continue-as-new", going_on.make)
            result = ContinuedAs(started["run_id"])
        except BaseException as error:
            if self._wrong is not None:  # likewise
                raise
            self.cause = Raised(*problem_of(error))
            await undo_all([a.future for a in self.at_work() if a.then is not None], self.undo_list)
            await outliving(self.at_work())
            raise
        await outliving(self.at_work())
        return result

    # --- the end ----------------------------------------------------------------------------------

    def _give_up(self) -> None:
        """The run is cancelled: its own code does nothing more. What it asked for may still end, and be undone then."""
        if self._given_up:
            return
        self._given_up, open_calls, kept = True, dict(self._awaited), self._abandoned
        self._wrong = CodeMismatch(runtime("the run is cancelled"))
        with running(self.loop):
            copy_context().run(self._discard)
        self._wrong, self._ending, self._timers = None, None, None
        self._abandoned = kept
        self.loop = CodeLoop(self)  # type: ignore[abstract]
        self._awaited = {
            step: Awaited(self.loop.create_future(), one.call, one.read, one.then)
            for step, one in open_calls.items()
        }

    def _begin_undoing(self) -> None:
        undone = [one.future for one in self.at_work() if one.compensates]
        self._main = self.loop.create_task(undo_all(undone, self.undo_list))
        self.loop.run_ready()

    def close(self) -> None:
        """Nothing more comes of this code: it is executed anew elsewhere."""
        if self._ending is not None and self._green is None and not self.loop.tasks:  # nothing of it is left
            self._main = None
            self.loop.let_go()
            return
        self._wrong = self._wrong or CodeMismatch(runtime("the engine is closed"))
        with running(self.loop):
            copy_context().run(self._discard)

    def _discard(self) -> None:
        self.loop.closing = True
        CURRENT.set(self)  # what the code asks for while it stops is refused, not done
        discard(self._green, self.loop.tasks, self._main, Halt)
        self._green = None
