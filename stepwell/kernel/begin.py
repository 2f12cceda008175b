"""How a step begins: held, skipped, paused, or started; and the loop that works off a turn's agenda."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from stepwell.definition.model import AttendedBody, ForBody, Task, TaskKind, TryBody
from stepwell.kernel import graph, overdue
from stepwell.kernel.approvals import gate
from stepwell.kernel.approvals.asking import output_of, refusal
from stepwell.kernel.catching import attempt_deadline
from stepwell.kernel.code.calls import begin_held, continue_later, decided
from stepwell.kernel.data import View, shape_input
from stepwell.kernel.exchange import idempotency_key
from stepwell.kernel.failure import fail, fail_after_end
from stepwell.kernel.flow import complete, ended, new_id, task_list
from stepwell.kernel.limits import limits
from stepwell.kernel.people.submit import submit
from stepwell.kernel.ruling import Begin, Enter, Fault, OpenGraph, Pass, Ruling, ScopeDone, Spoiled
from stepwell.kernel.sparing import spared_task
from stepwell.kernel.standing import child_id
from stepwell.kernel.tasks import HANDLERS
from stepwell.kernel.tasks.for_ import items
from stepwell.kernel.tasks.run import behalf_of
from stepwell.kernel.undoing import compensates, goes_on
from stepwell.model import events as e
from stepwell.model.actions import Action, ChildAction
from stepwell.model.approvals import Approval
from stepwell.model.effects import Perform, SetTimer
from stepwell.model.events import SAME
from stepwell.model.records import Scope, Step
from stepwell.model.states import RunStatus, StepStatus, WaitReason


def work(r: Ruling) -> None:
    """Work off the agenda: every consequence of the command, in the order it came up."""
    while (item := r.agenda.take()) is not None:
        _WORK[type(item)](r, item)


def _enter(r: Ruling, item: Enter) -> None:
    scope = r.draft.scope(item.scope)
    task = task_list(r, scope).tasks[item.position]
    step_id = new_id(r, scope, task)
    if task.attended:
        graph.plan_one(r, scope, task, step_id)
    if task.options.auto_start or not task.attended:
        _admit(r, scope, task, step_id, new=not task.attended)


def _admit(r: Ruling, scope: Scope, task: Task, step_id: str, *, new: bool, by: str | None = None) -> None:
    """Its turn has come: begin it, unless something holds it back."""
    options = task.options
    full = r.begun >= r.env.begins and not task.attended  # people do not have to wait for an engine
    held = r.draft.run.status is not RunStatus.RUNNING or full
    paused = options.debug_pause or r.draft.run.mode == "debug"
    if not (held or paused or options.schedule is not None):
        _start(r, scope, task, step_id, new=new, by=by)
        return
    identity = (step_id, task.pointer, task.kind.value, scope.id)
    if paused:
        r.emit(e.StepPaused(*identity, options.priority, options.optional))
    elif options.schedule is not None:
        _hold(r, scope, task, identity)
    else:
        r.emit(e.StepScheduled(*identity, None, options.priority, options.optional))
        continue_later(r)


def _hold(r: Ruling, scope: Scope, task: Task, identity: tuple[str, str, str, str]) -> None:
    """`metadata.schedule`: the step waits for its time."""
    assert task.options.schedule is not None
    try:
        due = r.now + View(r, scope, task, None, scope.flow).duration(task.options.schedule, scope.flow)
    except Fault as fault:
        _start_failed(r, scope, task, identity[0], fault, new=True)
        return
    r.emit(e.StepScheduled(*identity, due, task.options.priority, task.options.optional))
    r.effect(SetTimer(identity[0], "wake", due))


def _begin(r: Ruling, item: Begin) -> None:
    """A step that was held begins now, unless the run is not going on."""
    step = r.draft.step(item.step)
    if step.status is StepStatus.PENDING:
        _admit(r, r.draft.scope(step.scope), r.task(step.path), step.id, new=False, by=item.by)
        return
    if step.reason is WaitReason.APPROVAL:
        _decided(r, step)
        return
    if step.status is not StepStatus.SCHEDULED:
        return
    if r.definition.code is not None:
        begin_held(r, step)
    elif r.draft.run.status is not RunStatus.RUNNING:
        return
    elif r.begun >= r.env.begins and not r.task(step.path).attended:
        continue_later(r)
    else:
        _start(r, r.draft.scope(step.scope), r.task(step.path), step.id, new=False)


def _start(r: Ruling, scope: Scope, task: Task, step_id: str, *, new: bool, by: str | None = None) -> None:
    """Shape the input and start the step, or skip it."""
    raw = scope.flow
    view = View(r, scope, task, None, raw)
    r.begun += 1
    try:
        if task.if_ is not None and not view.condition(task.if_, raw):
            _skip(r, scope, task, step_id, new=new)
            return
        data = view.input = shape_input(view, task.input, raw)
        deadline = r.now + view.duration(task.timeout, data) if task.timeout is not None else None
        due = overdue.expected(view, task.options.deadline, data)
        listed = items(view, task.body, data) if isinstance(task.body, ForBody) else None
        attempt = attempt_deadline(r, view, task.body, data) if isinstance(task.body, TryBody) else None
    except Fault as fault:
        _start_failed(r, scope, task, step_id, fault, new=new)
        return
    names = (task.pointer, task.kind.value, scope.id) if new else ("", "", "")
    flowing = SAME if data is raw else data
    options = task.options
    if deadline is None and options.completion is not None:
        deadline = r.now + options.completion
    r.emit(
        e.StepStarted(
            step_id, *names, flowing, options.priority, options.optional,
            deadline, attempt, listed, options.policy, due, by,
        )
    )  # fmt: skip
    if deadline is not None:
        r.effect(SetTimer(step_id, "timeout", deadline))
    if due is not None:
        overdue.watch(r, r.draft.step(step_id))
    enter_step(r, task, view, r.draft.step(step_id))


def _start_failed(r: Ruling, scope: Scope, task: Task, step_id: str, fault: Fault, *, new: bool) -> None:
    """The step could not begin: it is started with what there was, and fails at once."""
    names = (task.pointer, task.kind.value, scope.id) if new else ("", "", "")
    r.emit(e.StepStarted(step_id, *names, SAME, task.options.priority, task.options.optional))
    fail(r, r.draft.step(step_id), fault.problem)


def _skip(r: Ruling, scope: Scope, task: Task, step_id: str, *, new: bool) -> None:
    names = (task.pointer, task.kind.value, scope.id) if new else ("", "", "")
    source = task.if_.source if task.if_ is not None else ""
    r.emit(e.StepSkipped(step_id, f"if: {source} is false", *names))
    ended(r, r.draft.step(step_id), task, "continue")


def enter_step(r: Ruling, task: Task, view: View, step: Step) -> None:
    """The step has started: do what its kind does, or have it done."""
    view.step = step
    enter = HANDLERS[task.kind].enter
    try:
        if enter is None:
            have_done(r, task, view, step)
        else:
            enter(r, step, task, view)
    except Fault as fault:
        fail(r, r.draft.step(step.id), fault.problem)


def have_done(r: Ruling, task: Task, view: View, step: Step) -> None:
    """Have a worker do the step's action once this turn is durable. Raises `Fault`."""
    act = HANDLERS[task.kind].action
    assert act is not None
    action: Action | None
    if gate.stands_open(r, task):
        action = act(r, step, task, view)
    else:
        child = child_id(r.draft.run.id, step.id, step.attempt)
        behalf = behalf_of(r.draft.run)
        action = gate.passed(r, task, view, step, lambda: act(r, step, task, view), child, behalf)
    if action is None:
        return
    r.effects += limits(step)
    if isinstance(action, ChildAction) and action.wait and step.status is StepStatus.RUNNING:
        r.emit(e.StepWaiting(step.id, WaitReason.CHILDREN))
    key = idempotency_key(r.draft.run.id, step.id)
    effect = Perform(step.id, step.attempt, action, key, step.priority + r.draft.run.priority)
    r.effect(spared_task(r, task, view, step, effect))


