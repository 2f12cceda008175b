"""A disk that can fail and that can be unplugged: an SQLite VFS over the real one.

It does the real I/O, so that write-ahead logging with several connections works, and
  * raises an error at the writing operation of one's choice (`Failure`), once or from there on, * keeps a log
  of all that was written and synced, with marks of the application in between, from which `Unplugged`
    makes the images that a disk may hold after the power failed: what a completed sync covers is there; of
    what was written after it anything may be there, nothing, all, a part, whole writes or single sectors.
"""

from __future__ import annotations

import itertools
import random
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import apsw

SECTOR = 512
_numbers = itertools.count()


class Failure:
    """Fail the `at`-th writing operation from now (counted from 1), or reading one; with `lasting` all after
    it too, until `end`."""

    def __init__(
        self, at: int, *, lasting: bool = False, error: type[apsw.Error] = apsw.IOError, reads: bool = False
    ) -> None:
        self.at, self.lasting, self.error, self.reads = at, lasting, error, reads
        self.count = self.struck = 0

    def operation(self, reads: bool) -> None:
        if reads is not self.reads:
            return
        self.count += 1
        if self.count == self.at or (self.lasting and self.at and self.count > self.at):
            self.struck += 1
            raise self.error("injected")

    def end(self) -> None:
        self.at = 0


class Operation(NamedTuple):
    """One entry of the log. `kind`: create, write, truncate, sync, delete or mark."""

    kind: str
    file: str
    offset: int = 0
    data: bytes = b""
    mark: Any = None


class Disk(apsw.VFS):
    """The VFS; connections name it by `name`."""

    def __init__(self, read_only: bool = False) -> None:
        self.read_only = read_only
        self.name = f"test-disk-{next(_numbers)}"
        self.log: list[Operation] | None = None
        self.failure: Failure | None = None
        super().__init__(self.name, "")

    def xOpen(self, name: Any, flags: list[int]) -> _File:
        return _File(self, name, flags)

    def xDelete(self, name: str, sync: bool) -> None:
        self.note("delete", Path(name).name)
        super().xDelete(name, sync)

    def note(self, kind: str, file: str, offset: int = 0, data: bytes = b"") -> None:
        if self.log is not None:
            self.log.append(Operation(kind, file, offset, data))

    def mark(self, what: Any) -> None:
        assert self.log is not None
        self.log.append(Operation("mark", "", mark=what))


class _File(apsw.VFSFile):
    def __init__(self, disk: Disk, name: Any, flags: list[int]) -> None:
        path = name.filename() if isinstance(name, apsw.URIFilename) else name
        self.disk, self.file = disk, Path(path).name if path else ""
        if path and not Path(path).exists():
            disk.note("create", self.file)
        if disk.read_only and flags[0] & apsw.SQLITE_OPEN_MAIN_DB:
            flags[0] &= ~(apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE)
            flags[0] |= apsw.SQLITE_OPEN_READONLY
        super().__init__("", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:
        self._strike()
        super().xWrite(data, offset)
        self.disk.note("write", self.file, offset, bytes(data))

    def xTruncate(self, size: int) -> None:
        self._strike()
        super().xTruncate(size)
        self.disk.note("truncate", self.file, size)

    def xSync(self, flags: int) -> None:
        self._strike()
        self.disk.note(
            "sync", self.file
        )  # the real sync is left out: this machine is not going to lose its power

    def xRead(self, amount: int, offset: int) -> bytes:
        self._strike(reads=True)
        return super().xRead(amount, offset)

    def _strike(self, reads: bool = False) -> None:
        if self.disk.failure is not None:
            self.disk.failure.operation(reads)


@contextmanager
def disk(read_only: bool = False) -> Iterator[Disk]:
    """A disk, unregistered at the end."""
    made = Disk(read_only)
    try:
        yield made
    finally:
        made.unregister()


@contextmanager
def memory_folder() -> Iterator[Path]:
    """A folder in memory where there is one: these tests write much and keep nothing."""
    shm = Path("/dev/shm")
    path = Path(tempfile.mkdtemp(dir=shm if shm.is_dir() else None))
    try:
        yield path
    finally:
        shutil.rmtree(path)


Image = dict[str, bytes]


class Unplugged:
    """Goes through a log once; at any point it gives the images that the disk may hold if the power fails
    there."""

    def __init__(self, before: Image) -> None:
        self._synced = {file: bytearray(data) for file, data in before.items()}
        self._pending: dict[str, list[Operation]] = {file: [] for file in before}
        self._fresh: set[str] = set()

    def feed(self, operation: Operation) -> None:
        kind, file = operation.kind, operation.file
        if kind == "create":
            self._synced[file], self._pending[file] = bytearray(), []
            self._fresh.add(file)
        elif kind in ("write", "truncate"):
            self._pending[file].append(operation)
        elif kind == "sync":
            for each in self._pending[file]:
                _apply(self._synced[file], each)
            self._pending[file] = []
            self._fresh.discard(file)  # the first sync of a new file syncs its folder too
        elif kind == "delete":
            self._synced.pop(file, None)
            self._pending.pop(file, None)

    def image(self, mode: str, chance: random.Random) -> Image:
        """`mode`: none, prefix, subset, torn or all of what was written since the last sync."""
        image = {}
        for file, synced in self._synced.items():
            if file in self._fresh and (mode == "none" or (mode != "all" and chance.random() < 0.3)):
                continue
            data = bytearray(synced)
            for operation in self._survivors(file, mode, chance):
                _apply(data, operation)
            image[file] = bytes(data)
        return image

    def _survivors(self, file: str, mode: str, chance: random.Random) -> list[Operation]:
        pending = self._pending[file]
        if mode == "none":
            return []
        if mode == "all":
            return pending
        if mode == "prefix":
            return pending[: chance.randint(0, len(pending))]
        kept = [operation for operation in pending if chance.random() < 0.5]
        if mode == "subset":
            return kept
        return [piece for operation in kept for piece in _torn(operation, chance)]


def _torn(operation: Operation, chance: random.Random) -> list[Operation]:
    """Some sectors of a write, now and then with garbage in them."""
    if operation.kind != "write" or chance.random() < 0.5:
        return [operation]
    pieces = []
    start, end = operation.offset, operation.offset + len(operation.data)
    while start < end:
        stop = min(end, (start // SECTOR + 1) * SECTOR)
        if chance.random() < 0.5:
            data = operation.data[start - operation.offset : stop - operation.offset]
            if chance.random() < 0.1:
                data = chance.randbytes(len(data))
            pieces.append(operation._replace(offset=start, data=data))
        start = stop
    return pieces


def _apply(data: bytearray, operation: Operation) -> None:
    if operation.kind == "write":
        end = operation.offset + len(operation.data)
        if len(data) < end:
            data.extend(bytes(end - len(data)))
        data[operation.offset : end] = operation.data
    elif len(data) > operation.offset:
        del data[operation.offset :]
    else:
        data.extend(bytes(operation.offset - len(data)))
