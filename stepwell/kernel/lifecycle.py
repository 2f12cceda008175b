"""The commands that steer a whole run: start, pause, resume, cancel, terminate, retry, variables."""

from __future__ import annotations

from collections.abc import Sequence

from stepwell.definition.forms.values import defaults
from stepwell.definition.specs import DurationSpec
from stepwell.kernel import graph, overdue
from stepwell.kernel.code.again import reopen
from stepwell.kernel.code.follow import follow
from stepwell.kernel.data import View, shape_input
from stepwell.kernel.evolve_run import ROOT, created_by
from stepwell.kernel.evolve_step import ATTENDED, PERFORMED
from stepwell.kernel.flow import advance, cancel_steps, complete_run, fail_run
from stepwell.kernel.limits import limits
from stepwell.kernel.people import watching
from stepwell.kernel.people.ending import check_fields, keep_fields
from stepwell.kernel.people.life import proceed_by_itself
from stepwell.kernel.ruling import Begin, Enter, Fault, Ruling
from stepwell.kernel.standing import in_flight
from stepwell.kernel.undoing import begin_undoing, cause_of, compensates, conclude, has_to_undo, why
from stepwell.model import commands as c
from stepwell.model import events as e
from stepwell.model import problem
from stepwell.model.attributes import merged, normal_all
from stepwell.model.base import Instant, Json
from stepwell.model.effects import Interrupt, SetTimer
from stepwell.model.errors import InvalidInput, TransitionRefused
from stepwell.model.events import SAME
from stepwell.model.records import Scope, Step
from stepwell.model.states import RunStatus, StepStatus, WaitReason


def start(r: Ruling, command: c.StartRun) -> None:
    d = r.definition
    r.emit(created_by(d, command))
    if d.procedure is not None:
        given = {**defaults(d.procedure.fields), **_fields(command.input)}
        keep_fields(r, given, complete=not command.held)
    if command.queue is None and not command.held:
        _begin(r, command.input, command.history)


def _fields(input: Json) -> dict[str, Json]:
    """The input of a procedure: its global fields."""
    if input is None or isinstance(input, dict):
        return input or {}
    raise InvalidInput("the input of a procedure is an object: its global fields")


def begin(r: Ruling, command: c.BeginRun) -> None:
    """A claim of the run is kept, unless the run went another way meanwhile."""
    run = r.draft.run
    if r.by is not None:
        _may_begin(r)
    if run.status is RunStatus.PENDING and run.round == command.round:
        _begin(r, run.input)


def _may_begin(r: Ruling) -> None:
    """Somebody asks for it. Raises `TransitionRefused`, `InvalidForm` where fields are missing."""
    run = r.draft.run
    if run.waits:
        raise TransitionRefused(f"run {run.id} waits in queue {run.queue}: it begins when its turn comes")
    if run.status is not RunStatus.PENDING:
        raise TransitionRefused(f"run {run.id} is {run.status}: it has begun already")
    if r.definition.procedure is not None:
        check_fields(r, run.fields, complete=True)


def reschedule(r: Ruling, command: c.RescheduleRun) -> None:
    if not r.draft.run.waits:
        raise TransitionRefused(f"run {r.draft.run.id} has begun: it can no longer be put off")
    r.emit(e.RunRescheduled(command.due, command.input))


def _begin(r: Ruling, input: Json, history: Sequence[e.Event] = ()) -> None:
    d, run = r.definition, r.draft.run
    if run.deadline is not None and run.deadline <= r.now:
        time_out(r)
        return
    view = View(r, None, None, None, input)
    try:
        data = shape_input(view, d.input, input)
        deadline = r.now + view.duration(d.timeout, data) if d.timeout is not None else None
        due = overdue.expected(view, d.deadline, data)
    except Fault as fault:
        fail_run(r, fault.problem, None)
        return
    if deadline is None or (run.deadline is not None and run.deadline < deadline):
        deadline = run.deadline
    r.emit(e.RunStarted(SAME if data is input else data, deadline, due))
    overdue.watch(r, r.draft.run)
    if deadline is not None:
        r.effect(SetTimer(None, "timeout", deadline))
    if history:
        _take_over(r, history)
    elif d.code is None:
        advance(r, r.draft.scope(ROOT), d.do, 0)


def _take_over(r: Ruling, history: Sequence[e.Event]) -> None:
    """A fork: what had happened in another run has happened in this one too. Nothing begins in this turn: whoever
    carries the run on performs what was in flight, and begins what is held, as after a crash."""
    for event in history:
        r.emit(event)


def time_out(r: Ruling) -> None:
    """The run's time is over, whatever it was at. What it has done is undone first, as when it is cancelled."""
    run = r.draft.run
    if run.status.terminal or run.status is RunStatus.CANCELLING:
        return
    if has_to_undo(r):
        _stop(r, e.RunCancelling(timed_out=True), abandoned=False)
        return
    what = (
        f"did not begin in queue {run.queue} before its deadline"
        if run.waits
        else "did not end within its timeout"
    )
    cancel_steps(r, list(r.draft.open_steps()), "the run timed out")
    r.emit(e.RunTimedOut(problem.timeout(f"the workflow {what}")))


