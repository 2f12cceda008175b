"""Signals: each is delivered once, to the step that has waited longest for it, or kept until one waits."""

from __future__ import annotations

from stepwell.kernel.ruling import Ruling
from stepwell.model import commands as c
from stepwell.model import events as e
from stepwell.model.calls import ListenCall
from stepwell.model.errors import TransitionRefused
from stepwell.model.records import Step
from stepwell.model.states import StepStatus


def receive(r: Ruling, command: c.SendSignal) -> None:
    """The race with a timeout is settled by which of the two turns is appended first (SPEC Q17)."""
    run = r.draft.run
    if r.draft.find_signal(command.signal) is not None:
        return
    if run.status.terminal:
        raise TransitionRefused(
            f"run {run.id} is {run.status}: the signal {command.name!r} comes too late",
            hint=f"see how it ended with: stepwell runs explain {run.id}",
        )
    waiting = next((s for s in r.draft.open_steps() if _wants(s, command.name, command.correlation)), None)
    taken_by = waiting.id if waiting is not None else None
    r.emit(
        e.SignalReceived(command.signal, command.name, command.value, command.correlation, taken_by),
    )
    if waiting is not None:
        r.emit(e.StepCompleted(waiting.id, command.value))


def take_waiting(r: Ruling, call: ListenCall) -> bool:
    """Give a step that begins to wait the oldest signal that is there for it."""
    for signal_id in r.draft.run.inbox:
        signal = r.draft.find_signal(signal_id)
        assert signal is not None
        if signal.name == call.signal and call.correlation in (None, signal.correlation):
            r.emit(e.SignalTaken(signal_id, call.id))
            r.emit(e.StepCompleted(call.id, signal.value))
            return True
    return False


def _wants(step: Step, name: str, correlation: str | None) -> bool:
    if step.kind != "listen" or step.status is not StepStatus.WAITING:
        return False
    wanted: dict[str, str | None] = step.input
    return wanted["signal"] == name and wanted["correlation"] in (None, correlation)
