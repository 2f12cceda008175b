"""The feed on a real SQLite file: old files, vacuums, deletions and damage."""

from pathlib import Path

import apsw
import pytest

from stepwell.stores.migrations import migrations
from stepwell.stores.sqlite import SqliteStore
from stepwell.testing.store_conformance import Journal, created, index_row
from tests.support.clock import FakeClock


async def opened(path: Path) -> SqliteStore:
    return await SqliteStore.open(path, clock=FakeClock(), engine_id=None, warm=0)


async def write(store: SqliteStore, run_id: str, turns: int) -> Journal:
    journal = Journal(store, run_id)
    await journal.add(created(run_id), row=index_row(run_id))
    for _ in range(turns - 1):
        await journal.add()
    return journal


async def seen(store: SqliteStore, after: int = 0) -> list[tuple[int, str, int]]:
    page = await store.feed.after(after, 1000)
    return [(position, turn.run_id, turn.seq) for position, turn in page.turns]


@pytest.mark.spec("S4")
async def test_vacuum_changes_no_position(tmp_path: Path) -> None:
    path = tmp_path / "steps.db"
    store = await opened(path)
    for name in ("a", "b", "c"):
        await write(store, name, 5)
    await store.close()
    db = apsw.Connection(str(path))
    db.execute("DELETE FROM journal WHERE run_id = 'b'")
    before = [
        (position, run_id, seq)
        for position, run_id, seq in db.execute("SELECT position, run_id, seq FROM journal")
    ]
    db.execute("VACUUM")
    db.close()
    store = await opened(path)
    assert await seen(store) == before
    assert before[-1][0] == 15
    await store.close()


@pytest.mark.spec("S4")
async def test_a_position_is_never_given_twice_whatever_is_deleted(tmp_path: Path) -> None:
    path = tmp_path / "steps.db"
    store = await opened(path)
    await write(store, "a", 3)
    await write(store, "b", 3)
    await store.close()
    last = 6
    for gone in ("b", "a", "a-next"):
        db = apsw.Connection(str(path))
        db.execute("DELETE FROM journal WHERE run_id = ?", (gone,))
        db.close()
        store = await opened(path)
        assert await store.feed.position() == last
        new = f"{gone}-next"
        await write(store, new, 2)
        assert await seen(store, last) == [(last + 1, new, 1), (last + 2, new, 2)]
        assert [run_id async for run_id in store.all_runs()] == sorted(
            {run_id for _, run_id, _ in await seen(store)}
        )
        lost = ("b", "a", "a-next").index(gone) + 1
        assert [finding.code async for finding in store.check()] == ["journal_missing"] * lost
        last += 2
        await store.close()


async def test_a_file_of_the_first_schema_keeps_its_order_and_its_hashes(tmp_path: Path) -> None:
    path = tmp_path / "steps.db"
    store = await opened(path)
    for name in ("b", "a"):
        await write(store, name, 4)
    expected = await seen(store)
    loaded = (await store.load("a")).tip
    await store.close()
    _back_to_the_first_schema(path)
    store = await opened(path)
    assert await seen(store) == expected
    assert (await store.load("a")).tip == loaded
    assert [finding async for finding in store.check()] == []
    await store.close()


def _back_to_the_first_schema(path: Path) -> None:
    """The file as a version before the feed would have written it."""
    first = migrations("sqlite")[0]
    old = apsw.Connection(str(path))
    rows = {
        table: old.execute(f"SELECT {columns} FROM {table} ORDER BY rowid").fetchall()
        for table, columns in {"journal": "run_id, seq, at, events, hash"}.items()
    }
    old.execute("PRAGMA writable_schema = off")
    for (name,) in old.execute(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    ).fetchall():
        if name != "schema_migrations":
            old.execute(f"DROP TABLE IF EXISTS {name}")  # the parts of an index of texts go with it
    old.execute(first.script)
    old.execute("DELETE FROM schema_migrations WHERE version > 1")
    for row in rows["journal"]:
        old.execute("INSERT INTO journal VALUES (?, ?, ?, ?, ?)", row)
    for (run_id,) in old.execute("SELECT DISTINCT run_id FROM journal").fetchall():
        old.execute(
            "INSERT INTO runs VALUES (?, 'default', 'orders', '1.0.0', 'abc', 'running', 1, 1, 1, 1, NULL, 0, NULL, "
            "NULL, NULL, NULL, NULL, NULL)",
            (run_id,),
        )
    old.close()


async def test_a_damaged_turn_stops_no_reader(tmp_path: Path) -> None:
    path = tmp_path / "steps.db"
    store = await opened(path)
    await write(store, "a", 2)
    await write(store, "b", 2)
    await store.close()
    db = apsw.Connection(str(path))
    db.execute("UPDATE journal SET events = x'00ff' WHERE run_id = 'a' AND seq = 2")
    db.close()
    store = await opened(path)
    page = await store.feed.after(0, 10)
    assert [(turn.run_id, turn.seq) for _, turn in page.turns] == [("a", 1), ("b", 1), ("b", 2)]
    assert list(page.damaged) == ["a"]
    assert page.last == 4
    await store.close()
