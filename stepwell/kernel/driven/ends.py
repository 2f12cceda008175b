"""How steps and runs end, and what follows from it in the same turn."""

from __future__ import annotations

from collections.abc import Sequence

from stepwell.definition.schema import check
from stepwell.kernel.driven.claims import known, lose, present
from stepwell.kernel.driven.names import check_output, declared, refuse_unless
from stepwell.kernel.driven.plans import PLANNABLE, plan
from stepwell.kernel.failure import located
from stepwell.kernel.flow import cancel_steps, fail_run
from stepwell.kernel.ruling import Ruling
from stepwell.kernel.standing import expired
from stepwell.model import commands as c
from stepwell.model import driven as d
from stepwell.model import events as e
from stepwell.model.base import Duration, Json
from stepwell.model.errors import StaleStep, TransitionRefused
from stepwell.model.events import SAME, MaybeSame
from stepwell.model.problem import Problem, runtime
from stepwell.model.records import Step
from stepwell.model.states import RunStatus, StepStatus, WaitReason


def finish(r: Ruling, command: d.FinishStep) -> d.Recorded:
    """Result, successors and the end of the run: one turn. The same result again changes nothing but what is
    missing."""
    fence = command.fence
    step = known(r, fence.step)
    if _repeated(step, command):
        return _follow(r, step, command.schedule, command.ending, fresh=False)
    step = present(r, fence, held=True)
    if command.problem is None:
        check_output(declared(r, fence.step)[1], fence.step, command.output)
        r.emit(e.StepCompleted(step.id, command.output))
    else:
        _fail(r, step, command.problem, command.retry_after)
    return _follow(r, r.draft.step(step.id), command.schedule, command.ending, fresh=True)


def _repeated(step: Step, command: d.FinishStep) -> bool:
    """The very result that is on record."""
    fence, claim = command.fence, step.claim
    mine = claim is not None and claim.token_hash == fence.token_hash and step.attempt == fence.attempt
    if command.problem is None:
        return mine and step.status is StepStatus.COMPLETED and _equal(step.output, command.output)
    error = step.attempts[-1].error if mine else None
    return step.status is not StepStatus.RUNNING and error == located(command.problem, step.path)


def _equal(one: Json, other: Json) -> bool:
    return type(one) is type(other) and bool(one == other)


def _fail(r: Ruling, step: Step, problem: Problem, retry_after: Duration | None) -> None:
    found = located(problem, step.path)
    again = retry_after is not None and r.draft.run.status in PLANNABLE
    if again and step.status is StepStatus.RUNNING:
        r.emit(e.StepRetrying(step.id, found, r.now + (retry_after or 0)))
    else:
        r.emit(e.StepFailed(step.id, found))


def _follow(
    r: Ruling, step: Step, planned: Sequence[d.Planned], ending: d.Ending | None, *, fresh: bool
) -> d.Recorded:
    """What comes of an ended step. In a run that ends anyway nothing does."""
    scheduled: tuple[str, ...] = ()
    if r.draft.run.status in PLANNABLE:
        scheduled = plan(r, planned)
        if ending is not None:
            _end(r, ending, step.id)
    return d.Recorded(fresh, r.draft.step(step.id).status, r.draft.run.status, scheduled)


def reconcile(r: Ruling, command: d.Reconcile) -> d.Recorded:
    step = known(r, command.step)
    if step.status is not StepStatus.COMPLETED:
        raise StaleStep(
            f"step {command.step} of run {r.draft.run.id} is {step.status}: nothing follows from it yet",
            step.status.value,
        )
    return _follow(r, step, command.schedule, command.ending, fresh=False)


def put_off(r: Ruling, command: d.PutOffStep) -> d.Recorded:
    step = present(r, command.fence)
    if r.draft.run.status is RunStatus.CANCELLING:
        r.emit(e.StepCancelled(step.id, "the run was cancelled"))
    elif command.hold:
        r.emit(e.StepWaiting(step.id, WaitReason.APPROVAL))
        if r.draft.run.status is RunStatus.RUNNING:
            r.emit(e.RunPausing(command.reason))
    else:
        progress: MaybeSame = SAME if command.progress is None else command.progress
        r.emit(e.StepDeferred(step.id, r.now + max(0, command.after), progress))
    return d.Recorded(True, r.draft.step(step.id).status, r.draft.run.status)


def end_run(r: Ruling, command: d.EndRun) -> RunStatus:
    run, ending = r.draft.run, command.ending
    wanted = RunStatus.COMPLETED if ending.problem is None else RunStatus.FAILED
    if run.status is wanted and (run.error == ending.problem and _equal(run.output, ending.output)):
        return run.status
    if run.status not in PLANNABLE:
        raise TransitionRefused(
            f"run {run.id} is {run.status}: it cannot end as {wanted} any more",
            hint=f"see how it ended: stepwell runs explain {run.id}",
        )
    _end(r, ending, None)
    return r.draft.run.status


def _end(r: Ruling, ending: d.Ending, step: str | None) -> None:
    if ending.problem is not None:
        fail_run(r, ending.problem, step)
        return
    schema = r.definition.output.schema
    if schema is not None:
        refuse_unless(check(schema, ending.output), "the output of the run")
    cancel_steps(r, list(r.draft.open_steps()), "the run ended")
    r.emit(e.RunCompleted(ending.output))


def cancel(r: Ruling, command: c.CancelRun) -> None:
    """Cooperative: whoever performs a step sees `cancelling` and ends it; a claim that expired has settled. In a run
    that was paused the step that had begun fails."""
    paused = r.draft.run.status is RunStatus.PAUSED
    r.emit(e.RunCancelling(command.reason))
    for step in list(r.draft.open_steps()):
        if expired(step, r.now):
            lose(r, step)
        elif paused and step.attempts:
            found = runtime("the run was cancelled while it was paused")
            r.emit(e.StepFailed(step.id, located(found, step.path)))
