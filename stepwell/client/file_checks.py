"""Whether the files that runs name are here, and are what they were: what `doctor` says of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from stepwell.client.attached import trouble_with
from stepwell.model.blobs import BlobRef
from stepwell.model.errors import StoreUnavailable
from stepwell.model.journal import StoreFinding
from stepwell.ports import Blobs

Report = Callable[[str, int, int], None]
"""Told what is being read (`runs`, `files`), how much of it is through, and how much there is."""

_WORDS: Final = {
    "missing": "is not here",
    "damaged": "is not what it was: it does not match its hash or its size",
}


class Naming(NamedTuple):
    """A file, and the first run that names it."""

    file: BlobRef
    run_id: str


async def file_findings(
    blobs: Blobs, named: Mapping[str, Naming], progress: Report | None
) -> list[StoreFinding]:
    """Read every one of them."""
    findings = []
    for number, (file, run_id) in enumerate(named.values(), 1):
        try:
            trouble = await trouble_with(blobs, file)
        except StoreUnavailable as error:
            findings.append(StoreFinding("files_unreadable", None, error.message, error.hint))
            break
        if trouble:
            message = f"run {run_id} names file {file.name} ({file.sha256}), which {_WORDS[trouble]}"
            action = (
                "put the same file again (stepwell files put PATH), or take it from a backup or an archive"
            )
            findings.append(StoreFinding(f"file_{trouble}", run_id, message, action))
        if progress is not None:
            progress("files", number, len(named))
    return findings
