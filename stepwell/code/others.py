"""Other workflows, from a workflow's code: children that are begun, and the same workflow once more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from typing import Any, NamedTuple, NoReturn, Unpack

from stepwell.code.child_options import ChildOptions, child_options
from stepwell.code.execution import Continued, Execution
from stepwell.code.inside import execution_of, reply
from stepwell.code.workflow import Workflow
from stepwell.kernel.code.again import begins_again
from stepwell.kernel.tasks.run import child_id
from stepwell.model import starting
from stepwell.model.base import Json
from stepwell.model.calls import Call, ChildCall
from stepwell.model.errors import InvalidInput
from stepwell.model.states import StepStatus
from stepwell.workers.results import jsonable


class Child(NamedTuple):
    """A child run that was begun: `await child.result()`, or in a plain workflow `child.result()`."""

    run_id: str
    future: asyncio.Future[Any]

    def result(self) -> Awaitable[Any]:
        return reply(execution_of("result"), self.future)


def start_child(
    workflow: Workflow[Any, Any] | str,
    *args: Any,
    kwargs: Mapping[str, Any] | None = None,
    detached: bool = False,
    **start: Unpack[ChildOptions],
) -> Child:
    """Begin a child run without waiting: of a Python workflow, or (with its input) of a stored definition
    `namespace/name:version`. It is cancelled with this run unless `detached`. `start`: see `ChildOptions`."""
    execution = execution_of("start_child")
    named = starting.variables(kwargs, "kwargs")
    if isinstance(workflow, str):
        options = child_options(start, execution.now, {})
        if len(args) > 1 or named:
            raise InvalidInput("a definition takes one argument: its input")
        namespace, name, version = _reference(workflow)
        input, read = jsonable(args[0] if args else {}), None
    elif isinstance(workflow, Workflow):
        options = child_options(start, execution.now, workflow.arguments.signature.parameters)
        namespace, name, version = workflow.key
        input, read = workflow.arguments.write(args, named), workflow.form.read
    else:
        raise InvalidInput(
            f"{workflow!r} is no workflow", hint="give a @workflow function, or namespace/name:version"
        )
    ids: list[str] = []

    def make(step_id: str) -> Call:
        ids.append(child_id(execution.run.id, step_id, _attempt(execution, step_id)))
        return ChildCall(step_id, namespace, name, version, input, not detached, start=options)

    future = execution.ask("run:workflow", name, make, None if detached else read)
    return Child(ids[0], future)


def _attempt(execution: Execution, step_id: str) -> int:
    """Which attempt the child's run is: a retry of this run begins another one in the place of one that failed."""
    state = execution.state
    step = state.steps.get(step_id)
    if step is None:
        return 1
    anew = step.status is StepStatus.SCHEDULED or (
        state.run.status.terminal and begins_again(state.run, step)
    )
    return step.attempt + 1 if anew else step.attempt


def run(reference: str, input: Json = None) -> Awaitable[Any]:
    """Run a stored definition (`namespace/name:version`, the namespace is `default` and the version the latest unless
    given) as a child, and give its output."""
    return start_child(reference, {} if input is None else input).result()


def continue_as_new(*args: Any, **kwargs: Any) -> NoReturn:
    """End this run, and go on as a new one of the same workflow with these arguments and an empty journal."""
    execution = execution_of("continue_as_new")
    code_run = execution.run
    workflow = execution.workflow
    input = workflow.arguments.write(args, kwargs)
    start = {
        "continued_from": code_run.id,
        "tags": dict(code_run.tags),
        "priority": code_run.priority,
        "attributes": dict(code_run.attributes),
        "title": code_run.title,
        "description": code_run.description,
        "labels": code_run.labels,
        "properties": dict(code_run.properties),
        "author": code_run.author,
        "parent_id": code_run.parent_id,
        "parent_step": code_run.parent_step,
        "detached": code_run.detached,
    }

    def make(step_id: str) -> Call:
        run_id = child_id(code_run.id, step_id, 1)
        return ChildCall(step_id, *workflow.key, input, False, run_id, start)

    raise Continued(make)


def _reference(reference: str) -> tuple[str, str, str]:
    namespace, _, rest = reference.rpartition("/")
    name, _, version = rest.partition(":")
    return namespace or "default", name, version or "latest"
