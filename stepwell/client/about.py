"""What a run can be called and filed under when it is started."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypedDict

from stepwell.model import metadata


class About(TypedDict, total=False):
    """`title`, `description`, `labels` and `properties` are for people, can be changed (`set_metadata`) and searched
    (`search_runs`); `author` says who started it."""

    title: str | None
    description: str | None
    labels: Sequence[str]
    properties: Mapping[str, str]
    author: str | None


_NORMAL: Final = {
    "title": metadata.title,
    "description": metadata.description,
    "labels": metadata.labels,
    "properties": metadata.properties,
    "author": metadata.author,
}


def checked_about(given: About) -> dict[str, Any]:
    """As it is recorded. Raises `InvalidInput`, and `TypeError` for a name that is no option."""
    unknown = [name for name in given if name not in _NORMAL]
    if unknown:
        raise TypeError(f"start() got an unexpected keyword argument {unknown[0]!r}")
    return {name: _NORMAL[name](value) for name, value in given.items()}
