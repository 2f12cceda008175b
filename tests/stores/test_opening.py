"""Opening: the schema comes up to date, and everything that cannot be opened says why and what to do."""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path

import apsw
import pytest

from stepwell.model import errors
from stepwell.model.journal import RunRow
from stepwell.stores import migrations as m
from stepwell.stores.sqlite import SqliteStore, connection
from stepwell.stores.sqlite.connection import APPLICATION_ID, SQL
from stepwell.stores.statements import statements
from stepwell.testing.store_conformance import Journal, index_row
from tests.stores.disk import Failure, disk
from tests.support.clock import FakeClock


async def open_store(path: Path | str, **settings: object) -> SqliteStore:
    return await SqliteStore.open(path, clock=FakeClock(), **settings)


async def refusal(path: Path | str, kind: type[errors.StepwellError], **settings: object) -> str:
    (outcome,) = await asyncio.gather(open_store(path, **settings), return_exceptions=True)
    assert type(outcome) is kind, repr(outcome)
    assert outcome.hint
    return str(outcome)


async def new_file(path: Path) -> Path:
    store = await open_store(path)
    await Journal(store, "run-1").add(row=index_row("run-1"))
    await store.close()
    return path


def execute(path: Path, statement: str) -> list:
    db = apsw.Connection(str(path))
    rows = db.execute(statement).fetchall()
    db.close()
    return rows


async def test_a_new_file_gets_the_schema_once(tmp_path: Path) -> None:
    path = await new_file(tmp_path / "x.db")
    rows = "SELECT version, name, sha256, applied_at FROM schema_migrations"
    applied = execute(path, rows)
    assert applied == [(*step[:2], step.sha256, FakeClock().now()) for step in m.migrations("sqlite")]
    assert execute(path, "PRAGMA application_id") == [(APPLICATION_ID,)]
    clock = FakeClock()
    clock.advance(5)
    store = await SqliteStore.open(path, clock=clock)
    await store.close()
    assert execute(path, rows) == applied


async def test_the_settings_are_those_of_a_durable_store(tmp_path: Path) -> None:
    store = await open_store(tmp_path / "x.db", engine_id="engine-1")

    def settings(db: apsw.Connection) -> dict[str, object]:
        names = (
            "journal_mode", "synchronous", "foreign_keys", "mmap_size", "query_only", "wal_autocheckpoint",
            "busy_timeout", "trusted_schema",
        )  # fmt: skip
        values = {name: db.execute(f"PRAGMA {name}").fetchall() for name in names}
        return {name: rows[0][0] if rows else None for name, rows in values.items()}

    common = {"journal_mode": "wal", "foreign_keys": 1, "wal_autocheckpoint": 0, "trusted_schema": 0}
    writer = await store._writer.run(settings)
    assert writer == writer | common | {"synchronous": 2, "query_only": 0}
    assert writer["mmap_size"] in (0, None)
    assert writer["busy_timeout"] == 0, "the writer waits in its own way: see `be_patient`"
    assert await store._readers.long(settings) == {**writer, "query_only": 1, "busy_timeout": 5000}
    assert (await store._readers.point(settings))["query_only"] == 1
    await store.close()


async def test_an_engine_finds_a_log_that_need_not_grow(tmp_path: Path) -> None:
    store = await open_store(tmp_path / "x.db", engine_id="engine-1")
    size = (tmp_path / "x.db-wal").stat().st_size
    assert size >= 4_000_000
    for _ in range(50):
        await Journal(store, f"run-{_}").add(row=index_row(f"run-{_}"))
    assert (tmp_path / "x.db-wal").stat().st_size == size
    await store.close()
    assert not (tmp_path / "x.db-wal").exists()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["x.db"]


async def test_a_relative_path_stays_what_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    store = await open_store("x.db")
    monkeypatch.chdir("/")
    await Journal(store, "run-1").add(row=index_row("run-1"))
    assert await store.row("run-1") is not None
    await store.close()


async def test_a_folder(tmp_path: Path) -> None:
    assert "it is a folder" in await refusal(tmp_path, errors.StoreUnavailable)


async def test_a_missing_folder(tmp_path: Path) -> None:
    said = await refusal(tmp_path / "no" / "where" / "x.db", errors.StoreUnavailable)
    assert "there is no folder" in said
    assert "mkdir -p" in said
    assert not (tmp_path / "no").exists()


@pytest.mark.parametrize("path", ["", ":memory:", "file:x.db?mode=memory"])
async def test_what_is_no_file(path: str) -> None:
    await refusal(path, errors.InvalidInput)