def _decided(r: Ruling, step: Step) -> None:
    """People have decided, or did not in time: the step goes on, or fails, unless the run is not going on."""
    approval = r.draft.find_approval(step.id)
    if approval is None or approval.open or not goes_on(r.draft.run, compensates(step)):
        return
    if r.definition.code is not None:
        decided(r, step)
        return
    task = r.task(step.path)
    try:
        if gate.given(r, step) is None:
            _refused(r, task, step, approval)
        elif task.attended:
            submit(r, step)
        elif r.begun >= r.env.begins:
            continue_later(r)
        else:
            r.begun += 1
            r.emit(e.StepApproved(step.id))
            have_done(r, task, view_of(r, step), r.draft.step(step.id))
    except Fault as fault:
        fail(r, r.draft.step(step.id), fault.problem)


def _refused(r: Ruling, task: Task, step: Step, approval: Approval) -> None:
    """It fails, unless it was only a question whose answer is wanted, whatever it is."""
    spec = task.body.approval if isinstance(task.body, AttendedBody) else None
    if spec is None or spec.fails:
        fail(r, step, refusal(approval))
    else:
        complete(r, step, output_of(approval))


def begin_again(r: Ruling, step: Step) -> None:
    """The next attempt at a task that somebody performs."""
    r.emit(e.StepStarted(step.id))
    enter_step(r, r.task(step.path), view_of(r, step), r.draft.step(step.id))


def view_of(r: Ruling, step: Step) -> View:
    """What the expressions of a started step see."""
    return View(r, r.draft.scope(step.scope), r.task(step.path), step, step.input)


def _scope_done(r: Ruling, item: ScopeDone) -> None:
    scope = r.draft.scope(item.scope)
    assert scope.owner is not None
    owner = r.draft.step(scope.owner)
    if owner.status.terminal:  # it was through before this list was (a loop over an empty list of tasks)
        return
    handler = HANDLERS[TaskKind(owner.kind)]
    assert handler.done is not None
    try:
        handler.done(r, owner, scope)
    except Fault as fault:
        fail(r, r.draft.step(owner.id), fault.problem)


_WORK: Final[dict[type[Any], Callable[[Ruling, Any], None]]] = {
    Enter: _enter,
    Begin: _begin,
    ScopeDone: _scope_done,
    OpenGraph: graph.open_graph,
    Pass: graph.let_go,
    Spoiled: fail_after_end,
}
