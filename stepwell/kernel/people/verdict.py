"""Verifications: what the verdict of a form does to its step (SPEC S7)."""

from __future__ import annotations

from stepwell.definition.forms.field import NEEDED
from stepwell.definition.forms.verdict import REASON, VERDICT, Verdict
from stepwell.definition.model import AttendedBody
from stepwell.kernel.failure import fail
from stepwell.kernel.people.values import chosen
from stepwell.kernel.ruling import Ruling
from stepwell.model import events as e
from stepwell.model import problem
from stepwell.model.errors import InvalidForm
from stepwell.model.records import Step


def judged(r: Ruling, step: Step, body: AttendedBody) -> Verdict:
    """What people decided; a form that asks for no verdict passes. Raises `InvalidForm` for a fail without a reason."""
    if not body.verdict:
        return Verdict.PASSED
    values = chosen(r, step)
    verdict = Verdict(values[VERDICT])
    if verdict is Verdict.FAILED and not str(values.get(REASON) or "").strip():
        raise InvalidForm({REASON: [NEEDED]}, hint="say why it did not pass")
    return verdict


def refer(r: Ruling, step: Step, body: AttendedBody) -> None:
    """Others are to decide: the form stays open, with everything in it but the verdict and its reason."""
    r.emit(e.StepValuesSet(step.id, {}, (VERDICT, REASON)))
    r.emit(e.StepAssigned(step.id, body.refer.people, body.refer.groups))


def reject(r: Ruling, step: Step) -> None:
    """It did not pass: the step, submitted by now, fails with the reason that was given."""
    by = r.by.id if r.by is not None else "the engine"
    reason = str(chosen(r, step).get(REASON))
    fail(r, r.draft.step(step.id), problem.failed_by(by, " ".join(reason.split())))
