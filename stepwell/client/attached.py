"""Files that the values of a form name: are they here, and are they what the values say?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from stepwell.model.base import Json
from stepwell.model.blobs import is_digest
from stepwell.model.errors import InvalidForm, StoreUnavailable
from stepwell.ports import Blobs


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
