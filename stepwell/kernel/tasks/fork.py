"""`fork`: branches at once. All of them, outputs in declared order; or `compete`, the first to be through wins."""

from __future__ import annotations

from stepwell.definition.model import ForkBody, Task
from stepwell.kernel.data import View
from stepwell.kernel.flow import cancel_steps, complete, open_scope, outcome
from stepwell.kernel.ruling import Ruling
from stepwell.model.events import SAME
from stepwell.model.records import Scope, Step


def branch(owner: str, number: int) -> str:
    """The id of the scope of one branch, numbered from 0."""
    return f"{owner}/fork/branches#{number}"


def enter(r: Ruling, step: Step, task: Task, view: View) -> None:
    assert isinstance(task.body, ForkBody)
    branches = task.body.branches
    if not branches.tasks:
        complete(r, step, SAME)
    for number in range(len(branches.tasks)):
        open_scope(r, step, branch(step.id, number), branches, "branch", number, position=number)


def done(r: Ruling, step: Step, scope: Scope) -> None:
    task = r.task(step.path)
    assert isinstance(task.body, ForkBody)
    if task.body.compete and not (scope.failed and r.draft.step(step.id).live):
        losers = [s for s in r.draft.open_steps() if s.id.startswith(step.id + "/")]
        cancel_steps(r, losers, f"branch {scope.number} won")
        r.agenda.forget(step.id)
        complete(r, step, outcome(scope))
    elif r.draft.step(step.id).live == 0:
        outputs = [outcome(r.draft.scope(branch(step.id, n))) for n in range(len(task.body.branches.tasks))]
        complete(r, step, outputs)