@pytest.mark.parametrize(
    "content", [b"hello, world\n" * 100, b"%PDF-1.7" + bytes(5000), os.urandom(9000)], ids=len
)
async def test_a_file_that_is_no_database(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.db").write_bytes(content)
    assert "not a Stepwell database" in await refusal(tmp_path / "x.db", errors.StoreDamaged)
    assert (tmp_path / "x.db").read_bytes() == content


async def test_an_empty_file_becomes_a_store(tmp_path: Path) -> None:
    (tmp_path / "x.db").touch()
    await new_file(tmp_path / "x.db")


@pytest.mark.parametrize("stranger", ["CREATE TABLE customers (id)", "PRAGMA application_id = 77"])
async def test_the_database_of_another_program(tmp_path: Path, stranger: str) -> None:
    execute(tmp_path / "x.db", stranger)
    before = (tmp_path / "x.db").read_bytes()
    assert "another program" in await refusal(tmp_path / "x.db", errors.InvalidInput)
    assert (tmp_path / "x.db").read_bytes() == before


async def test_as_it_is_nothing_is_made(tmp_path: Path) -> None:
    await refusal(tmp_path / "x.db", errors.StoreUnavailable, as_is=True)
    assert not list(tmp_path.iterdir())
    (tmp_path / "x.db").touch()
    said = await refusal(tmp_path / "x.db", errors.StoreUnavailable, as_is=True)
    assert "no Stepwell database yet" in said
    execute(tmp_path / "y.db", "CREATE TABLE customers (id)")
    assert "another program" in await refusal(tmp_path / "y.db", errors.InvalidInput, as_is=True)
    assert (tmp_path / "x.db").stat().st_size == 0


async def test_a_file_of_a_newer_version(tmp_path: Path) -> None:
    path = await new_file(tmp_path / "x.db")
    newer = len(m.migrations("sqlite")) + 1
    execute(path, f"INSERT INTO schema_migrations VALUES ({newer}, 'future', 'abc', 1)")
    said = await refusal(path, errors.StoreTooNew)
    assert "newer Stepwell" in said
    assert f"{newer} (future)" in said
    assert "upgrade" in said


async def test_a_schema_step_that_is_not_ours(tmp_path: Path) -> None:
    path = await new_file(tmp_path / "x.db")
    execute(path, "UPDATE schema_migrations SET sha256 = 'abc'")
    assert "1 (initial)" in await refusal(path, errors.StoreDamaged)


async def test_an_old_schema_is_brought_up_to_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = await new_file(tmp_path / "x.db")
    known = m.migrations("sqlite")
    first, last = len(known) + 1, len(known) + 2
    more = [
        m._migration(
            f"{n:04d}_more_{n}.sql", f"CREATE TABLE more_{n} (x); INSERT INTO more_{n} VALUES ({n});"
        )
        for n in (first, last)
    ]
    monkeypatch.setattr(connection, "migrations", lambda dialect: (*known, *more))
    store = await open_store(path)
    assert (await store.row("run-1")) is not None
    await store.close()
    assert execute(path, f"SELECT x FROM more_{first} UNION SELECT x FROM more_{last}") == [(first,), (last,)]
    assert execute(path, "SELECT max(version) FROM schema_migrations") == [(last,)]
    monkeypatch.undo()
    await refusal(path, errors.StoreTooNew)
    copy = Path(f"{path}.schema-{len(known)}.bak")  # as it was, and this version can open it
    store = await open_store(copy)
    assert (await store.row("run-1")) is not None
    await store.close()


async def test_a_step_that_fails_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = await new_file(tmp_path / "x.db")
    known = m.migrations("sqlite")
    broken = m._migration(
        f"{len(known) + 1:04d}_broken.sql", "CREATE TABLE half (x); CREATE TABLE journal (x);"
    )
    monkeypatch.setattr(connection, "migrations", lambda dialect: (*known, broken))
    (outcome,) = await asyncio.gather(open_store(path), return_exceptions=True)
    assert isinstance(outcome, errors.StoreError)
    monkeypatch.undo()
    assert execute(path, "SELECT name FROM sqlite_schema WHERE name = 'half'") == []
    store = await open_store(path)
    await store.close()


async def test_several_that_create_the_file_at_once(tmp_path: Path) -> None:
    stores = await asyncio.gather(*[open_store(tmp_path / "x.db", engine_id=f"e{n}") for n in range(6)])
    await asyncio.gather(*[Journal(store, f"run-{n}").add() for n, store in enumerate(stores)])
    assert [run_id async for run_id in stores[0].all_runs()] == [f"run-{n}" for n in range(6)]
    for store in stores:
        await store.close()
    assert execute(tmp_path / "x.db", "SELECT count(*) FROM schema_migrations") == [
        (len(m.migrations("sqlite")),)
    ]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["x.db"]


async def test_a_file_that_is_locked(tmp_path: Path) -> None:
    path = await new_file(tmp_path / "x.db")
    other = apsw.Connection(str(path))
    other.execute("PRAGMA locking_mode = exclusive").fetchall()
    other.execute("BEGIN EXCLUSIVE")
    said = await refusal(path, errors.StoreUnavailable, busy_timeout=20_000)
    assert "another process holds the database locked" in said
    other.close()
    await (await open_store(path)).close()


async def test_a_file_that_is_being_written_can_be_opened(tmp_path: Path) -> None:
    path = await new_file(tmp_path / "x.db")
    other = apsw.Connection(str(path))
    other.execute("BEGIN EXCLUSIVE")
    store = await open_store(path)
    assert await store.row("run-1") is not None
    await store.close()
    other.close()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to every file")
async def test_a_read_only_file(tmp_path: Path) -> None:
    path = await new_file(tmp_path / "x.db")
    path.chmod(0o444)
    assert "read-only" in await refusal(path, errors.StoreUnavailable)


async def test_a_file_that_can_only_be_read(tmp_path: Path) -> None:
    path = await new_file(tmp_path / "x.db")
    with disk(read_only=True) as made:
        assert "read-only" in await refusal(path, errors.StoreUnavailable, vfs=made.name)


async def test_a_full_disk_when_the_file_is_created(tmp_path: Path) -> None:
    with disk() as made:
        made.failure = Failure(1, lasting=True, error=apsw.FullError)
        assert "the disk is full" in await refusal(tmp_path / "x.db", errors.StoreUnavailable, vfs=made.name)
        made.failure.end()
        store = await open_store(tmp_path / "x.db", vfs=made.name)
        await store.close()


async def test_a_disk_that_fails_anywhere_while_the_file_is_created(tmp_path: Path) -> None:
    """Nothing half-made is left: the next one opens it."""
    with disk() as made:
        for at in range(1, 1000):
            failure = made.failure = Failure(at)
            (outcome,) = await asyncio.gather(
                open_store(tmp_path / "x.db", vfs=made.name), return_exceptions=True
            )
            if isinstance(outcome, SqliteStore):
                await outcome.close()
            else:
                assert isinstance(outcome, errors.StoreUnavailable)
            made.failure = None
            await new_file(tmp_path / "x.db")
            for file in tmp_path.iterdir():
                file.unlink()
            if not failure.struck:
                return
    raise AssertionError("it never succeeded")


@pytest.mark.parametrize("version", ["3.51.2", "3.40.1", "2.8.17"])
async def test_an_old_library_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    monkeypatch.setattr(apsw, "sqlite_lib_version", lambda: version)
    said = await refusal(tmp_path / "x.db", errors.StoreUnavailable)
    assert version in said
    assert "3.51.3" in said
    assert not (tmp_path / "x.db").exists()


@pytest.mark.parametrize("version", ["3.51.3", "3.52.0", "4.0.0"])
async def test_a_newer_library_is_welcome(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str
) -> None:
    monkeypatch.setattr(apsw, "sqlite_lib_version", lambda: version)
    await (await open_store(tmp_path / "x.db")).close()


@pytest.mark.parametrize("engine_id", ["", "../x", "a/b", "-x", "x" * 101, "a b", "\0"])
async def test_an_id_that_cannot_name_a_file(tmp_path: Path, engine_id: str) -> None:
    await refusal(tmp_path / "x.db", errors.InvalidInput, engine_id=engine_id)


async def test_two_engines_of_one_name(tmp_path: Path) -> None:
    store = await open_store(tmp_path / "x.db", engine_id="engine-1")
    said = await refusal(tmp_path / "x.db", errors.StoreUnavailable, engine_id="engine-1")
    assert "an engine engine-1 is running" in said
    await store.close()
    await (await open_store(tmp_path / "x.db", engine_id="engine-1")).close()


def test_every_statement_can_be_prepared(tmp_path: Path) -> None:
    """No statement is left that the schema does not know; names are unique across the files."""
    db = apsw.Connection(":memory:")
    db.execute(SQL["create_migrations"])
    for step in m.migrations("sqlite"):
        db.execute(step.script)
    widths = {
        "insert_turns": 5,
        "put_runs": len(RunRow._fields) + 2,
        "put_definitions": 6,
        "restore_definitions": 6,
        "claim_keys": 3,
        "put_notices": 1,
        "put_queued": 11,
        "put_archive_items": 4,
        "put_follow_ups": 3,
        "drop_work": 2,
        "put_work": 12,
    }
    for name, text in statements("sqlite").items():
        if not name.startswith(("list_", "search_")):  # these are parts, see test_listing and test_search
            query = text.replace("{values}", f"({', '.join('?' * widths.get(name, 0))})")
            query = query.replace("{columns}", "id").replace("{conditions}", "true")
            db.execute(f"EXPLAIN {query}", _nothing(query))


def _nothing(query: str) -> object:
    if "?" in query:
        return [None] * query.count("?")
    return dict.fromkeys(re.findall(r":(\w+)", query))
