"""The file of an archive: JSON lines, packed with gzip, each line chained to the one before by SHA-256.

    {"chain":"<hash>","body":{"kind":"archive", …}}        what it is, and which plan it carries out
    {"chain":"<hash>","body":{"kind":"definition", …}}     before the first run that needs it
    {"chain":"<hash>","body":{"kind":"file", …}}           a file's hash and size, before the first run that names it
    {"chain":"<hash>","body":{"kind":"piece", …}}          … and what is in it, in base64, until its size is reached
    {"chain":"<hash>","body":{"kind":"run", …}}            its index row, key and turns, as the store has them
    {"chain":"<hash>","body":{"kind":"end", …}}            so that a file that was cut off is known

A hash covers the hash before it and the exact bytes of the body. A file appears under its name only when it is whole,
on disk, and has been read back.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from stepwell.model.archive import ExportedRun, RawTurn
from stepwell.model.base import Json, Report
from stepwell.model.blobs import BlobRef
from stepwell.model.errors import InvalidInput, StoreDamaged, StoreTooNew, StoreUnavailable
from stepwell.model.journal import DefinitionRow, KeyClaim, RunRow

FORMAT: Final = 2
"""1: without files"""
_HEAD, _MIDDLE, _TAIL = b'{"chain":"', b'","body":', b"}\n"
_GENESIS: Final = bytes(32)
_TOLD_EVERY: Final = 100
"""runs that are read until somebody is told again"""


class ArchiveInfo(NamedTuple):
    """What a file is found to be: its first body, how much is in it, and the hashes of its lines and of the file."""

    header: Mapping[str, Json]
    runs: Mapping[str, int]
    """the number of turns of each run"""
    files: Mapping[str, int]
    """the size of each file, by its hash"""
    missing: Sequence[str]
    """files that its runs name and that were not there to be put into it"""
    tip: str
    sha256: str
    bytes: int


class ArchiveWriter:
    """Writes beside the place where the file is to be; `finish` puts it there."""

    def __init__(self, path: Path, header: Mapping[str, Json]) -> None:
        self.path = path
        try:
            number, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
        except OSError as error:
            raise StoreUnavailable(f"cannot write {path}: {error.strerror}") from error
        self._part = Path(name)
        self._file = os.fdopen(number, "wb")
        self._packed = gzip.GzipFile(filename="", fileobj=self._file, mode="wb", mtime=0)
        self._tip = _GENESIS
        self._runs = 0
        self._add({"kind": "archive", "format": FORMAT, **header})

    def add_definition(self, row: DefinitionRow) -> None:
        self._add({"kind": "definition", **row._asdict()})

    def add_run(self, run: ExportedRun) -> None:
        turns = [[turn.seq, turn.at, turn.body.decode(), turn.hash.hex()] for turn in run.turns]
        claim = list(run.claim) if run.claim is not None else None
        row = {**run.row._asdict(), "owner": None}
        self._add({"kind": "run", "row": row, "claim": claim, "turns": turns})
        self._runs += 1

    def add_file(self, file: BlobRef) -> None:
        """What is in it has to follow, by `add_piece`."""
        self._add({"kind": "file", **file._asdict()})

    def add_piece(self, piece: bytes) -> None:
        self._add({"kind": "piece", "data": base64.b64encode(piece).decode()})

    def finish(self, missing: Sequence[str] = ()) -> ArchiveInfo:
        """`missing`: the files that runs name and that are not in it. Raises `StoreUnavailable`, and
        `StoreDamaged` where what was read back is not what was written."""
        try:
            self._add({"kind": "end", "runs": self._runs, "files_missing": list(missing)})
            self._packed.close()
            self._file.flush()
            os.fsync(self._file.fileno())
            self._file.close()
            info = verify(self._part)
            if info.tip != self._tip.hex():
                raise StoreDamaged(f"{self._part}: what was written is not what is read back")
            self._part.replace(self.path)
            _sync_folder(self.path.parent)
        except OSError as error:
            raise StoreUnavailable(f"cannot write {self.path}: {error.strerror}") from error
        return info

    def drop(self) -> None:
        """Leave nothing behind of what is not finished."""
        self._file.close()
        self._part.unlink(missing_ok=True)

    def _add(self, body: Mapping[str, Any]) -> None:
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        self._tip = hashlib.sha256(self._tip + text).digest()
        try:
            self._packed.write(_HEAD + self._tip.hex().encode() + _MIDDLE + text + _TAIL)
        except OSError as error:
            raise StoreUnavailable(f"cannot write {self.path}: {error.strerror}") from error


def _sync_folder(folder: Path) -> None:
    if hasattr(os, "O_DIRECTORY"):
        number = os.open(folder, os.O_DIRECTORY)
        try:
            os.fsync(number)
        finally:
            os.close(number)


def read(path: Path) -> Iterator[tuple[str, dict[str, Any], str]]:
    """(kind, body, hash) of every line, checked as it is read. Raises `StoreDamaged`, `StoreTooNew`, `InvalidInput`."""
    tip, number, kind = _GENESIS, 0, ""
    try:
        with gzip.open(path, "rb") as lines:
            for number, line in enumerate(lines, 1):
                body, tip = _body(path, number, line, tip)
                kind = body["kind"]
                if number == 1:
                    _check_header(path, body)
                yield kind, body, tip.hex()
    except (gzip.BadGzipFile, EOFError, ValueError, KeyError, TypeError) as error:
        if number == 0:
            raise InvalidInput(f"{path} is not an archive of Stepwell ({error})") from error
        raise _damaged(path, number + 1, str(error)) from error
    except OSError as error:
        raise InvalidInput(f"cannot read {path}: {error.strerror or error}") from error
    if kind != "end":
        raise _damaged(path, number + 1, "the end is missing")


def _body(path: Path, number: int, line: bytes, tip: bytes) -> tuple[dict[str, Any], bytes]:
    told, text = line[len(_HEAD) : len(_HEAD) + 64], line[len(_HEAD) + 64 + len(_MIDDLE) : -len(_TAIL)]
    whole = line.startswith(_HEAD) and line.endswith(_TAIL) and line[len(_HEAD) + 64 :].startswith(_MIDDLE)
    tip = hashlib.sha256(tip + text).digest()
    if not whole or tip.hex().encode() != told:
        raise _damaged(path, number, "it does not match its hash")
    body: dict[str, Any] = json.loads(text)
    return body, tip


def _check_header(path: Path, body: Mapping[str, Any]) -> None:
    if body["kind"] != "archive":
        raise InvalidInput(f"{path} is not an archive of Stepwell")
    if body["format"] > FORMAT:
        raise StoreTooNew(f"{path} was written by a newer Stepwell", hint="pip install --upgrade stepwell")


def _damaged(path: Path, line: int, what: str) -> StoreDamaged:
    return StoreDamaged(f"{path}: line {line}: {what}", hint="take another copy of the file")


def verify(path: Path, progress: Report | None = None) -> ArchiveInfo:
    """Read all of it. Raises as `read` does, and `StoreDamaged` where runs are missing. `progress` is told now and then
    how many runs were read, and how many there are by the header."""
    header: dict[str, Any] = {}
    runs: dict[str, int] = {}
    files: dict[str, int] = {}
    missing: list[str] = []
    last = ""
    lines = read(path)
    for kind, body, tip in lines:
        last = tip
        if kind == "archive":
            header = body
        elif kind == "file":
            files[body["sha256"]] = body["size"]
            last = _verify_file(path, body, lines, tip)
        elif kind == "run":
            runs[body["row"]["id"]] = len(body["turns"])
            if progress is not None and len(runs) % _TOLD_EVERY == 0:
                progress("checked", len(runs), header.get("runs", 0))
        elif kind == "end":
            missing = body.get("files_missing", [])
            if body["runs"] != len(runs):
                raise StoreDamaged(f"{path}: {len(runs)} runs are in it, {body['runs']} were written")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return ArchiveInfo(header, runs, files, missing, last, digest, path.stat().st_size)


def _verify_file(
    path: Path, body: Mapping[str, Any], lines: Iterator[tuple[str, dict[str, Any], str]], tip: str
) -> str:
    """Read the pieces of a file; the hash of the last line. Raises `StoreDamaged`."""
    digest, size = hashlib.sha256(), 0
    while size < body["size"]:
        kind, piece, tip = next(lines, ("end", {}, tip))
        if kind != "piece":
            raise StoreDamaged(f"{path}: file {body['sha256']} is not whole")
        content = piece_of(piece)
        digest.update(content)
        size += len(content)
    if (digest.hexdigest(), size) != (body["sha256"], body["size"]):
        raise StoreDamaged(f"{path}: file {body['sha256']} is not what its hash says")
    return tip


def piece_of(body: Mapping[str, Any]) -> bytes:
    return base64.b64decode(body["data"])


def blob_of(body: Mapping[str, Any]) -> BlobRef:
    return BlobRef(*[body[field] for field in BlobRef._fields])


def definition_of(body: Mapping[str, Any]) -> DefinitionRow:
    return DefinitionRow(*[body[field] for field in DefinitionRow._fields])


def run_of(body: Mapping[str, Any]) -> ExportedRun:
    """The run of a line. Fields that a later version added have their defaults."""
    row = RunRow(**{name: value for name, value in body["row"].items() if name in RunRow._fields})
    turns = [RawTurn(seq, at, text.encode(), bytes.fromhex(hash)) for seq, at, text, hash in body["turns"]]
    return ExportedRun(row, KeyClaim(*body["claim"]) if body["claim"] is not None else None, turns)
