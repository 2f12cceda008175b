"""The files that archived runs name: into the archive with the first run that names them, and back."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any

from stepwell.client.archive import file as files
from stepwell.client.attached import files_of, trouble_with
from stepwell.model.archive import ExportedRun
from stepwell.model.errors import StoreDamaged
from stepwell.ports import Blobs

Lines = Iterator[tuple[str, dict[str, Any], str]]


class Attached:
    """Writes each file once. What is not here (any more), or is not what its hash says, is left out, and counted."""

    def __init__(self, blobs: Blobs | None, writer: files.ArchiveWriter) -> None:
        self._blobs, self._writer = blobs, writer
        self._seen: set[str] = set()
        self.missing: list[str] = []

    async def write(self, runs: Sequence[ExportedRun]) -> None:
        """Before these runs are written."""
        for run in runs:
            for file in files_of(run.turns):
                if file.sha256 in self._seen:
                    continue
                self._seen.add(file.sha256)
                if self._blobs is None or await trouble_with(self._blobs, file):
                    self.missing.append(file.sha256)
                    continue
                await asyncio.to_thread(self._writer.add_file, file)
                async for piece in self._blobs.open(file.sha256):
                    await asyncio.to_thread(self._writer.add_piece, piece)


async def put_back(blobs: Blobs, body: Mapping[str, Any], lines: Lines) -> None:
    """Keep a file again whose pieces are the next lines. Raises `InvalidInput` where it is not taken here."""
    file = files.blob_of(body)

    async def pieces() -> AsyncIterator[bytes]:
        size = 0
        while size < file.size:
            _, piece, _ = await asyncio.to_thread(next, lines)
            content = files.piece_of(piece)
            size += len(content)
            yield content

    kept = await blobs.put(pieces(), file.name, file.type)
    if kept.sha256 != file.sha256:
        raise StoreDamaged(f"file {file.sha256} is not what its hash says")
