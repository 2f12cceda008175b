"""What in a document matters to a run, and what is only said to people; the fingerprint of the first."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import sha256
from typing import Final

from pydantic_core import to_json

from stepwell.definition.versions.outline import PROCEDURE, Kind, Part, Path, outline, without
from stepwell.model.base import Json

_SAID: Final[Mapping[Kind, tuple[Path, ...]]] = {
    Kind.TASK: (
        *(
            ("metadata", name)
            for name in ("title", "description", "section", "attachments", "labels", "properties")
        ),
        *(("with", name) for name in ("title", "description", "content")),
    ),
    Kind.FIELD: (("label",), ("description",), ("unit",), ("look",)),
}
"""Members of parts that no run depends on. Those of `with` only of the calls that people answer."""

_PEOPLE: Final = ("form", "approval", "condition")
_HEAD: Final = frozenset(
    [
        *(("document", name) for name in ("title", "summary", "tags", "version")),
        *((*PROCEDURE, name) for name in ("labels", "properties", "attachments", "title", "description")),
    ]
)


def matters(part: Part) -> bool:
    """Whether any run could go another way because of it. (The version is a name.)"""
    return part.kind is not Kind.SECTION and part.path not in _HEAD


def meaning(part: Part) -> Json:
    """The part without what is only said to people."""
    if not isinstance(part.body, Mapping):
        return part.body
    paths = _SAID.get(part.kind, ())
    if part.kind is Kind.TASK and part.body.get("call") not in _PEOPLE:
        paths = tuple(path for path in paths if path[0] != "with")
    bare = without(part.body, paths)
    return {name: value for name, value in bare.items() if name != "metadata" or value}


def fingerprint(document: Json) -> str:
    """SHA-256 (hex) of what matters to a run: documents that differ only in titles, texts, sections or their version
    share it."""
    said = [
        [part.kind.value, list(part.path), _place(part), _sorted(meaning(part))]
        for part in outline(document).values()
        if matters(part)
    ]
    return sha256(to_json(sorted(said, key=lambda entry: entry[1]), inf_nan_mode="constants")).hexdigest()


def _place(part: Part) -> int:
    return 0 if part.kind is Kind.DOCUMENT else part.position


def _sorted(value: Json) -> Json:
    if isinstance(value, Mapping):
        return {name: _sorted(value[name]) for name in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value
