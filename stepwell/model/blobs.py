"""Files that people and steps hand in: what is in them is known by its SHA-256, the rest is what the sender said."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final, NamedTuple

from stepwell.model.base import Instant, Json

LONGEST_NAME: Final = 255
LARGEST_FILE: Final = 100 * 2**20
UNKNOWN_TYPE: Final = "application/octet-stream"

_DIGEST: Final = re.compile("[0-9a-f]{64}")
_TYPE: Final = re.compile("[A-Za-z0-9!#$&^_.+-]{1,63}/[A-Za-z0-9!#$&^_.+-]{1,63}")
_LONGEST_SUFFIX: Final = 32


class BlobRef(NamedTuple):
    """A file. `name` and `type` are data: nothing is ever found by them."""

    sha256: str
    size: int
    name: str
    type: str

    @property
    def value(self) -> dict[str, Json]:
        """As it stands in a form, and anywhere else in JSON."""
        return {"file": self.sha256, "name": self.name, "size": self.size, "type": self.type}


class BlobFolder(NamedTuple):
    """Where files are kept: a folder (None: beside the database, `FILE.blobs`), the most bytes of one file, and the
    media types that are taken (`text/csv`, `image/*`; None: all)."""

    folder: str | None = None
    max_size: int = LARGEST_FILE
    types: Collection[str] | None = None


class Kept(NamedTuple):
    """A file that is kept; `at`: when it was last put, or named by somebody."""

    sha256: str
    size: int
    at: Instant


class Swept(NamedTuple):
    """What a sweep removed: files that nothing names any more, and their bytes."""

    files: Collection[str] = ()
    bytes: int = 0


class Copied(NamedTuple):
    """What a copy holds; `damaged` are the files that do not match their hash any more, and were not copied."""

    files: int = 0
    bytes: int = 0
    damaged: Collection[str] = ()


def is_digest(text: Json) -> bool:
    """Whether this is a SHA-256 as it is written here: nothing else ever becomes part of a path."""
    return isinstance(text, str) and _DIGEST.fullmatch(text) is not None


def clean_name(name: str) -> str:
    """A name that can be shown and saved anywhere: its last part, without what is not seen or turns the text."""
    last = " ".join(name.replace("\\", "/").rpartition("/")[2].split())
    name = "".join(filter(str.isprintable, last)).strip()
    if not name.strip("."):
        return "file"
    if len(name) > LONGEST_NAME:
        stem, dot, suffix = name.rpartition(".")
        end = dot + suffix if stem and len(suffix) < _LONGEST_SUFFIX else ""
        name = name[: LONGEST_NAME - len(end)] + end
    return name


def clean_type(type: str) -> str:
    """The media type without its parameters; that of unknown bytes where it is none."""
    type = type.partition(";")[0].strip()
    return type.lower() if _TYPE.fullmatch(type) else UNKNOWN_TYPE
