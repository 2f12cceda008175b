"""Tasks of the model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from stepwell.definition.building import people
from stepwell.definition.building.http import http_body
from stepwell.definition.building.parts import (
    Uses,
    catch,
    input_spec,
    options,
    output_spec,
    raised,
    timeout,
)
from stepwell.definition.building.values import (
    Members,
    duration,
    optional_expression,
    optional_template,
)
from stepwell.definition.expression import Expression, Template, expression
from stepwell.definition.model import (
    Body,
    DoBody,
    ForBody,
    ForkBody,
    FunctionBody,
    PythonBody,
    SetBody,
    ShellBody,
    SubworkflowBody,
    SwitchBody,
    SwitchCase,
    Task,
    TaskKind,
    TaskList,
    TryBody,
    WaitBody,
)
from stepwell.definition.reading.issue import escape
from stepwell.definition.rules.calls import STANDARD
from stepwell.model.base import Json

_KINDS: Final = ("call", "for", "do", "fork", "raise", "run", "set", "switch", "try", "wait")


class TaskBuilder:
    """Builds tasks and keeps them by pointer; a function's task is built once, however often it is called."""

    def __init__(self, document: Members) -> None:
        self.uses = Uses(document)
        self.tasks: dict[str, Task] = {}

    def task_list(self, items: Json, pointer: str) -> TaskList:
        tasks: list[Task] = []
        for position, item in enumerate(items):
            ((name, given),) = item.items()
            tasks.append(self.task(name, given, f"{pointer}/{position}/{escape(name)}", position))
        index = MappingProxyType({task.name: task.position for task in tasks})
        return TaskList(pointer, tuple(tasks), index, people.graph(tasks))

    def keep(self, task: Task) -> Task:
        self.tasks[task.pointer] = task
        return task

    def task(self, name: str, given: Members, pointer: str, position: int) -> Task:
        word = next(word for word in _KINDS if word in given)
        kind, body = _BODIES[word](self, given, pointer)
        built = Task(
            name,
            kind,
            pointer,
            position,
            body,
            if_=optional_expression(given, "if"),
            input=input_spec(given),
            output=output_spec(given),
            export=output_spec(given, "export"),
            timeout=timeout(given, self.uses),
            then=given.get("then", "continue"),
            options=options(given.get("metadata"), word),
            document=given,
        )
        return self.keep(built)

    def function(self, name: str) -> Task:
        pointer = f"/use/functions/{escape(name)}"
        known = self.tasks.get(pointer)
        return known if known is not None else self.task(name, self.uses.functions()[name], pointer, 0)

    def all_functions(self) -> None:
        """Those that nobody calls too: they are part of the document."""
        for name in self.uses.functions():
            self.function(name)


Built = tuple[TaskKind, Body]


def _set(builder: TaskBuilder, given: Members, pointer: str) -> Built:
    return TaskKind.SET, SetBody(Template.expression(given["set"]))


def _do(builder: TaskBuilder, given: Members, pointer: str) -> Built:
    return TaskKind.DO, DoBody(builder.task_list(given["do"], f"{pointer}/do"))


def _wait(builder: TaskBuilder, given: Members, pointer: str) -> Built:
    return TaskKind.WAIT, WaitBody(duration(given["wait"]))


def _raise(builder: TaskBuilder, given: Members, pointer: str) -> Built:
    return TaskKind.RAISE, raised(given["raise"]["error"], builder.uses)


def _switch(builder: TaskBuilder, given: Members, pointer: str) -> Built:
    cases: list[SwitchCase] = []
    for item in given["switch"]:
        ((name, case),) = item.items()
        cases.append(SwitchCase(name, optional_expression(case, "when"), case["then"]))
    return TaskKind.SWITCH, SwitchBody(tuple(cases))


def _for(builder: TaskBuilder, given: Members, pointer: str) -> Built:
    loop = given["for"]
    body = ForBody(
        each=loop.get("each", "item"),
        in_=_items(loop["in"]),
        at=loop.get("at", "index"),
        while_=optional_expression(given, "while"),
        do=builder.task_list(given["do"], f"{pointer}/do"),
    )
    return TaskKind.FOR, body


def _items(given: Json) -> Expression:
    """What is gone through: an expression, or a list in the document, which may hold expressions in turn."""
    return expression(given if isinstance(given, str) else Template.of(given).as_jq())


def _fork(builder: TaskBuilder, given: Members, pointer: str) -> Built:
    fork = given["fork"]
    branches = builder.task_list(fork["branches"], f"{pointer}/fork/branches")
    return TaskKind.FORK, ForkBody(branches, fork.get("compete", False))


def _try(builder: TaskBuilder, given: Members, pointer: str) -> Built:
    tasks = builder.task_list(given["try"], f"{pointer}/try")
    caught = catch(given["catch"], builder.uses)
    if "do" in given["catch"]:
        caught = replace(caught, do=builder.task_list(given["catch"]["do"], f"{pointer}/catch/do"))
    return TaskKind.TRY, TryBody(tasks, caught)


def _run(builder: TaskBuilder, given: Members, pointer: str) -> Built:
    run = given["run"]
    wait, returns = run.get("await", True), run.get("return", "stdout")
    if "shell" in run:
        shell = run["shell"]
        body = ShellBody(
            command=Template.of(shell["command"]),
            arguments=optional_template(shell, "arguments"),
            environment=optional_template(shell, "environment"),
            stdin=optional_template(shell, "stdin"),
            await_=wait,
            returns=returns,
        )
        return TaskKind.RUN_SHELL, body
    workflow = run["workflow"]
    where = (workflow["namespace"], workflow["name"], workflow["version"])
    return TaskKind.RUN_WORKFLOW, SubworkflowBody(*where, optional_template(workflow, "input"), wait, returns)


def _call(builder: TaskBuilder, given: Members, pointer: str) -> Built:
    target = given["call"]
    arguments = given.get("with") or {}
    if target in people.KINDS:
        return people.KINDS[target], people.body(builder, target, arguments, pointer)
    if target in STANDARD:
        return TaskKind.CALL_HTTP, http_body(
            arguments, (given.get("metadata") or {}).get("http") or {}, builder.uses
        )
    if target in builder.uses.functions():
        with_ = optional_template(given, "with")
        return TaskKind.CALL_FUNCTION, FunctionBody(target, builder.function(target), with_)
    template = optional_template(arguments, "arguments")
    return TaskKind.CALL_PYTHON, PythonBody(arguments["function"], template, arguments.get("process", False))


_BODIES: Final[dict[str, Callable[[TaskBuilder, Members, str], Built]]] = {
    "call": _call,
    "do": _do,
    "for": _for,
    "fork": _fork,
    "raise": _raise,
    "run": _run,
    "set": _set,
    "switch": _switch,
    "try": _try,
    "wait": _wait,
}
