"""What a run can be called and filed under when it is started."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from inspect import signature
from typing import Any, Final, TypedDict

from stepwell.code.workflow import Workflow
from stepwell.definition.model import Definition
from stepwell.model import metadata
from stepwell.model.starting import unknown_option


class About(TypedDict, total=False):
    """`title`, `description`, `labels` and `properties` are for people, can be changed (`set_metadata`) and searched
    (`search_runs`); `author` says who started it. `commit`, `branch` or `tag`: which version of a procedure."""

    title: str | None
    description: str | None
    labels: Sequence[str]
    properties: Mapping[str, str]
    author: str | None
    commit: str | None
    branch: str | None
    tag: str | None


_VERSION: Final = ("commit", "branch", "tag")


_NORMAL: Final = {
    "title": metadata.title,
    "description": metadata.description,
    "labels": metadata.labels,
    "properties": metadata.properties,
    "author": metadata.author,
}


def version_of(given: About) -> tuple[str | None, str | None, str | None] | None:
    """Commit, branch and tag, where one is named."""
    if not any(given.get(name) is not None for name in _VERSION):
        return None
    return given.get("commit"), given.get("branch"), given.get("tag")


def filed(definition: Definition, given: About) -> About:
    """A run of a procedure is filed under the labels and properties of the procedure, unless others are given."""
    procedure = definition.procedure
    if procedure is None:
        return given
    properties = {name: value for name, value in procedure.properties.items() if isinstance(value, str)}
    usual: About = {"labels": procedure.labels, "properties": properties}
    return {**usual, **given}


def start_options(start: Callable[..., Any]) -> frozenset[str]:
    """The names of all options of a start."""
    named = {p.name for p in signature(start).parameters.values() if p.kind is p.KEYWORD_ONLY}
    return frozenset(named | set(_NORMAL) | set(_VERSION))


def check_about(verb: str, source: object, given: Iterable[str], known: Collection[str]) -> None:
    """Raises `InvalidInput` for an option that there is not, which is often an argument of the function."""
    for name in given:
        if name not in known:
            raise unknown_option(verb, name, known, _meant(source, name))


def _meant(source: object, name: str) -> str:
    """What to do instead, where that can be told."""
    parameters = source.arguments.signature.parameters if isinstance(source, Workflow) else {}
    if name in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
        assert isinstance(source, Workflow)
        return f"arguments of {source.name} that are given by their names go into kwargs={{{name!r}: …}}"
    if name == "timeout":
        return "how long to wait is said to `result`: (await engine.start(…)).result(timeout=…)"
    return ""


def checked_about(given: About) -> dict[str, Any]:
    """As it is recorded. Raises `InvalidInput`."""
    return {name: _NORMAL[name](value) for name, value in given.items() if name in _NORMAL}
