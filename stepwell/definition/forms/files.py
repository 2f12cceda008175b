"""Files. The value names a file by the hash of what is in it: `{file, name, size, type}`.

`name` and `type` are what the sender said, and nothing but data: no file is ever found by them.
"""

from __future__ import annotations

import re
import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from stepwell.definition.forms.choices import counts, too_few
from stepwell.definition.forms.field import (
    Field,
    count_faults,
    crossed,
    shown,
    storable,
    wrong_kind,
)
from stepwell.definition.forms.numbers import LARGEST_WHOLE
from stepwell.model.base import Json

MEMBERS: Final = ("file", "name", "size", "type")
LONGEST_NAME: Final = 255
NAME: Final = "[^/\\\\\\u0000-\\u001f\\u007f]*[^./\\\\\\u0000-\\u001f\\u007f][^/\\\\\\u0000-\\u001f\\u007f]*"
"""no slashes, no control characters, and not dots alone; as JSON Schema has it"""
TYPE: Final = "[A-Za-z0-9!#$&^_.+-]{1,63}/[A-Za-z0-9!#$&^_.+-]{1,63}"
SUFFIX: Final = re.compile(r"[A-Za-z0-9._+-]{1,32}")
TYPES: Final = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,63}/(?:\*|[A-Za-z0-9!#$&^_.+-]{1,63})")

_DIGEST: Final = re.compile("[0-9a-f]{64}")
_TYPE: Final = re.compile(TYPE)
_BAD_NAME: Final = re.compile(r"[/\\\x00-\x1f\x7f]")
_FOLD: Final = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)


def fold(text: str) -> str:
    """In small letters, those of ASCII only: other letters have more than one small form."""
    return text.translate(_FOLD)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Filing(Field):
    """`suffixes` and `types` (`image/*`) say what is taken, `maxSize` (bytes) how much; letters may be small or big."""

    suffixes: tuple[str, ...] = ()
    types: tuple[str, ...] = ()
    max_size: int | None = None

    def _one(self, value: Json) -> Iterator[str]:
        if not isinstance(value, Mapping):
            yield wrong_kind("a file: {file, name, size, type}", value)
            return
        if len(value) != len(MEMBERS) or any(member not in value for member in MEMBERS):
            yield "must be a file with exactly: file, name, size, type"
            return
        digest = value["file"]
        if not isinstance(digest, str) or _DIGEST.fullmatch(digest) is None:
            yield "`file` must be the SHA-256 of the file, in 64 small hexadecimal digits"
        yield from self._name_faults(value["name"])
        yield from self._size_faults(value["size"])
        yield from self._type_faults(value["type"])

    def _name_faults(self, name: Json) -> Iterator[str]:
        if not isinstance(name, str) or not name or len(name) > LONGEST_NAME or not storable(name):
            yield f"`name` must be text of 1 to {LONGEST_NAME} characters"
        elif _BAD_NAME.search(name) or not name.strip("."):
            yield f"{shown(name)} is not the name of a file: no slashes, no control characters, not dots alone"
        elif self.suffixes and not fold(name).endswith(tuple(map(fold, self.suffixes))):
            yield f"{shown(name)} must end in {' or '.join(self.suffixes)}"

    def _size_faults(self, size: Json) -> Iterator[str]:
        if isinstance(size, bool) or not isinstance(size, int) or not 0 <= size <= LARGEST_WHOLE:
            yield "`size` must be the number of bytes"
        elif self.max_size is not None and size > self.max_size:
            yield f"must have at most {self.max_size:,} bytes, it has {size:,}"

    def _type_faults(self, type: Json) -> Iterator[str]:
        if not isinstance(type, str) or _TYPE.fullmatch(type) is None:
            yield "`type` must be a media type, like text/csv"
        elif self.types and not any(_is_of(type, wanted) for wanted in self.types):
            yield f"must be of type {' or '.join(self.types)}, it is {shown(type)}"

    def _item(self) -> dict[str, Json]:
        name: dict[str, Json] = {"type": "string", "maxLength": LONGEST_NAME, "pattern": f"^{NAME}$"}
        if self.suffixes:
            ends = "|".join(map(_any_case, self.suffixes))
            name = {**name, "allOf": [{"pattern": f"(?:{ends})$"}]}
        type = TYPE if not self.types else "|".join(map(_type_pattern, self.types))
        size = {
            "type": "integer",
            "minimum": 0,
            "maximum": LARGEST_WHOLE if self.max_size is None else self.max_size,
        }
        return {
            "type": "object",
            "properties": {
                "file": {"type": "string", "pattern": f"^{_DIGEST.pattern}$"},
                "name": name,
                "size": size,
                "type": {"type": "string", "pattern": f"^(?:{type})$"},
            },
            "required": [*MEMBERS],
            "additionalProperties": False,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class FileField(_Filing):
    """One file."""

    kind: ClassVar[str] = "file"

    def faults(self, value: Json) -> Iterator[str]:
        yield from self._one(value)

    def schema(self) -> dict[str, Json]:
        return self._item()


@dataclass(frozen=True, slots=True, kw_only=True)
class FilesField(_Filing):
    """Some files; `maxSize` is that of each."""

    kind: ClassVar[str] = "files"
    min_count: int | None = None
    max_count: int | None = None

    @property
    def least(self) -> int:
        return max(self.min_count or 0, int(self.required))

    @property
    def obligatory(self) -> bool:
        return self.least > 0

    def faults(self, value: Json) -> Iterator[str]:
        if not isinstance(value, list):
            yield wrong_kind("a list", value)
            return
        too_many = [*count_faults(len(value), self.max_count, "files")]
        yield from too_many
        for place, item in enumerate([] if too_many else value, 1):
            yield from (f"file {place}: {fault}" for fault in self._one(item))

    def lacks(self, value: Json) -> str:
        return too_few(value, self.least, "files")

    def schema(self) -> dict[str, Json]:
        return {"type": "array", "items": self._item(), **counts(self.least, self.max_count)}

    def contradictions(self) -> Iterator[tuple[str, str]]:
        yield from crossed("minCount", self.least, "maxCount", self.max_count)


def _is_of(type: str, wanted: str) -> bool:
    type, wanted = fold(type), fold(wanted)
    return type.startswith(wanted[:-1]) if wanted.endswith("/*") else type == wanted


def _any_case(text: str) -> str:
    """A pattern for the text in small and big letters."""
    return "".join(
        f"[{c.lower()}{c.upper()}]" if c.isalpha() else f"\\{c}" if c in ".+*^$-" else c for c in text
    )


def _type_pattern(wanted: str) -> str:
    head, _, rest = wanted.partition("/")
    return f"{_any_case(head)}/" + (TYPE.partition("/")[2] if rest == "*" else _any_case(rest))
