"""What a query costs is that of the page, not of the history: shown by the way that SQLite goes, and by
counting."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import apsw
import pytest

from stepwell.model.journal import RunFilter, RunOrder
from stepwell.model.states import OPEN_RUN, TERMINAL_RUN
from stepwell.stores.migrations import migrations
from stepwell.stores.sqlite import SqliteStore, listing
from stepwell.stores.sqlite.batch import run_row
from stepwell.stores.sqlite.commit import put
from stepwell.stores.sqlite.connection import SQL
from stepwell.testing.store_conformance import Journal, index_row
from tests.support.clock import FakeClock

CURSOR = listing._cursor(index_row("run-0500", created_at=500))

PATHS = {
    "runs_recent": [
        RunFilter(),
        RunFilter(namespace="default"),
        RunFilter(created_after=1, created_before=9),
    ],
    "runs_by_status": [
        RunFilter(status=["failed"]),
        RunFilter(status=["failed", "completed"], namespace="x"),
    ],
    "runs_by_name": [
        RunFilter(name="a"),
        RunFilter(name="a", status=["failed"]),
        RunFilter(name="a", namespace="n"),
    ],
    "runs_by_parent": [RunFilter(parent_id="p"), RunFilter(parent_id="p", name="a", status=["failed"])],
    "runs_by_update": [
        RunFilter(order=RunOrder.UPDATED),
        RunFilter(order=RunOrder.UPDATED, status=["failed", "completed"], name="x"),
    ],
    "PRIMARY KEY (name=? AND value=?": [
        RunFilter(tags={"a": "1"}),
        RunFilter(tags={"a": "1", "b": "2"}, name="x"),
    ],
}


@pytest.fixture
def db() -> Iterator[apsw.Connection]:
    """A history of 2,000 runs that ended and three that have not."""
    made = apsw.Connection(":memory:")
    for step in migrations("sqlite"):
        made.execute(step.script)
    rows = [
        index_row(f"run-{n:04d}", "completed", n, name="a", ended_at=n, tags={"a": "1", "b": str(n % 9)})
        for n in range(2000)
    ]
    rows += [index_row(f"open-{n}", created_at=n) for n in range(3)]
    put(made, "put_runs", [run_row(row, 1, "dead") for row in rows])
    yield made
    made.close()


def plan(db: apsw.Connection, query: str, values: object) -> list[str]:
    return [row[3] for row in db.execute(f"EXPLAIN QUERY PLAN {query}", values)]


def steps(db: apsw.Connection, query: str, values: object) -> int:
    """How many instructions of its machine SQLite takes."""
    count = 0

    def tick() -> bool:
        nonlocal count
        count += 1
        return False

    db.set_progress_handler(tick, 10)
    db.execute(query, values).fetchall()
    db.set_progress_handler(None)
    return count * 10


@pytest.mark.parametrize("index", PATHS)
@pytest.mark.parametrize("cursor", [None, CURSOR], ids=["first page", "later page"])
def test_listings_follow_an_index(db: apsw.Connection, index: str, cursor: str | None) -> None:
    for where in PATHS[index]:
        place = (
            None if cursor is None else listing._cursor(index_row("run-0500", created_at=500), where.order)
        )
        query, values = listing._query(where, place)
        arms = max(1, query.count("UNION ALL") + 1)
        way = plan(db, query, values | {"limit": 5})
        assert sum(index in line for line in way) >= arms, way
        sorts = [line for line in way if "TEMP B-TREE" in line]
        assert len(sorts) == (arms if arms > 1 else 0), way  # no more than a page of each arm is ever sorted
        assert not [
            line for line in way if line.startswith("SCAN") and "INDEX" not in line and "(sub" not in line
        ], way


@pytest.mark.parametrize("where", [RunFilter(), RunFilter(name="a"), RunFilter(status=["completed"]),
                                   RunFilter(status=["failed", "completed"]), RunFilter(tags={"a": "1"})], ids=str)  # fmt: skip
def test_a_page_costs_the_same_wherever_it_is(db: apsw.Connection, where: RunFilter) -> None:
    costs = []
    for cursor in (None, CURSOR):
        query, values = listing._query(where, cursor)
        costs.append(steps(db, query, values | {"limit": 10}))
    assert max(costs) < 3000
    assert max(costs) < 2 * min(costs) + 500


@pytest.mark.parametrize("order", RunOrder)
def test_listing_what_is_open_costs_what_is_open(db: apsw.Connection, order: RunOrder) -> None:
    query, values = listing._query(RunFilter(open=True, order=order), None)
    assert all(
        "runs_by_status" in line or "runs" not in line for line in plan(db, query, values | {"limit": 10})
    )
    assert steps(db, query, values | {"limit": 10}) < 1500
    lost = RunFilter(open=True, order=order, not_owners=["engine-1"])
    query, values = listing._query(lost, None)
    assert "runs_open" in plan(db, query, values | {"limit": 10})[0]


def test_counting_reads_an_index_and_no_rows(db: apsw.Connection) -> None:
    way = plan(db, SQL["list_counts"].format(source="runs", conditions="true"), {})
    assert "COVERING INDEX runs_by_status" in way[0], way


def test_adopting_costs_what_is_open(db: apsw.Connection) -> None:
    wanted = {"engine": "engine-1", "only": None, "owner": "dead", "codes": "[]"}
    for name in ("owners_of_open_runs", "adopt_from", "open_runs_of"):
        way = plan(db, SQL[name], wanted)
        assert "runs_open" in way[0], way
        assert steps(db, SQL[name], wanted) < 500


def test_looking_for_notices_costs_what_there_is(db: apsw.Connection) -> None:
    assert steps(db, SQL["has_notices"], {"engine": "e", "codes": "[]"}) < 100
    assert steps(db, SQL["take_notices"], {"engine": "e"}) < 100


@pytest.mark.parametrize("status", sorted(OPEN_RUN | TERMINAL_RUN))
async def test_runs_that_have_not_ended_are_adopted(tmp_path: Path, status: str) -> None:
    first = await SqliteStore.open(tmp_path / "x.db", clock=FakeClock(), engine_id="engine-1", warm=0)
    await Journal(first, "run-1").add(row=index_row("run-1", status))
    await first.close()
    second = await SqliteStore.open(tmp_path / "x.db", clock=FakeClock(), engine_id="engine-2", warm=0)
    assert await second.adopt("engine-2") == (["run-1"] if status in OPEN_RUN else [])
    await second.close()


async def test_a_run_that_is_opened_again_is_adopted_again(tmp_path: Path) -> None:
    first = await SqliteStore.open(tmp_path / "x.db", clock=FakeClock(), engine_id="engine-1", warm=0)
    guest = await SqliteStore.open(tmp_path / "x.db", clock=FakeClock(), warm=0)
    run = Journal(first, "run-1")
    await run.add(row=index_row("run-1", "failed"))
    await first.close()
    run.store = guest
    await run.add(row=index_row("run-1", "running"))
    second = await SqliteStore.open(tmp_path / "x.db", clock=FakeClock(), engine_id="engine-2", warm=0)
    assert await second.adopt("engine-2") == ["run-1"]
    await guest.close()
    await second.close()
