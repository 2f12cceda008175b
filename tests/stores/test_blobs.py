"""Files in a folder: whole or not there, whatever happens on the way; nothing that a sender says is part of a path."""

from __future__ import annotations

import asyncio
import os
from hashlib import sha256
from pathlib import Path

import pytest

from stepwell.model.blobs import BlobRef, clean_name, clean_type
from stepwell.model.errors import Conflict, InvalidInput, NotFound, StoreDamaged, StoreUnavailable
from stepwell.ports import Blobs
from stepwell.stores.blobs import FolderBlobs
from stepwell.testing.blob_conformance import BlobConformance, content_of
from tests.support import processes
from tests.support.clock import FakeClock
from tests.support.hostile import HOSTILE, NAMES

pytestmark = pytest.mark.spec("N5")
ROOT = Path(__file__).parents[2]


class TestFolder(BlobConformance):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.clock, self.folder = FakeClock(), tmp_path / "a.db.blobs"

    async def open_blobs(self, max_size: int, types: tuple[str, ...] | None = None) -> Blobs:
        return FolderBlobs(self.folder, self.clock, max_size=max_size, types=types)


@pytest.fixture
def blobs(tmp_path: Path) -> FolderBlobs:
    return FolderBlobs(tmp_path / "files", FakeClock(), max_size=1000)


def everything(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}


async def test_nothing_is_made_before_the_first_file(blobs: FolderBlobs, tmp_path: Path) -> None:
    assert await blobs.size("a" * 64) is None and await blobs.renew("a" * 64) is None
    assert await blobs.copy(str(tmp_path / "copy")) == (0, 0, ())
    assert list(tmp_path.iterdir()) == []


async def test_names_never_reach_the_disk(blobs: FolderBlobs, tmp_path: Path) -> None:
    for name in [*NAMES, *(value for value in HOSTILE if isinstance(value, str) and len(value) < 10_000)]:
        ref = await blobs.put(b"same", name, name)
        assert (
            ref.name and len(ref.name) <= 255 and ref.name.isprintable() and not {"/", "\\"} & set(ref.name)
        )
        assert ref.name.strip(".") and ref.name.encode() and "/" in ref.type
    digest = sha256(b"same").hexdigest()
    assert everything(tmp_path) - {"files/lock"} == {f"files/{digest[:2]}/{digest[2:]}"}


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\fakepath\\data.csv", "data.csv"),
        ("\u202evsc.exe", "vsc.exe"),
        ("a\0b\nc.csv", "ab c.csv"),
        ("a\u00a0\u3000b.csv", "a b.csv"),
        ("..", "file"),
        ("x/", "file"),
        ("", "file"),
        ("a" * 300 + ".tar", "a" * 251 + ".tar"),
        ("." + "b" * 300, "." + "b" * 254),
        ("\ud800x", "x"),
        ("Größe.csv", "Größe.csv"),
    ],
)
def test_names_are_cleaned_for_people(name: str, clean: str) -> None:
    assert clean_name(name) == clean
    assert clean_name(clean) == clean


def test_types_are_cleaned() -> None:
    assert clean_type("Text/CSV; charset=x") == "text/csv"
    assert {clean_type(t) for t in ("", "x", "a/b/c", "a b/c", "text/\ud800")} == {"application/octet-stream"}


async def test_a_file_that_rots_is_found_and_mended_by_the_same_content(
    blobs: FolderBlobs, tmp_path: Path
) -> None:
    ref = await blobs.put(b"precious")
    path = tmp_path / "files" / ref.sha256[:2] / ref.sha256[2:]
    path.write_bytes(b"Precious")
    with pytest.raises(StoreDamaged, match="not what its name says"):
        await content_of(blobs, ref.sha256)
    copied = await blobs.copy(str(tmp_path / "copy"))
    assert copied == (0, 0, [ref.sha256]) and everything(tmp_path / "copy") == set()
    await blobs.put(b"precious")
    assert await content_of(blobs, ref.sha256) == b"precious"