def pause(r: Ruling, command: c.PauseRun) -> None:
    run = r.draft.run
    if run.status is RunStatus.PENDING and not run.waits:
        raise TransitionRefused(f"run {run.id} has not begun: there is nothing to pause")
    r.emit(e.RunPausing(command.reason))


def resume(r: Ruling, command: c.ResumeRun) -> None:
    if command.step is not None:
        r.emit(e.StepReleased(r.draft.step(command.step).id))
        r.agenda.add(Begin(command.step))
    elif r.draft.run.status is RunStatus.PAUSED and r.draft.run.waits:
        r.emit(e.RunRescheduled(r.draft.run.due or r.now))
    elif r.draft.run.status in (RunStatus.PAUSING, RunStatus.PAUSED):
        r.emit(e.RunResumed())
        proceed(r, c.Proceed())
    else:
        _release_all(r)


def _release_all(r: Ruling) -> None:
    held = [step for step in r.draft.open_steps() if step.status is StepStatus.PAUSED]
    if r.draft.run.status is not RunStatus.RUNNING or not held:
        raise TransitionRefused(
            f"run {r.draft.run.id} is {r.draft.run.status}: there is no pause to resume from",
            hint="`runs retry` goes on with a failed run, `runs rerun` starts it anew",
        )
    for step in held:
        r.emit(e.StepReleased(step.id))
        r.agenda.add(Begin(step.id))


def proceed(r: Ruling, command: c.Proceed) -> None:
    """Begin what is held and due, and set every timer that is still to come."""
    for step in list(r.draft.open_steps()):
        if _may_go_on(step, r.now):
            r.agenda.add(Begin(step.id))
        elif step.status is StepStatus.PENDING and r.draft.find_node(step.id) is not None:
            graph.consider(r, step.id)  # after a fork
        elif step.status is StepStatus.RUNNING and step.kind in ATTENDED:
            proceed_by_itself(r, step)  # what was filled in while the run was paused
    for effect in timers(r):
        r.effect(effect)
    watching.ask_anew(r)


def _may_go_on(step: Step, now: Instant) -> bool:
    """It is held and due; or people may have decided while it could not go on."""
    held = step.status is StepStatus.SCHEDULED and (step.due is None or step.due <= now)
    return held or step.reason is WaitReason.APPROVAL


def timers(r: Ruling) -> list[SetTimer]:
    """Every timer that the state calls for."""
    run = r.draft.run
    found = [SetTimer(None, "timeout", run.deadline)] if run.deadline is not None else []
    found += overdue.timers(r)
    for step in r.draft.open_steps():
        wanted = (("wake", step.due), ("timeout", step.deadline), ("attempt", step.attempt_deadline))
        found += [SetTimer(step.id, purpose, due) for purpose, due in wanted if due is not None]
        found += limits(step) if in_flight(step) else []
    return found


def cancel(r: Ruling, command: c.CancelRun) -> None:
    """Interrupt what is in flight; the run is cancelled when that has settled (see `settle`)."""
    if not command.abandoned and any(_continues(step) for step in r.draft.open_steps()):
        refusal = TransitionRefused(f"run {r.draft.run.id} is just going on as another run: cancel that one")
        refusal.retry = True
        raise refusal
    _stop(r, e.RunCancelling(command.reason), abandoned=command.abandoned)


def _stop(r: Ruling, cancelling: e.RunCancelling, *, abandoned: bool) -> None:
    r.emit(cancelling)
    for step in list(r.draft.open_steps()):
        if compensates(step):  # the run has failed, and is undone anyway
            continue
        if in_flight(step) and abandoned:
            r.emit(e.StepCancelled(step.id, why(r.draft.run)))
        elif in_flight(step):
            r.effect(Interrupt(step.id, step.attempt))


def _continues(step: Step) -> bool:
    return step.kind == "run:workflow" and step.name == "continue-as-new"


def terminate(r: Ruling, command: c.TerminateRun) -> None:
    cancel_steps(r, list(r.draft.open_steps()), "the run was terminated")
    r.emit(e.RunTerminated(command.reason, *cause_of(r)))


def settle(r: Ruling) -> None:
    """Once nothing is in flight any more, a pausing run is paused, and a cancelling one undone and cancelled."""
    status = r.draft.run.status
    if status is RunStatus.PAUSING:
        if not any(s.status is StepStatus.RUNNING and s.kind in PERFORMED for s in r.draft.open_steps()):
            r.emit(e.RunPaused())
    elif status is RunStatus.CANCELLING and r.draft.run.compensating is None:
        if any(in_flight(step) and not compensates(step) for step in r.draft.open_steps()):
            return
        if begin_undoing(r):
            follow(r)
            return
        cancel_steps(r, list(r.draft.open_steps()), why(r.draft.run))
        conclude(r)


