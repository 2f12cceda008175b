"""Who begins a step, and who is told to skip it."""

from __future__ import annotations

from typing import Final

from stepwell.kernel.driven.claims import lose
from stepwell.kernel.driven.names import check_input, declared
from stepwell.kernel.evolve_run import ROOT
from stepwell.kernel.ruling import Ruling
from stepwell.kernel.standing import expired
from stepwell.model import driven as d
from stepwell.model import events as e
from stepwell.model.base import iso
from stepwell.model.events import SAME, MaybeSame
from stepwell.model.records import Step
from stepwell.model.states import RunStatus, StepStatus, WaitReason

AGAIN: Final = frozenset({StepStatus.FAILED, StepStatus.TIMED_OUT, StepStatus.CANCELLED})
"""A step that ended so may be begun again."""


def begin(r: Ruling, command: d.BeginStep) -> d.Verdict:
    """Exactly one of all who ask gets to execute."""
    step_id, task = declared(r, command.step)
    step = r.draft.find_step(step_id)
    if step is not None and expired(step, r.now):
        lose(r, step)
        step = r.draft.step(step_id)
    reason = _hindrance(r, step)
    if reason:
        return _skip(r, step, reason)
    if command.given or step is None:
        check_input(task, command.step, command.input)
    before = None if step is None or step.withdrawn else step.status
    given: MaybeSame = command.input if command.given else SAME
    if step is None:
        data = command.input if command.given else None
        r.emit(e.StepStarted(step_id, step_id, d.KIND, ROOT, data))
    else:
        if step.status in AGAIN:
            r.emit(e.StepReopened(step_id))
        r.emit(e.StepStarted(step_id, input=given))
    until = None if command.lease is None else r.now + command.lease
    r.emit(e.StepClaimed(step_id, command.token_hash, command.owner, until))
    step = r.draft.step(step_id)
    return d.Verdict(True, step.attempt, before, r.draft.run.status, "", step.input, until=until)


def _hindrance(r: Ruling, step: Step | None) -> str:
    """Why the step cannot be begun now; nothing if it can."""
    status = r.draft.run.status
    if status is not RunStatus.RUNNING:
        return f"the run is {status}"
    if step is None or step.status in AGAIN:
        return ""
    if step.status in (StepStatus.SCHEDULED, StepStatus.WAITING):
        if step.reason is WaitReason.APPROVAL:
            return "it waits for a person"
        return "" if step.due is None or step.due <= r.now else f"it is not due before {iso(step.due)}"
    return "somebody performs it" if step.status is StepStatus.RUNNING else f"it is {step.status}"


def _skip(r: Ruling, step: Step | None, reason: str) -> d.Verdict:
    status = r.draft.run.status
    if step is None or step.withdrawn:
        return d.Verdict(False, 0, None, status, reason)
    until = step.claim.until if step.claim is not None and step.status is StepStatus.RUNNING else None
    return d.Verdict(
        False, step.attempt, step.status, status, reason, step.input, step.output, step.due, until
    )
