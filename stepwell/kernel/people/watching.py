"""What reaches steps that hold a condition or measure something: reports, timers, signals, and changed data."""

from __future__ import annotations

from typing import Any, Final

from stepwell.kernel.failure import fail
from stepwell.kernel.people import holding, measuring
from stepwell.kernel.people.submit import go_on
from stepwell.kernel.ruling import Fault, Ruling
from stepwell.model import events as e
from stepwell.model.commands import SendSignal
from stepwell.model.errors import TransitionRefused
from stepwell.model.people_commands import ReportCondition
from stepwell.model.records import Signal, Step
from stepwell.model.states import RunStatus, StepStatus


def report(r: Ruling, command: ReportCondition) -> None:
    """A worker has looked. A report that nobody waits for changes nothing (SPEC N10)."""
    step, run = r.draft.find_step(command.step), r.draft.run
    if r.by is not None:
        raise TransitionRefused("what a condition waits for is the engine's to report")
    if step is None or run.status.terminal or run.status is RunStatus.CANCELLING:
        return
    if _of(command.leaf).report(r, step, command.leaf, command.number, command.outcome):
        _go_on(r, step)


def fire(r: Ruling, step_id: str, purpose: str) -> None:
    """A timer of a condition or a measurement. A pause holds it back: what is due is asked for when the run goes on."""
    step, leaf = r.draft.find_step(step_id), purpose.removeprefix(holding.PURPOSE)
    if step is None or step.status.terminal or r.draft.run.status is not RunStatus.RUNNING:
        return
    if _of(leaf).look(r, step, leaf):
        _go_on(r, step)


def _of(leaf: str) -> Any:
    return measuring if leaf.startswith(measuring.LEAF) else holding


def receive(r: Ruling, command: SendSignal) -> bool:
    """Give a signal to the condition that has waited longest for it, if one does."""
    known = r.draft.find_signal(command.signal) is not None
    if known or not r.draft.has_nodes or r.draft.run.status.terminal:
        return False
    signal = Signal(command.signal, command.name, command.value, r.now, command.correlation)
    for step in _submitted(r):
        condition, found = holding.condition_of(r, step), holding.offer(r, step, signal)
        if condition is not None and found is not None:
            r.emit(e.SignalReceived(signal.id, signal.name, signal.value, signal.correlation, step.id))
            holding.keep(r, step, condition, found)
            _go_on(r, step)
            return True
    return False


def ask_anew(r: Ruling) -> None:
    """See to it that everything is waited for that somebody waits for."""
    if not r.draft.has_nodes:
        return
    for step in list(r.draft.open_steps()):
        if r.draft.find_node(step.id) is None:
            continue
        settled = measuring.ask_anew(r, step)
        if step.status is StepStatus.SUBMITTED and (holding.ask_anew(r, step) or settled):
            _go_on(r, step)


def look_again(r: Ruling) -> bool:
    """If data of the run changed in this turn, look at the conditions that hang on them. Whether one of them moved."""
    hanging = r.definition.hanging
    if not hanging or not any(type(event) in _DATA for event in r.events):
        return False
    moved = False
    for step in _submitted(r):
        if step.path in hanging and holding.look(r, step):
            _go_on(r, step)
            moved = True
    return moved


def _submitted(r: Ruling) -> list[Step]:
    if not r.draft.run.counts.get(StepStatus.SUBMITTED):  # looked up once a turn: there may be thousands open
        return []
    return [step for step in r.draft.open_steps() if step.status is StepStatus.SUBMITTED]


def _go_on(r: Ruling, step: Step) -> None:
    step = r.draft.step(step.id)
    if step.status is not StepStatus.SUBMITTED:
        return
    try:
        go_on(r, step)
    except Fault as fault:
        fail(r, r.draft.step(step.id), fault.problem)


_DATA: Final[frozenset[type[Any]]] = frozenset(
    {
        e.VariablesSet,
        e.ContextSet,
        e.FieldsSet,
        e.StepValuesSet,
        e.StepStarted,
        e.StepSubmitted,
        e.StepCompleted,
        e.StepFailed,
        e.StepTimedOut,
        e.StepSkipped,
        e.StepCancelled,
        e.StepActionFailed,
        e.StepRepeated,
    }
)
"""What an expression may see changes with these."""