def retry(r: Ruling, command: c.RetryRun) -> None:
    """Go on from the failed frontier: the steps that ended badly begin again, the blocks around them go on."""
    if r.draft.run.status.terminal and r.draft.run.started_at is None:
        raise TransitionRefused(
            f"run {r.draft.run.id} ended before it began: there is nothing to go on from",
            hint=f"start it anew with: stepwell runs rerun {r.draft.run.id}",
        )
    if r.definition.code is not None:
        reopen(r, _run_deadline(r))
        proceed(r, c.Proceed())
        return
    run = r.draft.run
    frontier = _frontier(r)
    resumed = {step.id for step in frontier if step.live and step.kind not in PERFORMED}
    untouched = _untouched(r, resumed)
    if run.status.terminal and not (frontier or untouched or _through(r)):
        raise TransitionRefused(
            f"run {run.id} has no failed step to go on from",
            hint=f"start it anew with: stepwell runs rerun {run.id}",
        )
    r.emit(e.RunRetried(run.generation + 1, _run_deadline(r)))
    for step in frontier:
        if step.id in resumed and step.kind in ATTENDED:  # its actions go on; its values stay frozen
            r.emit(e.StepSubmitted(step.id))
        elif step.id in resumed:
            r.emit(e.StepResumed(step.id, _step_deadline(r, step)))
        elif step.started_at is None and r.draft.find_node(step.id) is not None:
            r.emit(e.StepRestored(step.id))
        else:
            r.emit(e.StepReopened(step.id))
    r.emit(e.RunResumed())
    proceed(r, c.Proceed())
    for step in frontier:
        if r.draft.find_node(step.id) is not None:
            graph.consider(r, step.id)
    for scope in untouched:
        r.agenda.add(Enter(scope.id, scope.number if scope.section == "branch" else 0))
    if not (frontier or untouched):
        _all_through(r)


def _all_through(r: Ruling) -> None:
    """There is nothing left to do, if it is not a person who has to say so."""
    root = r.draft.find_graph(ROOT)
    if root is not None:
        graph.finish(r, r.draft.scope(ROOT))
    else:
        complete_run(r)


def _frontier(r: Ruling) -> list[Step]:
    """The steps to go on with, outer ones first: they ended badly, nobody absorbed it, and all around them did too."""
    chosen: dict[str, Step] = {}
    for step in r.draft.base.steps.values():
        bad = step.status in (StepStatus.FAILED, StepStatus.TIMED_OUT, StepStatus.CANCELLED)
        inside = step.parent is None or step.parent in chosen
        node = r.draft.find_node(step.id)
        if node is not None and node.replaced_by is not None:
            continue
        if bad and inside and step.id not in r.draft.run.errors and r.draft.scope(step.scope).open:
            chosen[step.id] = step
    return list(chosen.values())


def _untouched(r: Ruling, resumed: set[str]) -> list[Scope]:
    """Open scopes of the resumed steps in which nothing had begun yet when the run ended."""
    scopes = r.draft.base.scopes.values()
    return [scope for scope in scopes if scope.open and scope.owner in resumed and not scope.begun]


def _through(r: Ruling) -> bool:
    """Every task was through when the run ended: it was its output that failed, or a cancel was faster."""
    root = [step for step in r.draft.base.steps.values() if step.scope == ROOT]
    good = not root or root[-1].status in (StepStatus.COMPLETED, StepStatus.SKIPPED)
    return r.draft.run.started_at is not None and good and not r.draft.run.errors


def _run_deadline(r: Ruling) -> Instant | None:
    spec = r.definition.timeout
    if spec is None:
        return None
    return _deadline(View(r, None, None, None, r.draft.run.input), spec, r.draft.run.input)


def _step_deadline(r: Ruling, step: Step) -> Instant | None:
    spec = r.task(step.path).timeout
    view = View(r, r.draft.scope(step.scope), r.task(step.path), step, step.input)
    return None if spec is None else _deadline(view, spec, step.input)


def _deadline(view: View, spec: DurationSpec, data: Json) -> Instant | None:
    try:
        return view.r.now + view.duration(spec, data)
    except Fault:  # it could be evaluated before; now it goes on without
        return None


def set_variables(r: Ruling, command: c.SetVariables) -> None:
    if r.draft.run.status.terminal:
        raise TransitionRefused(f"run {r.draft.run.id} is {r.draft.run.status}: its variables are final")
    values = dict(command.values)
    for name, item in command.append.items():
        have = values.get(name, r.draft.run.variables.get(name, []))
        if not isinstance(have, list):
            raise InvalidInput(f"variable {name} is not a list: nothing can be appended to it")
        values[name] = [*have, item]
    r.emit(e.VariablesSet(values, tuple(command.remove), command.step))


def set_attributes(r: Ruling, command: c.SetAttributes) -> None:
    """What is set already, and what is not there to be removed, changes nothing."""
    have = r.draft.run.attributes
    values = normal_all(command.values)
    merged(have, values, command.remove)
    removed = tuple(name for name in dict.fromkeys(command.remove) if name in have and name not in values)
    news = {name: value for name, value in values.items() if name not in have or _differ(have[name], value)}
    if news or removed:
        r.emit(e.AttributesSet(news, removed, command.step))


def _differ(have: Json, value: Json) -> bool:
    return type(have) is not type(value) or bool(have != value)
