"""`for`: a list of tasks for each item; one after the other, or with `metadata.concurrency` several at once.

One after the other, each iteration gets what the one before gave, and the last one's output is the loop's. Several at
once, each gets the loop's input, and the output is the list of their outputs in the order of the items.
"""

from __future__ import annotations

from stepwell.definition.model import ForBody, Task
from stepwell.kernel.data import View
from stepwell.kernel.flow import complete, open_scope, outcome
from stepwell.kernel.ruling import Fault, Ruling
from stepwell.model import problem
from stepwell.model.base import Json
from stepwell.model.events import SAME
from stepwell.model.records import Scope, Step


def items(view: View, body: ForBody, data: Json) -> list[Json]:
    """What the loop goes through. Null counts as nothing; anything else that is no list is an error."""
    found = view.evaluate(body.in_, data)
    if found is None:
        return []
    if not isinstance(found, list):
        raise Fault(
            problem.expression(f"for.in must give a list, {body.in_.source} gave {type(found).__name__}")
        )
    return found


def enter(r: Ruling, step: Step, task: Task, view: View) -> None:
    _go_on(r, step, task)


def done(r: Ruling, step: Step, scope: Scope) -> None:
    _go_on(r, step, r.task(step.path))


def _go_on(r: Ruling, step: Step, task: Task) -> None:
    """Begin as many iterations as there is room for; the loop is over when there are none left."""
    room = task.options.concurrency
    while _begin_next(r, r.draft.step(step.id), task, room):
        pass
    step = r.draft.step(step.id)
    if step.live == 0:
        complete(r, step, SAME if room is None else _outputs(r, step))


def _begin_next(r: Ruling, step: Step, task: Task, room: int | None) -> bool:
    body = task.body
    assert isinstance(body, ForBody) and step.items is not None
    number = step.cursor
    if number >= len(step.items) or step.live >= (room or 1):
        return False
    variables = {body.each: step.items[number], body.at: number}
    if body.while_ is not None:
        view = View(r, r.draft.scope(step.scope), task, step, step.input).with_variables(variables)
        if not view.condition(body.while_, step.flow):
            return False
    section, data = ("iteration", SAME) if room is None else ("item", step.input)
    open_scope(r, step, iteration(step.id, number), body.do, section, number, input=data, variables=variables)
    return True


def iteration(owner: str, number: int) -> str:
    """The id of the scope of one iteration, numbered from 0."""
    return f"{owner}/do[{number}]"


def _outputs(r: Ruling, step: Step) -> list[Json]:
    return [outcome(r.draft.scope(iteration(step.id, number))) for number in range(step.cursor)]
