"""Whether the files that runs name are here, and are what they were: what `doctor` says of them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Final, NamedTuple

from stepwell.client.attached import trouble_with
from stepwell.model.base import Report
from stepwell.model.blobs import BlobRef
from stepwell.model.errors import StoreUnavailable
from stepwell.model.journal import StoreFinding
from stepwell.ports import Blobs


def from_a_thread(progress: Report | None) -> Report | None:
    """For work that is done in a thread: what it tells of itself is heard where the loop runs."""
    if progress is None:
        return None
    loop = asyncio.get_running_loop()

    def told(what: str, done: int, total: int) -> None:
        loop.call_soon_threadsafe(progress, what, done, total)

    return told


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
