"""Looking at files that are not there, are empty, or may not be written."""

from __future__ import annotations

import asyncio
import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Any

import apsw
import pytest

from stepwell import Stepwell
from stepwell.stores.migrations import _migration, migrations
from stepwell.stores.sqlite import connection, viewing
from tests.cli.helpers import Cli

LONG = "do: [{add: {set: {x: 1}}}, {sleep: {wait: {hours: 1}}}]"
_DROP, _OVERRIDE = 24, 1  # PR_CAPBSET_DROP, CAP_DAC_OVERRIDE


def obey_permissions() -> None:
    """Between fork and exec: what is executed may no more than its user may, though that is root."""
    if os.geteuid() == 0:
        ctypes.CDLL(None, use_errno=True).prctl(_DROP, _OVERRIDE, 0, 0, 0)


def _permissions_count() -> bool:
    probe = [sys.executable, "-c", "import os, sys; sys.exit(os.access('/proc/version', os.W_OK))"]
    return subprocess.run(probe, preexec_fn=obey_permissions, check=False).returncode == 0


needs_permissions = pytest.mark.skipif(
    sys.platform != "linux" or not _permissions_count(), reason="this user may write to every file"
)


def bound(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """A command for which the permissions of files count."""
    command = [sys.executable, "-m", "stepwell", *words]
    return subprocess.run(
        command, cwd=cwd, preexec_fn=obey_permissions, capture_output=True, text=True, check=False
    )


@contextmanager
def unwritable(folder: Path) -> Iterator[Path]:
    files = [file for file in folder.iterdir() if file.is_file()]
    for file in files:
        file.chmod(0o444)
    folder.chmod(0o555)
    try:
        yield folder
    finally:
        folder.chmod(0o755)
        for file in files:
            file.chmod(0o644)


async def left_open(cli: Cli, db: Path, *, killed: bool = False) -> str:
    """A run that its engine has left; `killed`: with the file of its lock still there."""
    async with Stepwell.open(db) as stepwell:
        run = (await stepwell.start(cli.file("long", LONG), key="one")).run_id
    if killed:
        Path(f"{db}.engine-{stepwell.engine.engine_id}").touch()
    return run


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


# --- nothing there --------------------------------------------------------------------------------

LOOKS = ("runs list", "runs show 1", "runs explain 1", "status", "doctor", "inbox --all", "queues list", "graph 1",
         "schedules list", "approvals list", "search runs x", "archive list", "runs cancel 1")  # fmt: skip


@pytest.mark.parametrize("words", LOOKS)
def test_who_looks_makes_no_database(cli: Cli, words: str) -> None:
    (cli.folder / "empty.db").touch()
    for name, said in (
        ("mist.db", "there is no database mist.db"),
        ("empty.db", "empty.db is empty: no Stepwell"),
    ):
        error = cli.json(*words.split(), "--db", name, code=4)["error"]
        assert said in error["message"]
        assert "`stepwell run FILE` makes one" in error["hint"]
    assert [file.name for file in cli.folder.iterdir()] == ["empty.db"]
    assert (cli.folder / "empty.db").stat().st_size == 0


def test_a_database_of_a_similar_name_is_named(cli: Cli) -> None:
    for name in ("orders.db", "other.db"):
        asyncio.run(left_open(cli, cli.folder / name))
    (cli.folder / "notes.db").write_text("of another program")
    said = cli("runs", "list", "--db", "order.db")
    assert said.code == 4
    assert "did you mean --db orders.db? There is other.db too; `stepwell run FILE` makes one" in said.err
    said = cli("runs", "list", STEPWELL_DB="quite/another.sqlite")
    assert "no database quite/another.sqlite (named by STEPWELL_DB)" in said.err
    assert "there is no folder quite" in said.err
    assert "beside it there is" in cli("status", "--db", "zzz").err


def test_an_empty_file_is_as_good_as_none_for_a_start(cli: Cli) -> None:
    (cli.folder / "new.db").touch()
    path = cli.file("add", "do: [{add: {set: {x: 1}}}]")
    assert cli.json("run", path, "--db", "new.db")["status"] == "completed"
    assert len(cli.json("runs", "list", "--db", "new.db")["runs"]) == 1


# --- there, and not to be changed by a look ------------------------------------------------------


@pytest.mark.parametrize("words", LOOKS)
@pytest.mark.parametrize("made", ["PRAGMA user_version = 7", "CREATE TABLE t (x); DROP TABLE t"])
def test_who_looks_makes_none_of_a_database_without_tables(cli: Cli, words: str, made: str) -> None:
    if "DROP" in made and words in ("archive list", "runs cancel 1"):
        pytest.skip("a guest, which may write, takes an unused file of several pages")
    db = apsw.Connection(str(cli.folder / "plain.db"))
    db.execute(made)
    db.close()
    before = (cli.folder / "plain.db").read_bytes()
    error = cli.json(*words.split(), "--db", "plain.db", code=4)["error"]
    assert "plain.db is empty: no Stepwell database yet" in error["message"]
    assert "`stepwell run FILE` makes one" in error["hint"]
    assert {file.name: file.read_bytes() for file in cli.folder.iterdir()} == {"plain.db": before}


def test_a_look_does_not_bring_an_older_file_up_to_date(
    cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = asyncio.run(left_open(cli, folder / "a.db"))
    newer = migrations("sqlite")
    newer = (*newer, _migration(f"{len(newer) + 1:04d}_more.sql", "CREATE TABLE more (x)"))
    monkeypatch.setattr(connection, "migrations", lambda dialect: newer)
    before, db = (folder / "a.db").read_bytes(), ("--db", str(folder / "a.db"))
    for words in ("runs list", f"runs show {run}", "status", "doctor"):
        error = cli.json(*words.split(), *db, code=4)["error"]
        assert "was written by an older Stepwell" in error["message"]
        assert f"stepwell doctor {' '.join(db)} --rebuild" in error["hint"]
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == {"a.db": before}
    assert cli.json("doctor", "--rebuild", *db)["rebuilt"]
    assert cli.json("runs", "list", *db)["runs"][0]["run_id"] == run
    assert (folder / f"a.db.schema-{len(newer) - 1}.bak").exists()


def test_a_look_at_a_backup_leaves_it_as_it_is(cli: Cli, folder: Path) -> None:
    """It is one file without a log; a look made it one with a log, which is another file to whoever compares."""
    run = asyncio.run(left_open(cli, folder / "a.db"))
    cli.json("backup", str(folder / "copy.db"), "--db", str(folder / "a.db"))
    before = (folder / "copy.db").read_bytes()
    for words in ("runs list", f"runs explain {run}", "status", "doctor"):
        said = cli(*words.split(), "--db", str(folder / "copy.db"))
        assert said.code in (0, 1), said.err
    assert (folder / "copy.db").read_bytes() == before


# --- there, and not to be written -----------------------------------------------------------------


def looked_at(run: str) -> dict[tuple[str, ...], str]:
    """What must say the same however a file may be used, and a word that has to be in it."""
    words = {("runs", word, run): run for word in ("show", "timeline", "history", "variables")}
    return {**words, ("runs", "list"): run, ("queues", "list"): "default", ("inbox", "--all"): "items"}


@needs_permissions
def test_a_file_that_may_not_be_written_can_be_looked_at(cli: Cli, folder: Path) -> None:
    run = asyncio.run(left_open(cli, folder / "a.db", killed=True))
    before = {file: file.read_bytes() for file in folder.iterdir()}
    db = ("--db", str(folder / "a.db"))
    with unwritable(folder):
        for words, wanted in looked_at(run).items():
            said = bound(*words, *db, "--json", cwd=cli.folder)
            assert said.returncode == 0, said.stderr
            assert wanted in said.stdout
        assert (
            '"reason":"not_carried_on"' in bound("runs", "explain", run, *db, "--json", cwd=cli.folder).stdout
        )
        assert "read_only" in bound("doctor", *db, cwd=cli.folder).stdout
        assert bound("status", *db, cwd=cli.folder).returncode == 1, "nobody carries the run on"
    assert {file: file.read_bytes() for file in folder.iterdir()} == before


@needs_permissions
@pytest.mark.parametrize(
    "words", ["runs cancel RUN", "serve --until-idle", "run long.yaml", "doctor --rebuild"]
)
def test_who_wants_to_write_is_told_why_not(cli: Cli, folder: Path, words: str) -> None:
    run = asyncio.run(left_open(cli, folder / "a.db"))
    for file_may, why in (
        (0o444, "this user may not write to the file"),
        (0o644, "may not write to its folder"),
    ):
        with unwritable(folder):
            (folder / "a.db").chmod(file_may)
            given = [*words.replace("RUN", run).split(), "--db", str(folder / "a.db")]
            said = bound(*given, cwd=cli.folder)
        assert said.returncode == 4
        assert why in said.stderr
        assert "stepwell runs list --db" in said.stderr, "what can be done all the same"


def _can_mount() -> bool:
    words = ("unshare", "-m", "mount", "--bind", "-o", "ro", "/tmp", "/tmp")
    return (
        shutil.which("unshare") is not None
        and subprocess.run(words, capture_output=True, check=False).returncode == 0
    )


@pytest.mark.skipif(not _can_mount(), reason="this user may not mount")
def test_a_medium_that_is_read_only(cli: Cli, folder: Path) -> None:
    run = asyncio.run(left_open(cli, folder / "a.db"))
    stepwell, db = f"{sys.executable} -m stepwell", f"--db {folder}/a.db"
    mounted = f"mount --bind {folder} {folder} && mount -o remount,ro,bind {folder}"
    words = [
        "unshare",
        "-m",
        "sh",
        "-c",
        f"{mounted} && {stepwell} runs show {run} {db} && {stepwell} runs cancel {run} {db}",
    ]
    said = subprocess.run(words, cwd=cli.folder, capture_output=True, text=True, check=False)
    assert "status   running" in said.stdout
    assert (said.returncode, "its file system is read-only" in said.stderr) == (4, True)


@needs_permissions
async def test_what_another_user_has_open_is_seen_as_it_is_now(cli: Cli, folder: Path) -> None:
    """What it commits is in the log beside the file, which is read too; and that it is alive is known."""
    db = ("--db", str(folder / "a.db"))
    async with Stepwell.open(folder / "a.db") as stepwell:
        for number in range(3):
            run = (await stepwell.start(cli.file("long", LONG), key=f"{number}")).run_id
            with unwritable(folder):
                said = await asyncio.to_thread(bound, "runs", "explain", run, *db, "--json", cwd=cli.folder)
            assert '"reason":"waiting_for_timer"' in said.stdout, said.stderr


@needs_permissions
async def test_a_log_is_never_passed_over(cli: Cli, folder: Path, tmp_path: Path) -> None:
    """A copy of a file in use, without the index of its log: commits that are in the log must not be missing."""
    async with Stepwell.open(tmp_path / "a.db") as stepwell:
        run = (await stepwell.start(cli.file("long", LONG))).run_id
        for name in ("a.db", "a.db-wal"):
            shutil.copy(tmp_path / name, folder / name)
    with unwritable(folder):
        said = bound("runs", "list", "--db", str(folder / "a.db"), cwd=cli.folder)
    assert run in said.stdout or (said.returncode == 4 and "a log beside it" in said.stderr), said


async def test_what_was_written_to_while_it_was_read_is_not_given(cli: Cli, folder: Path) -> None:
    from stepwell.model.errors import StoreUnavailable
    from stepwell.stores.sqlite.connection import fetch, place_of
    from stepwell.stores.sqlite.readers import Readers
    from stepwell.stores.sqlite.viewing import open_to_view

    await left_open(cli, folder / "a.db")

    def count(db: apsw.Connection) -> Any:
        return fetch(db, "SELECT count(*) FROM runs")[0][0]

    db, place = open_to_view(place_of(folder / "a.db", None, 100))
    readers = Readers(place)
    assert (await readers.point(count), await readers.long(count)) == (1, 1)
    async with Stepwell.open(folder / "a.db") as stepwell:
        await stepwell.start(cli.file("long", LONG))
        for read in (readers.point, readers.long):
            with pytest.raises(StoreUnavailable, match="was written to while it was read"):
                await read(count)
    readers.close()
    db.close()


async def test_who_opens_it_just_before_it_is_looked_at_is_not_overlooked(
    cli: Cli, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """His log would be in the stamp, and as it is grown beforehand it would not change with what he writes."""
    await left_open(cli, folder / "a.db")
    count, stamp_of = "SELECT count(*) FROM runs", viewing.stamp_of
    others = AsyncExitStack()

    def come_first(path: str) -> connection.Stamp:
        if not Path(f"{path}-wal").exists():
            come = others.enter_async_context(Stepwell.open(path))
            opened.append(asyncio.run_coroutine_threadsafe(come, loop).result())
        return stamp_of(path)

    opened: list[Stepwell] = []
    loop = asyncio.get_running_loop()
    monkeypatch.setattr(viewing, "stamp_of", come_first)
    async with others:
        place = connection.place_of(folder / "a.db", None, 100)
        db, place = await asyncio.to_thread(viewing.open_to_view, place)
        await opened[0].start(cli.file("long", LONG))
        viewing.refuse_changed(place)
        assert connection.fetch(db, count) == [(2,)]
        db.close()
