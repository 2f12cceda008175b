"""`run`: a shell command, or another workflow."""

from __future__ import annotations

from stepwell.definition.model import ShellBody, SubworkflowBody, Task
from stepwell.kernel.data import View
from stepwell.kernel.exchange import as_text
from stepwell.kernel.ruling import Fault, Ruling
from stepwell.kernel.standing import child_id
from stepwell.model import problem
from stepwell.model.actions import ChildAction, ShellAction
from stepwell.model.base import Json
from stepwell.model.records import Run, Step


def shell(r: Ruling, step: Step, task: Task, view: View) -> ShellAction:
    body = task.body
    assert isinstance(body, ShellBody)
    environment = view.render(body.environment, step.input) if body.environment is not None else {}
    if not isinstance(environment, dict):
        raise Fault(problem.configuration("run.shell.environment must be an object"))
    stdin = view.render(body.stdin, step.input) if body.stdin is not None else None
    return ShellAction(
        command=as_text(view.render(body.command, step.input)),
        arguments=_arguments(view.render(body.arguments, step.input) if body.arguments is not None else None),
        environment={name: as_text(value) for name, value in environment.items()},
        stdin=None if stdin is None else as_text(stdin),
        wait=body.await_,
        returns=body.returns,
    )


def _arguments(value: Json) -> tuple[str, ...]:
    """A list as it is; an object as its keys, each with its value behind it unless that is null or empty."""
    if value is None:
        return ()
    if isinstance(value, dict):
        flat: list[str] = []
        for name, given in value.items():
            flat += [name] if given in (None, "") else [name, as_text(given)]
        return tuple(flat)
    if isinstance(value, list):
        return tuple(map(as_text, value))
    raise Fault(problem.configuration("run.shell.arguments must be a list or an object"))


def child(r: Ruling, step: Step, task: Task, view: View) -> ChildAction:
    body = task.body
    assert isinstance(body, SubworkflowBody)
    run = r.draft.run
    return ChildAction(
        run_id=child_id(run.id, step.id, step.attempt),
        namespace=body.namespace,
        name=body.name,
        version=body.version,
        input=view.render(body.input, step.input) if body.input is not None else step.input,
        wait=body.await_,
        depth=run.depth + 1,
        author=behalf_of(run),
    )


def behalf_of(run: Run) -> str | None:
    """Who started the run: what it starts in turn is started on behalf of the same person."""
    stamp = run.stamps.get("started")
    return run.author or (stamp.by if stamp is not None else None)
