"""The door to files: content by its hash, each once."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Collection, Sequence
from typing import Protocol

from stepwell.model.base import Instant, Report
from stepwell.model.blobs import BlobRef, Copied, Kept, Swept


class Blobs(Protocol):
    """Content that is there once it is told, and is what its hash says. Errors of every verb: `StoreUnavailable`;
    `InvalidInput` for what is no hash."""

    async def put(self, content: bytes | AsyncIterable[bytes], name: str = "file", type: str = "") -> BlobRef:
        """Keep it; durable when this returns. The same content is kept once. `name` and `type` are cleaned.

        Raises `InvalidInput` where there is too much of it, or its type is not taken; nothing is kept then."""
        ...

    def open(self, sha256: str) -> AsyncIterator[bytes]:
        """What is in it, piece by piece. Raises `NotFound`, and `StoreDamaged` at the end where it is not what its
        hash says."""
        ...

    async def size(self, sha256: str) -> int | None:
        """How many bytes it has; None where it is not there."""
        ...

    async def kept(self) -> Sequence[Kept]:
        """Every file, by its hash."""
        ...

    async def renew(self, sha256: str) -> int | None:
        """`size`, for whoever is going to name it: no sweep removes it for the time of its grace."""
        ...

    async def delete(self, sha256: str) -> bool:
        """Whether it was there."""
        ...

    async def sweep(self, kept: Collection[str], before: Instant) -> Swept:
        """Remove all that is not among `kept` and was last put or renewed before an instant; and what is left of puts
        that did not come to their end."""
        ...

    async def copy(self, folder: str, progress: Report | None = None) -> Copied:
        """Copy everything to a new folder, checking it on the way. `progress` is told in whatever thread does it.
        Raises `Conflict` where there is one."""
        ...
