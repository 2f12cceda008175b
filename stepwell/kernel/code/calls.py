"""How what a workflow's code asked for begins."""

from __future__ import annotations

from typing import TypeGuard

from stepwell.kernel import overdue
from stepwell.kernel.approvals import gate
from stepwell.kernel.approvals.asking import refusal
from stepwell.kernel.code.signals import take_waiting
from stepwell.kernel.evolve_run import ROOT
from stepwell.kernel.exchange import idempotency_key
from stepwell.kernel.failure import located
from stepwell.kernel.limits import limits
from stepwell.kernel.ruling import Fault, Ruling
from stepwell.kernel.sparing import spared_call
from stepwell.kernel.standing import child_id
from stepwell.kernel.tasks.run import behalf_of
from stepwell.kernel.undoing import goes_on
from stepwell.model import events as e
from stepwell.model.actions import Action, ChildAction, SignalAction
from stepwell.model.base import Instant, Json, new
from stepwell.model.calls import (
    INSTANT_KINDS,
    AttributesCall,
    Call,
    ChildCall,
    ListenCall,
    RecordCall,
    SignalCall,
    StepCall,
    StreamCall,
    VariablesCall,
    WaitCall,
)
from stepwell.model.deadline import instants
from stepwell.model.effects import Continue, Perform, SetTimer
from stepwell.model.policy import step_options
from stepwell.model.records import Step
from stepwell.model.states import RunStatus, StepStatus, WaitReason


def begin_call(r: Ruling, call: Call, *, wanted: bool = True) -> None:
    """A new call: over at once, begun, or held. One that is not `wanted` any more (it lost a race that was over when
    it was made, say) is on record, and does not begin."""
    if wanted and is_ordinary(call) and _begins_at_once(r):
        _begin_at_once(r, call)
        return
    if call.kind in INSTANT_KINDS:
        _at_once(r, call)
        return
    options = step_options(_options(call))
    going = goes_on(r.draft.run, options.compensates is not None)
    if r.draft.run.mode == "debug" and isinstance(call, StepCall | ChildCall) and r.draft.run.heard is None:
        r.emit(e.StepPaused(call.id, call.id, call.kind, ROOT, options.priority, options.optional))
    elif not wanted or not going or r.begun >= r.env.begins:
        r.emit(e.StepScheduled(call.id, call.id, call.kind, ROOT, None, options.priority, options.optional))
        if wanted:
            continue_later(r)
    else:
        _start(r, call, new=True)


def is_ordinary(call: Call) -> TypeGuard[StepCall]:
    """A step of which nothing special is said, as of nearly all of them."""
    return type(call) is StepCall and call.options is None and call.cached is None and call.rate is None


def _begins_at_once(r: Ruling) -> bool:
    """The run just goes on, and nobody has a say in what it does."""
    run = r.draft.run
    going = run.status is RunStatus.RUNNING and run.mode == "normal"
    return going and r.env.policy is None and r.begun < r.env.begins


def _begin_at_once(r: Ruling, call: StepCall) -> None:
    """All that is left of `_start` where there is nothing to look at."""
    r.begun += 1
    r.emit(e.StepStarted(call.id, call.id, call.kind, ROOT, call.arguments))
    r.effect(as_asked(r.draft.run.id, r.draft.run.priority, call))


def as_asked(run_id: str, priority: int, call: StepCall) -> Perform:
    """The first attempt of an ordinary step."""
    return new(Perform, (call.id, 1, call.action, idempotency_key(run_id, call.id), priority, None, None))


def continue_later(r: Ruling) -> None:
    if goes_on(r.draft.run, undoes=True) and Continue() not in r.effects:
        r.effect(Continue())


def begin_held(r: Ruling, step: Step) -> None:
    """A step that was held begins now. (Without its code it stays held.)"""
    if r.env.code is None or not goes_on(r.draft.run, undoes=True):
        return
    call = r.env.code.call(step.id)
    if not goes_on(r.draft.run, step_options(_options(call)).compensates is not None):
        return
    if r.begun >= r.env.begins:
        continue_later(r)
        return
    _start(r, call, new=False)


def begin_again(r: Ruling, step: Step) -> None:
    """The next attempt of a step. (Without its code it waits on.)"""
    if r.env.code is None:
        return
    r.emit(e.StepStarted(step.id, attempt_deadline=_attempt_deadline(r, step.options)))
    have_performed(r, r.draft.step(step.id))