async def test_links_are_not_followed(blobs: FolderBlobs, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    digest = sha256(b"secret").hexdigest()
    shard = tmp_path / "files" / digest[:2]
    shard.mkdir(parents=True)
    (shard / digest[2:]).symlink_to(secret)
    assert await blobs.size(digest) is None and not await blobs.delete(digest)
    with pytest.raises(NotFound):
        await content_of(blobs, digest)
    assert (await blobs.copy(str(tmp_path / "copy"))).files == 0
    await blobs.sweep((), 1 << 60)
    await blobs.put(b"secret")  # its name is taken by the real thing
    assert not (shard / digest[2:]).is_symlink() and secret.read_bytes() == b"secret"

    elsewhere, other = tmp_path / "elsewhere", sha256(b"other").hexdigest()
    elsewhere.mkdir()
    (tmp_path / "files" / other[:2]).symlink_to(elsewhere)
    with pytest.raises(StoreUnavailable, match="leads elsewhere"):
        await blobs.put(b"other")
    assert list(elsewhere.iterdir()) == []
    assert everything(tmp_path / "files" / "new") == set()


async def test_a_put_that_fails_leaves_nothing(
    blobs: FolderBlobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken():  # type: ignore[no-untyped-def]
        yield b"half"
        raise ConnectionError("the visitor left")

    with pytest.raises(ConnectionError):
        await blobs.put(broken())
    with pytest.raises(InvalidInput, match="made of bytes, not of str"):
        await blobs.put(texts())  # type: ignore[arg-type]

    def full(number: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(StoreUnavailable, match="No space left") as told:
            await blobs.put(b"half")
        assert told.value.retry and "make room" in told.value.hint
    assert everything(tmp_path / "files") <= {"lock"}
    task = asyncio.ensure_future(blobs.put(never()))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert everything(tmp_path / "files") <= {"lock"}


async def texts():  # type: ignore[no-untyped-def]
    yield "text"


async def never():  # type: ignore[no-untyped-def]
    await asyncio.Event().wait()
    yield b""


KILLED = """
import asyncio, os, sys
from pathlib import Path
from stepwell.stores.blobs import FolderBlobs
from tests.support.clock import FakeClock

left = int(sys.argv[2])
def dying(real):
    def call(*args, **kwargs):
        global left
        left -= 1
        if left == 0:
            os._exit(9)
        return real(*args, **kwargs)
    return call
os.fsync, os.utime, Path.replace, Path.mkdir = dying(os.fsync), dying(os.utime), dying(Path.replace), dying(Path.mkdir)
asyncio.run(FolderBlobs(Path(sys.argv[1]), FakeClock()).put(b"whole" * 100_000))
print("told")
"""


async def test_killed_at_every_step_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    content = b"whole" * 100_000
    digest = sha256(content).hexdigest()
    seen, step = set(), 0
    while True:
        step += 1
        folder = tmp_path / str(step)
        done = processes.ran("-c", KILLED, folder, str(step), cwd=ROOT, timeout=60)
        assert done.returncode in (0, 9), done.stderr
        blobs = FolderBlobs(folder, FakeClock())
        size = await blobs.size(digest)
        seen.add(size)
        assert size in (None, len(content))
        if size is not None:
            assert await content_of(blobs, digest) == content
        if "told" in done.stdout:
            assert size == len(content)
            break
        await blobs.sweep([digest], FakeClock().now() + 1)
        assert everything(folder) - {"lock"} <= {f"{digest[:2]}/{digest[2:]}"}, "what is left of it is swept"
    assert seen == {None, len(content)} and step >= 6


async def test_a_copy_is_whole_or_not_there(
    blobs: FolderBlobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refs = [await blobs.put(text) for text in (b"1", b"22")]
    assert await blobs.copy(str(tmp_path / "copy")) == (2, 3, [])
    copy = FolderBlobs(tmp_path / "copy", FakeClock())
    assert [await content_of(copy, ref.sha256) for ref in refs] == [b"1", b"22"]
    with pytest.raises(Conflict):
        await blobs.copy(str(tmp_path / "copy"))

    def full(number: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreUnavailable):
        await blobs.copy(str(tmp_path / "other"))
    assert {path.name for path in tmp_path.iterdir()} == {"files", "copy"}


def test_the_value_of_a_file() -> None:
    assert BlobRef("a" * 64, 3, "x.csv", "text/csv").value == {
        "file": "a" * 64,
        "name": "x.csv",
        "size": 3,
        "type": "text/csv",
    }
