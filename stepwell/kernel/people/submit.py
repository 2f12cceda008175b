"""Submitting a step, and what comes between that and its end: condition, measurements, actions (SPEC N2, N9).

Each phase says whether the step may go on. What a phase waits for comes back as a command or as the end of a task
list; then the phases are asked again, from the first: one that is through says so at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from stepwell.definition.forms.values import check_values
from stepwell.definition.forms.verdict import Verdict
from stepwell.kernel.flow import complete, open_scope
from stepwell.kernel.people.holding import holds
from stepwell.kernel.people.measuring import measured
from stepwell.kernel.people.values import attended, chosen, outputs_of
from stepwell.kernel.people.verdict import judged, refer, reject
from stepwell.kernel.ruling import Ruling
from stepwell.model import events as e
from stepwell.model.errors import InvalidForm
from stepwell.model.records import ACTIONS, Step


def submit(r: Ruling, step: Step) -> None:
    """Raises `InvalidForm` where values are missing or wrong; `Fault` where what follows cannot be done."""
    body = attended(r.task(step.path))
    wrong = check_values(body.fields, chosen(r, step), complete=True)
    if wrong:
        raise InvalidForm(wrong)
    verdict = judged(r, step, body)
    if verdict is Verdict.REFERRED:
        refer(r, step, body)
        return
    r.emit(e.StepSubmitted(step.id))
    if verdict is Verdict.FAILED:
        reject(r, step)
    else:
        go_on(r, r.draft.step(step.id))


def submit_if_complete(r: Ruling, step: Step) -> None:
    """What auto-proceed does, once nothing is missing."""
    body = attended(r.task(step.path))
    if r.draft.node(step.id).auto_proceed and not check_values(body.fields, chosen(r, step), complete=True):
        try:
            judged(r, step, body)
        except InvalidForm:  # something is missing after all
            return
        submit(r, step)


def go_on(r: Ruling, step: Step) -> None:
    """Go through the phases that are left; complete the step after the last one. Raises `Fault`."""
    if all(phase(r, step) for phase in PHASES):
        complete(r, r.draft.step(step.id), outputs_of(r, step))


def _act(r: Ruling, step: Step) -> bool:
    """The actions, in order; each is a task."""
    tasks = attended(r.task(step.path)).actions
    if tasks is None:
        return True
    scope_id = f"{step.id}/{ACTIONS}"
    scope = r.draft.find_scope(scope_id)
    if scope is None:
        open_scope(r, step, scope_id, tasks, ACTIONS, input=outputs_of(r, step))
        return False
    return not scope.open


PHASES: Final[tuple[Callable[[Ruling, Step], bool], ...]] = (holds, measured, _act)
