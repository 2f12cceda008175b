"""The files of runs: listed, carried by archives, looked at by `doctor`."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stepwell.client.archive import file as files
from stepwell.model.blobs import BlobRef
from stepwell.model.errors import InvalidInput, NotFound, StoreDamaged
from stepwell.stores.blobs import PIECE
from tests.engine.helpers import FakeClock, flow, open_at

KEEP = flow("do:\n  - a: {set: '${ $workflow.input }'}\n", "keep")
LARGE = b"0123456789abcdef" * (PIECE // 10)


def blob(db: Path, value: dict[str, Any]) -> Path:
    return db.with_name(f"{db.name}.blobs") / value["file"][:2] / value["file"][2:]


async def kept(engine: Any) -> list[dict[str, Any]]:
    """Three runs: one names a file of several pieces and an empty one, one the first again, one none."""
    large = await engine.put_file(LARGE, name="hot fire.bin")
    empty = await engine.put_file(b"", name="empty.txt")
    for given in (
        {"log": large, "more": [{"deep": empty}]},
        {"log": {**large, "name": "copy.bin"}},
        {"x": 1},
    ):
        await engine.run(KEEP, given)
    return [large, empty]


@pytest.mark.spec("N5")
async def test_the_files_of_a_run_are_listed(tmp_path: Path) -> None:
    async with open_at(tmp_path / "a.db", FakeClock()) as engine:
        large, empty = await kept(engine)
        loose = await engine.put_file(b"nobody names it", name="x")
        *_, first = (await engine.list())["runs"]
        found = await engine.run_files(first["run_id"])
        assert sorted(found, key=lambda one: one["size"]) == [
            {**empty, "here": True},
            {**large, "here": True},
        ]
        assert {one["file"]: one["named"] for one in await engine.files()} == {
            large["file"]: True,
            empty["file"]: True,
            loose["file"]: False,
        }
        with pytest.raises(NotFound):
            await engine.run_files("nobody")


@pytest.mark.spec("Q18", "N5")
async def test_an_archive_carries_the_files_of_its_runs_once(tmp_path: Path) -> None:
    clock, archive = FakeClock(), tmp_path / "old.jsonl.gz"
    seen: list[tuple[str, int, int]] = []
    async with open_at(tmp_path / "a.db", clock) as engine:
        large, empty = await kept(engine)
        clock.advance(86_400 * 2)
        plan = await engine.plan_archive(older_than=60)
        receipt = await engine.apply_archive(
            plan["token"], to=archive, progress=lambda *told: seen.append(told)
        )
        assert (receipt["runs"], receipt["removed"], receipt["files"]) == (3, 3, 2)
        assert (receipt["files_bytes"], receipt["files_missing"]) == (len(LARGE), [])
        assert seen == [("written", 3, 3), ("removed", 3, 3)]
        assert (await engine.verify_archive(archive))["files"] == 2
        assert (await engine.sweep_files())["files"] == 2
        assert not blob(tmp_path / "a.db", large).exists()
        view = await engine.restore_archive(archive)
        assert (view["restored"], view["files"]) == (3, 2)
        assert await engine.read_file(large) == LARGE
        assert await engine.read_file(empty) == b""
        assert (await engine.doctor())["findings"] == []
    async with open_at(tmp_path / "other.db", clock) as other:
        await other.restore_archive(archive)
        assert await other.read_file(large) == LARGE
        assert (await other.doctor())["ok"]


@pytest.mark.spec("Q18", "N5")
async def test_a_file_that_is_gone_or_damaged_stands_in_the_way_of_no_archive(tmp_path: Path) -> None:
    clock = FakeClock()
    async with open_at(tmp_path / "a.db", clock) as engine:
        large, _ = await kept(engine)
        blob(tmp_path / "a.db", large).write_bytes(b"rotten")
        clock.advance(100)
        plan = await engine.plan_archive(older_than=60)
        receipt = await engine.apply_archive(plan["token"], to=tmp_path / "x.gz", remove=False)
        assert (receipt["files"], receipt["files_missing"]) == (1, [large["file"]])


@pytest.mark.spec("Q19", "N5")
async def test_doctor_looks_at_the_files_that_runs_name(tmp_path: Path) -> None:
    seen: list[tuple[str, int, int]] = []
    async with open_at(tmp_path / "a.db", FakeClock()) as engine:
        large, empty = await kept(engine)
        view = await engine.doctor(progress=lambda *told: seen.append(told))
        assert (view["ok"], view["files"]) == (True, 2)
        assert seen.pop(0) == ("journals", 3, 0)
        assert seen == [("runs", 1, 3), ("runs", 2, 3), ("runs", 3, 3), ("files", 1, 2), ("files", 2, 2)]
        content = bytearray(blob(tmp_path / "a.db", large).read_bytes())
        content[7] ^= 1
        blob(tmp_path / "a.db", large).write_bytes(content)
        blob(tmp_path / "a.db", empty).unlink()
        view = await engine.doctor()
        assert not view["ok"]
        found = {finding["code"]: finding for finding in view["findings"]}
        assert sorted(found) == ["file_damaged", "file_missing"]
        assert large["file"] in found["file_damaged"]["message"]
        assert "empty.txt" in found["file_missing"]["message"]
        assert "stepwell files put" in found["file_missing"]["action"]
        await engine.put_file(LARGE)
        await engine.put_file(b"")
        assert (await engine.doctor())["findings"] == []


def written(path: Path, pieces: list[bytes]) -> Path:
    """An archive with one file in it that claims to be `abc`, in these pieces."""
    writer = files.ArchiveWriter(path, {})
    from hashlib import sha256

    writer.add_file(BlobRef(sha256(b"abc").hexdigest(), 3, "x", "text/plain"))
    for piece in pieces:
        writer.add_piece(piece)
    writer._add({"kind": "end", "runs": 0})
    writer._packed.close()
    writer._file.close()
    writer._part.replace(path)
    return path


@pytest.mark.spec("Q18")
@pytest.mark.parametrize("pieces", [[], [b"ab"], [b"abd"], [b"abcd"], [b"", b"ab", b"cd"]], ids=repr)
async def test_a_file_in_an_archive_that_is_not_what_its_hash_says_is_refused(
    tmp_path: Path, pieces: list[bytes]
) -> None:
    async with open_at(tmp_path / "a.db", FakeClock()) as engine:
        with pytest.raises((StoreDamaged, InvalidInput)):
            await engine.restore_archive(written(tmp_path / "bad.gz", pieces))
        assert await engine.files() == []
        assert (await engine.restore_archive(written(tmp_path / "good.gz", [b"ab", b"", b"c"])))["files"] == 1
        assert [one["size"] for one in await engine.files()] == [3]


async def test_an_archive_of_before_there_were_files_is_read(tmp_path: Path) -> None:
    """Format 1 has no files, and no word of them."""
    clock, archive = FakeClock(), tmp_path / "old.gz"
    async with open_at(tmp_path / "a.db", clock) as engine:
        await engine.run(KEEP, {"x": 1})
        clock.advance(100)
        plan = await engine.plan_archive(older_than=60)
        await engine.apply_archive(plan["token"], to=archive)
        lines = [json.loads(line)["body"] for line in gzip.decompress(archive.read_bytes()).splitlines()]
        assert [line["kind"] for line in lines] == ["archive", "definition", "run", "end"]
        with gzip.open(archive, "wb") as old:
            for text in _chained(lines):
                old.write(text)
        assert (await engine.verify_archive(archive))["files"] == 0
        assert (await engine.restore_archive(archive))["restored"] == 1


def _chained(bodies: list[dict[str, Any]]) -> Iterator[bytes]:
    from hashlib import sha256

    tip = bytes(32)
    bodies[0]["format"] = 1
    bodies[-1].pop("files_missing")
    for body in bodies:
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
        tip = sha256(tip + text).digest()
        yield b'{"chain":"' + tip.hex().encode() + b'","body":' + text + b"}\n"
