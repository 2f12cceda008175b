"""The rules of runs that a program of its own drives: who may begin a step, who may end it, what follows.

Everything hangs on the journal's key: of two who begin the same step at once one is refused its turn, decides again,
and sees the other's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, NoReturn

from stepwell.kernel import lifecycle
from stepwell.kernel.driven.begin import begin
from stepwell.kernel.driven.claims import extend, release_expired
from stepwell.kernel.driven.ends import cancel, end_run, finish, put_off, reconcile
from stepwell.kernel.driven.plans import schedule, withdraw
from stepwell.kernel.ruling import Ruling
from stepwell.model import commands as c
from stepwell.model import driven as d
from stepwell.model.errors import InvalidInput, TransitionRefused


def start(r: Ruling, command: c.StartRun) -> None:
    if command.queue is not None:
        raise InvalidInput(
            f"{r.definition.reference} is for a program of its own to drive: it cannot wait in a queue",
            hint="start it without a queue; its steps are claimed one by one",
        )
    lifecycle.start(r, command)


def settled(r: Ruling, answer: Any) -> Any:
    """The answer with the state of the run at the end of the turn: what ended may have let it pause, or end."""
    if isinstance(answer, d.Verdict | d.Recorded | d.Pulse):
        return answer._replace(run_status=r.draft.run.status)
    return answer


def engines_only(r: Ruling, command: Any) -> NoReturn:
    raise TransitionRefused(
        f"run {r.draft.run.id} is driven by a program of its own: {type(command).__name__} is for engines",
        hint="its steps begin and end through stepwell.steps",
    )


def drivers_only(r: Ruling, command: Any) -> NoReturn:
    raise TransitionRefused(
        f"run {r.draft.run.id} is carried on by an engine: its steps do not begin and end through stepwell.steps",
        hint="start a run for that with StepStore.start_run",
    )


def time_out(r: Ruling, command: c.FireTimer) -> None:
    """Asked before everything else: nobody holds a timer for such a run."""
    deadline = r.draft.run.deadline
    if command.step is None and command.purpose == "timeout" and deadline is not None and deadline <= r.now:
        lifecycle.time_out(r)


def nothing(r: Ruling, command: Any) -> None:
    """What an engine reminds itself of has no meaning here."""


COMMANDS: Final[dict[type[Any], Callable[[Ruling, Any], Any]]] = {
    d.BeginStep: begin,
    d.ScheduleSteps: schedule,
    d.WithdrawSteps: withdraw,
    d.FinishStep: finish,
    d.PutOffStep: put_off,
    d.ExtendClaim: extend,
    d.Reconcile: reconcile,
    d.ReleaseExpired: release_expired,
    d.EndRun: end_run,
    c.StartRun: start,
    c.CancelRun: cancel,
    c.Proceed: nothing,
    c.Recover: nothing,
    c.FireTimer: time_out,
}
"""What differs from a run that an engine carries on, or is only there."""
