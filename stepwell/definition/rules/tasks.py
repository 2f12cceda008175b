"""Tasks and lists of tasks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from stepwell.definition.graph.places import Place
from stepwell.definition.reading.issue import escape
from stepwell.definition.rules.calls import call, with_required
from stepwell.definition.rules.common import (
    DATA,
    DURATION,
    ERROR,
    EXPRESSION,
    INPUT,
    LITERAL,
    NAME,
    ONLY_EXPRESSION,
    OUTPUT,
    RETRY,
    SCALAR,
    STRINGS,
    TEMPLATE,
    TIMEOUT_OR_NAME,
    among,
    referring,
)
from stepwell.definition.rules.events import EMIT, ITERATOR, LISTEN
from stepwell.definition.rules.graphs import listing_of
from stepwell.definition.rules.metadata import task_metadata
from stepwell.definition.rules.nouns import (
    Either,
    Examiner,
    Flag,
    Many,
    NotYet,
    Record,
    Scope,
    Shape,
    Special,
    Text,
    Whole,
    kind_of,
    nearest,
)
from stepwell.definition.rules.processes import CONTAINER, SCRIPT, WORKFLOW
from stepwell.model.base import Json

DIRECTIVES: Final = ("continue", "exit", "end")


def _target(checker: Examiner, value: Json, pointer: str, scope: Scope) -> None:
    if value in DIRECTIVES:
        return
    if value in scope.siblings:
        if scope.place is not None and scope.place.listing.edges is not None:
            message = f"nothing goes to `{value[:60]}` in a graph: what comes next follows from `after`"
            checker.complain("leap-in-graph", message, pointer, "let the tasks after it have an `if` instead")
        return
    hint = (
        nearest(value, [*DIRECTIVES, *scope.siblings])
        or "it must be continue, exit, end or a task of the same list"
    )
    checker.complain("unknown-target", f"there is no task `{value[:60]}` to go to here", pointer, hint)


def loop_scope(record: Mapping[str, Json], name: str, scope: Scope) -> Scope:
    """What a `for` goes through is known to its `while` and its tasks."""
    loop = record.get("for")
    if name not in ("while", "do") or not isinstance(loop, Mapping):
        return scope
    given = (loop.get("each", "item"), loop.get("at", "index"))
    return scope.knowing(*(each for each in given if isinstance(each, str)))


def catch_scope(record: Mapping[str, Json], name: str, scope: Scope) -> Scope:
    """The caught error is known to the conditions, the retry and the handler."""
    if name not in ("when", "exceptWhen", "retry", "do"):
        return scope
    given = record.get("as", "error")
    return scope.knowing(given) if isinstance(given, str) else scope


THEN: Final = Text(hook=_target)

BASE: Final[dict[str, Shape]] = {
    "if": EXPRESSION,
    "input": INPUT,
    "output": OUTPUT,
    "export": OUTPUT,
    "timeout": TIMEOUT_OR_NAME,
    "then": THEN,
    "metadata": Record(others=Special(lambda checker, value, pointer, scope: None)),
}

_FOR: Final = Record(
    {"each": NAME, "in": Either(text=EXPRESSION, many=DATA), "at": NAME},
    required=("in",),
)
_CATCH: Final = Record(
    {
        "errors": Record(
            {
                "with": Record(
                    {
                        "type": LITERAL,
                        "status": Whole(),
                        "instance": LITERAL,
                        "title": LITERAL,
                        "detail": LITERAL,
                        "details": LITERAL,
                    },
                    least=1,
                )
            }
        ),
        "as": NAME,
        "when": EXPRESSION,
        "exceptWhen": EXPRESSION,
        "retry": Either(record=RETRY, text=referring("retry policy", "retries")),
        "do": "tasks",
        "then": THEN,
    },
    rescope=catch_scope,
)
_SHELL: Final = Record(
    {
        "command": TEMPLATE,
        "stdin": TEMPLATE,
        "arguments": Either(many=Many(SCALAR), record=STRINGS, text=ONLY_EXPRESSION),
        "environment": Either(record=STRINGS, text=ONLY_EXPRESSION),
    },
    required=("command",),
)
_RUN: Final = Record(
    {
        "await": Flag(),
        "return": among("stdout", "stderr", "code", "all", "none"),
        "container": NotYet("containers (`run.container`)", CONTAINER),
        "script": NotYet("scripts (`run.script`)", SCRIPT),
        "shell": _SHELL,
        "workflow": WORKFLOW,
    },
    one_of=("container", "script", "shell", "workflow"),
)


def single(checker: Examiner, value: Json, pointer: str, what: str) -> list[tuple[str, Json, str]]:
    """The members of an object that should have one: (name, value, pointer). Complains about more or none."""
    if not isinstance(value, Mapping):
        message = f"a {what} must be an object with its name, not {kind_of(value)}"
        checker.complain("type", message, pointer, lacking=value is None)
        return []
    if not value:
        checker.complain("task-item", f"a {what} without a name", pointer, "write `- name: …`", lacking=True)
    found = [(name, member, f"{pointer}/{escape(name)}") for name, member in value.items()]
    for name, _, place in found[1:]:
        message = f"`{name}` is a second {what} in one item"
        checker.complain(
            "task-item", message, place, f"begin it with a dash of its own: `- {name}:`", key=True
        )
    return found


def _case(checker: Examiner, value: Json, pointer: str, scope: Scope) -> None:
    for _, case, place in single(checker, value, pointer, "case"):
        checker.push(_CASE, case, place, scope)


_CASE: Final = Record({"when": EXPRESSION, "then": THEN}, required=("then",))


def task_list(checker: Examiner, value: Json, pointer: str, scope: Scope) -> None:
    """A list of named tasks; each may go to any other by `then`."""
    if not isinstance(value, list):
        checker.complain(
            "type",
            f"tasks are a list, not {kind_of(value)}",
            pointer,
            "begin each task with a dash: `- name:`",
            lacking=value is None,
        )
        return
    found = [
        each
        for place, item in enumerate(value)
        for each in single(checker, item, f"{pointer}/{place}", "task")
    ]
    names: set[str] = set()
    for name, _, place in found:
        if name in names:
            message = f"a task `{name}` is in this list already"
            checker.complain("duplicate-task", message, place, "give it another name", key=True)
        names.add(name)
    listing = listing_of(checker, {name: (body, place) for name, body, place in found}, pointer)
    inner = scope._replace(siblings=frozenset(names))
    for name, body, place in reversed(found):
        checker.push("task", body, place, inner._replace(place=Place(name, listing, scope.place)))


def task(checker: Examiner, value: Json, pointer: str, scope: Scope) -> None:
    """One task: its kind is the word that it holds."""
    if not isinstance(value, Mapping):
        message = f"a task must be an object, not {kind_of(value)}"
        checker.complain("type", message, pointer, lacking=value is None)
        return
    kinds = [word for word in KINDS if word in value]
    if "for" in kinds and "do" in kinds:
        kinds.remove("do")
    if len(kinds) != 1:
        _no_kind(checker, value, pointer, kinds, scope)
        return
    kind = kinds[0]
    members, required = KINDS[kind]
    if kind == "call":
        members = {**members, "with": call(checker, value, pointer, scope)}
        required = ("with",) if with_required(value["call"]) else ()
    feature = UNDONE.get(kind)
    if feature is not None:
        checker.not_yet(feature, f"{pointer}/{kind}")
    rescope = loop_scope if kind == "for" else None
    checker.record(Record({**BASE, **members}, required, rescope=rescope), value, pointer, scope)
    task_metadata(checker, value, kind, pointer, scope)


def _no_kind(
    checker: Examiner, value: Mapping[str, Json], pointer: str, kinds: list[str], scope: Scope
) -> None:
    if kinds:
        message = f"one task cannot be {' and '.join(f'`{kind}`' for kind in kinds)}"
        hint = "make two tasks of it, each with a dash and a name"
    else:
        message = "this task does nothing: it holds no " + ", ".join(KINDS)
        others = [name for name in value if name not in BASE]
        hint = next((found for name in others if (found := nearest(name, KINDS))), "")
    checker.complain("task-kind", message, pointer, hint, lacking=not kinds and not hint)
    for name in BASE:
        if name in value:
            checker.push(BASE[name], value[name], f"{pointer}/{name}", scope)


KINDS: Final[dict[str, tuple[dict[str, Shape], tuple[str, ...]]]] = {
    "call": ({"call": LITERAL}, ()),
    "do": ({"do": "tasks"}, ()),
    "emit": ({"emit": EMIT}, ()),
    "for": ({"for": _FOR, "while": EXPRESSION, "do": "tasks"}, ("do",)),
    "fork": ({"fork": Record({"branches": "tasks", "compete": Flag()}, ("branches",))}, ()),
    "listen": ({"listen": LISTEN, "foreach": ITERATOR}, ()),
    "raise": (
        {"raise": Record({"error": Either(record=ERROR, text=referring("error", "errors"))}, ("error",))},
        (),
    ),
    "run": ({"run": _RUN}, ()),
    "set": ({"set": Either(record=Record(others=DATA, least=1), text=EXPRESSION)}, ()),
    "switch": ({"switch": Many(Special(_case), least=1)}, ()),
    "try": ({"try": "tasks", "catch": _CATCH}, ("catch",)),
    "wait": ({"wait": DURATION}, ()),
}
"""By the word that makes it one: the members of a task beside the common ones, and those that it needs."""

UNDONE: Final = {"emit": "emit tasks", "listen": "listen tasks"}
