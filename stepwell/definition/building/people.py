"""Forms, approvals and conditions; what is done once they hold; graphs of tasks; procedures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final, Protocol

from stepwell.definition.building.approvals import spec
from stepwell.definition.building.conditions import read_captures, read_condition
from stepwell.definition.building.parts import Uses
from stepwell.definition.building.values import Members, optional_template
from stepwell.definition.conditions import ConditionKind
from stepwell.definition.expression import Template
from stepwell.definition.forms.field import Field
from stepwell.definition.forms.reading import read_fields
from stepwell.definition.forms.verdict import verdict_fields
from stepwell.definition.model import (
    AttendedBody,
    Notice,
    NotifyBody,
    Procedure,
    Section,
    Task,
    TaskKind,
    TaskList,
    VariablesBody,
)
from stepwell.model.base import Json
from stepwell.model.people import assignment

KINDS: Final = {
    "form": TaskKind.CALL_FORM,
    "approval": TaskKind.CALL_APPROVAL,
    "condition": TaskKind.CALL_CONDITION,
}

_SEVERITIES: Final = {"completed": "success", "failed": "error", "skipped": "info"}


class Builder(Protocol):
    """What builds the tasks that actions are."""

    uses: Uses

    def task(self, name: str, given: Members, pointer: str, position: int) -> Task: ...

    def keep(self, task: Task) -> Task: ...


def graph(tasks: Sequence[Task]) -> Mapping[str, tuple[str, ...]] | None:
    """By task, the tasks that it comes after; None where no task says so: they come one after the other."""
    after = {task.name: task.options.raw.get("after") for task in tasks}
    if all(given is None for given in after.values()):
        return None
    return MappingProxyType({name: tuple(given or ()) for name, given in after.items()})


def in_order(tasks: TaskList) -> TaskList:
    """The list of a procedure is a graph, if only a line: every step of it can be repeated. One that says itself where
    to go on stays as it is."""
    leaps = any(task.then != "continue" or task.kind is TaskKind.SWITCH for task in tasks.tasks)
    if tasks.after is not None or leaps:
        return tasks
    names = [task.name for task in tasks.tasks]
    line = {name: (before,) if before else () for name, before in zip(names, ["", *names], strict=False)}
    return replace(tasks, after=MappingProxyType(line))


def body(builder: Builder, target: str, given: Members, pointer: str) -> AttendedBody:
    listed = given.get("actions") or []
    title = optional_template(given, "title")
    return AttendedBody(
        fields=read_fields(given.get("fields") or []) + _asked(given),
        verdict=given.get("verdict", False),
        refer=assignment(given.get("refer")),
        auto_proceed=given.get("autoProceed", False),
        content=given.get("content", ""),
        actions=_actions(builder, listed, f"{pointer}/with/actions"),
        notices=tuple(_notice(n, item["event"]) for n, item in enumerate(listed) if "event" in item),
        condition=read_condition(given.get("condition"), builder.uses),
        captures=read_captures(given.get("captures"), builder.uses),
        approval=spec(given) if target == "approval" else None,
        title=None if title is None or title.constant else title,
        given=given,
    )


def _asked(given: Members) -> tuple[Field, ...]:
    """What a verification asks beside its own fields."""
    return verdict_fields(refers="refer" in given) if given.get("verdict", False) else ()


def _notice(position: int, given: Members) -> Notice:
    severity = given.get("severity", {})
    told = dict.fromkeys(_SEVERITIES, severity) if isinstance(severity, str) else {**_SEVERITIES, **severity}
    return Notice(
        position,
        Template.of(given["type"]),
        Template.of(given.get("title", "")),
        told,
        optional_template(given, "labels"),
        optional_template(given, "properties"),
    )


def _actions(builder: Builder, listed: Sequence[Members], pointer: str) -> TaskList | None:
    """Each action is a task, so that it has attempts, a key and a place in the record as any other."""
    tasks: list[Task] = []
    for number, item in enumerate(listed):
        ((word, given),) = item.items()
        if word != "event":
            tasks.append(_action(builder, word, given, f"{pointer}/{number}/{word}", len(tasks)))
    if not tasks:
        return None
    return TaskList(pointer, tuple(tasks), MappingProxyType({}))


def _action(builder: Builder, word: str, given: Members, pointer: str, position: int) -> Task:
    if word == "set":
        values = VariablesBody(Template.of(given))
        return builder.keep(Task(word, TaskKind.ACTION_SET, pointer, position, values, document=given))
    if word == "notify":
        message = NotifyBody(
            Template.of(given["channel"]), optional_template(given, "title"), Template.of(given["message"])
        )
        return builder.keep(Task(word, TaskKind.ACTION_NOTIFY, pointer, position, message, document=given))
    return builder.task(word, _AS_TASK[word](given), pointer, position)


_AS_TASK: Final[Mapping[str, Callable[[Members], Members]]] = {
    "http": lambda given: {"call": "http", "with": given},
    "function": lambda given: {"call": "python", "with": given},
    "run": lambda given: {"run": {"workflow": given, "await": False}},
}


def hanging(tasks: Iterable[Task]) -> frozenset[str]:
    """The tasks whose condition has to be looked at again when data of the run change."""
    return frozenset(
        task.pointer
        for task in tasks
        if isinstance(task.body, AttendedBody)
        and task.body.condition is not None
        and any(node.kind is ConditionKind.EXPRESSION for node in task.body.condition.walk())
    )


def procedure(metadata: Members) -> Procedure | None:
    given = metadata.get("procedure")
    if given is None:
        return None
    return Procedure(
        fields=read_fields(given.get("fields") or []),
        sections=_sections(given.get("sections") or []),
        labels=tuple(given.get("labels", ())),
        properties=given.get("properties", {}),
        description=given.get("description", ""),
        attachments=tuple(given.get("attachments", ())),
        closes=given.get("autoClose", True),
    )


def _sections(given: Json) -> tuple[Section, ...]:
    return tuple(
        Section(
            each["id"],
            each.get("title", ""),
            each.get("description", ""),
            _sections(each.get("sections") or []),
        )
        for each in given
    )