def have_performed(r: Ruling, step: Step) -> None:
    """Have somebody do what the code asked for with this step."""
    assert r.env.code is not None
    call = r.env.code.call(step.id)
    if isinstance(call, StepCall | ChildCall) and not _continues(call):
        try:
            if not gate.admitted(r, step, call):
                return
        except Fault as fault:
            r.emit(e.StepFailed(step.id, located(fault.problem, step.path), True))
            return
    if step.attempt_deadline is not None:
        r.effect(SetTimer(step.id, "attempt", step.attempt_deadline))
    r.effects += limits(step)
    if isinstance(call, StepCall):
        action: Action = call.action
    elif isinstance(call, SignalCall):
        signal = idempotency_key(r.draft.run.id, step.id)
        action = SignalAction(call.run_id, signal, call.signal, call.value, call.correlation)
    else:
        assert isinstance(call, ChildCall)
        action = _child(r, call, step)
        if call.wait and step.status is StepStatus.RUNNING:
            r.emit(e.StepWaiting(step.id, WaitReason.CHILDREN))
    key = idempotency_key(r.draft.run.id, step.id)
    effect = Perform(step.id, step.attempt, action, key, step.priority + r.draft.run.priority)
    r.effect(spared_call(r, call, step, effect) if isinstance(call, StepCall) else effect)


def _continues(call: Call) -> bool:
    """It is the same workflow that goes on."""
    return isinstance(call, ChildCall) and "continued_from" in call.start


def decided(r: Ruling, step: Step) -> None:
    """People have decided, or did not in time. (Without its code the step waits on.)"""
    approval = r.draft.find_approval(step.id)
    assert approval is not None
    if gate.given(r, step) is None:
        r.emit(e.StepFailed(step.id, located(refusal(approval), step.path), True))
    elif r.env.code is not None and r.begun < r.env.begins:
        r.begun += 1
        r.emit(e.StepApproved(step.id))
        have_performed(r, r.draft.step(step.id))
    else:
        continue_later(r)


def _at_once(r: Ruling, call: Call) -> None:
    """The value is on record; there is nothing to wait for."""
    r.emit(e.StepStarted(call.id, call.id, call.kind, ROOT, None))
    output: Json = None
    if isinstance(call, RecordCall):
        output = call.value
    elif isinstance(call, VariablesCall):
        r.emit(e.VariablesSet(call.values, (), call.id))
    elif isinstance(call, AttributesCall):
        r.emit(e.AttributesSet(call.values, (), call.id))
    elif isinstance(call, StreamCall):
        r.emit(e.StreamWritten(call.stream, call.value, call.closed))
    r.emit(e.StepCompleted(call.id, output))


def _start(r: Ruling, call: Call, *, new: bool) -> None:
    r.begun += 1
    given = _options(call)
    options = step_options(given)
    total = None if options.total is None else r.now + options.total
    names = (call.id, call.kind, ROOT) if new else ("", "", "")
    expected = None if options.deadline is None else instants(r.now, options.deadline)
    r.emit(
        e.StepStarted(
            call.id, *names, recorded_input(call), options.priority, options.optional, total,
            _attempt_deadline(r, given), None, given, expected,
        )
    )  # fmt: skip
    if expected is not None:
        overdue.watch(r, r.draft.step(call.id))
    if total is not None:
        r.effect(SetTimer(call.id, "timeout", total))
    if isinstance(call, WaitCall):
        _wait(r, call.id, WaitReason.TIMER, call.due)
    elif isinstance(call, ListenCall):
        if not take_waiting(r, call):
            _wait(r, call.id, WaitReason.EVENT, call.due)
    else:
        have_performed(r, r.draft.step(call.id))


def _wait(r: Ruling, step_id: str, reason: WaitReason, due: Instant | None) -> None:
    r.emit(e.StepWaiting(step_id, reason, due))
    if due is not None:
        r.effect(SetTimer(step_id, "wake", due))


def _options(call: Call) -> dict[str, Json] | None:
    return call.options if isinstance(call, StepCall | ChildCall) else None


def _attempt_deadline(r: Ruling, options: dict[str, Json] | None) -> Instant | None:
    timeout = (options or {}).get("timeout")
    return None if timeout is None else r.now + int(timeout)


def recorded_input(call: Call) -> Json:
    """What the journal says that was asked for."""
    if isinstance(call, StepCall):
        return call.arguments
    if isinstance(call, ChildCall):
        return call.input
    if isinstance(call, SignalCall):
        return {
            "run_id": call.run_id,
            "signal": call.signal,
            "value": call.value,
            "correlation": call.correlation,
        }
    if isinstance(call, ListenCall):
        return {"signal": call.signal, "correlation": call.correlation}
    return None


def _child(r: Ruling, call: ChildCall, step: Step) -> ChildAction:
    run = r.draft.run
    return ChildAction(
        run_id=call.run_id or child_id(run.id, step.id, step.attempt),
        namespace=call.namespace,
        name=call.name,
        version=call.version,
        input=call.input,
        wait=call.wait,
        depth=run.depth + (0 if "continued_from" in call.start else 1),
        start=call.start,
        author=behalf_of(run),
    )
