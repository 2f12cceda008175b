"""Files in a folder: each under the hash of what is in it, so that nothing that a sender says becomes part of a path.

    FILE.blobs/ab/cdef…     content; its time is that of its last put or renewal, by the clock of the house
    FILE.blobs/new/…        what is being written

Content is written beside, made durable, and gets its name only then: what has a name is whole. A lock lets a sweep and
those that put or renew the same content take turns.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import AsyncIterable, AsyncIterator, Callable, Collection, Iterator, Sequence
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, TypeVar

from stepwell.model.base import Instant, Report
from stepwell.model.blobs import LARGEST_FILE, BlobRef, Copied, Kept, Swept, clean_name, clean_type, is_digest
from stepwell.model.errors import Conflict, InvalidInput, NotFound, StoreDamaged, StoreUnavailable
from stepwell.ports import Clock

if TYPE_CHECKING:
    from filelock import BaseFileLock

T = TypeVar("T")

PIECE: Final = 1 << 20
_NEW: Final = "new"
_LOCK: Final = "lock"
_READ: Final = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


class FolderBlobs:
    """See `ports.blobs`. The folder is made when the first file comes. `types`: the media types that are taken (None:
    all), `image/*` for all images."""

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        *,
        max_size: int = LARGEST_FILE,
        types: Collection[str] | None = None,
    ) -> None:
        self._folder, self._clock, self._max_size = folder, clock, max_size
        self._types = None if types is None else frozenset(map(str.lower, types))

    async def put(self, content: bytes | AsyncIterable[bytes], name: str = "file", type: str = "") -> BlobRef:
        type = clean_type(type)
        self._check_type(type)
        part = _Part()
        try:
            await self._do(lambda: self._begin(part))
            digest, size = hashlib.sha256(), 0
            async for piece in _pieces(content):
                size += len(piece)
                self._check_size(size)
                digest.update(piece)
                await self._do(partial(part.file.write, piece))
            await self._do(lambda: self._finish(part, digest.hexdigest()))
        finally:
            await self._do(part.drop)
        return BlobRef(digest.hexdigest(), size, clean_name(name), type)

    async def open(self, sha256: str) -> AsyncIterator[bytes]:
        path = self._path(sha256)
        file = await self._do(lambda: _opened(path))
        if file is None:
            raise NotFound(f"there is no file {sha256}", hint="put it again, or restore it from a backup")
        digest = hashlib.sha256()
        try:
            while piece := await self._do(lambda: file.read(PIECE)):
                digest.update(piece)
                yield piece
        finally:
            file.close()
        if digest.hexdigest() != sha256:
            raise StoreDamaged(
                f"{path} is not what its name says", hint="put it again, or restore it from a backup"
            )

    async def size(self, sha256: str) -> int | None:
        path = self._path(sha256)
        return await self._do(lambda: _size(path))

    async def kept(self) -> Sequence[Kept]:
        return await self._do(lambda: [kept for kept in map(_kept, self._all()) if kept is not None])

    async def renew(self, sha256: str) -> int | None:
        path = self._path(sha256)
        return await self._do(lambda: self._renew(path))

    async def delete(self, sha256: str) -> bool:
        path = self._path(sha256)
        return await self._do(lambda: self._delete(path))

    async def sweep(self, kept: Collection[str], before: Instant) -> Swept:
        return await self._do(lambda: self._sweep(frozenset(kept), before))

    async def copy(self, folder: str, progress: Report | None = None) -> Copied:
        return await self._do(lambda: self._copy(Path(folder), progress))

    async def _do(self, work: Callable[[], T]) -> T:
        """In a thread, with the errors of the house. A thread cannot be stopped: whoever is cancelled waits for it, so
        that nothing goes on behind the back of those who clean up."""
        job = asyncio.ensure_future(asyncio.to_thread(work))
        try:
            return await asyncio.shield(job)
        except asyncio.CancelledError:
            await asyncio.wait([job])
            raise
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT)
            hint = "make room on that disk" if full else "see whether the folder is there and may be written"
            raise StoreUnavailable(
                f"files cannot be kept in {self._folder}: {error.strerror}", hint=hint
            ) from error

    # what is taken

    def _check_size(self, size: int) -> None:
        if size > self._max_size:
            raise InvalidInput(
                f"the file has more than {self._max_size:,} bytes",
                hint="hand in a smaller one, or open with blobs=BlobFolder(max_size=…)",
            )

    def _check_type(self, type: str) -> None:
        if self._types is not None and not {type, type.partition("/")[0] + "/*"} & self._types:
            raise InvalidInput(
                f"files of type {type} are not taken", hint=f"one of: {', '.join(sorted(self._types))}"
            )

    # where it lies

    def _path(self, sha256: str) -> Path:
        if not is_digest(sha256):
            raise InvalidInput(
                f"{str(sha256)[:70]!a} is no SHA-256", hint="64 hexadecimal digits, in small letters"
            )
        return self._folder / sha256[:2] / sha256[2:]

    def _begin(self, part: _Part) -> None:
        beside = self._folder / _NEW
        beside.mkdir(parents=True, exist_ok=True)
        _real_folder(beside)
        number, name = tempfile.mkstemp(dir=beside, prefix=f"{self._clock.now()}-")
        part.file, part.path = os.fdopen(number, "wb"), Path(name)

    def _finish(self, part: _Part, sha256: str) -> None:
        """The content is durable before it has its name; then the name is made durable."""
        path = self._path(sha256)
        part.file.flush()
        os.fsync(part.file.fileno())
        part.file.close()
        _stamp(part.path, self._clock.now())
        with self._alone():
            if not path.parent.exists():
                path.parent.mkdir()
                _sync_folder(self._folder)
            _real_folder(path.parent)
            part.path.replace(path)
            _sync_folder(path.parent)

    def _renew(self, path: Path) -> int | None:
        with self._alone() if self._folder.exists() else nullcontext():
            size = _size(path)
            if size is not None:
                _stamp(path, self._clock.now())
            return size

    def _delete(self, path: Path) -> bool:
        if _size(path) is None:
            return False
        with self._alone():
            path.unlink(missing_ok=True)
            _sync_folder(path.parent)
        return True

    def _sweep(self, kept: frozenset[str], before: Instant) -> Swept:
        gone, size = [], 0
        for sha256, path in self._all():
            if sha256 in kept:
                continue
            with self._alone():
                found = _stat(path)
                if found is not None and found.st_mtime_ns // 1_000 < before:
                    path.unlink()
                    gone.append(sha256)
                    size += found.st_size
        for left in self._folder.glob(f"{_NEW}/*-*"):
            begun = left.name.partition("-")[0]
            if begun.isdecimal() and int(begun) < before:
                left.unlink(missing_ok=True)
        return Swept(gone, size)

    def _copy(self, target: Path, progress: Report | None) -> Copied:
        if target.exists():
            raise Conflict(f"{target} is there already", hint="name a new folder")
        if not self._folder.exists():
            return Copied()
        part = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".part", dir=target.absolute().parent))
        try:
            copied = _copied(self._all(), part, progress)
            part.replace(target)
        finally:
            shutil.rmtree(part, ignore_errors=True)
        return copied

    def _all(self) -> Iterator[tuple[str, Path]]:
        """Every file, by its hash. What has another name, or is a link, is none of ours."""
        for path in sorted(self._folder.glob("[0-9a-f][0-9a-f]/*")):
            sha256 = path.parent.name + path.name
            if is_digest(sha256) and _size(path) is not None:
                yield sha256, path

    def _alone(self) -> BaseFileLock:
        from filelock import FileLock

        return FileLock(self._folder / _LOCK, thread_local=False)


class _Part:
    """A file while it is being written."""

    file: BinaryIO
    path: Path

    def drop(self) -> None:
        """What was not finished is gone; what was has another name by now."""
        if hasattr(self, "file"):
            self.file.close()
            self.path.unlink(missing_ok=True)


async def _pieces(content: bytes | AsyncIterable[bytes]) -> AsyncIterator[bytes]:
    if isinstance(content, bytes | bytearray):
        for start in range(0, len(content), PIECE):
            yield bytes(content[start : start + PIECE])
        return
    async for piece in content:
        if not isinstance(piece, bytes | bytearray):
            raise InvalidInput(f"a file is made of bytes, not of {type(piece).__name__}")
        yield bytes(piece)


def _stat(path: Path) -> os.stat_result | None:
    """Of a file of ours; None where there is nothing, or something that nobody put here: a link, a folder."""
    try:
        found = path.lstat()
    except FileNotFoundError:
        return None
    return found if stat.S_ISREG(found.st_mode) and _is_real_folder(path.parent) else None


def _kept(file: tuple[str, Path]) -> Kept | None:
    """None where it has gone meanwhile."""
    found = _stat(file[1])
    return None if found is None else Kept(file[0], found.st_size, found.st_mtime_ns // 1_000)


def _size(path: Path) -> int | None:
    found = _stat(path)
    return None if found is None else found.st_size


def _opened(path: Path) -> BinaryIO | None:
    if _stat(path) is None:
        return None
    try:
        return os.fdopen(os.open(path, _READ), "rb")
    except FileNotFoundError:
        return None


def _is_real_folder(path: Path) -> bool:
    return stat.S_ISDIR(path.lstat().st_mode)


def _real_folder(path: Path) -> None:
    if not _is_real_folder(path):
        raise StoreUnavailable(f"{path} is not a folder but leads elsewhere", hint="remove it")


def _stamp(path: Path, at: Instant) -> None:
    os.utime(path, ns=(at * 1_000, at * 1_000))


def _sync_folder(path: Path) -> None:
    """Make the names in a folder durable, where the system can."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    number = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def _copied(files: Iterator[tuple[str, Path]], target: Path, progress: Report | None) -> Copied:
    count, size, damaged = 0, 0, []
    for number, (sha256, path) in enumerate(files, 1):
        if progress is not None:
            progress("files copied", number, 0)
        to = target / sha256[:2] / sha256[2:]
        to.parent.mkdir(exist_ok=True)
        shutil.copy2(path, to, follow_symlinks=False)
        with to.open("rb") as file:
            whole = hashlib.file_digest(file, "sha256").hexdigest() == sha256
            os.fsync(file.fileno())
        if whole:
            count, size = count + 1, size + to.stat().st_size
        else:
            to.unlink()
            damaged.append(sha256)
    return Copied(count, size, damaged)
