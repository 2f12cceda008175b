"""Beginning and ending a procedure by hand, and its global fields (SPEC N13, N15)."""

from __future__ import annotations

from collections.abc import Mapping

from stepwell.definition.forms.values import check_values
from stepwell.kernel.evolve_run import ROOT
from stepwell.kernel.flow import cancel_steps, complete_run, fail_run
from stepwell.kernel.people.life import wanted
from stepwell.kernel.ruling import Ruling
from stepwell.model import events as e
from stepwell.model import problem
from stepwell.model.base import Json
from stepwell.model.errors import InvalidForm, InvalidInput, TransitionRefused
from stepwell.model.events import SAME
from stepwell.model.people_commands import EndRun, SetFields
from stepwell.model.states import RunStatus


def set_fields(r: Ruling, command: SetFields) -> None:
    """Raises `InvalidForm`, `TransitionRefused`."""
    run = r.draft.run
    if run.status.terminal:
        raise TransitionRefused(f"run {run.id} is {run.status}: its fields are final")
    check_fields(r, {**run.fields, **command.values}, complete=not run.held)
    keep_fields(r, command.values, complete=False)


def check_fields(r: Ruling, values: Mapping[str, Json], *, complete: bool) -> None:
    """Raises `InvalidForm`, `InvalidInput` where it is no procedure."""
    procedure = r.definition.procedure
    if procedure is None:
        raise InvalidInput(f"{r.definition.reference} is no procedure: it has no fields")
    wrong = check_values(procedure.fields, dict(values), complete=complete)
    if wrong:
        raise InvalidForm(wrong)


def keep_fields(r: Ruling, values: Mapping[str, Json], *, complete: bool) -> None:
    """Put global fields on record. Raises as `check_fields` does."""
    check_fields(r, values, complete=complete)
    given = {name: value for name, value in values.items() if value is not None}
    removed = tuple(name for name, value in values.items() if value is None and name in r.draft.run.fields)
    if given or removed:
        r.emit(e.FieldsSet(given, removed))


def end(r: Ruling, command: EndRun) -> None:
    """A person says how the procedure ended. Raises `TransitionRefused`, `InvalidInput`."""
    run = r.draft.run
    if not run.attended:
        raise TransitionRefused(f"run {run.id} is no procedure: it ends by itself")
    if run.status not in (RunStatus.RUNNING, RunStatus.PAUSING, RunStatus.PAUSED):
        raise TransitionRefused(f"run {run.id} is {run.status}: it cannot be ended as if it were running")
    if not command.succeeded:
        reason = (command.reason or "").strip()
        if not reason:
            raise InvalidInput("a run is not failed without a reason")
        by = r.by.id if r.by is not None else "somebody"
        fail_run(r, problem.failed_by(by, reason), None)
        return
    missing = [node.id for node in r.draft.nodes() if wanted(r, node)]
    if missing:
        raise TransitionRefused(
            f"run {run.id} cannot succeed: required steps are not through: {', '.join(missing)}",
            hint="complete them, or end the run as failed",
        )
    cancel_steps(r, list(r.draft.open_steps()), "the run was ended")
    r.agenda.clear()
    graph = r.draft.find_graph(ROOT)
    steps = graph.steps if graph is not None else {}
    complete_run(
        r, {name: r.draft.step(step_id).output for name, step_id in steps.items()} if steps else SAME
    )
