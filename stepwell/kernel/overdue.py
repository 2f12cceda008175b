"""Soft deadlines: set when a run or a step starts, told once when they pass. Nothing ends because of them."""

from __future__ import annotations

from stepwell.definition.specs import DeadlineSpec
from stepwell.kernel.data import View
from stepwell.kernel.ruling import Ruling
from stepwell.model import events as e
from stepwell.model.base import Json
from stepwell.model.deadline import instants, next_alarm
from stepwell.model.effects import SetTimer
from stepwell.model.records import Run, Step

PURPOSE = "overdue"


def expected(view: View, spec: DeadlineSpec | None, data: Json) -> dict[str, Json] | None:
    """The instants of a soft deadline that begins now. Raises `Fault`."""
    if spec is None:
        return None
    given = {"after": spec.after, "warn": spec.warn, "escalate": spec.escalate}
    return instants(view.r.now, {name: view.duration(s, data) for name, s in given.items() if s is not None})


def timer(of: Run | Step) -> SetTimer | None:
    """What wakes whoever has to tell."""
    due = next_alarm(of.expected, of.overdue)
    return SetTimer(of.id if isinstance(of, Step) else None, PURPOSE, due) if due is not None else None


def timers(r: Ruling) -> list[SetTimer]:
    """All that are still to come."""
    found = [timer(r.draft.run), *[timer(step) for step in r.draft.open_steps()]]
    return [wanted for wanted in found if wanted is not None]


def watch(r: Ruling, of: Run | Step) -> None:
    """Have it told when the time has come."""
    wanted = timer(of)
    if wanted is not None:
        r.effect(wanted)


def fire(r: Ruling, step_id: str | None) -> None:
    """The alarm: say so, if it is still open and it is really time; then wait for the next one."""
    of: Run | Step | None = r.draft.run if step_id is None else r.draft.find_step(step_id)
    if of is None or of.status.terminal or r.draft.run.status.terminal:
        return
    due = next_alarm(of.expected, of.overdue)
    if due is None:
        return
    if due <= r.now:
        again = of.overdue == 1
        r.emit(e.RunOverdue(again) if step_id is None else e.StepOverdue(step_id, again))
    watch(r, r.draft.run if step_id is None else r.draft.step(step_id))
