"""Files that people and steps hand in, kept beside the database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Mapping
from datetime import timedelta
from mimetypes import MimeTypes
from pathlib import Path
from typing import Final

from stepwell.client.attached import check_files, files_in, kept_by
from stepwell.client.verbs.base import Verbs
from stepwell.client.views import View, when
from stepwell.model.base import Json
from stepwell.model.blobs import BlobRef
from stepwell.model.errors import InvalidInput

GRACE: Final = timedelta(days=1)
_PIECE: Final = 1 << 20
_TYPES: Final = MimeTypes()  # those that Python knows, whatever the machine has


class FileVerbs(Verbs):
    """What is in them is known by its SHA-256, and kept once."""

    async def put_file(
        self,
        content: bytes | Path | AsyncIterable[bytes],
        *,
        name: str | None = None,
        type: str | None = None,
    ) -> dict[str, Json]:
        """Keep a file; returns what stands for it in a form: `{file, name, size, type}`.

        `name` and `type` are what is told of it; of a path they follow from its name. Raises `InvalidInput` where
        there is too much of it or its type is not taken, `StoreUnavailable`.
        """
        if isinstance(content, Path):
            name, content = content.name if name is None else name, _read(content)
        name = name or "file"
        kind = type or _TYPES.guess_type(name, strict=False)[0] or ""
        return (await kept_by(self.blobs).put(content, name, kind)).value

    async def read_file(self, file: str | Mapping[str, Json]) -> bytes:
        """All that is in a file, by its hash or by what stands for it in a form. Raises `NotFound`, `StoreDamaged`."""
        return b"".join([piece async for piece in self.stream_file(file)])

    def stream_file(self, file: str | Mapping[str, Json]) -> AsyncIterator[bytes]:
        """The same, piece by piece. That it is damaged shows at its end."""
        return kept_by(self.blobs).open(_digest(file))

    async def files(self) -> list[View]:
        """Every file that is kept: `{file, size, kept_at, named}`; `named`: something in the database names it."""
        named = frozenset(await self.engine.store.mentioned())
        return [
            {
                "file": kept.sha256,
                "size": kept.size,
                "kept_at": when(kept.at),
                "named": kept.sha256 in named,
            }
            for kept in await kept_by(self.blobs).kept()
        ]

    async def run_files(self, run_id: str) -> list[View]:
        """The files that a run names anywhere in its record: `{file, name, size, type, here}`, each content once for
        each name. Raises `NotFound`."""
        await self.engine.row(run_id)
        found: dict[tuple[str, str], BlobRef] = {}
        for turn in await self.engine.store.turns(run_id):
            for ref in files_in(turn.events):
                found.setdefault((ref.sha256, ref.name), ref)
        blobs = kept_by(self.blobs)
        return [{**ref.value, "here": await blobs.size(ref.sha256) == ref.size} for ref in found.values()]

    async def check_files(self, values: Mapping[str, Json]) -> None:
        """See to it that every file that these values of a form name is here, of the size they say, and stays for the
        time of a sweep's grace. Raises `InvalidForm`."""
        await check_files(self.blobs, values)

    async def sweep_files(self, *, grace: timedelta = GRACE) -> View:
        """Remove the files that nothing in the database names, unless they came within `grace`; returns
        `{files, bytes}`.

        Runs that were archived and removed do not count: their files go."""
        before = self.engine.clock.now() - grace // timedelta(microseconds=1)
        swept = await kept_by(self.blobs).sweep(await self.engine.store.mentioned(), before)
        return {"files": len(swept.files), "bytes": swept.bytes}


def _digest(file: str | Mapping[str, Json]) -> str:
    found = file.get("file") if isinstance(file, Mapping) else file
    if not isinstance(found, str):
        raise InvalidInput("this stands for no file", hint="give its SHA-256, or {file, name, size, type}")
    return found


async def _read(path: Path) -> AsyncIterator[bytes]:
    try:
        file = await asyncio.to_thread(path.open, "rb")
    except OSError as error:
        raise InvalidInput(f"cannot read {path}: {error.strerror}") from error
    with file:
        while piece := await asyncio.to_thread(file.read, _PIECE):
            yield piece
