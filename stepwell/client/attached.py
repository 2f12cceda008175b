"""Files that values name: those of a form, of a run, of many runs; are they here, and are they what is said of them?"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from stepwell.model.archive import RawTurn
from stepwell.model.base import Json
from stepwell.model.blobs import BlobRef, is_digest
from stepwell.model.errors import InvalidForm, NotFound, StoreDamaged, StoreUnavailable
from stepwell.ports import Blobs

_MEMBERS: Final = {"file", "name", "size", "type"}
_MAY_NAME: Final = re.compile(rb'"file":\s*"[0-9a-f]{64}"')


def kept_by(blobs: Blobs | None) -> Blobs:
    """Raises `StoreUnavailable` where there is nothing that keeps files."""
    if blobs is None:
        raise StoreUnavailable("files are kept nowhere", hint="open with blobs=…")
    return blobs


async def check_files(blobs: Blobs | None, values: Json) -> None:
    """See to it that every file named is here, of the size that is said, and stays for the time of a sweep's grace.
    Raises `InvalidForm`."""
    wrong: dict[str, list[str]] = {}
    for field, file in _files(values):
        size = await kept_by(blobs).renew(file["file"])
        if size is None:
            wrong.setdefault(field, []).append("the file is not here: hand it in first")
        elif size != file.get("size"):
            wrong.setdefault(field, []).append(f"the file has {size:,} bytes")
    if wrong:
        raise InvalidForm(wrong, hint="put_file returns what to put there")


def _files(values: Json) -> Iterator[tuple[str, Mapping[str, Json]]]:
    """(field, file) of every file in the values. What is no form is left to those who check it."""
    for field, value in values.items() if isinstance(values, Mapping) else ():
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, Mapping) and is_digest(item.get("file")):
                yield field, item


def files_in(value: Any) -> Iterator[BlobRef]:
    """Every file that is named anywhere in a value, in the form in which `put_file` gives it."""
    left = [value]
    while left:
        item = left.pop()
        if isinstance(item, Mapping):
            if item.keys() == _MEMBERS and is_digest(item["file"]) and isinstance(item["size"], int):
                yield BlobRef(item["file"], item["size"], str(item["name"]), str(item["type"]))
            else:
                left.extend(item.values())
        elif isinstance(item, list | tuple):
            left.extend(item)


def files_of(turns: Sequence[RawTurn]) -> Iterator[BlobRef]:
    """Those that turns name, as the store has them; only what may name one is read as JSON."""
    for turn in turns:
        if _MAY_NAME.search(turn.body):
            yield from files_in(json.loads(turn.body))


async def trouble_with(blobs: Blobs, file: BlobRef) -> str:
    """Read all of it: what is wrong with it, in a word (`missing`, `damaged`), or nothing."""
    size = 0
    try:
        async for piece in blobs.open(file.sha256):
            size += len(piece)
    except NotFound:
        return "missing"
    except StoreDamaged:
        return "damaged"
    return "" if size == file.size else "damaged"
