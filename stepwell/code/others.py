"""Other workflows, from a workflow's code: children that are begun, and the same workflow once more."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from typing import Any, NamedTuple, NoReturn, Unpack

from stepwell.code.child_options import ChildOptions, child_options
from stepwell.code.ending import Continued
from stepwell.code.execution import Execution
from stepwell.code.inside import execution_of, reply
from stepwell.code.registry import Known
from stepwell.code.workflow import Workflow
from stepwell.kernel.code.again import begins_again
from stepwell.kernel.standing import child_id
from stepwell.model import starting
from stepwell.model.base import Instant, Json
from stepwell.model.calls import Call, ChildCall
from stepwell.model.errors import InvalidInput
from stepwell.model.policy import CHILD
from stepwell.model.records import Run
from stepwell.model.states import StepStatus
from stepwell.workers.results import jsonable


class Child(NamedTuple):
    """A child run that was begun: `await child.result()`, or in a plain workflow `child.result()`. (Where it was given
    a `key` whose run is there already, `result` is that one's, and nobody has this `run_id`.)"""

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
        ids.append(_child_of(execution, step_id))
        return ChildCall(step_id, namespace, name, version, input, not detached, start=options)

    future = execution.ask("run:workflow", name, make, None if detached else read)
    return Child(ids[0] if ids else "", future)


def _child_of(execution: Execution, step_id: str) -> str:
    """The id of the run that the step begins, or began: a retry of this run begins another one in the place of one that
    failed, and a fork has not begun what it took over."""
    state = execution.state
    step = state.steps.get(step_id)
    if step is None:
        return child_id(state.run.id, step_id, 1)
    anew = step.status is StepStatus.SCHEDULED or (state.run.status.terminal and begins_again(state, step))
    if step.options and CHILD in step.options and step.status.terminal and not anew:
        return str(step.options[CHILD])
    return child_id(state.run.id, step_id, step.attempt + 1 if anew else step.attempt)


def run(reference: str, input: Json = None) -> Awaitable[Any]:
    """Run a stored definition (`namespace/name:version`, the namespace is `default` and the version the latest unless
    given) as a child, and give its output."""
    return start_child(reference, {} if input is None else input).result()


def continue_as_new(*args: Any, **kwargs: Any) -> NoReturn:
    """End this run, and go on as a new one of the same workflow with these arguments and an empty journal. Its queue,
    keys, deadline and what it is filed under go along."""
    execution = execution_of("continue_as_new")
    run, workflow = execution.run, execution.workflow
    input = workflow.arguments.write(args, kwargs)
    start = {
        "continued_from": run.id,
        "key": run.key,
        "tags": dict(run.tags),
        "priority": run.priority,
        "attributes": dict(run.attributes),
        "title": run.title,
        "description": run.description,
        "labels": run.labels,
        "properties": dict(run.properties),
        "author": run.author,
        "parent_id": run.parent_id,
        "parent_step": run.parent_step,
        "detached": run.detached,
        "deadline": _asked_deadline(run, workflow),
    }
    if run.queue is not None:  # its limits hold for what goes on, too
        start |= {
            "queue": run.queue,
            "partition": run.partition,
            "due": execution.now,
            "unique": run.held_key,
        }

    def make(step_id: str) -> Call:
        return ChildCall(step_id, *workflow.key, input, False, child_id(run.id, step_id, 1), start)

    raise Continued(make)


def _asked_deadline(run: Run, workflow: Known) -> Instant | None:
    """That of the start, which all runs of the chain have together. (The workflow's timeout is for each of them.)"""
    own = None if workflow.timeout is None else (run.started_at or run.created_at) + workflow.timeout
    return (
        None if own is not None and run.deadline is not None and run.deadline >= own - 1_000 else run.deadline
    )


def _reference(reference: str) -> tuple[str, str, str]:
    namespace, _, rest = reference.rpartition("/")
    name, _, version = rest.partition(":")
    return namespace or "default", name, version or "latest"
