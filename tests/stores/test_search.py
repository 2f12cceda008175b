"""Searches that are led another way find the same: along an index in its order, and through all runs (SPEC N17)."""

from __future__ import annotations

import asyncio
from pathlib import Path

import apsw
import pytest

from stepwell.model.search import RUN_SORTS, Ask, Every, Pair, Place, Query, Sort
from stepwell.stores.sqlite import leads
from stepwell.stores.sqlite.connection import migrations
from stepwell.stores.sqlite.search import run_query
from stepwell.stores.sqlite.store import SqliteStore
from stepwell.testing.store_conformance.search import (
    COMBINED,
    QUESTIONS,
    holds,
    in_order,
    rows_of_all_kinds,
)
from stepwell.testing.store_conformance.support import Journal
from tests.support.clock import FakeClock

SORTS = [Sort(key, descending) for key in RUN_SORTS for descending in (False, True)]


@pytest.mark.spec("N17")
@pytest.mark.parametrize(("sharp", "most"), [(0, 0), (0, 20_000), (10, 20)])
async def test_every_way_finds_the_same(
    tmp_path: Path, sharp: int, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leads, "SHARP", sharp)
    monkeypatch.setattr(leads, "MOST", most)
    store = await SqliteStore.open(tmp_path / "a.db", clock=FakeClock(), warm=0)
    rows = rows_of_all_kinds(90)
    await asyncio.gather(*[Journal(store, row.id).send(row=row) for row in rows])
    for number, query in enumerate((*QUESTIONS, *COMBINED)):
        for sort in (SORTS[0], SORTS[1], SORTS[number % len(SORTS)]):
            wanted = [row.id for row in in_order([row for row in rows if holds(query, row)], sort)]
            found: list[str] = []
            place: Place | None = None
            while place is not None or not found:
                page = await store.search.runs(query, sort, 11, place)
                found += [row.id for row in page.rows]
                place = page.next
                if place is None:
                    break
            assert found == wanted, (query, sort)
    await store.close()


MARKS = "PRIMARY KEY (kind=? AND name=? AND value=?"


@pytest.mark.spec("N17")
@pytest.mark.parametrize(
    ("query", "sharp", "index"),
    [
        (None, 0, "runs_recent"),
        (Ask("label", "engine"), 2_000, MARKS),
        (Ask("label", "engine"), -1, MARKS),
        (Ask("property", Pair("stand", "A2")), -1, MARKS),
        (Every((Ask("archived", value=False), Ask("author", "ada"))), -1, MARKS),
        (Ask("state", ("failed",)), -1, "runs_by_status (status=?)"),
        (Ask("text", "leak check"), 2_000, "run_grams VIRTUAL TABLE INDEX"),
        (Ask("text", "leak check"), -1, "runs_recent"),
        (Ask("name", "orders"), 2_000, "runs_by_name (name=?)"),
    ],
)
async def test_an_index_leads_to_what_is_found(
    tmp_path: Path, query: Query | None, sharp: int, index: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`sharp` -1: more is found than can be sorted; then it is gone through in the order that is wanted."""
    store = await SqliteStore.open(tmp_path / "a.db", clock=FakeClock(), warm=0)
    await store.close()
    monkeypatch.setattr(leads, "SHARP", sharp)
    db = apsw.Connection(str(tmp_path / "a.db"))
    sql, values = run_query(db, query, Sort("created", descending=True), None)
    plan = [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {sql}", values | {"limit": 10})]
    assert any(index in line for line in plan), plan
    assert any("ORDER BY" in line for line in plan) == (sharp > 0), plan
    db.close()


@pytest.mark.spec("N17")
async def test_an_older_file_is_brought_up_to_date(tmp_path: Path) -> None:
    """When its runs began, and which queue they were in, is read from their journals."""
    db = apsw.Connection(str(tmp_path / "a.db"))
    script = {step.name: step.script for step in migrations("sqlite")}
    for name, text in script.items():
        if name == "search":
            break
        db.execute(text)
    for run_id, events in (
        ("a", '[{"type":"run.created","queue":"mail"}]'),
        ("b", '[{"type":"run.created","input":NaN},{"type":"run.started"}]'),
    ):
        db.execute(
            "INSERT INTO journal (run_id, seq, at, events, hash) VALUES (?, 1, 5, ?, x'00')",
            (run_id, events.encode()),
        )
        db.execute(
            "INSERT INTO runs (id, namespace, name, version, definition_hash, status, open, seq, created_at, updated_at,"
            " priority) VALUES (?, 'n', 'n', '1', 'h', 'running', 1, 1, 5, 5, 0)",
            (run_id,),
        )
    db.execute(
        "INSERT INTO journal (run_id, seq, at, events, hash) VALUES ('a', 2, 9, ?, x'00')",
        (b'[{"type":"run.started"}]',),
    )
    db.execute(script["search"])
    found = db.execute("SELECT id, started_at, queue, archived FROM runs ORDER BY id").fetchall()
    assert found == [("a", 9, "mail", 0), ("b", 5, None, 0)]
    db.close()
