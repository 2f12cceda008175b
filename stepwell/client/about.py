"""What a run can be called and filed under when it is started."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypedDict

from stepwell.definition.model import Definition
from stepwell.model import metadata


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


def checked_about(given: About) -> dict[str, Any]:
    """As it is recorded. Raises `InvalidInput`, and `TypeError` for a name that is no option."""
    unknown = [name for name in given if name not in _NORMAL and name not in _VERSION]
    if unknown:
        raise TypeError(f"start() got an unexpected keyword argument {unknown[0]!r}")
    return {name: _NORMAL[name](value) for name, value in given.items() if name in _NORMAL}
