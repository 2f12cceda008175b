"""What every `ports.Blobs` must do, as tests. A keeper's own test module derives from `BlobConformance`, as for stores:
`open_blobs` opens the same files each time.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from hashlib import sha256

from stepwell.model.base import SECOND
from stepwell.model.blobs import BlobRef
from stepwell.model.errors import InvalidInput, NotFound
from stepwell.ports import Blobs
from stepwell.testing.doors import FrozenClock

_LARGE = b"0123456789abcdef" * 150_000  # more than two pieces


async def content_of(blobs: Blobs, digest: str) -> bytes:
    return b"".join([piece async for piece in blobs.open(digest)])


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


class BlobConformance(ABC):
    """See the top of this module."""

    clock: FrozenClock

    @abstractmethod
    async def open_blobs(self, max_size: int, types: tuple[str, ...] | None = None) -> Blobs:
        """On the same files each time, with `self.clock`."""

    async def test_what_is_put_is_there(self) -> None:
        blobs = await self.open_blobs(len(_LARGE))
        for content in (b"", b"x", b"\0\xff" * 1000, _LARGE):
            ref = await blobs.put(content, "Bericht.pdf", "application/pdf")
            digest = sha256(content).hexdigest()
            assert ref == BlobRef(digest, len(content), "Bericht.pdf", "application/pdf")
            again = await self.open_blobs(len(_LARGE))
            assert await content_of(again, digest) == content
            assert await again.size(digest) == len(content)

    async def test_what_is_kept_is_listed(self) -> None:
        blobs = await self.open_blobs(100)
        assert list(await blobs.kept()) == []
        refs = [await blobs.put(content, "x", "") for content in (b"a", b"bc", b"a")]
        self.clock.advance(5)
        await blobs.renew(refs[1].sha256)
        listed = {each.sha256: (each.size, each.at) for each in await blobs.kept()}
        now = self.clock.now()
        assert listed == {refs[0].sha256: (1, now - 5 * SECOND), refs[1].sha256: (2, now)}

    async def test_pieces_make_one_file(self) -> None:
        blobs = await self.open_blobs(100)
        ref = await blobs.put(pieces(b"ab", b"", b"c"), "a.txt", "text/plain")
        assert ref == await blobs.put(b"abc", "a.txt", "text/plain")
        assert await content_of(blobs, ref.sha256) == b"abc"

    async def test_too_much_or_the_wrong_type_leaves_nothing(self) -> None:
        blobs = await self.open_blobs(10, ("text/csv", "image/*"))
        await fails(blobs.put(b"x" * 11, "a.csv", "text/csv"))
        await fails(blobs.put(pieces(*[b"x"] * 11), "a.csv", "text/csv"))
        await fails(blobs.put(b"x", "a.html", "text/html"))
        await fails(blobs.put(b"x", "a", ""))
        for content in (b"x" * 11, b"x"):
            assert await blobs.size(sha256(content).hexdigest()) is None
        assert (await blobs.put(b"x" * 10, "a.csv", "Text/CSV; charset=utf-8")).type == "text/csv"
        assert (await blobs.put(b"y", "a.png", "image/png")).size == 1

    async def test_only_hashes_are_names(self) -> None:
        blobs = await self.open_blobs(10)
        for name in ("", "../x", "/etc/passwd", "A" * 64, "a" * 63, "a" * 65, "a" * 63 + "\n", "..%2f" * 13):
            for ask in (blobs.size, blobs.renew, blobs.delete):
                await fails(ask(name))
            await fails(content_of(blobs, name))

    async def test_what_is_not_there(self) -> None:
        blobs, digest = await self.open_blobs(10), "a" * 64
        assert await blobs.size(digest) is None
        assert await blobs.renew(digest) is None
        assert not await blobs.delete(digest)
        await fails(content_of(blobs, digest), NotFound)
        assert (await blobs.sweep((), self.clock.now())).files == []

    async def test_a_sweep_takes_what_nobody_names_after_its_grace(self) -> None:
        blobs = await self.open_blobs(10)
        kept, old, renewed, again = [
            (await blobs.put(text, "a", "")).sha256 for text in (b"1", b"22", b"3", b"4")
        ]
        self.clock.advance(10)
        assert await blobs.renew(renewed) == 1
        await blobs.put(b"4", "b", "")
        new = (await blobs.put(b"5", "a", "")).sha256
        swept = await blobs.sweep([kept, "b" * 64], self.clock.now() - 5 * SECOND)
        assert (list(swept.files), swept.bytes) == ([old], 2)
        assert await blobs.size(old) is None
        for digest in (kept, renewed, again, new):
            assert await blobs.size(digest) == 1
        assert len((await blobs.sweep((), self.clock.now() + 1)).files) == 4

    async def test_the_same_content_by_many_at_once(self) -> None:
        blobs, other = await self.open_blobs(10), await self.open_blobs(10)
        refs = await asyncio.gather(
            *[door.put(b"same", f"{n}.txt", "") for n in range(10) for door in (blobs, other)]
        )
        assert len({ref.sha256 for ref in refs}) == 1
        assert await content_of(blobs, refs[0].sha256) == b"same"
        assert await blobs.delete(refs[0].sha256)
        assert await other.size(refs[0].sha256) is None


async def fails(asked: object, kind: type[Exception] = InvalidInput) -> None:
    try:
        await asked  # type: ignore[misc]
    except kind:
        return
    raise AssertionError(f"{kind.__name__} was expected")
