"""Search attributes from outside: at start, by a step, by an operator; found, refused, rebuilt (SPEC Q18)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from stepwell import InvalidInput, NotFound, TransitionRefused, current
from stepwell.client.where import read_where
from stepwell.model import attributes as a
from tests.engine.helpers import FakeClock, flow, open_at

NOTHING = flow("do:\n  - a: {set: {x: 1}}\n")
CALL = flow("do:\n  - a: {call: python, with: {function: work}}\n")
WAIT = flow("do:\n  - a: {wait: {hours: 1}}\n")


async def ids(engine: Any, where: Any) -> list[str]:
    return [run["run_id"] for run in (await engine.list(where=where))["runs"]]


@pytest.mark.spec("Q18")
async def test_runs_are_found_by_what_they_were_started_with(tmp_path: Path) -> None:
    due = datetime(2026, 5, 1, 12, tzinfo=timezone(timedelta(hours=2)))
    async with open_at(tmp_path / "a.db") as engine:
        small = (await engine.start(NOTHING, attributes={"amount": 7, "region": "us"})).run_id
        large = (await engine.start(NOTHING, attributes={"amount": 120.5, "region": "eu", "due": due})).run_id
        plain = (await engine.start(NOTHING)).run_id
        for run_id in (small, large, plain):
            await engine.wait(run_id)
        assert await ids(engine, 'amount > 100 and region = "eu"') == [large]
        assert await ids(engine, {"or": [{"amount": {"le": 7}}, {"region": {"in": ["eu", "asia"]}}]}) == [
            large,
            small,
        ]
        assert await ids(engine, "not exists(amount)") == [plain]
        assert await ids(engine, "due < @2026-05-01T10:00:01Z and due >= @2026-05-01T10:00:00Z") == [large]
        assert await ids(engine, {"due": datetime(2026, 5, 1, 10, tzinfo=UTC)}) == [large]
        shown = await engine.show(large)
        assert shown["attributes"]["due"] == {"datetime": "2026-05-01T10:00:00.000000Z"}


@pytest.mark.spec("Q18")
async def test_a_step_sets_attributes_of_its_run(tmp_path: Path) -> None:
    def work() -> None:
        current().set_attributes({"amount": 5, "at": datetime(2026, 1, 1, tzinfo=UTC)}, remove=["draft"])

    async def awork() -> None:
        await current().aset_attributes({"amount": 6})

    for function in (work, awork):
        async with open_at(tmp_path / f"{function.__name__}.db", functions={"work": function}) as engine:
            run_id = (await engine.start(CALL, attributes={"draft": True})).run_id
            await engine.wait(run_id)
            assert (await engine.attributes(run_id))["amount"] == (5 if function is work else 6)
            assert await ids(engine, "exists(draft)") == ([] if function is work else [run_id])
            kinds = [event["type"] async for event in engine.history(run_id)]
            assert kinds.count("run.attributes_set") == 1


def in_process() -> None:
    current().set_attributes({"where": "child"})


@pytest.mark.spec("Q18")
async def test_a_step_in_its_own_process_sets_attributes(tmp_path: Path) -> None:
    source = flow(
        "do:\n  - a: {call: python, with: {function: 'tests.client.test_attributes:in_process', process: true}}\n"
    )
    async with open_at(tmp_path / "a.db") as engine:
        run_id = (await engine.start(source)).run_id
        view = await engine.wait(run_id)
        assert view["status"] == "completed", view["error"]
        assert await ids(engine, "where = 'child'") == [run_id]


@pytest.mark.spec("Q18")
async def test_an_operator_changes_them_while_it_runs_and_after(tmp_path: Path) -> None:
    clock = FakeClock()
    async with open_at(tmp_path / "a.db", clock) as engine:
        run_id = (await engine.start(WAIT, attributes={"stage": "new", "n": 1})).run_id
        async with open_at(tmp_path / "a.db", clock, guest=True) as guest:
            await guest.set_attributes(run_id, {"stage": "seen"}, remove=["n"])
        assert await ids(engine, "stage = 'seen'") == [run_id]
        await engine.set_attributes(run_id, {"stage": "seen"})  # nothing new: no turn
        assert [e["type"] async for e in engine.history(run_id)].count("run.attributes_set") == 1
        await engine.cancel(run_id)
        await engine.wait(run_id)
        await engine.set_attributes(run_id, {"stage": "done", "n": "a text now"})
        assert await engine.attributes(run_id) == {"stage": "done", "n": "a text now"}
        assert (await engine.doctor())["ok"]
    async with open_at(tmp_path / "a.db", clock, recover=False) as again:
        assert await ids(again, "stage = 'done'") == [run_id]
        view = await again.doctor(rebuild=True)
        assert view["ok"], view["findings"]
        assert await ids(again, "stage = 'done'") == [run_id]


@pytest.mark.spec("Q18")
@pytest.mark.parametrize(
    "given",
    [
        {"a": None}, {"a": [1]}, {"a": {}}, {"a": float("nan")}, {"a": 2**63}, {"a": "x" * 1_001}, {"": 1},
        {"and": 1}, {"1a": 1}, {"a" * 65: 1}, {"a": datetime(2026, 1, 1)}, {"a": {"datetime": "soon"}},
        {f"a{n}": n for n in range(65)},
    ],
    ids=lambda given: repr(given)[:40],
)  # fmt: skip
async def test_what_is_no_attribute_is_refused_and_changes_nothing(
    tmp_path: Path, given: dict[str, Any]
) -> None:
    async with open_at(tmp_path / "a.db", FakeClock()) as engine:
        with pytest.raises(InvalidInput):
            await engine.start(WAIT, attributes=given)
        run_id = (await engine.start(WAIT, attributes={"kept": 1})).run_id
        with pytest.raises(InvalidInput):
            await engine.set_attributes(run_id, given)
        with pytest.raises(InvalidInput, match="cannot become"):
            await engine.set_attributes(run_id, {"kept": "text", "other": 1})
        assert await engine.attributes(run_id) == {"kept": 1}
        assert len((await engine.list())["runs"]) == 1
        with pytest.raises(NotFound):
            await engine.set_attributes("nobody", {"a": 1})


async def test_a_result_that_comes_too_late_sets_nothing(tmp_path: Path) -> None:
    async with open_at(tmp_path / "a.db", FakeClock()) as engine:
        run_id = (await engine.start(NOTHING)).run_id
        await engine.wait(run_id)
        from stepwell.model.commands import SetAttributes

        with pytest.raises(TransitionRefused):
            await engine.engine.command(run_id, SetAttributes({"a": 1}, step="/do/0/a", attempt=1))


async def test_secrets_are_masked(tmp_path: Path) -> None:
    async with open_at(tmp_path / "a.db", FakeClock(), secrets={"token": "hush-hush"}) as engine:
        run_id = (await engine.start(WAIT, attributes={"note": "it is hush-hush"})).run_id
        assert await engine.attributes(run_id) == {"note": "it is ***"}
        await engine.set_attributes(run_id, {"note": "still hush-hush."})
        assert await engine.attributes(run_id) == {"note": "still ***."}


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("a = 1", a.Compare("a", "eq", 1)),
        ("a <> -2.5e3", a.Compare("a", "ne", -2500.0)),
        ('a == "x \\" y\\n"', a.Compare("a", "eq", 'x " y\n')),
        ("a = 'it is \\ raw'", a.Compare("a", "eq", "it is \\ raw")),
        ("a = TRUE", a.Compare("a", "eq", True)),
        ("a >= @2026-01-02", a.Compare("a", "ge", {"datetime": "2026-01-02T00:00:00.000000Z"})),
        ("a in (1, 'x')", a.Among("a", (1, "x"))),
        (
            "a = 1 or b = 2 and not c = 3",
            a.Some((a.Compare("a", "eq", 1),
                    a.Every((a.Compare("b", "eq", 2), a.Not(a.Compare("c", "eq", 3)))))),
        ),
        ("(a = 1 or exists(b.c-d)) and a=2",
         a.Every((a.Some((a.Compare("a", "eq", 1), a.Exists("b.c-d"))), a.Compare("a", "eq", 2)))),
    ],
)  # fmt: skip
def test_text_means(text: str, meaning: a.Where) -> None:
    if "@" in text:
        text += "T00:00:00Z"
    assert read_where(text) == meaning


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("", 1), ("a", 2), ("a >", 4), ("a > b", 5), ("a = 1 b", 7), ("a = 1 and", 10), ("(a = 1", 7), ("a in 1", 6),
        ("a in (1", 8), ("a = 'x", 5), ("and = 1", 1), ("a = 1;", 6), ("a > true", 5), ("a = @never", 5),
        ("not " * 30 + "a = 1", 81), ("exists a", 8), ("a = 99999999999999999999", 5), ("a = 1x", 5), ("a = 1e999", 5),
        ('a = "\\q"', 5), ("a = @2026-01-01T00:00:00", 5),
    ],
)  # fmt: skip
def test_text_that_means_nothing_is_refused_with_its_place(text: str, column: int) -> None:
    with pytest.raises(InvalidInput, match=f"column {column} "):
        read_where(text)


@pytest.mark.parametrize(
    "data",
    [
        {}, [], {"a": {}}, {"a": {"gt": None}}, {"a": {"like": "x"}}, {"and": []}, {"or": {}}, {"not": 1},
        {"a": {"in": []}}, {"a": {"exists": 1}}, {"a": {"lt": True}}, {"a b": 1},
        {"or": [{"a": n} for n in range(51)]},
    ],
    ids=repr,
)  # fmt: skip
def test_data_that_means_nothing_is_refused(data: Any) -> None:
    with pytest.raises(InvalidInput):
        read_where(data)


def test_a_deep_filter_is_refused() -> None:
    deep: Any = {"a": 1}
    for _ in range(30):
        deep = {"not": deep}
    with pytest.raises(InvalidInput, match="levels deep"):
        read_where(deep)
