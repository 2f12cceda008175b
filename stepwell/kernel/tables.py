"""Which state may follow which: the whole truth about it, as data. `docs/states.md` is made from this file.

A transition that is not here is refused with `TransitionRefused` and changes nothing.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

from stepwell.model import events as e
from stepwell.model.errors import TransitionRefused
from stepwell.model.states import RunStatus as R
from stepwell.model.states import StepStatus as S

NEW: Final = None
"""Where a run or a step comes from that was not there before."""


class Row(NamedTuple):
    """From any of these states, this event leads to that one."""

    sources: tuple[Any, ...]
    event: type[Any]
    target: Any
    why: str


STEP_ROWS: Final = (
    Row((NEW,), e.StepScheduled, S.SCHEDULED, "held: by a delay, by a pause, or until the next turn"),
    Row((NEW,), e.StepPaused, S.PAUSED, "a debugger pause before the step"),
    Row((NEW,), e.StepsPlanned, S.PENDING, "waits for the steps before it, or for a person"),
    Row((NEW,), e.StepRepeated, S.PENDING, "takes the place of a finished step"),
    Row((NEW,), e.RunMigrated, S.PENDING, "new in the version that the run goes on with"),
    Row((S.PENDING,), e.StepScheduled, S.SCHEDULED, "its turn has come, and it is held"),
    Row((S.PENDING,), e.StepPaused, S.PAUSED, "a debugger pause before the step"),
    Row((S.PAUSED,), e.StepReleased, S.SCHEDULED, "the debugger pause is let go"),
    Row((NEW, S.SCHEDULED), e.StepStarted, S.RUNNING, "its turn has come"),
    Row((S.PENDING,), e.StepStarted, S.RUNNING, "every step before it let go, or a person begins it"),
    Row(
        (S.RUNNING, S.WAITING),
        e.StepSubmitted,
        S.SUBMITTED,
        "its values are complete: its condition is watched, its actions are carried out",
    ),
    Row((S.WAITING,), e.StepApproved, S.RUNNING, "people approved what it asked for"),
    Row((S.WAITING,), e.StepStarted, S.RUNNING, "the back-off is over: the next attempt begins"),
    Row((S.RUNNING,), e.StepWaiting, S.WAITING, "nothing to do until a timer or a child run is through"),
    Row((S.RUNNING, S.WAITING), e.StepRetrying, S.WAITING, "the attempt failed and another one may follow"),
    Row((S.RUNNING,), e.StepDeferred, S.WAITING, "the worker asks to be called again later"),
    Row((S.RUNNING,), e.StepRecovered, S.RUNNING, "the process that performed it is gone: performed again"),
    Row((S.WAITING,), e.StepRecovered, S.WAITING, "likewise, while it waits for a child run"),
    Row((S.RUNNING,), e.StepProgressed, S.RUNNING, "the worker reports progress"),
    Row((S.RUNNING,), e.StepClaimed, S.RUNNING, "a program of its own performs it"),
    Row((S.RUNNING,), e.StepClaimExtended, S.RUNNING, "a sign of life of that program"),
    Row((S.SCHEDULED,), e.StepWithdrawn, S.CANCELLED, "planned, and not to be done after all"),
    Row((S.RUNNING, S.WAITING, S.SUBMITTED), e.StepCompleted, S.COMPLETED, "done"),
    Row(
        (S.PENDING, S.SCHEDULED, S.RUNNING, S.WAITING, S.SUBMITTED, S.PAUSED),
        e.StepFailed,
        S.FAILED,
        "an error that it did not catch, or a person says so",
    ),
    Row(
        (S.COMPLETED, S.SKIPPED),
        e.StepActionFailed,
        S.FAILED,
        "an action that follows its end failed",
    ),
    Row(
        (S.SCHEDULED, S.RUNNING, S.WAITING, S.SUBMITTED, S.PAUSED),
        e.StepTimedOut,
        S.TIMED_OUT,
        "its timeout struck",
    ),
    Row((NEW, S.SCHEDULED, S.PAUSED), e.StepSkipped, S.SKIPPED, "its `if` is false"),
    Row(
        (S.PENDING, S.RUNNING, S.WAITING, S.SUBMITTED),
        e.StepSkipped,
        S.SKIPPED,
        "its `if` is false, or a person skips it",
    ),
    Row(
        (S.PENDING, S.SCHEDULED, S.RUNNING, S.WAITING, S.SUBMITTED, S.PAUSED),
        e.StepCancelled,
        S.CANCELLED,
        "the run, or the block it is in, ended without it",
    ),
    Row(
        (S.FAILED, S.TIMED_OUT, S.CANCELLED),
        e.StepReopened,
        S.SCHEDULED,
        "a retry of the run, or whoever drives it, begins it again",
    ),
    Row(
        (S.FAILED, S.TIMED_OUT, S.CANCELLED),
        e.StepSubmitted,
        S.SUBMITTED,
        "a retry of the run goes on with its actions",
    ),
    Row((S.SCHEDULED, S.PAUSED), e.StepRestored, S.PENDING, "a step before it is repeated: it waits again"),
    Row(
        (S.CANCELLED,),
        e.StepRestored,
        S.PENDING,
        "a retry of the run: it had not begun, and waits for its turn",
    ),
    Row(
        (S.FAILED, S.TIMED_OUT, S.CANCELLED), e.StepResumed, S.RUNNING, "a retry of the run goes on inside it"
    ),
)

RUN_ROWS: Final = (
    Row((NEW,), e.RunCreated, R.PENDING, "accepted"),
    Row((R.PENDING,), e.RunStarted, R.RUNNING, "begins: in the same turn, or when its queue lets it"),
    Row((R.PENDING, R.PAUSED), e.RunRescheduled, R.PENDING, "waits in its queue again, before it has begun"),
    Row(
        (R.PENDING, R.RUNNING),
        e.RunPausing,
        R.PAUSING,
        "asked to pause: nothing new starts, what is in flight drains",
    ),
    Row((R.PAUSING,), e.RunPaused, R.PAUSED, "nothing is in flight any more"),
    Row((R.PAUSING, R.PAUSED, R.RESUMING), e.RunResumed, R.RUNNING, "goes on"),
    Row((R.RUNNING, R.PAUSING, R.PAUSED), e.RunCompleted, R.COMPLETED, "every task is through"),
    Row((R.PENDING, R.RUNNING, R.PAUSING, R.PAUSED), e.RunFailed, R.FAILED, "an error that nothing caught"),
    Row(
        (R.PENDING, R.RUNNING, R.PAUSING, R.PAUSED, R.CANCELLING),
        e.RunTimedOut,
        R.TIMED_OUT,
        "the run's timeout struck (and what it had done is undone)",
    ),
    Row(
        (R.PENDING, R.RUNNING, R.PAUSING, R.PAUSED),
        e.RunCancelling,
        R.CANCELLING,
        "asked to cancel, or out of time with something to undo: work is interrupted",
    ),
    Row((R.CANCELLING,), e.RunCompensating, R.CANCELLING, "its completed steps are undone first"),
    Row((R.CANCELLING,), e.RunCancelled, R.CANCELLED, "the interrupted work has settled"),
    Row(
        (R.PENDING, R.RUNNING, R.PAUSING, R.PAUSED, R.RESUMING, R.CANCELLING),
        e.RunTerminated,
        R.TERMINATED,
        "stopped at once, without settling",
    ),
    Row((R.RUNNING, R.PAUSING, R.PAUSED), e.RunContinued, R.CONTINUED, "goes on as another run"),
    Row((R.FAILED, R.TIMED_OUT, R.CANCELLED), e.RunRetried, R.RESUMING, "a person goes on from what failed"),
)


def _table(rows: tuple[Row, ...]) -> dict[tuple[Any, type[Any]], Any]:
    return {(source, row.event): row.target for row in rows for source in row.sources}


STEP_TABLE: Final[dict[tuple[S | None, type[Any]], S]] = _table(STEP_ROWS)
RUN_TABLE: Final[dict[tuple[R | None, type[Any]], R]] = _table(RUN_ROWS)


def next_step_status(status: S | None, event: type[Any], step: str) -> S:
    """The status after the event. Raises `TransitionRefused`."""
    target = STEP_TABLE.get((status, event))
    if target is None:
        raise TransitionRefused(
            f"step {step} is {status or 'not there'}: {e.NAMES[event]} cannot happen to it"
        )
    return target


def next_run_status(status: R | None, event: type[Any], run: str) -> R:
    """The status after the event. Raises `TransitionRefused`."""
    target = RUN_TABLE.get((status, event))
    if target is None:
        raise TransitionRefused(
            f"run {run} is {_instead(status, event)}",
            hint=f"see where it stands and what can be done: stepwell runs explain {run}",
        )
    return target


_ASKED: Final[dict[type[Any], tuple[str, frozenset[R]]]] = {
    e.RunPausing: ("be paused", frozenset({R.PAUSING, R.PAUSED})),
    e.RunCancelling: ("be cancelled", frozenset({R.CANCELLING, R.CANCELLED})),
    e.RunTerminated: ("be terminated", frozenset({R.TERMINATED})),
    e.RunRetried: ("be retried", frozenset({R.RESUMING})),
    e.RunCompleted: ("be completed", frozenset({R.COMPLETED})),
    e.RunFailed: ("fail", frozenset({R.FAILED})),
    e.RunContinued: ("go on as another run", frozenset({R.CONTINUED})),
}
"""What people and programs ask for, and the states in which that is so already."""


def _instead(status: R | None, event: type[Any]) -> str:
    """How a run stands that was asked for something else."""
    if status is None or event not in _ASKED:
        return f"{status or 'not there'}: {e.NAMES[event]} cannot happen to it"
    what, already = _ASKED[event]
    if status in already:
        return f"{status} already"
    if event is e.RunRetried:
        return f"{status}: only what failed, timed out or was cancelled can be retried"
    return f"{status}: it cannot {what}{' any more' if status.terminal else ''}"
