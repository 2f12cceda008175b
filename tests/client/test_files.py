"""Files from outside: handed in, read, named by runs, swept when nobody names them, taken along by backups."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from stepwell import InvalidInput, NotFound, Stepwell, StoreUnavailable, connect
from stepwell.definition.forms.reading import read_fields
from stepwell.definition.forms.values import check_values
from stepwell.model.blobs import BlobFolder
from stepwell.model.errors import Conflict, InvalidForm
from tests.engine.helpers import FakeClock, flow, open_at

KEEP = flow("do:\n  - a: {set: '${ $workflow.input }'}\n", "keep")
pytestmark = pytest.mark.spec("N5")


async def test_files_are_handed_in_and_read(tmp_path: Path) -> None:
    (tmp_path / "Data.CSV").write_bytes(b"a,b\n")
    async with open_at(tmp_path / "a.db") as stepwell:
        value = await stepwell.put_file(tmp_path / "Data.CSV")
        assert value == {
            "file": sha256(b"a,b\n").hexdigest(),
            "name": "Data.CSV",
            "size": 4,
            "type": "text/csv",
        }
        assert (
            check_values(
                read_fields([{"id": "f", "kind": "file", "suffixes": [".csv"]}]), {"f": value}, complete=True
            )
            == {}
        )
        assert await stepwell.read_file(value) == await stepwell.read_file(value["file"]) == b"a,b\n"
        other = await stepwell.put_file(b"x", name="../up.bin")
        assert (other["name"], other["type"]) == ("up.bin", "application/octet-stream")

        async def chunks() -> AsyncIterator[bytes]:
            yield b"a,"
            yield b"b\n"

        assert (await stepwell.put_file(chunks(), name="x.txt", type="text/csv"))["file"] == value["file"]
    assert (tmp_path / "a.db.blobs").is_dir()
    async with open_at(tmp_path / "a.db", guest=True) as guest:
        assert await guest.read_file(value) == b"a,b\n"


async def test_bad_files_are_told(tmp_path: Path) -> None:
    async with open_at(
        tmp_path / "a.db", blobs=BlobFolder(str(tmp_path / "there"), 3, ["text/*"])
    ) as stepwell:
        for content, options in (
            (b"1234", {"name": "a.txt"}),
            (b"1", {"name": "a.png"}),
            (tmp_path / "none", {"type": "text/csv"}),
            (tmp_path, {"type": "text/csv"}),
        ):
            with pytest.raises(InvalidInput):
                await stepwell.put_file(content, **options)
        with pytest.raises(NotFound):
            await stepwell.read_file("a" * 64)
        for wrong in ("x", "../../a.db", {}, {"file": 1}, {"file": "../a"}):
            with pytest.raises(InvalidInput):
                await stepwell.read_file(wrong)
        assert (await stepwell.put_file(b"123", name="a.txt"))["size"] == 3
        assert (tmp_path / "there").is_dir()
        stepwell.blobs = None
        with pytest.raises(StoreUnavailable):
            await stepwell.put_file(b"1")


async def test_what_a_form_names_must_be_here(tmp_path: Path) -> None:
    async with open_at(tmp_path / "a.db") as stepwell:
        value = await stepwell.put_file(b"abc", name="a.txt")
        gone = {**value, "file": "b" * 64}
        await stepwell.check_files(
            {"a": value, "b": [value, value], "c": "text", "d": None, "e": {"file": "x"}}
        )
        with pytest.raises(InvalidForm) as told:
            await stepwell.check_files(
                {"a": {**value, "size": 50}, "b": [value, gone], "c": gone, "d": value}
            )
        assert {name: len(faults) for name, faults in told.value.fields.items()} == {"a": 1, "b": 1, "c": 1}


async def test_a_sweep_keeps_what_any_record_names(tmp_path: Path) -> None:
    clock = FakeClock()
    async with open_at(tmp_path / "a.db", clock) as stepwell:
        named, unnamed, inside = [
            await stepwell.put_file(text) for text in (b"named", b"unnamed", b"inside a text")
        ]
        await stepwell.run(KEEP, {"log": [named]})
        await stepwell.run(KEEP, f"see {inside['file']}.")
        assert await stepwell.sweep_files() == {"files": 0, "bytes": 0}
        clock.advance(2 * 86_400)
        young = await stepwell.put_file(b"young")
        assert await stepwell.sweep_files() == {"files": 1, "bytes": 7}
        for value, content in ((named, b"named"), (inside, b"inside a text"), (young, b"young")):
            assert await stepwell.read_file(value) == content
        with pytest.raises(NotFound):
            await stepwell.read_file(unnamed)
        assert await stepwell.sweep_files(grace=timedelta(seconds=-1)) == {"files": 1, "bytes": 5}


async def test_named_while_it_is_swept_it_stays(tmp_path: Path) -> None:
    """Old content that is handed in, or checked, again is as young as new content."""
    clock = FakeClock()
    async with (
        open_at(tmp_path / "a.db", clock) as stepwell,
        open_at(tmp_path / "a.db", clock, guest=True) as other,
    ):
        first, second = await stepwell.put_file(b"first"), await stepwell.put_file(b"second")
        clock.advance(2 * 86_400)
        await asyncio.gather(other.put_file(b"first"), other.check_files({"a": second}))
        await stepwell.sweep_files()
        assert await stepwell.read_file(first) == b"first"
        assert await stepwell.read_file(second) == b"second"


@pytest.mark.spec("Q18")
async def test_a_backup_takes_the_files_along(tmp_path: Path) -> None:
    async with open_at(tmp_path / "a.db") as stepwell:
        assert (await stepwell.backup(tmp_path / "empty.db"))["files"] == {
            "folder": None,
            "count": 0,
            "bytes": 0,
            "damaged": [],
        }
        value = await stepwell.put_file(b"abc")
        view = await stepwell.backup(tmp_path / "copy.db")
        assert view["files"] == {
            "folder": str(tmp_path / "copy.db.blobs"),
            "count": 1,
            "bytes": 3,
            "damaged": [],
        }
        (tmp_path / "taken.db.blobs").mkdir()
        with pytest.raises(Conflict, match=r"taken\.db\.blobs"):
            await stepwell.backup(tmp_path / "taken.db")
        assert not (tmp_path / "taken.db").exists()
    async with open_at(tmp_path / "copy.db") as copy:
        assert await copy.read_file(value) == b"abc"


def test_without_a_loop(tmp_path: Path) -> None:
    with connect(tmp_path / "a.db") as stepwell:
        value = stepwell.put_file(b"abc", name="a.txt")
        assert stepwell.read_file(value) == b"abc"
        stepwell.check_files({"a": value})
        assert stepwell.sweep_files() == {"files": 0, "bytes": 0}


def test_it_is_part_of_the_client() -> None:
    assert Stepwell.put_file.__doc__ and Stepwell.read_file.__doc__
